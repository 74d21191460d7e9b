//! The tags of PPPoE discovery (RFC 2516 appendix A): type, length, value.

use crate::wire::field::{DataKind, FieldDef, FieldDefault, Protocol, computed, number};

/// What a profile may list under `tags`.
pub(super) const TAGS: &[&Protocol] = &[
    &SERVICE_NAME,
    &AC_NAME,
    &HOST_UNIQ,
    &AC_COOKIE,
    &VENDOR_SPECIFIC,
    &RELAY_SESSION_ID,
    &END_OF_LIST,
    // Takes what the others do not.
    &TAG,
];

const LENGTH: FieldDef = computed(
    "length",
    16,
    16,
    FieldDefault::HeaderLength { unit: 1, less: 4 },
    "Bytes of the value",
);

/// Type and length.
const fn fields(kind: u128) -> [FieldDef; 2] {
    [number("type", 0, 16, kind, "Type"), LENGTH]
}

/// The service that is asked for; empty: any.
pub(super) static SERVICE_NAME: Protocol =
    Protocol::new("service_name", "Service asked for; empty: any", &const { fields(0x0101) })
        .data("name", DataKind::Text, "Name")
        .select(&[("type", &[0x0101])]);
static AC_NAME: Protocol =
    Protocol::new("ac_name", "Access concentrator's name", &const { fields(0x0102) })
        .data("name", DataKind::Text, "Name")
        .select(&[("type", &[0x0102])]);
static HOST_UNIQ: Protocol =
    Protocol::new("host_uniq", "The host's mark, which replies repeat", &const { fields(0x0103) })
        .data("value", DataKind::Bytes, "Value")
        .select(&[("type", &[0x0103])]);
static AC_COOKIE: Protocol =
    Protocol::new("ac_cookie", "The access concentrator's cookie", &const { fields(0x0104) })
        .data("value", DataKind::Bytes, "Value")
        .select(&[("type", &[0x0104])]);
static VENDOR_SPECIFIC: Protocol = Protocol::new(
    "vendor_specific",
    "A vendor's own",
    &[
        number("type", 0, 16, 0x0105, "Type"),
        LENGTH,
        number("vendor", 32, 32, 0, "Vendor: IANA enterprise number, the upper byte 0"),
    ],
)
.data("value", DataKind::Bytes, "Value")
.select(&[("type", &[0x0105])]);
static RELAY_SESSION_ID: Protocol =
    Protocol::new("relay_session_id", "A relay's session", &const { fields(0x0110) })
        .data("value", DataKind::Bytes, "Value")
        .select(&[("type", &[0x0110])]);
static TAG: Protocol =
    Protocol::new("tag", "Any tag", &const { fields(0) }).data("value", DataKind::Bytes, "Value");
static END_OF_LIST: Protocol =
    Protocol::new("end_of_list", "End of the list", &const { fields(0) })
        .select(&[("type", &[0]), ("length", &[0])]);

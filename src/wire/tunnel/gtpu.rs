//! GTP-U (3GPP TS 29.281 §5): G-PDUs, with the PDU session container (TS 38.415 §5.5).

use crate::wire::field::{
    FieldDefault, OptionalPart, OptionsDef, Padding, Protocol, Space, computed, number,
};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "gtpu",
    "GTP-U version 1 (3GPP TS 29.281): an IP packet follows",
    &[
        number("version", 0, 3, 1, "Version"),
        number("protocol_type", 3, 1, 1, "Protocol type: 1 GTP"),
        number("reserved", 4, 1, 0, "Reserved"),
        computed(
            "extension_flag",
            5,
            1,
            FieldDefault::IsSet("next_extension"),
            "1: extension headers follow",
        ),
        computed(
            "sequence_flag",
            6,
            1,
            FieldDefault::IsSet("sequence"),
            "1: the sequence number holds",
        ),
        computed("n_pdu_flag", 7, 1, FieldDefault::IsSet("n_pdu"), "1: the N-PDU number holds"),
        number("message_type", 8, 8, 255, "Message type: 255 G-PDU"),
        computed(
            "length",
            16,
            16,
            FieldDefault::Length { skip: 8 },
            "Bytes behind the tunnel endpoint identifier",
        ),
        number("teid", 32, 32, 1, "Tunnel endpoint identifier"),
    ],
)
.optional(&[OptionalPart {
    flag: "",
    len: 4,
    fields: &[
        number("sequence", 0, 16, 0, "Sequence number"),
        number("n_pdu", 16, 8, 0, "N-PDU number"),
        computed(
            "next_extension",
            24,
            8,
            FieldDefault::NextOption(Space::GtpExtension),
            "Type of the first extension header; 0: none",
        ),
    ],
}])
.options(OptionsDef {
    name: "extensions",
    kinds: &[&PDU_SESSION_CONTAINER],
    align: 1,
    padding: Padding::Zeros,
    align_each: 4,
})
.numbers(&[(Space::UdpPort, 2152)])
.next(Space::IpPacket)
.examples(&[
    "[ipv4, udp, gtpu: {teid: 0x1234}, ipv4, udp]",
    "[ipv6, udp: {src: 2152}, gtpu: {sequence: {increment: 0}}, ipv6, udp]",
    "[ipv4, udp, gtpu: {n_pdu: 7, extensions: [pdu_session_container: {qfi: 9}]}, ipv4, udp]",
]);

/// Its layout is that without the optional parts (delays, paging policy).
static PDU_SESSION_CONTAINER: Protocol = Protocol::new(
    "pdu_session_container",
    "PDU session container (3GPP TS 38.415)",
    &[
        computed(
            "length",
            0,
            8,
            FieldDefault::HeaderLength { unit: 4, less: 0 },
            "Bytes of the extension header in units of 4",
        ),
        number("pdu_type", 8, 4, 0, "PDU type: 0 downlink, 1 uplink"),
        number("spare", 12, 4, 0, "Spare"),
        number("ppp", 16, 1, 0, "Downlink: 1 where a paging policy stands behind"),
        number("rqi", 17, 1, 0, "Downlink: reflective QoS"),
        number("qfi", 18, 6, 1, "QoS flow identifier"),
        computed(
            "next_extension",
            24,
            8,
            FieldDefault::NextOption(Space::GtpExtension),
            "Type of the next extension header; 0: none",
        ),
    ],
)
.numbers(&[(Space::GtpExtension, 0x85)]);

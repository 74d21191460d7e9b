//! Options of an IPv4 header that is repeated in the fragments.

use crate::profile::model::{FieldValue, Header};
use crate::wire::field::{FieldDefault, ProtocolKind};

/// Set in the type of an option that is in every fragment (RFC 791 §3.1).
const COPIED: u128 = 0x80;

/// Makes an IPv4 header that of a later fragment: no operations stand in for the options that are in
/// the first alone. The header keeps its length, as in Linux (`ip_options_fragment` in
/// net/ipv4/ip_options.c). Other headers stay as they are.
pub(super) fn of_later_fragment(header: &mut Header) {
    let kinds = header.protocol.options.as_ref().map_or(&[][..], |options| options.kinds);
    let nop = kinds.iter().find(|kind| kind.name == "nop");
    let (ProtocolKind::Ipv4, Some(nop)) = (header.protocol.kind, nop) else { return };
    let options = std::mem::take(&mut header.options);
    header.options = options
        .into_iter()
        .flat_map(|option| match is_copied(&option) {
            Some(false) => vec![Header::new(nop); option.len()],
            _ => vec![option],
        })
        .collect();
}

/// What an option's type says; None where it changes, and of the end of the list.
fn is_copied(option: &Header) -> Option<bool> {
    let kind = match option.setting("type") {
        Some(FieldValue::Fixed(kind)) => *kind,
        Some(_) => return None,
        None => match option.protocol.field("type")?.default {
            FieldDefault::Constant(kind) => kind,
            _ => return None,
        },
    };
    (kind != 0).then_some(kind & COPIED != 0)
}

//! Options that a header counts: all of them, or each kind on its own (DNS's sections).

use super::{MAX_OPTIONS, fixed};
use crate::profile::model::Header;
use crate::wire::field::{FieldDefault, Protocol};

/// How many options the header says that it has; more than any header has where it does not say.
pub(super) fn option_count(header: &Header) -> usize {
    let counts = header.protocol.fields.iter().filter_map(|field| {
        let less = match field.default {
            FieldDefault::OptionCount { less } => usize::from(less),
            FieldDefault::OptionsNamed(_) => 0,
            _ => return None,
        };
        Some(fixed(header, field.name)? as usize + less)
    });
    counts.reduce(usize::saturating_add).map_or(usize::MAX, |count| count.min(MAX_OPTIONS))
}

/// Whether the next option of the header may be one of `kind`: where kinds are counted on their
/// own, those that are counted first stand first.
pub(super) fn may_come(header: &Header, kind: &Protocol) -> bool {
    let mut before = header.options.len();
    let mut counted = false;
    for field in header.protocol.fields {
        let FieldDefault::OptionsNamed(names) = field.default else { continue };
        let count = fixed(header, field.name).unwrap_or(0) as usize;
        if before < count {
            return names.contains(&kind.name);
        }
        before -= count;
        counted = true;
    }
    !counted
}

//! parse(build(x)) = x: a packet of a stack, taken apart, is the stack with its values.
//!
//! What cannot be known from the bytes:
//!
//! - `fragment_offset`: a later fragment holds payload only, so it is never set here;
//! - `raw`: bytes of the profile's own; they are left out of the stacks;
//! - an option of any type that has the bytes of a named one ([`SAME_BYTES`]);
//! - options at a list's end that look like the padding behind it ([`PADDING`]);
//! - parts that only the other side knows of (`stacks::told`);
//! - that payload follows, where nothing names what does: it is taken for a header.

use proptest::prelude::*;
use wirestorm::packet::dissect::dissect;
use wirestorm::profile::model::{FieldValue, Header};
use wirestorm::wire::field::FieldDef;

use super::stacks::takes_payload_for_a_header;

/// Options by the name that was built and the one that its bytes have.
const SAME_BYTES: [(&str, &str); 4] =
    [("raw", "experiment"), ("basic_security", "security"), ("answer", "a"), ("answer", "aaaa")];

/// Options that are as good as padding where nothing but padding follows.
const PADDING: [&str; 3] = ["eol", "pad1", "pad_n"];

pub fn check(stack: &[Header], frame: &[u8], index: u64) -> Result<(), TestCaseError> {
    let found = dissect(frame);
    let names = |headers: &[Header]| -> Vec<&str> {
        headers.iter().map(|header| header.protocol.name).collect()
    };
    let (built, seen) = (names(stack), names(&found.headers));
    let last = stack.last().expect("never empty").protocol;
    if takes_payload_for_a_header(last) {
        prop_assert!(seen.starts_with(&built), "{:?} is taken for {:?}", built, seen);
    } else {
        prop_assert_eq!(&built, &seen);
        let len: usize = stack.iter().map(Header::len).sum();
        prop_assert_eq!(found.payload_at, len);
    }
    for (built, seen) in stack.iter().zip(&found.headers) {
        same(built, seen, index)?;
    }
    Ok(())
}

fn same(built: &Header, seen: &Header, index: u64) -> Result<(), TestCaseError> {
    let name = built.protocol.name;
    prop_assert_eq!(built.len(), seen.len(), "length of {}", name);
    prop_assert_eq!(built.data(), seen.data(), "data of {}", name);
    for setting in &built.fields {
        let field = setting.field;
        let Some(FieldValue::Fixed(value)) = seen.setting(field.name) else {
            return Err(TestCaseError::fail(format!("{name}.{} is not seen", field.name)));
        };
        match expected(field, &setting.value, index) {
            Ok(right) => prop_assert_eq!(*value, right, "{}.{}", name, field.name),
            Err((low, high)) => {
                prop_assert!((low..=high).contains(value), "{}.{}", name, field.name);
            }
        }
    }
    prop_assert!(seen.options.len() <= built.options.len(), "{}: {:?}", name, seen.options);
    let (matched, padding) = built.options.split_at(seen.options.len());
    for option in padding {
        prop_assert!(PADDING.contains(&option.protocol.name), "{} is lost", option.protocol.name);
    }
    for (built, seen) in matched.iter().zip(&seen.options) {
        let names = (built.protocol.name, seen.protocol.name);
        if names.0 == names.1 {
            same(built, seen, index)?;
        } else {
            prop_assert!(SAME_BYTES.contains(&names), "{:?}", names);
            prop_assert_eq!(built.len(), seen.len(), "{:?}", names);
        }
    }
    Ok(())
}

/// The value that a field must have, computed in 128 bits; `Err`: any in the range.
fn expected(field: &FieldDef, value: &FieldValue, index: u64) -> Result<u128, (u128, u128)> {
    Ok(match value {
        FieldValue::Fixed(value) => *value,
        FieldValue::List(list) => list[(index % list.len() as u64) as usize],
        FieldValue::Counter { start, step, count } => {
            start.wrapping_add(step.wrapping_mul((index % count).into())) & field.max()
        }
        FieldValue::Random { low, high } => return Err((*low, *high)),
        other => unreachable!("{other:?} is not made here"),
    })
}

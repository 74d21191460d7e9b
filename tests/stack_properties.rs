//! Random stacks of all headers, with random options, data, values and sizes: taken apart they are
//! what was built, their lengths and checksums add up, and a frame that holds an older packet
//! becomes the same packet. `tests/links/nesting.rs` judges the same tables by what names what.

#[path = "stack_properties/adds_up.rs"]
mod adds_up;
mod packet_invariants;
mod packets;
#[path = "stack_properties/stacks.rs"]
mod stacks;
#[path = "stack_properties/taken_apart.rs"]
mod taken_apart;

use std::fmt;

use packets::{addressing, profile, stream};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use wirestorm::packet::compile::{Problem, compile};
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile::model::{Header, Payload, Profile, Size, Stream};
use wirestorm::units::FrameSize;
use wirestorm::wire::protocols;

fn any_choices() -> impl Strategy<Value = Vec<(u32, u64)>> {
    prop::collection::vec(any::<(u32, u64)>(), 1..9)
}

fn any_size(shortest: u32) -> impl Strategy<Value = Size> {
    let size = move || (shortest..shortest + 200).prop_map(FrameSize);
    prop_oneof![
        4 => size().prop_map(Size::Fixed),
        1 => prop::collection::vec(size(), 1..5).prop_map(Size::List),
        1 => (size(), size())
            .prop_map(|(a, b)| Size::Random { low: a.min(b), high: a.max(b) }),
    ]
}

/// A stream that is told in a few lines.
struct Case(Stream);

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}, payload {:?}, tag {}", self.0.size, self.0.payload, self.0.tag)?;
        self.0.headers.iter().try_for_each(|header| told(header, 2, f))
    }
}

fn told(header: &Header, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fields: Vec<String> =
        header.fields.iter().map(|set| format!("{}: {:?}", set.field.name, set.value)).collect();
    write!(f, "{:indent$}{}: {}", "", header.protocol.name, fields.join(", "))?;
    writeln!(f, " data {:02x?}", header.data)?;
    header.options.iter().try_for_each(|option| told(option, indent + 2, f))
}

fn any_case() -> impl Strategy<Value = Case> {
    let payload = prop_oneof![
        any::<u8>().prop_map(Payload::Fill),
        Just(Payload::Increment),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(Payload::Bytes),
    ];
    (any_choices(), payload, any::<bool>()).prop_flat_map(|(choices, payload, tag)| {
        let stack = stacks::stack_of(&choices);
        let len: usize = stack.iter().map(Header::len).sum();
        any_size(len as u32 + 4).prop_map(move |size| {
            let (headers, payload) = (stack.clone(), payload.clone());
            Case(Stream { payload, tag, size, runts: true, ..stream(headers, 64) })
        })
    })
}

/// The stream's program; None where it is more than the program format holds.
fn compiled(profile: &Profile) -> Option<StreamProgram> {
    match compile(profile, 0, &addressing(), 3) {
        Ok(program) => Some(program),
        Err(error) => {
            let holds_no_more = matches!(
                error.problem,
                Problem::TooMany { .. }
                    | Problem::LengthOfOddWidth { .. }
                    | Problem::LengthIsEtherType { .. }
            );
            assert!(holds_no_more, "{error}");
            None
        }
    }
}

fn built(program: &StreamProgram, index: u64, frame: &mut [u8], holds_template: bool) -> usize {
    let len = program.build(index, frame, holds_template);
    program.stamp(index, frame, index ^ 0x5555, index);
    len
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2500))]

    #[test]
    fn a_packet_is_its_stack(
        case in any_case(), seed: u64,
        indices in prop::collection::vec(prop_oneof![0u64..100, any::<u64>()], 1..5),
    ) {
        let stack = case.0.headers.clone();
        let profile = Profile { seed, ..profile(vec![case.0]) };
        if let Some(program) = compiled(&profile) {
            let mut reused = vec![0xa5; program.max_frame_len() + 1];
            for (n, &index) in indices.iter().enumerate() {
                let mut frame = vec![0xa5; program.max_frame_len() + 1];
                let len = built(&program, index, &mut frame, false);
                prop_assert_eq!(frame.last(), Some(&0xa5));
                let again = built(&program, index, &mut reused, n > 0);
                prop_assert_eq!(&reused[..again], &frame[..len]);
                taken_apart::check(&stack, &frame[..len], index)?;
                adds_up::check(&stack, &frame[..len])?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_packet_is_explained(case in any_case(), index: u64) {
        if let Some(program) = compiled(&profile(vec![case.0])) {
            let mut frame = vec![0; program.max_frame_len()];
            let len = built(&program, index, &mut frame, false);
            packet_invariants::check(&frame[..len]);
        }
    }
}

/// The strategy reaches all: what it left out would not be tested.
#[test]
fn every_header_and_option_is_reached() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_choices();
    let mut reached = std::collections::BTreeSet::new();
    let mut refused = 0;
    const STACKS: usize = 30_000;
    for _ in 0..STACKS {
        let choices = strategy.new_tree(&mut runner).expect("a tree").current();
        let stack = stacks::stack_of(&choices);
        for header in &stack {
            reached.insert(header.protocol.name.to_owned());
            for option in &header.options {
                reached.insert(format!("{}.{}", header.protocol.name, option.protocol.name));
            }
        }
        let len: usize = stack.iter().map(Header::len).sum();
        let stream = Stream { runts: true, ..stream(stack, len as u32 + 40) };
        refused += usize::from(compiled(&profile(vec![stream])).is_none());
    }
    for protocol in protocols().iter().filter(|protocol| !stacks::is_left_out(protocol)) {
        assert!(reached.contains(protocol.name), "{} is never reached", protocol.name);
        for option in protocol.options.iter().flat_map(|def| def.kinds) {
            let name = format!("{}.{}", protocol.name, option.name);
            assert!(reached.contains(&name), "{name} is never reached");
        }
    }
    assert!(refused < STACKS / 50, "{refused} of {STACKS} stacks are refused");
}

//! Tunnels in tunnels: every checksum is what a plain computation over the packet's bytes says,
//! though what cancels out is never added up; and one field costs what it costs in plain UDP.

#[path = "stack_properties/adds_up.rs"]
mod adds_up;
mod nested;
mod packets;

use packets::{addressing, header, headers, profile, program, stream};
use proptest::prelude::*;
use wirestorm::packet::compile::{Problem, compile};
use wirestorm::profile::model::{FieldValue, Profile};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn incremental_is_full(
        stream in nested::any_stream(true), seed: u64,
        indices in prop::collection::vec(prop_oneof![0u64..100, any::<u64>()], 1..6),
    ) {
        let stack = stream.headers.clone();
        let profile = Profile { seed, ..profile(vec![stream]) };
        let program = match compile(&profile, 0, &addressing(), 3) {
            Ok(program) => program,
            Err(error) => {
                prop_assert!(matches!(error.problem, Problem::TooMany { .. }), "{}", error);
                return Ok(());
            }
        };
        let mut reused = vec![0xa5; program.max_frame_len()];
        for (n, &index) in indices.iter().enumerate() {
            let mut frame = vec![0xa5; program.max_frame_len()];
            let len = program.build(index, &mut frame, false);
            program.stamp(index, &mut frame, index ^ 0x5555, index);
            let again = program.build(index, &mut reused, n > 0);
            program.stamp(index, &mut reused, index ^ 0x5555, index);
            prop_assert_eq!(&reused[..again], &frame[..len]);
            adds_up::check(&stack, &frame[..len])?;
        }
    }
}

/// Stacks around UDP whose every outer checksum covers the inner one too.
const AROUND: [&str; 7] = [
    "ethernet ipv4 udp",
    "ethernet vlan mpls ipv4 udp",
    "ethernet ipv4 gre ipv4 udp",
    "ethernet ipv4 udp vxlan ethernet ipv4 udp",
    "ethernet ipv6 udp gtpu ipv4 udp",
    "ethernet ipv4 gre ipv4 udp vxlan ethernet ipv4 udp gtpu ipv4 udp",
    "ethernet ipv6 udp vxlan ethernet ipv6 udp geneve ethernet ipv6 udp gtpu ipv6 udp",
];

#[test]
fn one_field_costs_the_same_in_three_tunnels() {
    for names in AROUND {
        let mut stack = headers(&names.split(' ').collect::<Vec<_>>());
        let port = FieldValue::Counter { start: 1024, step: 1, count: 60_000 };
        *stack.last_mut().expect("never empty") = header("udp", &[("src", port)]);
        let program = program(stream(stack, 300));
        assert_eq!((program.ops.len(), program.checksums.len()), (1, 1), "{names}");
        assert_eq!(program.ops[0].sums.count_ones(), 1, "{names}");
        assert_eq!(program.checksums[0].sums, 0, "{names}");
    }
}

/// An address is in the pseudo-header too: the tunnel around it sees one more change, and no
/// tunnel around that one does.
#[test]
fn an_address_reaches_one_checksum_further() {
    for (n, names) in AROUND.iter().enumerate().skip(2) {
        let mut stack = headers(&names.split(' ').collect::<Vec<_>>());
        let last = stack.len() - 2;
        let address = FieldValue::Random { low: 0, high: 0xffff_ffff };
        let kind = stack[last].protocol.name;
        stack[last] = header(kind, &[("src", address)]);
        let program = program(stream(stack, 300));
        let own = if kind == "ipv4" { 2 } else { 1 };
        let tunnel = usize::from(n > 2 && kind == "ipv4");
        assert!(program.checksums.len() <= own + tunnel, "{names}: {:?}", program.checksums);
        let added: u32 = program.ops.iter().map(|op| op.sums.count_ones()).sum();
        assert!(added <= 2 * program.ops.len() as u32, "{names}: {:?}", program.ops);
    }
}

/// A checksum that is wrong on purpose is wrong by one, and those around it are right.
#[test]
fn a_bad_checksum_inside_is_covered_as_it_is() {
    let names = "ethernet ipv4 udp vxlan ethernet ipv4 udp";
    let mut stack = headers(&names.split(' ').collect::<Vec<_>>());
    let port = FieldValue::List(vec![0, 0xffff, 7]);
    let bad = header("udp", &[("src", port), ("checksum", FieldValue::Bad)]);
    *stack.last_mut().expect("never empty") = bad;
    let program = program(stream(stack.clone(), 200));
    assert_eq!(program.checksums.len(), 1);
    for index in 0..3 {
        let frame = packets::packet(&program, index);
        adds_up::check(&stack, &frame).expect("right, or wrong by one");
    }
}

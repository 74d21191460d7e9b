//! The program in the kernel and `StreamProgram` in user space build the same bytes.

mod fuzz_support;
mod kernel_parity;
mod nested;
mod packets;
mod programs;
mod replays;

use std::cell::Cell;
use std::sync::Arc;

use kernel_parity::{compare, privileged};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wirestorm::engine::choose::EngineChoice;
use wirestorm::engine::xdp_live::dry::KernelBuilder;
use wirestorm::engine::{Slot, support};
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile;
use wirestorm::profile::model::Stream;
use wirestorm::sys::clock;

fn indices() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(
        prop_oneof![0..1000u64, any::<u32>().prop_map(u64::from), any::<u64>()],
        12,
    )
}

/// Runs `cases` cases of `programs` with `inline`, and returns how many packets were compared.
fn compare_cases(cases: u32, count: std::ops::Range<usize>, inline: bool) -> u64 {
    let compared = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let input = (
        proptest::collection::vec(programs::program(1514), count),
        indices(),
        any::<u8>(),
        0..1u64 << 40,
    );
    runner
        .run(&input, |(programs, indices, dirt, lag)| {
            let kernel = KernelBuilder::new(&programs, inline)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            // Headers that somebody else has rewritten must not show, for they are written anew.
            let mut page = kernel.image().to_vec();
            let header = page.len().min(64);
            page[..header].fill(dirt);
            for (number, program) in programs.iter().enumerate() {
                for (turn, index) in indices.iter().enumerate() {
                    let due =
                        if turn % 2 == 0 { 0 } else { clock::now().saturating_sub(lag).max(1) };
                    let slot = Slot { index: *index, due, program: number as u32, reserved: 0 };
                    compare(&kernel, program, slot, &page)?;
                    compared.set(compared.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    compared.get()
}

/// Tunnels in tunnels, with fields that change anywhere and checksums of every kind.
#[test]
fn nested_stacks() {
    if !privileged() {
        return;
    }
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let input = (proptest::collection::vec(nested::any_stream(false), 1..12), indices());
    let compared = Cell::new(0);
    runner
        .run(&input, |(streams, indices)| {
            let profile = packets::profile(streams);
            let programs: Vec<Arc<StreamProgram>> = (0..profile.streams.len())
                .filter_map(|n| compile(&profile, n, &packets::addressing(), 1).ok())
                .map(Arc::new)
                .collect();
            if programs.is_empty() {
                return Ok(());
            }
            let kernel = KernelBuilder::new(&programs, true)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            for (number, program) in programs.iter().enumerate() {
                for index in &indices {
                    let slot = Slot { index: *index, program: number as u32, ..Slot::default() };
                    compare(&kernel, program, slot, kernel.image())?;
                    compared.set(compared.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(compared.get() >= 2_000, "{}", compared.get());
}

/// Whatever the profile language says: every profile that the fuzzer kept and that makes packets.
#[test]
fn profiles_that_the_fuzzer_kept() {
    if !privileged() {
        return;
    }
    let (mut kernels, mut compared) = (0, 0);
    for text in fuzz_support::corpus("program") {
        let Ok(text) = String::from_utf8(text) else { continue };
        let Ok(profile) = profile::parse("fuzz.yaml", &text, &[]) else { continue };
        let made = |(n, stream): (usize, &Stream)| {
            let makes_packets = !stream.headers.is_empty() || stream.replay.is_some();
            makes_packets.then(|| compile(&profile, n, &packets::addressing(), 1).ok()).flatten()
        };
        // What the engine leaves to the others, its table says.
        let programs = profile.streams.iter().enumerate().take(12).filter_map(made);
        let able = |program: &Arc<StreamProgram>| {
            support::refusal(EngineChoice::XdpLive, program).is_none()
        };
        let programs: Vec<_> = programs.map(Arc::new).filter(able).collect();
        if programs.is_empty() {
            continue;
        }
        let kernel = KernelBuilder::new(&programs, true).unwrap_or_else(|e| panic!("{e}\n{text}"));
        kernels += 1;
        for (number, program) in programs.iter().enumerate() {
            for index in [0, 1, 77, u64::from(u32::MAX), 1 << 40] {
                let slot = Slot { index, program: number as u32, ..Slot::default() };
                compare(&kernel, program, slot, kernel.image())
                    .unwrap_or_else(|error| panic!("packet {index}: {error}\n{text}"));
                compared += 1;
            }
        }
    }
    assert!(kernels > 50 && compared > 500, "{compared} packets of {kernels} profiles");
}

#[test]
fn many_programs_in_maps() {
    if privileged() {
        assert!(compare_cases(80, 2..30, true) >= 10_000);
    }
}

#[test]
fn one_program_compiled_in() {
    if privileged() {
        assert!(compare_cases(200, 1..2, true) >= 2_000);
    }
}

/// The program that is written for one stream whose packets are due at once.
#[test]
fn one_program_written_straight() {
    if !privileged() {
        return;
    }
    let compared = Cell::new(0u64);
    let mut runner = TestRunner::new(Config { cases: 80, ..Config::default() });
    let input = (programs::simple_program(1514), indices(), any::<u8>());
    let checked = runner.run(&input, |(program, indices, dirt)| {
        let kernel = KernelBuilder::straight(&program)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let Some(kernel) = kernel else { return Ok(()) };
        let mut page = kernel.image().to_vec();
        let header = page.len().min(64);
        page[..header].fill(dirt);
        for index in indices {
            let slot = Slot { index, ..Slot::default() };
            compare(&kernel, &program, slot, &page)?;
            compared.set(compared.get() + 1);
        }
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
    assert!(compared.get() >= 900, "{} packets compared", compared.get());
}

#[test]
fn one_program_in_maps() {
    if privileged() {
        assert!(compare_cases(40, 1..2, false) >= 400);
    }
}

#[test]
fn ten_thousand_streams() {
    if !privileged() {
        return;
    }
    let mut runner = TestRunner::deterministic();
    let few: Vec<Arc<StreamProgram>> = (0..8)
        .map(|_| {
            use proptest::strategy::ValueTree;
            programs::program(200).new_tree(&mut runner).expect("generated").current()
        })
        .collect();
    let many: Vec<_> = (0..10_000).map(|n| few[n % few.len()].clone()).collect();
    let kernel = KernelBuilder::new(&many, true).expect("loaded");
    for number in [0, 1, 4_567, 9_999] {
        let slot = Slot { index: 77, program: number as u32, ..Slot::default() };
        compare(&kernel, &many[number], slot, kernel.image()).expect("same bytes");
    }
}

/// Values inside options, with the checksums around them: as a profile asks for them.
#[test]
fn values_in_options_and_extension_headers() {
    if !privileged() {
        return;
    }
    let stacks = [
        "[ipv4: {options: [nop, stream_id: {id: {random: 0..65535}}]}, tcp: {options: [nop, nop, \
         timestamps: {value: {increment: 0}, echo: [1, 2, 3]}]}]",
        "[ipv6, tcp: {options: [nop, timestamps: {value: {increment: 0xfffffffe, count: 2}}]}]",
        "[ipv6, routing_type2: {home_address: {increment: \"2001:2::9\", count: 7}}, udp]",
        "[ipv6, hop_by_hop: {options: [pad1, router_alert: {value: {increment: 0}}]}, \
         srh: {segments: [\"2001:2::9\", \"2001:2::8\"], tag: {random: 0..65535}}, udp]",
        "[ipv6, ah: {sequence: {increment: 1}}, fragment: {id: {increment: 0}}, icmpv6]",
        "[ipv4, udp_lite: {coverage: 31, src: {random: 1..65535}}]",
    ];
    for size in ["256B", "[164B, 256B, 201B]"] {
        let streams: String = stacks
            .iter()
            .map(|stack| format!("- {{rate: 1kpps, count: 9, size: {size}, packet: {stack}}}\n"))
            .collect();
        let text = format!("lab: b2b\nstreams:\n{streams}");
        let profile = wirestorm::profile::parse("test.yaml", &text, &[])
            .unwrap_or_else(|errors| panic!("{errors}"));
        let addressing = wirestorm::packet::Addressing {
            source_ipv4: Some([198, 18, 0, 1].into()),
            destination_ipv4: Some([198, 18, 0, 2].into()),
            source_ipv6: Some("2001:2::1".parse().expect("an address")),
            destination_ipv6: Some("2001:2::2".parse().expect("an address")),
            ..Default::default()
        };
        let programs: Vec<Arc<StreamProgram>> = (0..stacks.len())
            .map(|n| compile(&profile, n, &addressing, 1))
            .map(|program| Arc::new(program.unwrap_or_else(|error| panic!("{error}"))))
            .collect();
        let alone = programs.iter().map(|program| vec![program.clone()]);
        for programs in alone.chain([programs.clone()]) {
            let kernel = KernelBuilder::new(&programs, true).expect("loaded");
            for (number, program) in programs.iter().enumerate() {
                assert!(!program.ops.is_empty());
                for index in [0, 1, 2, 8, 70_000, u64::from(u32::MAX)] {
                    let slot = Slot { index, program: number as u32, ..Slot::default() };
                    compare(&kernel, program, slot, kernel.image()).expect("same bytes");
                }
            }
        }
    }
}

/// Frames of a capture, with what is rewritten in each packet, beside streams of templates.
#[test]
fn frames_of_a_capture_are_the_same() {
    if !privileged() {
        return;
    }
    let stacks = [
        ("64B", "[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]"),
        ("300B", "[vlan: {id: 5}, ipv6: {dst: '2001:2::9'}, tcp: {seq: 7}]"),
        ("1514B", "[ipv4: {dst: 198.18.0.9}, udp: {dst: 4789}, vxlan, ethernet, ipv6, udp]"),
        ("72B", "[ipv4: {dst: 198.18.0.9}, icmp]"),
    ];
    let mut frames = Vec::new();
    for (size, stack) in stacks {
        frames.extend(replays::made(&format!(
            "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 2, size: {size}, tag: false, payload: \
             increment, packet: {stack}}}]"
        )));
    }
    frames.push((0, vec![0x33; 14]));
    let (_dir, path) = replays::beside(&replays::whole(&frames));
    let tagged = replays::made(
        "lab: b2b\nstreams: [{to: null, rate: 1kpps, count: 5, size: {start: 80B, step: 3B, count: 5}, \
         tag: false, packet: [ipv4: {dst: 198.18.0.9}, udp]}]",
    );
    std::fs::write(path.with_file_name("t.pcap"), replays::whole(&tagged)).expect("written");
    let text = "lab: b2b\nstreams:\n- {to: null, replay: {file: c.pcap, rewrite: {ipv4.dst: {increment: \
                198.18.0.1, count: 77}, ipv6.src: {prefix: '2001:2:7::/64', order: random}, tcp.seq: \
                {random: 0..4294967295}, vlan.id: {increment: 1..4094}, icmp.id: [1, 65535, 7]}}}\n- \
                {replay: {file: t.pcap, rewrite: {udp.src: {random: 1..65535}}}, tag: true}\n- {to: null, \
                rate: 1kpps, size: {random: 80B..700B}, packet: [ipv4: {dst: {random: \
                198.18.0.1..198.18.255.0}}, udp]}\n- {to: null, replay: c.pcap}\n";
    let (_, programs) = replays::planned(&replays::parse(&path, text));
    let kernel = KernelBuilder::new(&programs, true).expect("loads");
    let mut page = kernel.image().to_vec();
    page.iter_mut().for_each(|byte| *byte ^= 0x5a);
    for index in (0..40).chain([1 << 20, u64::from(u32::MAX) + 5, u64::MAX - 7]) {
        for (number, program) in programs.iter().enumerate() {
            let slot = Slot { index, due: 0, program: number as u32, reserved: 0 };
            compare(&kernel, program, slot, &page)
                .unwrap_or_else(|error| panic!("packet {index} of program {number}: {error}"));
        }
    }
}

//! Stacks nested at random: whatever may follow what, lengths, numbers and checksums are those that
//! a plain computation over the finished bytes finds, and tshark dissects them to the end.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use wirestorm::engine::{Programs, Slot};
use wirestorm::packet::dry_run::write_pcap;
use wirestorm::profile::model::{FieldSetting, FieldValue, Header, Stream};
use wirestorm::wire::field::{Covers, FieldDef, FieldDefault, Protocol, ProtocolKind, Space};
use wirestorm::wire::{protocol, protocols};

use super::packets::{l4_sum, packet, plain_sum, program, stream};

/// What the stacks are made of: the headers of these areas, and what they carry.
fn parts() -> Vec<&'static Protocol> {
    let names = "ethernet vlan ipv4 ipv6 udp tcp icmp icmpv6 mpls control_word arp llc snap pppoe \
                 pppoe_discovery lacp lldp pause pfc gre vxlan geneve gtpu l2tp ppp l2tpv3 \
                 l2tpv3_udp";
    names.split_whitespace().map(|name| protocol(name).expect("a header")).collect()
}

fn ip_around(stack: &[Header]) -> Option<ProtocolKind> {
    let kinds = stack.iter().rev().map(|header| header.protocol.kind);
    kinds.into_iter().find(|kind| matches!(kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6))
}

/// A stack as the choices pick it; each number also decides which of the header's flags, optional
/// fields and options are there.
fn stack_of(choices: &[u32], allowed: fn(&Header, &Protocol) -> bool) -> Vec<Header> {
    let mut stack = vec![Header::new(protocol("ethernet").expect("a header"))];
    for &choice in choices {
        let last = stack.last().expect("never empty");
        let ip = ip_around(&stack);
        let may: Vec<&'static Protocol> = parts()
            .into_iter()
            .filter(|next| next.may_follow(last.protocol) && allowed(last, next))
            .filter(|next| next.only_in.is_none_or(|only| ip == Some(only)))
            .collect();
        let Some(next) = may.get(choice as usize % may.len().max(1)) else { break };
        stack.push(with_parts(next, choice / 256));
    }
    stack
}

fn with_parts(protocol: &'static Protocol, choice: u32) -> Header {
    let mut header = Header::new(protocol);
    for (n, part) in protocol.optional.iter().enumerate() {
        if choice >> n & 1 == 0 {
            continue;
        }
        let flag = protocol.fields.iter().find(|field| field.name == part.flag);
        let field = flag.or(part.fields.first()).expect("a field");
        header.fields.push(FieldSetting { field, value: FieldValue::Fixed(1) });
    }
    // The other areas' options are not bytes of any value; their own tests cover them.
    if let Some(options) = &protocol.options
        && matches!(protocol.name, "geneve" | "gtpu")
    {
        let kinds = options.kinds.iter().copied().cycle();
        header.options = kinds.take((choice >> 8) as usize % 3).map(Header::new).collect();
        for (n, option) in header.options.iter_mut().enumerate() {
            option.data = option.protocol.data.map(|_| vec![0xee; (choice >> 10) as usize % 9 + n]);
        }
    }
    header
}

fn stream_of(headers: Vec<Header>, more: u32) -> Stream {
    let len: usize = headers.iter().map(Header::len).sum();
    stream(headers, (len as u32 + 4 + more).max(64))
}

/// Checks every computed field of every header.
fn check(stream: &Stream, frame: &[u8]) -> Result<(), TestCaseError> {
    let stack = &stream.headers;
    let len: usize = stack.iter().map(Header::len).sum();
    let open = stack.last().is_some_and(|last| last.protocol.open);
    let end = if open { frame.len() } else { len };
    prop_assert!(frame[end..].iter().all(|byte| *byte == 0), "padding is zeros");
    let mut at = 0;
    let mut ip: Option<(&str, &[u8])> = None;
    for (n, header) in stack.iter().enumerate() {
        if matches!(header.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6) {
            ip = Some((header.protocol.name, &frame[at..]));
        }
        let of_parts = header.parts().map(|part| (part.fields, part.len));
        let mut part_at = at;
        for (fields, len) in
            std::iter::once((header.protocol.fields, header.protocol.len)).chain(of_parts)
        {
            for field in fields {
                let name = format!("{}.{}", header.protocol.name, field.name);
                let found = field.read(&frame[part_at..]).expect("the frame holds its headers");
                if field.default == FieldDefault::Checksum {
                    check_checksum(header, &frame[at..end], ip, &name)?;
                } else if header.setting(field.name).is_none()
                    && let Some(right) = computed(stack, n, field, end - at)
                {
                    prop_assert_eq!(found, right, "{}", name);
                }
            }
            part_at += len;
        }
        at += header.len();
    }
    Ok(())
}

/// What a field must be; None: that does not follow from the stack.
fn computed(stack: &[Header], n: usize, field: &FieldDef, rest: usize) -> Option<u128> {
    let (header, next) = (&stack[n], stack.get(n + 1));
    let is = |name: &str| next.is_some_and(|next| next.protocol.name == name);
    Some(match field.default {
        FieldDefault::Length { skip } => (rest - usize::from(skip)) as u128,
        FieldDefault::HeaderLength { unit, less } => {
            (header.len() / usize::from(unit) - usize::from(less)) as u128
        }
        FieldDefault::LastOfKind => (!is(header.protocol.name)).into(),
        FieldDefault::Present => header.parts().any(|part| part.flag == field.name).into(),
        FieldDefault::NextProtocol if matches!(header.protocol.name, "ethernet" | "vlan") => {
            match next?.protocol.name {
                "llc" => (rest - header.len()) as u128,
                "vlan" if stack.get(n + 2).is_some_and(|one| one.protocol.name == "vlan") => 0x88a8,
                _ => next?.protocol.number(Space::EtherType)?.into(),
            }
        }
        FieldDefault::NextProtocol | FieldDefault::NextPort(_) => {
            let service = |n: usize| stack.get(n).is_some_and(|one| one.protocol.name == "vlan");
            match service(n + 1) && service(n + 2) {
                true => 0x88a8,
                false => next?.protocol.number(header.protocol.next?)?.into(),
            }
        }
        _ => return None,
    })
}

fn check_checksum(
    header: &Header,
    rest: &[u8],
    ip: Option<(&str, &[u8])>,
    name: &str,
) -> Result<(), TestCaseError> {
    let rule = header.protocol.checksum.expect("a rule");
    let covered = if rule.covers == Covers::Header { &rest[..header.len()] } else { rest };
    let sum = if rule.pseudo_header {
        let number = header.protocol.number(Space::IpProtocol).expect("a number");
        l4_sum(ip, number as u8, covered)
    } else {
        plain_sum(&[covered])
    };
    // One set by hand (the flags are, here, not the checksums) would be found out.
    prop_assert_eq!(sum, 0xffff, "{}", name);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn computed_fields_are_right_in_any_nesting(
        choices in prop::collection::vec(any::<u32>(), 1..14), more in 0u32..90,
    ) {
        let stream = stream_of(stack_of(&choices, |_, _| true), more);
        let program = program(stream.clone());
        check(&stream, &packet(&program, 3))?;
    }
}

#[test]
fn every_header_is_reached() {
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(any::<u32>(), 1..14);
    let mut reached: Vec<&str> = Vec::new();
    for _ in 0..1500 {
        let choices = strategy.new_tree(&mut runner).expect("a tree").current();
        reached.extend(stack_of(&choices, |_, _| true).iter().map(|header| header.protocol.name));
    }
    for part in parts() {
        assert!(reached.contains(&part.name), "{} is never reached", part.name);
    }
    assert!(protocols().len() >= parts().len());
}

/// What tshark follows without help: it knows few protocols in GRE, guesses what stands behind a
/// label stack, and expects an answer to an echo.
fn tshark_follows(outer: &Header, inner: &Protocol) -> bool {
    let known = match outer.protocol.name {
        "gre" => &["ipv4", "ipv6", "ethernet", "mpls"][..],
        "mpls" => &["ipv4", "ipv6", "mpls"],
        "ethernet" | "vlan" => return !matches!(inner.name, "icmp" | "icmpv6"),
        // LLC has a number there that tshark does not know; MAC control needs its group's MAC; what
        // L2TPv3 carries only the control connection says.
        _ => {
            let lost = "icmp icmpv6 llc pause pfc l2tpv3 l2tpv3_udp";
            return lost.split(' ').all(|lost| lost != inner.name);
        }
    };
    known.contains(&inner.name)
}

/// tshark's names; None: it shows none of its own.
fn shown_as(name: &str) -> Option<&str> {
    Some(match name {
        "ethernet" => "eth",
        "ipv4" => "ip",
        "gtpu" => "gtp",
        "pppoe" => "pppoes",
        "pppoe_discovery" => "pppoed",
        "pause" | "pfc" => "macc",
        "snap" => return None,
        other => other,
    })
}

#[test]
fn tshark_dissects_nested_stacks_to_the_end() {
    if Command::new("tshark").arg("--version").output().is_err() {
        let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
        assert!(!required, "tshark is required");
        println!("skipped: no tshark");
        return;
    }
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(Default::default()),
    );
    let strategy = (prop::collection::vec(any::<u32>(), 2..12), 30u32..90);
    let streams: Vec<Stream> = (20_000..20_600)
        .map(|n| {
            let (choices, more) = strategy.new_tree(&mut runner).expect("a tree").current();
            let mut stack = stack_of(&choices, tshark_follows);
            // tshark remembers what a pair of ports carried.
            let udp = stack.iter_mut().filter(|header| header.protocol.name == "udp");
            for (port, header) in (n..).step_by(1000).zip(udp) {
                let field = header.protocol.field("src").expect("a port");
                header.fields.push(FieldSetting { field, value: FieldValue::Fixed(port) });
            }
            // Nor does it expect more padding than a frame needs.
            let open = stack.last().is_some_and(|last| last.protocol.open);
            stream_of(stack, if open { more } else { 0 })
        })
        .collect();
    let programs: Programs = streams.iter().cloned().map(program).map(Arc::new).collect();
    let slots = (0..streams.len() as u32).map(|n| Slot {
        index: 0,
        due: 1_700_000_000_000_000_000 + u64::from(n) * 1_000_000,
        program: n,
        reserved: 0,
    });
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("nested.pcap");
    write_pcap(slots, &programs, File::create(&path).expect("a file"), "nested").expect("written");
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(&path);
    for option in [
        "ip.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "tcp.analyze_sequence_numbers:FALSE",
    ] {
        tshark.args(["-o", option]);
    }
    tshark.args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    let fields = [
        "frame.protocols",
        "_ws.malformed",
        "_ws.expert.severity",
        "_ws.expert.message",
        "ip.checksum.status",
        "udp.checksum.status",
        "tcp.checksum.status",
    ];
    tshark.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = tshark.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), streams.len());
    let mut wrong = Vec::new();
    for (stream, line) in streams.iter().zip(text.lines()) {
        let names: Vec<&str> = stream.headers.iter().map(|one| one.protocol.name).collect();
        let columns: Vec<&str> = line.split('|').collect();
        let severity = columns[2].split(',').filter_map(|number| number.parse::<u32>().ok());
        let complaint = !columns[1].is_empty() || severity.max().unwrap_or(0) >= 0x60_0000;
        let mut shown = columns[0].split(':');
        let mut known: Vec<&str> = names.iter().copied().filter_map(shown_as).collect();
        // It shows a label stack as one, and two service tags in a row.
        known.dedup_by(|a, b| a == b && matches!(*a, "mpls" | "vlan"));
        let vlan = |shown: &str| if shown == "ieee8021ad" { "vlan" } else { shown }.to_owned();
        let all = known.iter().all(|name| shown.any(|shown| vlan(shown) == *name));
        let mut checked = true;
        for (column, protocol) in [(4, "ipv4"), (5, "udp"), (6, "tcp")] {
            let count = names.iter().filter(|name| **name == protocol).count();
            let good: Vec<&str> = columns[column].split(',').filter(|s| !s.is_empty()).collect();
            checked &= good == vec!["1"; count];
        }
        if complaint || !all || !checked {
            wrong.push(format!("{}: {line}", names.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{} of 600:\n{}", wrong.len(), wrong.join("\n"));
}

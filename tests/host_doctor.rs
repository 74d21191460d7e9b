//! The doctor and the offload guard, against devices whose state is known.

mod lab_support;

use std::process::Command;

use lab_support::{privileged, spec, up};
use wirestorm::host::doctor::{self, Finding, Severity};
use wirestorm::host::{link, offloads, xdp};
use wirestorm::profile::model::Topology;
use wirestorm::sys::ethtool::Ethtool;
use wirestorm::sys::netns::Netns;

fn about<'f>(findings: &'f [Finding], subject: &str) -> &'f Finding {
    findings
        .iter()
        .find(|finding| finding.subject == subject)
        .unwrap_or_else(|| panic!("nothing about {subject} in {findings:#?}"))
}

/// A namespace with a veth pair as the kernel makes it: all offloads on.
fn plain_pair() -> Netns {
    let netns = Netns::new_anonymous().unwrap();
    for command in [
        "ip link add one type veth peer name two",
        "ip link set dev one up",
        "ip link set dev two up",
    ] {
        let words: Vec<_> = command.split(' ').collect();
        let status = netns.run(|| Command::new(words[0]).args(&words[1..]).status());
        assert!(status.unwrap().unwrap().success(), "{command}");
    }
    netns
}

#[test]
fn a_lab_device_is_healthy_and_a_target_only_with_napi() {
    if !privileged("a_lab_device_is_healthy_and_a_target_only_with_napi") {
        return;
    }
    for napi in [true, false] {
        let lab = up(&spec(Topology::BackToBack), napi);
        let findings = doctor::examine(lab.netns("tx").unwrap(), Some("tx"));
        for subject in [
            "tx link",
            "tx MTU",
            "tx driver",
            "tx native XDP",
            "tx queues",
            "tx receive offloads",
            "tx transmit offloads",
        ] {
            let finding = about(&findings, subject);
            assert_eq!(finding.severity, Severity::Ok, "{finding}");
        }
        assert_eq!(about(&findings, "tx driver").what, "veth");
        assert_eq!(about(&findings, "tx zero-copy AF_XDP").severity, Severity::Warning);
        let index = link::facts(lab.netns("tx").unwrap(), "tx").unwrap().index;
        if xdp::features(lab.netns("tx").unwrap(), index).unwrap().is_some() {
            let target = about(&findings, "tx as a target of XDP redirects");
            assert_eq!(target.severity == Severity::Ok, napi, "{target}");
        }
    }
}

#[test]
fn a_plain_veth_falsifies_and_the_guard_gives_back_what_it_took() {
    if !privileged("a_plain_veth_falsifies_and_the_guard_gives_back_what_it_took") {
        return;
    }
    let netns = plain_pair();
    let ethtool = Ethtool::open(&netns).unwrap();
    let before = ethtool.features("one").unwrap();
    let checksum = "tx-checksum-ip-generic";
    assert_eq!(offloads::active(&before, &[checksum]), [checksum]);
    let severity =
        || about(&doctor::examine(&netns, Some("one")), "one transmit offloads").severity;
    assert_eq!(severity(), Severity::Warning);

    let guard = offloads::Guard::off(&netns, "one", offloads::TRANSMIT).unwrap();
    assert!(guard.changed().iter().any(|name| name == checksum));
    let now = ethtool.features("one").unwrap();
    assert!(offloads::active(&now, offloads::TRANSMIT).is_empty(), "{now:#?}");
    assert_eq!(severity(), Severity::Ok);
    drop(guard);
    assert_eq!(ethtool.features("one").unwrap(), before);

    offloads::Guard::off(&netns, "one", offloads::TRANSMIT).unwrap().restore().unwrap();
    assert_eq!(ethtool.features("one").unwrap(), before);

    let guard = offloads::Guard::off(&netns, "one", offloads::TRANSMIT).unwrap();
    let gone = netns.run(|| Command::new("ip").args(["link", "del", "dev", "one"]).status());
    assert!(gone.unwrap().unwrap().success());
    let error = guard.restore().unwrap_err();
    assert_eq!(error.cause, "No such device");
    assert!(error.remedy.starts_with("ethtool -K one "), "{error}");
    let error = offloads::Guard::off(&netns, "one", offloads::TRANSMIT).unwrap_err();
    assert_eq!(error.cause, "No such device");
}

#[test]
fn what_ails_an_interface_is_found() {
    if !privileged("what_ails_an_interface_is_found") {
        return;
    }
    let netns = plain_pair();
    let run = |command: &str| {
        let words: Vec<_> = command.split(' ').collect();
        let status = netns.run(|| Command::new(words[0]).args(&words[1..]).status());
        assert!(status.unwrap().unwrap().success(), "{command}");
    };
    run("ip link set dev one mtu 9000");
    run("ethtool -K one gro on");
    run("ip link set dev two down");
    let findings = doctor::examine(&netns, Some("one"));
    assert_eq!(about(&findings, "one link").severity, Severity::Problem);
    assert_eq!(about(&findings, "one MTU").severity, Severity::Warning);
    for wanted in ["rx-gro off", "rx-vlan-hw-parse off rx-vlan-stag-hw-parse off"] {
        let remedy = format!("ethtool -K one {wanted}");
        let found = findings.iter().find(|finding| finding.remedy == remedy);
        assert_eq!(found.expect(wanted).severity, Severity::Warning);
    }

    let missing = doctor::examine(&netns, Some("onne"));
    let finding = about(&missing, "onne");
    assert_eq!(finding.severity, Severity::Problem);
    assert_eq!(finding.remedy, "did you mean one? There are: lo, two, one");
}

#[test]
fn the_machine_is_examined_without_an_interface() {
    let findings = doctor::examine(&Netns::current().unwrap(), None);
    for subject in ["kernel", "clock", "CAP_NET_RAW", "CAP_BPF", "memory lock", "CPUs", "clang"] {
        let finding = about(&findings, subject);
        assert!(finding.severity == Severity::Ok || !finding.remedy.is_empty(), "{finding}");
    }
}

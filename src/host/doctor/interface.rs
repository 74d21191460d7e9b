//! One interface: link, driver, XDP, queues, rings, offloads.

use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkXdp, XdpAttached};

use super::Finding;
use crate::host::facts::LinkFacts;
use crate::host::netlink::Netlink;
use crate::host::xdp::{self, XdpFeatures};
use crate::host::{cpu, link, offloads};
use crate::sys::errno::words;
use crate::sys::ethtool::{Ethtool, Rings};
use crate::sys::netns::Netns;

/// Largest MTU at which veth takes an XDP program that can't handle several buffers: one page less
/// headroom, tail and Ethernet header (drivers/net/veth.c, veth_xdp_set).
const VETH_XDP_MTU: u32 = 3506;

/// Drivers with native XDP, for kernels that don't tell.
const NATIVE: &[&str] = &[
    "veth",
    "tun",
    "virtio_net",
    "i40e",
    "ice",
    "ixgbe",
    "ixgbevf",
    "igb",
    "igc",
    "mlx4_en",
    "mlx5_core",
    "ena",
    "bnxt_en",
    "nfp",
    "qede",
    "sfc",
    "stmmac",
    "mvneta",
    "mvpp2",
    "hv_netvsc",
    "gve",
    "mana",
    "netkit",
];

/// Drivers with zero-copy AF_XDP, for kernels that don't tell.
const ZERO_COPY: &[&str] = &["i40e", "ice", "ixgbe", "igb", "igc", "mlx5_core", "stmmac"];

pub(super) fn examine(netns: &Netns, interface: &str) -> Vec<Finding> {
    let facts = match link::facts(netns, interface) {
        Ok(facts) => facts,
        Err(error) => return vec![Finding::problem(interface, error.cause, error.remedy)],
    };
    let mut findings = vec![link_state(&facts), mtu(&facts), driver(&facts)];
    findings.extend(xdp_support(&facts, xdp::features(netns, facts.index)));
    if let Ok(message) = Netlink::open(netns)
        .map_err(|error| error.to_string())
        .and_then(|netlink| link::find(&netlink, interface).map_err(|error| error.to_string()))
    {
        findings.extend(attached(interface, &message));
    }
    findings.push(queues(&facts));
    if let Ok(ethtool) = Ethtool::open(netns) {
        findings.extend(ethtool.rings(interface).ok().and_then(|is| rings(interface, is)));
        if let Ok(features) = ethtool.features(interface) {
            let active =
                |names: &[&'static str]| -> Vec<String> { offloads::active(&features, names) };
            findings.extend(receive_offloads(
                interface,
                &active(offloads::RECEIVE),
                !active(&[offloads::GRO]).is_empty(),
                gro_merges(netns, interface),
            ));
            findings.push(transmit_offloads(&facts, &active(offloads::TRANSMIT)));
        }
    }
    findings
}

fn link_state(facts: &LinkFacts) -> Finding {
    let subject = format!("{} link", facts.name);
    if !facts.up {
        return Finding::problem(
            subject,
            "down, or without a carrier",
            format!("ip link set dev {} up, and look for the cable", facts.name),
        );
    }
    match facts.speed_bps {
        Some(bps) => Finding::ok(subject, format!("up, {} Mbit/s", bps / 1_000_000)),
        None => Finding::ok(
            subject,
            "up, of unknown speed: a rate in percent needs the port's speed in the profile",
        ),
    }
}

fn mtu(facts: &LinkFacts) -> Finding {
    let subject = format!("{} MTU", facts.name);
    if facts.driver == "veth" && facts.mtu > VETH_XDP_MTU {
        return Finding::warning(
            subject,
            format!("{}: too large for an XDP program on the peer", facts.mtu),
            format!("ip link set dev {} mtu {VETH_XDP_MTU}", facts.name),
        );
    }
    Finding::ok(subject, facts.mtu.to_string())
}

fn driver(facts: &LinkFacts) -> Finding {
    let subject = format!("{} driver", facts.name);
    let name = if facts.driver.is_empty() { "not told" } else { &facts.driver };
    match cpu::numa_node(&facts.name) {
        Some(node) => Finding::ok(subject, format!("{name}, on NUMA node {node}")),
        None => Finding::ok(subject, name),
    }
}

fn xdp_support(facts: &LinkFacts, told: std::io::Result<Option<XdpFeatures>>) -> Vec<Finding> {
    let name = &facts.name;
    let (native, zero_copy, target, source) = match told {
        Ok(Some(is)) => (
            is.native(),
            is.zero_copy(),
            Some(is.redirect_target()),
            "the kernel says so (netdev netlink)".to_owned(),
        ),
        told => {
            let why = match told {
                Err(error) => words(&error),
                Ok(_) => "this kernel does not tell".to_owned(),
            };
            let knows = |list: &[&str]| list.contains(&facts.driver.as_str());
            let source = format!("by the driver's name ({}), as {why}", facts.driver);
            (knows(NATIVE), knows(ZERO_COPY), None, source)
        }
    };
    let mut findings = Vec::new();
    findings.push(if native {
        Finding::ok(format!("{name} native XDP"), source.clone())
    } else {
        Finding::warning(
            format!("{name} native XDP"),
            format!("none; {source}"),
            "receiving falls back to generic XDP or packet-mmap, sending to packet-mmap: slower, \
             and the report says which",
        )
    });
    findings.push(if zero_copy {
        Finding::ok(format!("{name} zero-copy AF_XDP"), source.clone())
    } else {
        Finding::warning(
            format!("{name} zero-copy AF_XDP"),
            format!("none; {source}"),
            "the af-xdp engine copies; nothing to do but use another NIC",
        )
    });
    match target {
        Some(false) if facts.driver == "veth" => findings.push(Finding::warning(
            format!("{name} as a target of XDP redirects"),
            "not now: its peer receives without NAPI, so live frames would arrive nowhere",
            format!("on the peer of {name}: attach an XDP program, or ethtool -K PEER gro on"),
        )),
        Some(false) => findings.push(Finding::warning(
            format!("{name} as a target of XDP redirects"),
            "no: the driver cannot send live frames",
            "use --engine af-xdp or packet-mmap",
        )),
        Some(true) => findings.push(Finding::ok(
            format!("{name} as a target of XDP redirects"),
            "yes: live frames can be sent",
        )),
        None => {}
    }
    findings
}

/// A program that is attached already keeps ours out.
fn attached(interface: &str, link: &LinkMessage) -> Option<Finding> {
    let held = link.attributes.iter().any(|attribute| match attribute {
        LinkAttribute::Xdp(xdp) => xdp
            .iter()
            .any(|part| matches!(part, LinkXdp::Attached(state) if *state != XdpAttached::None)),
        _ => false,
    });
    held.then(|| {
        Finding::problem(
            format!("{interface} XDP program"),
            "another program is attached, so wirestorm cannot attach its own",
            format!("end the program's owner, or ip link set dev {interface} xdp off"),
        )
    })
}

fn queues(facts: &LinkFacts) -> Finding {
    let what = format!("{} transmit, {} receive", facts.tx_queues, facts.rx_queues);
    let subject = format!("{} queues", facts.name);
    if facts.driver == "veth" && facts.tx_queues > facts.rx_queues {
        return Finding::warning(
            subject,
            format!(
                "{what}: a veth device with XDP wants as many receive queues as its peer sends on"
            ),
            format!("ethtool -L {} rx {}", facts.name, facts.tx_queues),
        );
    }
    Finding::ok(subject, format!("{what}; one worker each"))
}

fn rings(interface: &str, rings: Rings) -> Option<Finding> {
    let subject = format!("{interface} rings");
    let what = format!(
        "{} of {} receive, {} of {} transmit descriptors",
        rings.rx, rings.max_rx, rings.tx, rings.max_tx
    );
    if rings.max_rx == 0 && rings.max_tx == 0 {
        return None;
    }
    Some(if rings.rx < rings.max_rx {
        Finding::warning(
            subject,
            format!("{what}: a burst may find no receive descriptor, and count as missed"),
            format!("ethtool -G {interface} rx {}", rings.max_rx),
        )
    } else {
        Finding::ok(subject, what)
    })
}

/// GRO merges nothing where its largest size is below two segments, as in a lab.
fn gro_merges(netns: &Netns, interface: &str) -> bool {
    let link = Netlink::open(netns).ok().and_then(|netlink| link::find(&netlink, interface).ok());
    link.is_none_or(|link| {
        link.attributes
            .iter()
            .any(|attribute| matches!(attribute, LinkAttribute::GroMaxSize(size) if *size > 128))
    })
}

fn receive_offloads(
    interface: &str,
    active: &[String],
    gro: bool,
    gro_merges: bool,
) -> Vec<Finding> {
    let subject = format!("{interface} receive offloads");
    let mut findings = Vec::new();
    if !active.is_empty() {
        findings.push(Finding::warning(
            subject.clone(),
            format!(
                "{}: packets are merged, or lose their VLAN tag, before they are seen",
                active.join(", ")
            ),
            turn_off(interface, active),
        ));
    }
    if gro && gro_merges {
        findings.push(Finding::warning(
            subject.clone(),
            "rx-gro: TCP segments are merged for packet sockets and the kernel's own counters \
             (native XDP sees them whole)",
            turn_off(interface, &[offloads::GRO.to_owned()]),
        ));
    } else if gro {
        findings
            .push(Finding::ok(subject.clone(), "rx-gro is on for NAPI alone: it merges nothing"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(subject, "none that changes what is received"));
    }
    findings
}

fn transmit_offloads(facts: &LinkFacts, active: &[String]) -> Finding {
    let subject = format!("{} transmit offloads", facts.name);
    // A NIC finishes its frames before they are on the wire; veth and tun hand them over unfinished.
    if active.is_empty() || !["veth", "tun"].contains(&facts.driver.as_str()) {
        return Finding::ok(subject, "none that shows on the wire");
    }
    Finding::warning(
        subject,
        format!(
            "{}: what the kernel sends reaches the peer without checksums, or larger than the MTU",
            active.join(", ")
        ),
        turn_off(&facts.name, active),
    )
}

fn turn_off(interface: &str, features: &[String]) -> String {
    let changes: Vec<_> = features.iter().map(|feature| format!("{feature} off")).collect();
    format!("ethtool -K {interface} {}", changes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn facts(driver: &str) -> LinkFacts {
        LinkFacts {
            name: "eth1".into(),
            driver: driver.into(),
            mtu: 1500,
            up: true,
            tx_queues: 2,
            rx_queues: 2,
            ..LinkFacts::default()
        }
    }

    fn severities(findings: &[Finding]) -> Vec<Severity> {
        findings.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn old_kernels_are_judged_by_the_driver_and_it_is_said() {
        use Severity::{Ok, Warning};
        for (driver, expected) in
            [("ixgbe", [Ok, Ok]), ("veth", [Ok, Warning]), ("e1000", [Warning, Warning])]
        {
            let findings = xdp_support(&facts(driver), std::result::Result::Ok(None));
            assert_eq!(severities(&findings), expected, "{driver}");
            assert!(findings[0].what.contains("by the driver's name"), "{}", findings[0].what);
        }
    }

    #[test]
    fn what_the_kernel_tells_counts_more_than_the_driver() {
        let told = XdpFeatures::default();
        let findings = xdp_support(&facts("veth"), Ok(Some(told)));
        assert_eq!(severities(&findings), [Severity::Warning; 3]);
        assert!(findings[2].remedy.contains("gro on"), "{}", findings[2].remedy);
    }

    #[test]
    fn links_rings_and_queues_have_their_remedies() {
        let down = LinkFacts { up: false, ..facts("veth") };
        assert_eq!(link_state(&down).severity, Severity::Problem);
        assert_eq!(link_state(&facts("veth")).severity, Severity::Ok);
        assert_eq!(mtu(&LinkFacts { mtu: 9000, ..facts("veth") }).severity, Severity::Warning);
        assert_eq!(mtu(&LinkFacts { mtu: 9000, ..facts("ice") }).severity, Severity::Ok);
        let few = LinkFacts { rx_queues: 1, ..facts("veth") };
        assert_eq!(queues(&few).remedy, "ethtool -L eth1 rx 2");
        let small = Rings { rx: 512, tx: 512, max_rx: 4096, max_tx: 4096 };
        assert_eq!(rings("eth1", small).unwrap().remedy, "ethtool -G eth1 rx 4096");
        assert_eq!(rings("eth1", Rings::default()), None);
    }

    #[test]
    fn offloads_name_the_command_that_turns_them_off() {
        let lro = ["rx-lro".to_owned()];
        let findings = receive_offloads("eth1", &lro, true, true);
        assert_eq!(severities(&findings), [Severity::Warning; 2]);
        assert_eq!(findings[0].remedy, "ethtool -K eth1 rx-lro off");
        assert_eq!(severities(&receive_offloads("eth1", &[], true, false)), [Severity::Ok]);
        assert_eq!(severities(&receive_offloads("eth1", &[], false, true)), [Severity::Ok]);
        let checksum = ["tx-checksum-ip-generic".to_owned()];
        assert_eq!(transmit_offloads(&facts("veth"), &checksum).severity, Severity::Warning);
        assert_eq!(transmit_offloads(&facts("ixgbe"), &checksum).severity, Severity::Ok);
    }
}

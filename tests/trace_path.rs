//! `wirestorm trace` finds every router of a chain, by every protocol, with privilege and without.

mod chain;
mod common;

use std::process::{Command, Output};

use chain::{Chain, json};
use common::{assert_is_as, privileged, root, wirestorm};
use serde_json::Value;

fn trace(chain: &Chain, v6: bool, more: &[&str]) -> Value {
    let mut command = wirestorm();
    command.args(["trace", "--interval", "5ms", "--wait", "300ms", "--json", "-"]);
    let output = chain.run(0, command.args(more).arg(chain.destination(v6)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    result_of(&output)
}

/// The JSON result, as its schema has it.
fn result_of(output: &Output) -> Value {
    let result = json(output);
    assert_is_as(include_str!("../docs/trace.schema.json"), &result);
    result
}

/// Runs the program as a user without rights; its groups may use ping sockets or not.
fn unprivileged(chain: &Chain, ping_sockets: bool, arguments: &[&str]) -> Output {
    let range = if ping_sockets { "0 2147483647" } else { "1 0" };
    chain.sh(0, &format!("echo '{range}' > /proc/sys/net/ipv4/ping_group_range"));
    let mut command = Command::new("setpriv");
    command
        .current_dir(root())
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["--bounding-set=-all", env!("CARGO_BIN_EXE_wirestorm")])
        .args(arguments);
    chain.run(0, &mut command)
}

/// Every hop's address and how many of its probes were answered.
fn hops(result: &Value) -> Vec<(String, u64, u64)> {
    let hops = result["hops"].as_array().expect("hops");
    hops.iter()
        .map(|hop| {
            let responders = hop["responders"].as_array().expect("responders");
            let addresses: Vec<&str> =
                responders.iter().filter_map(|one| one["address"].as_str()).collect();
            let count = |name: &str| hop[name].as_u64().expect("a count");
            (addresses.join(" "), count("sent"), count("answered"))
        })
        .collect()
}

fn expected(chain: &Chain, v6: bool) -> Vec<(String, u64, u64)> {
    let routers = chain.len() - 2;
    (1..=routers)
        .map(|hop| chain.router(hop, v6))
        .chain([chain.destination(v6)])
        .map(|address| (address, 3, 3))
        .collect()
}

#[test]
fn every_protocol_finds_every_router() {
    if !privileged("every_protocol_finds_every_router") {
        return;
    }
    let chain = Chain::new(3);
    for v6 in [false, true] {
        for protocol in ["udp", "icmp", "tcp"] {
            let result = trace(&chain, v6, &["--protocol", protocol]);
            assert_eq!(hops(&result), expected(&chain, v6), "{protocol} {v6}");
            assert_eq!(result["reached"], true);
            assert_eq!(result["socket"], "raw sockets");
            assert_eq!(result["unattributed"], 0);
        }
    }
}

#[test]
fn a_user_without_rights_finds_every_router_too() {
    if !privileged("a_user_without_rights_finds_every_router_too") {
        return;
    }
    let chain = Chain::new(3);
    for v6 in [false, true] {
        let destination = chain.destination(v6);
        for (protocol, socket) in
            [("udp", "UDP socket (unprivileged)"), ("icmp", "ping socket (unprivileged)")]
        {
            let arguments = [
                "trace",
                "--interval",
                "5ms",
                "--wait",
                "300ms",
                "--json",
                "-",
                "--protocol",
                protocol,
                &destination,
            ];
            let result = result_of(&unprivileged(&chain, true, &arguments));
            assert_eq!(result["socket"], socket);
            assert_eq!(hops(&result), expected(&chain, v6), "{protocol} {v6}");
            assert_eq!(result["reached"], true);
        }
    }
    let destination = chain.destination(false);
    for (arguments, remedy) in [
        (["--protocol", "icmp"], "use --protocol udp, run it as root or with CAP_NET_RAW"),
        (["--protocol", "tcp"], "run it as root or with CAP_NET_RAW"),
        (["--fragments", "--protocol=udp"], "run it as root or with CAP_NET_RAW"),
    ] {
        let line = ["trace", arguments[0], arguments[1], &destination];
        let output = unprivileged(&chain, false, &line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(remedy), "{said}");
    }
}

#[test]
fn narrow_links_are_shown_at_their_routers() {
    if !privileged("narrow_links_are_shown_at_their_routers") {
        return;
    }
    for protocol in ["udp", "icmp"] {
        let chain = Chain::new(4);
        chain.sh(2, "ip link set right mtu 1400");
        chain.sh(3, "ip link set right mtu 1300");
        for v6 in [false, true] {
            let result = trace(&chain, v6, &["--mtu", "--protocol", protocol]);
            let mtus: Vec<(u64, u64)> = result["link_mtus"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|mtu| (mtu["hop"].as_u64().unwrap(), mtu["mtu"].as_u64().unwrap()))
                .collect();
            assert_eq!(mtus, [(2, 1400), (3, 1300)], "{protocol} {v6}");
            assert_eq!((&result["size"], &result["arrived_size"]), (&1500.into(), &1300.into()));
            assert_eq!(hops(&result), expected(&chain, v6));
        }
    }
}

#[test]
fn silent_hops_and_unreachable_destinations_are_said() {
    if !privileged("silent_hops_and_unreachable_destinations_are_said") {
        return;
    }
    let chain = Chain::new(3);
    chain.nft(
        2,
        "table ip mute { chain o { type filter hook output priority 0; \
                  icmp type time-exceeded drop;\n}\n}\n",
    );
    let mut command = wirestorm();
    let arguments = ["trace", "--interval", "5ms", "--wait", "300ms"];
    let output = chain.run(0, command.args(arguments).arg(chain.destination(false)));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("\n  2  *"), "{said}");
    assert!(said.lines().any(|line| line.contains("destination")), "{said}");

    chain.sh(3, "ip route add prohibit 198.18.77.0/24");
    for at in 0..3 {
        chain.sh(at, &format!("ip route add 198.18.77.0/24 via 198.18.{at}.2"));
    }
    let mut command = wirestorm();
    let output = chain.run(0, command.args(arguments).arg("198.18.77.1"));
    let said = String::from_utf8_lossy(&output.stdout);
    let refused = "198.18.2.2: Communication prohibited by filter";
    assert!(said.contains(refused), "{said}");
    assert!(said.contains("The destination was not reached: refused at hop 3."), "{said}");
}

/// What goes out has one pair of ports, one checksum and one flow label.
#[test]
fn a_run_is_one_flow() {
    if !privileged("a_run_is_one_flow") {
        return;
    }
    let chain = Chain::new(2);
    chain.nft(
        1,
        "table ip6 look {
           set flows { type inet_service . inet_service; flags dynamic; size 99; }
           set sums { typeof udp checksum; flags dynamic; size 99; }
           set labels { typeof ip6 flowlabel; flags dynamic; size 99; }
           chain p {
             type filter hook prerouting priority 0;
             udp dport 33434 add @flows { udp sport . udp dport } add @sums { udp checksum } \
               add @labels { ip6 flowlabel }
           }
         }\n",
    );
    trace(&chain, true, &["--protocol", "udp"]);
    let ruleset: Value =
        serde_json::from_str(&chain.sh(1, "nft -j list ruleset")).expect("nft's JSON");
    for name in ["flows", "sums", "labels"] {
        let objects = ruleset["nftables"].as_array().expect("objects");
        let set = objects.iter().find(|object| object["set"]["name"] == name).expect("the set");
        assert_eq!(set["set"]["elem"].as_array().expect("elements").len(), 1, "{name}: {set}");
    }
}

//! When nothing arrives, the report names the cause, and the right one.

mod common;

use std::fs;

use common::{privileged, run_of, wirestorm};

#[test]
fn nothing_received_names_the_cause() {
    if !privileged("nothing_received_names_the_cause") {
        return;
    }
    let drop = "table ip wirestorm {\n      chain forward {\n        type filter hook forward \
                priority filter; policy accept;\n        udp dport 9 counter drop\n      }\n    }";
    let cases = [
        ("  sysctl: {net.ipv4.ip_forward: 0}", "", "router Ip.InAddrErrors counted 100"),
        (
            "",
            "next_hop: {mac: '02:00:00:00:99:99'}",
            "they were not for it: check the next hop's MAC",
        ),
        (
            &format!("  nft: |\n    {drop}"),
            "",
            "nft ip wirestorm forward rule 1 packets counted 100",
        ),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zero.yaml");
    for (lab, port, cause) in cases {
        let yaml = format!(
            "duration: 10s\nlab:\n  topology: router\n{lab}\n\
             ports: {{tx: {{lab: tx, {port}}}, rx: {{lab: rx}}}}\n\
             streams:\n  - {{from: tx, to: rx, size: 128B, rate: 1kpps, count: 100, \
             packet: [ipv4, {{udp: {{dst: 9}}}}]}}\nvalidity: {{max_lag: 10s, max_unsent: 1}}\n"
        );
        fs::write(&path, yaml).expect("written");
        let output = wirestorm()
            .args(["run", "--json", "-", "--quiet"])
            .arg(&path)
            .output()
            .expect("it starts");
        let run = run_of(&output);
        assert_eq!(run.total("unique"), 0, "{}", run.stderr);
        run.assert_ledger_closes();
        let warning = &run.json["warnings"][0];
        assert_eq!(warning["code"], "nothing_received");
        let message = warning["message"].as_str().expect("a message");
        assert!(
            message.starts_with("none of 100 packets sent arrived: rx counted no"),
            "{message}"
        );
        assert!(message.contains(cause), "{message}");
    }
}

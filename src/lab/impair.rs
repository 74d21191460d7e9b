//! What the router does to packets: nftables rules and token bucket filters.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::profile::model::Tbf;
use crate::sys::errno::words;
use crate::sys::netns::Netns;

/// Everything that arrives at the device ends there, but for what addresses are resolved with. A packet
/// ring sees frames before the ingress hook does.
fn muted(device: &str) -> String {
    format!(
        "table netdev wirestorm {{
  chain ingress {{
    type filter hook ingress device {device} priority filter; policy drop;
    ether type arp accept
    icmpv6 type {{ nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }} accept
  }}
}}
"
    )
}

/// Keeps the kernel of a namespace from answering what arrives at a device.
pub(super) fn mute(netns: &Netns, device: &str) -> Result<()> {
    load(netns, &muted(device), |cause| {
        Error::new("silence the kernel of", format!("the lab's {device}"), cause)
    })
}

/// Loads `rules` inside the router.
pub(super) fn nft(router: &Netns, rules: &str) -> Result<()> {
    load(router, rules, |cause| Error::new("load the rules of", "lab.nft", cause))
}

/// Loads `rules` that are the program's own, which `what` names.
pub(super) fn nft_of(router: &Netns, rules: &str, what: &str) -> Result<()> {
    load(router, rules, |cause| Error::new("load", what, cause))
}

/// Loads `rules` with `nft -f -` inside a namespace.
fn load(netns: &Netns, rules: &str, failed: impl Fn(String) -> Error) -> Result<()> {
    let run = || -> std::io::Result<_> {
        let mut child = Command::new("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // nft may end before it has read everything; its exit status tells more than EPIPE.
            let _ = input.write_all(rules.as_bytes());
        }
        child.wait_with_output()
    };
    let output = netns
        .run(run)
        .and_then(|output| output)
        .map_err(|error| failed(format!("nft: {}", words(&error))).remedy(missing("nftables")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(nft_complaint(&String::from_utf8_lossy(&output.stderr))))
}

/// nft's complaints in one line, with the position in the rules: nft prints each as
/// `/dev/stdin:LINE:COLUMNS: Error: TEXT`, then the line and a row of carets.
fn nft_complaint(stderr: &str) -> String {
    let complaints: Vec<String> = stderr
        .lines()
        .filter_map(|line| {
            let (place, text) = line.split_once(": Error: ")?;
            let text = text.trim();
            let mut numbers = place.rsplitn(3, ':');
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(columns), Some(line), Some(_)) => {
                    Some(format!("line {line}, column {columns}: {text}"))
                }
                _ => Some(text.to_owned()),
            }
        })
        .collect();
    if complaints.is_empty() {
        let text = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        return if text.is_empty() { "nft failed without a word".into() } else { text };
    }
    complaints.join("; ")
}

/// Installs the profile's token bucket number `index` as the root queueing discipline of the
/// router's device.
pub(super) fn tbf(router: &Netns, index: usize, tbf: &Tbf) -> Result<()> {
    let failed = |cause: String| {
        Error::new("install the token bucket of", format!("lab.tbf[{index}]"), cause)
    };
    let device = device_towards(&tbf.towards).ok_or_else(|| {
        failed(format!("the router has no device towards {}", tbf.towards)).remedy("use tx or rx")
    })?;
    let rate = format!("{}bit", tbf.rate_bps);
    let burst = format!("{}b", tbf.burst_bytes);
    let limit = format!("{}b", tbf.limit_bytes);
    #[rustfmt::skip]
    let arguments = [
        "qdisc", "add", "dev", device, "root", "tbf",
        "rate", &rate, "burst", &burst, "limit", &limit,
    ];
    let output = router
        .run(|| Command::new("tc").args(arguments).output())
        .and_then(|output| output)
        .map_err(|error| failed(format!("tc: {}", words(&error))).remedy(missing("iproute2")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(failed(format!("tc: {}", text.trim_start_matches("Error: "))))
}

/// The router's device towards a role.
pub(super) fn device_towards(role: &str) -> Option<&'static str> {
    match role {
        "tx" => Some("r-tx"),
        "rx" => Some("r-rx"),
        _ => None,
    }
}

fn missing(package: &str) -> String {
    format!("install {package} (apt-get install {package})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_keep_their_place_in_the_rules() {
        let stderr = "/dev/stdin:2:11-14: Error: syntax error, unexpected string\n  chain x {\n   ^^^^\n\
                      /dev/stdin:5:1-1: Error: no such table\n";
        assert_eq!(
            nft_complaint(stderr),
            "line 2, column 11-14: syntax error, unexpected string; line 5, column 1-1: no such table"
        );
    }

    #[test]
    fn other_complaints_are_one_line() {
        assert_eq!(nft_complaint("netlink: Error:\n  cache\n"), "netlink: Error: cache");
        assert_eq!(nft_complaint(""), "nft failed without a word");
    }
}

//! Settings under /proc/sys/net of one namespace. They are the namespace's that the writing thread
//! is in.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::netns::Netns;

/// What every namespace of the lab gets before it has devices, so that devices inherit it. A name
/// that this kernel does not have is passed over.
///
/// No reverse-path filter, no redirects (they would change routes in mid-run), no duplicate address
/// detection (addresses are usable at once), no router solicitations, no addresses but the lab's,
/// multicast reports at once and not at a random time within a run, ICMP errors without a limit.
const QUIET: &[(&str, &str)] = &[
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/accept_redirects", "0"),
    ("net/ipv4/conf/default/accept_redirects", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/icmp_ratelimit", "0"),
    ("net/ipv4/icmp_ratemask", "0"),
    ("net/ipv4/icmp_msgs_per_sec", "1000000"),
    ("net/ipv4/icmp_msgs_burst", "1000000"),
    ("net/ipv6/conf/all/disable_ipv6", "0"),
    ("net/ipv6/conf/default/disable_ipv6", "0"),
    ("net/ipv6/conf/all/accept_ra", "0"),
    ("net/ipv6/conf/default/accept_ra", "0"),
    ("net/ipv6/conf/default/autoconf", "0"),
    ("net/ipv6/conf/all/accept_redirects", "0"),
    ("net/ipv6/conf/default/accept_redirects", "0"),
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/default/dad_transmits", "0"),
    ("net/ipv6/conf/default/addr_gen_mode", "1"),
    ("net/ipv6/conf/default/router_solicitations", "0"),
    ("net/ipv6/conf/default/mldv1_unsolicited_report_interval", "1"),
    ("net/ipv6/conf/default/mldv2_unsolicited_report_interval", "1"),
    ("net/ipv6/icmp/ratelimit", "0"),
    // The types whose number is limited: 127 alone, which is reserved and never sent.
    ("net/ipv6/icmp/ratemask", "127"),
];

/// Forwarding comes first: changing it resets other settings.
const FORWARDING: &[&str] = &["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];

/// Makes the calling thread's namespace quiet and exact, a router or not.
pub(super) fn quiet_here(forwarding: bool) -> io::Result<()> {
    for name in FORWARDING {
        set_here(name, if forwarding { "1" } else { "0" }).or_else(missing_is_fine)?;
    }
    for (name, value) in QUIET {
        set_here(name, value).or_else(missing_is_fine)?;
    }
    Ok(())
}

fn missing_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn set_here(path: &str, value: &str) -> io::Result<()> {
    // Opened without O_CREAT: a missing file of /proc is "not found", not "permission denied".
    let mut file =
        fs::OpenOptions::new().write(true).open(PathBuf::from("/proc/sys").join(path))?;
    io::Write::write_all(&mut file, value.as_bytes())
}

/// Applies the profile's `lab.sysctl` in the namespaces given: each setting in those that have it.
pub(super) fn apply(spaces: &[&Netns], settings: &[(String, String)]) -> Result<()> {
    for (name, value) in settings {
        let failed = |cause: String| Error::new("set", format!("lab.sysctl.{name}"), cause);
        let path = path_of(name).ok_or_else(|| {
            failed("not a network setting".into()).remedy(
                "only names under net, as net.ipv4.ipfrag_time, belong to a lab and not to the \
                 whole machine",
            )
        })?;
        let mut found = false;
        for space in spaces {
            match space.run(|| set_here(&path, value)).and_then(|written| written) {
                Ok(()) => found = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(format!("{} (value {value})", words(&error)))),
            }
        }
        if !found {
            return Err(failed("this kernel has no such setting in a lab's namespaces".into()));
        }
    }
    Ok(())
}

/// `net.ipv4.ipfrag_time` or `net/ipv4/ipfrag_time` as a path below /proc/sys; none when it is not
/// below net.
fn path_of(name: &str) -> Option<String> {
    let path = if name.contains('/') { name.to_owned() } else { name.replace('.', "/") };
    let legal = path.starts_with("net/")
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    legal.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_name_the_same_file() {
        assert_eq!(path_of("net.ipv4.ipfrag_time").as_deref(), Some("net/ipv4/ipfrag_time"));
        assert_eq!(path_of("net/ipv4/ipfrag_time").as_deref(), Some("net/ipv4/ipfrag_time"));
    }

    #[test]
    fn nothing_outside_the_network_is_touched() {
        for name in ["kernel.panic", "net/../kernel/panic", "/net/ipv4/x", "net", "net..ipv4"] {
            assert_eq!(path_of(name), None, "{name}");
        }
        let error = apply(&[], &[("vm.swappiness".into(), "1".into())]).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot set lab.sysctl.vm.swappiness: not a network")
        );
    }
}

//! A chain of routers in network namespaces: src – r1 – … – rN – dst, IPv4 and IPv6, held by this
//! process and gone with it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::Write;
use std::net::Ipv6Addr;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use wirestorm::sys::netns::Netns;

/// Namespaces in a row; the first is the source, the last the destination.
pub struct Chain {
    spaces: Vec<Space>,
}

struct Space {
    netns: Netns,
    /// Keeps a process id in the namespace, by which ip(8) moves devices there.
    holder: Child,
}

impl Drop for Space {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Every answer comes, at once, and nothing else is said: no limits for ICMP, no duplicate address
/// detection, no router solicitations, fragments kept for a second.
const QUIET: &str = "
cd /proc/sys/net
for setting in ipv4/ip_forward=1 ipv6/conf/all/forwarding=1 ipv4/icmp_ratelimit=0 \
    ipv4/icmp_ratemask=0 ipv6/icmp/ratelimit=0 ipv6/conf/all/accept_dad=0 \
    ipv6/conf/default/accept_dad=0 ipv6/conf/default/dad_transmits=0 ipv4/ipfrag_time=1 \
    ipv6/ip6frag_time=1; do
    echo ${setting#*=} > ${setting%=*}
done
# Not in the namespaces of every kernel.
for limit in ipv4/icmp_msgs_per_sec ipv4/icmp_msgs_burst; do
    [ ! -w $limit ] || echo 1000000 > $limit || true
done
ip link set lo up
";

impl Chain {
    /// Builds a chain with that many routers.
    pub fn new(routers: usize) -> Self {
        let chain = Self { spaces: (0..routers + 2).map(|_| Space::new()).collect() };
        for link in 0..=routers {
            let peer = chain.spaces[link + 1].holder.id();
            chain.sh(link, &format!("ip link add right type veth peer name left netns {peer}"));
        }
        let last = routers + 1;
        for at in 0..=last {
            let mut script = String::new();
            if at > 0 {
                let net = at - 1;
                script += &format!(
                    "ip addr add 198.18.{net}.2/24 dev left; ip link set left up\n\
                     ip -6 addr add 2001:db8:{net:x}::2/64 dev left nodad\n"
                );
            }
            if at < last {
                script += &format!(
                    "ip addr add 198.18.{at}.1/24 dev right; ip link set right up\n\
                     ip -6 addr add 2001:db8:{at:x}::1/64 dev right nodad\n"
                );
            }
            chain.sh(at, &format!("{script}true"));
        }
        for at in 0..=last {
            let mut script = String::new();
            for net in 0..=routers {
                // Networks to the right of the right one, and to the left of the left one.
                let next = if net > at {
                    Some((format!("198.18.{at}.2"), format!("2001:db8:{at:x}::2")))
                } else if at > 0 && net + 1 < at {
                    let left = at - 1;
                    Some((format!("198.18.{left}.1"), format!("2001:db8:{left:x}::1")))
                } else {
                    None
                };
                if let Some((v4, v6)) = next {
                    script += &format!(
                        "ip route replace 198.18.{net}.0/24 via {v4}\n\
                         ip -6 route replace 2001:db8:{net:x}::/64 via {v6}\n"
                    );
                }
            }
            chain.sh(at, &format!("{script}true"));
        }
        chain
    }

    /// Namespaces, both ends included.
    pub fn len(&self) -> usize {
        self.spaces.len()
    }

    /// The destination's address.
    pub fn destination(&self, v6: bool) -> String {
        let net = self.spaces.len() - 2;
        address(net, v6)
    }

    /// The address from which router `hop` answers: that of its side towards the source.
    pub fn router(&self, hop: usize, v6: bool) -> String {
        let net = hop - 1;
        address(net, v6)
    }

    /// Runs a shell script in namespace `at` and expects it to succeed.
    pub fn sh(&self, at: usize, script: &str) -> String {
        let output = self.spaces[at]
            .netns
            .run(|| Command::new("sh").args(["-ec", script]).output())
            .expect("the namespace")
            .expect("sh starts");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Loads nftables rules in namespace `at`.
    pub fn nft(&self, at: usize, rules: &str) {
        let load = || -> std::io::Result<Output> {
            let mut child = Command::new("nft")
                .args(["-f", "-"])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            child.stdin.take().expect("a pipe").write_all(rules.as_bytes())?;
            child.wait_with_output()
        };
        let output = self.spaces[at].netns.run(load).expect("the namespace").expect("nft starts");
        assert!(output.status.success(), "{rules}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a function in namespace `at`.
    pub fn within<T: Send>(&self, at: usize, work: impl FnOnce() -> T + Send) -> T {
        self.spaces[at].netns.run(work).expect("the namespace")
    }

    /// Runs a program in namespace `at`.
    pub fn run(&self, at: usize, command: &mut Command) -> Output {
        self.spaces[at].netns.run(|| command.output()).expect("the namespace").expect("it starts")
    }

    /// Starts a program in namespace `at`.
    pub fn spawn(&self, at: usize, command: &mut Command) -> Child {
        self.spaces[at].netns.run(|| command.spawn()).expect("the namespace").expect("it starts")
    }
}

impl Space {
    fn new() -> Self {
        let netns = Netns::new_anonymous().expect("a namespace");
        let hold = || Command::new("sleep").arg("600").stdin(Stdio::null()).spawn();
        let holder = netns.run(hold).expect("the namespace").expect("sleep starts");
        let quiet = || Command::new("sh").args(["-ec", QUIET]).output();
        let output = netns.run(quiet).expect("the namespace").expect("sh starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { netns, holder }
    }
}

/// The address of the right end of a link, as it is printed.
fn address(net: usize, v6: bool) -> String {
    match v6 {
        true => Ipv6Addr::new(0x2001, 0xdb8, net as u16, 0, 0, 0, 0, 2).to_string(),
        false => format!("198.18.{net}.2"),
    }
}

/// The JSON on standard output, with everything that was said shown where there is none.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

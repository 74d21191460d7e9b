//! Rules of the kernel's packet filter that end with this process, SIGKILL or not: a table of
//! nftables with the `owner` flag belongs to the netlink socket that made it, and the kernel removes
//! it when that socket is closed (Linux 5.12, include/uapi/linux/netfilter/nf_tables.h).

mod message;

use std::io;
use std::net::{IpAddr, SocketAddr};

use netlink_sys::{Socket, SocketAddr as NetlinkAddress, protocols::NETLINK_NETFILTER};

use crate::error::{Error, Result};
use crate::sys::errno::words;
use message::{Batch, Hook, Match, Take};

/// Before connection tracking reassembles (`NF_IP_PRI_CONNTRACK_DEFRAG` is -400).
const BEFORE_DEFRAGMENTATION: i32 = -450;
/// `NF_IP_PRI_FILTER`.
const FILTER: i32 = 0;

/// TCP that the kernel is to leave alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What arrives on an interface for a port of an address is not for the kernel.
    Arriving {
        /// Index of the interface.
        interface: u32,
        /// Address and port.
        to: SocketAddr,
    },
    /// What a server sends to a range of ports of an address is not for the kernel.
    Answers {
        /// The server.
        from: SocketAddr,
        /// This host's address.
        to: IpAddr,
        /// Its ports: first and last.
        ports: (u16, u16),
    },
    /// Resets that the kernel sends from a port of an address do not leave: of segments that came
    /// in fragments, which the rule above does not know.
    Resets {
        /// Address and port.
        from: SocketAddr,
    },
}

/// A table of nftables that lives as long as this.
#[derive(Debug)]
pub struct OwnedTable {
    _socket: Socket,
    name: String,
}

impl OwnedTable {
    /// Makes a table of these rules in the calling thread's network namespace.
    ///
    /// # Errors
    /// Without CAP_NET_ADMIN, nf_tables, or a kernel that knows owned tables.
    pub fn new(name: &str, rules: &[Rule]) -> Result<Self> {
        let failed = |error: io::Error| {
            let failed = Error::new("make the nftables table", name, words(&error));
            match error.raw_os_error() {
                Some(libc::EPERM) => failed.remedy("run as root (sudo) or with CAP_NET_ADMIN"),
                Some(libc::EOPNOTSUPP | libc::EINVAL | libc::EPROTONOSUPPORT) => {
                    failed.remedy("it takes Linux 5.12 or later with nf_tables: modprobe nf_tables")
                }
                _ => failed,
            }
        };
        let socket = Self::open().map_err(failed)?;
        transact(&socket, &batch(name, rules)).map_err(failed)?;
        Ok(Self { _socket: socket, name: name.to_owned() })
    }

    fn open() -> io::Result<Socket> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddress::new(0, 0))?;
        Ok(socket)
    }

    /// The table's name, of family `inet`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn batch(name: &str, rules: &[Rule]) -> Batch {
    let mut batch = Batch::new(name);
    batch.chain("arriving", Hook::PreRouting, BEFORE_DEFRAGMENTATION);
    batch.chain("leaving", Hook::Output, FILTER);
    for rule in rules {
        let (chain, matches) = matches(rule);
        batch.drop_rule(chain, &matches);
    }
    batch
}

/// The chain of a rule, and all that a packet has to be.
fn matches(rule: &Rule) -> (&'static str, Vec<Match>) {
    const SRC: u32 = 0;
    const DST: u32 = 2;
    let port =
        |at: u32, port: u16| Match::equal(Take::Transport { at, len: 2 }, port.to_be_bytes());
    let range = |at: u32, (first, last): (u16, u16)| {
        let take = Take::Transport { at, len: 2 };
        [Match::at_least(take, first.to_be_bytes()), Match::at_most(take, last.to_be_bytes())]
    };
    match *rule {
        Rule::Arriving { interface, to } => {
            let mut all = vec![Match::equal(Take::InputInterface, interface.to_ne_bytes())];
            all.extend(tcp_of(to.ip()));
            all.extend([destination(to.ip()), port(DST, to.port())]);
            ("arriving", all)
        }
        Rule::Answers { from, to, ports } => {
            let mut all = tcp_of(to);
            all.extend([source(from.ip()), destination(to), port(SRC, from.port())]);
            all.extend(range(DST, ports));
            ("arriving", all)
        }
        Rule::Resets { from } => {
            const FLAGS: u32 = 13;
            const RST: u8 = 4;
            let mut all = tcp_of(from.ip());
            all.extend([source(from.ip()), port(SRC, from.port())]);
            all.push(Match::any_bit(Take::Transport { at: FLAGS, len: 1 }, [RST]));
            ("leaving", all)
        }
    }
}

fn tcp_of(address: IpAddr) -> Vec<Match> {
    let family = if address.is_ipv4() { libc::NFPROTO_IPV4 } else { libc::NFPROTO_IPV6 };
    vec![
        Match::equal(Take::Family, [family as u8]),
        Match::equal(Take::TransportProtocol, [libc::IPPROTO_TCP as u8]),
    ]
}

fn source(address: IpAddr) -> Match {
    match address {
        IpAddr::V4(address) => Match::equal(Take::Network { at: 12, len: 4 }, address.octets()),
        IpAddr::V6(address) => Match::equal(Take::Network { at: 8, len: 16 }, address.octets()),
    }
}

fn destination(address: IpAddr) -> Match {
    match address {
        IpAddr::V4(address) => Match::equal(Take::Network { at: 16, len: 4 }, address.octets()),
        IpAddr::V6(address) => Match::equal(Take::Network { at: 24, len: 16 }, address.octets()),
    }
}

/// Sends a batch; all of it is done, or nothing. The kernel acknowledges every message of it.
fn transact(socket: &Socket, batch: &Batch) -> io::Result<()> {
    let (bytes, messages) = batch.finish();
    socket.send(&bytes, 0)?;
    let mut acknowledged = 0;
    while acknowledged < messages {
        let (datagram, _) = socket.recv_from_full()?;
        acknowledged += message::acknowledgments(&datagram)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::netns::Netns;

    #[test]
    fn a_table_needs_the_right_to_make_it_and_is_gone_with_its_owner() {
        let rules = [
            Rule::Arriving { interface: 1, to: "[::1]:443".parse().unwrap() },
            Rule::Arriving { interface: 1, to: "127.0.0.1:80".parse().unwrap() },
            Rule::Answers {
                from: "127.0.0.1:8080".parse().unwrap(),
                to: "127.0.0.1".parse().unwrap(),
                ports: (20_000, 29_999),
            },
            Rule::Resets { from: "[::1]:443".parse().unwrap() },
        ];
        // Where a namespace cannot be made, a table cannot either.
        let Ok(netns) = Netns::new_anonymous() else {
            let error = OwnedTable::new("wirestorm-test", &rules).unwrap_err().to_string();
            assert!(error.contains("wirestorm-test"), "{error}");
            return;
        };
        netns
            .run(|| {
                for _ in 0..2 {
                    let table = OwnedTable::new("wirestorm-test", &rules).unwrap();
                    assert_eq!(table.name(), "wirestorm-test");
                    let twice = OwnedTable::new("wirestorm-test", &rules).unwrap_err();
                    assert!(twice.to_string().contains("wirestorm-test"), "{twice}");
                }
            })
            .unwrap();
    }
}

//! A lab of namespaces, veth pairs and a Linux router, all in this machine. It has no name: it is
//! held by descriptors, and gone with the process, SIGKILL or not.

pub mod impair;
pub mod layout;
pub mod named;
pub mod router;
mod sysctl;
mod wiring;
pub mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Output};

use crate::error::{Error, Result};
use crate::host::netlink::Netlink;
use crate::host::offloads;
use crate::profile::model::{LabSpec, Neighbours, Topology};
use crate::sys::errno::words;
use crate::sys::ethtool::Ethtool;
use crate::sys::netns::Netns;
use layout::{End, Layout};

/// How a lab is made, beside what the profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Queues of every device where the profile names no number; 0 counts as 1.
    pub queues: u32,
    /// Receive through NAPI on every device, so that frames that XDP sends or redirects arrive at
    /// a device that has no XDP program itself. On veth the switch for that is GRO, which is kept
    /// from merging anything by a maximal size of 1 byte. Off: the kernel's default path, and such
    /// frames arrive nowhere.
    pub napi: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { queues: 1, napi: true }
    }
}

/// A lab that is up.
#[derive(Debug)]
pub struct Lab {
    spec: LabSpec,
    layout: Layout,
    spaces: Vec<Space>,
}

/// A namespace of the lab and the sockets that speak with the kernel about it.
#[derive(Debug)]
struct Space {
    role: &'static str,
    netns: Netns,
}

/// What a port of the test needs to know of the lab.
#[derive(Clone, Debug)]
pub struct LabPort {
    /// The namespace that the interface is in.
    pub netns: Netns,
    /// Its name.
    pub interface: String,
    /// Its MAC.
    pub mac: [u8; 6],
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address; none when the MTU is below 1280.
    pub ipv6: Option<Ipv6Addr>,
    /// The IPv4 next hop: the router's address on this side, or the other end.
    pub next_hop_ipv4: Ipv4Addr,
    /// As `next_hop_ipv4`.
    pub next_hop_ipv6: Option<Ipv6Addr>,
    /// The next hop's MAC; none when the lab's neighbours are to be resolved.
    pub next_hop_mac: Option<[u8; 6]>,
}

impl Lab {
    /// Creates the lab of `spec`, every device with `queues` queues where the spec names no number.
    /// It is ready for packets when this returns.
    ///
    /// # Errors
    /// Without CAP_SYS_ADMIN and CAP_NET_ADMIN; when the nftables rules, a token bucket or a sysctl
    /// is refused (the error names its path in the profile).
    pub fn up(spec: &LabSpec, queues: u32) -> Result<Self> {
        Self::up_with(spec, Options { queues, ..Options::default() })
    }

    /// [`Lab::up`] with all options.
    ///
    /// # Errors
    /// As [`Lab::up`].
    pub fn up_with(spec: &LabSpec, options: Options) -> Result<Self> {
        let layout = Layout::new(spec.topology, spec.mtu);
        let spaces = layout.roles.iter().map(|role| Space::new(role)).collect::<Result<_>>()?;
        let lab = Self { spec: spec.clone(), layout, spaces };
        lab.wire(options)?;
        let configured: Vec<&Netns> = lab
            .spaces
            .iter()
            .filter(|space| space.role != "tx")
            .map(|space| &space.netns)
            .collect();
        sysctl::apply(&configured, &spec.sysctl)?;
        lab.impair()?;
        Ok(lab)
    }

    /// Keeps the kernel behind `rx` from answering the packets that arrive (port unreachable, RST,
    /// echo replies): the answers would go through the router and load it. For receivers that see
    /// copies of the packets; XDP takes them away itself.
    ///
    /// # Errors
    /// Without nft(8).
    pub fn mute_receiver(&self) -> Result<()> {
        self.mute("rx")
    }

    /// Keeps the kernel behind the device of a role, `tx` or `rx`, from seeing what arrives: packet
    /// sockets still do.
    ///
    /// # Errors
    /// Without nft(8).
    pub fn mute(&self, role: &str) -> Result<()> {
        self.netns(role).map_or(Ok(()), |netns| impair::mute(netns, role))
    }

    /// The port of a role, `tx` or `rx`.
    pub fn port(&self, role: &str) -> Option<LabPort> {
        let end = self.layout.ends().find(|end| end.role == role && end.device == role)?;
        let next_hop = self.layout.peer(end.device)?;
        let permanent = self.spec.neighbours == Neighbours::Permanent;
        Some(LabPort {
            netns: self.netns(role)?.clone(),
            interface: end.device.to_owned(),
            mac: end.mac,
            ipv4: end.ipv4.0,
            ipv6: self.layout.ipv6.then_some(end.ipv6.0),
            next_hop_ipv4: next_hop.ipv4.0,
            next_hop_ipv6: self.layout.ipv6.then_some(next_hop.ipv6.0),
            next_hop_mac: permanent.then_some(next_hop.mac),
        })
    }

    /// The namespace of a role: `tx`, `router`, `rx`.
    pub fn netns(&self, role: &str) -> Option<&Netns> {
        self.spaces.iter().find(|space| space.role == role).map(|space| &space.netns)
    }

    /// The roles of the namespaces, from `tx` to `rx`.
    pub fn roles(&self) -> &[&'static str] {
        &self.layout.roles
    }

    /// Every device with the role of its namespace, from `tx` to `rx`.
    pub fn devices(&self) -> Vec<(&'static str, &'static str)> {
        self.layout.ends().map(|end| (end.role, end.device)).collect()
    }

    /// The spec that it was made of.
    pub fn spec(&self) -> &LabSpec {
        &self.spec
    }

    /// Independent counters of the kernel: see [`witness`]. The difference of two calls is what
    /// happened between them.
    ///
    /// # Errors
    /// When the kernel's tables can't be read or `nft` or `tc` fails.
    pub fn witness(&self) -> Result<Vec<(String, u64)>> {
        witness::read(self)
    }

    /// Runs a program inside a namespace of the lab and waits for it.
    ///
    /// # Errors
    /// When there is no such role or the program can't be started. Its exit status is the caller's.
    pub fn run_in(&self, role: &str, command: &[&str]) -> Result<Output> {
        let line = command.join(" ");
        let netns = self
            .netns(role)
            .ok_or_else(|| Error::new("run", line.clone(), format!("the lab has no {role}")))?;
        let Some((program, arguments)) = command.split_first() else {
            return Err(Error::new("run", "", "no command"));
        };
        netns
            .run(|| Command::new(program).args(arguments).output())
            .and_then(|output| output)
            .map_err(|error| Error::new("run", line, words(&error)))
    }

    fn wire(&self, options: Options) -> Result<()> {
        let sockets = self.spaces.iter().map(Space::sockets).collect::<Result<Vec<_>>>()?;
        let of = |role: &str| {
            let at = self.spaces.iter().position(|space| space.role == role).unwrap_or(0);
            (&self.spaces[at].netns, &sockets[at].0, &sockets[at].1)
        };
        let queues = self.spec.queues.unwrap_or(options.queues).max(1);
        for ends in &self.layout.pairs {
            let (first, netlink, _) = of(ends[0].role);
            let (second, _, _) = of(ends[1].role);
            let mtu = |end: &layout::End| match self.spec.egress_mtu {
                Some(mtu) if end.device == layout::EGRESS => mtu,
                _ => self.spec.mtu,
            };
            wiring::create_pair(netlink, ends, [first, second], queues, mtu).map_err(|error| {
                let pair = format!("{} – {}", ends[0].device, ends[1].device);
                device_error("create the lab's veth pair", &pair, &error)
            })?;
        }
        for space in &self.spaces {
            let (_, netlink, _) = of(space.role);
            wiring::set_up(netlink, "lo")
                .map_err(|error| device_error("bring up loopback in", space.role, &error))?;
        }
        let mut indices = Vec::new();
        for end in self.layout.ends() {
            let (_, netlink, ethtool) = of(end.role);
            let failed = |error| device_error("bring up the lab's device", end.device, &error);
            let features: Vec<_> = offloads::TRANSMIT
                .iter()
                .chain(offloads::RECEIVE)
                .chain([&offloads::GRO])
                .map(|name| (*name, false))
                .collect();
            ethtool.set_features(end.device, &features).map_err(failed)?;
            indices.push((end.device, wiring::set_up(netlink, end.device).map_err(failed)?));
        }
        for end in self.layout.ends() {
            let (_, netlink, ethtool) = of(end.role);
            let failed = |error| device_error("bring up the lab's device", end.device, &error);
            wiring::wait_for_carrier(netlink, end.device).map_err(failed)?;
            if options.napi {
                // Only on a device that is up does this make its peer a target of redirects
                // (drivers/net/veth.c, veth_set_features).
                ethtool.set_features(end.device, &[(offloads::GRO, true)]).map_err(failed)?;
            }
        }
        let index =
            |device: &str| indices.iter().find(|(name, _)| *name == device).map_or(0, |(_, i)| *i);
        for end in self.layout.ends() {
            let (_, netlink, _) = of(end.role);
            self.address(netlink, index(end.device), end)?;
        }
        for route in &self.layout.routes {
            let (_, netlink, _) = of(route.role);
            wiring::add_route(netlink, index(route.device), route).map_err(|error| {
                let subject = format!("{}/{} in {}", route.to.0, route.to.1, route.role);
                device_error("add the lab's route to", &subject, &error)
            })?;
        }
        let devices: Vec<_> = self.layout.ends().map(|end| (of(end.role).1, end.device)).collect();
        wiring::wait_for_quiet(&devices).map_err(|error| device_error("settle the lab", "", &error))
    }

    fn address(&self, netlink: &Netlink, index: u32, end: &End) -> Result<()> {
        let mut own = vec![(IpAddr::V4(end.ipv4.0), end.ipv4.1)];
        if self.layout.ipv6 {
            own.push((IpAddr::V6(layout::link_local(end.mac)), 64));
            own.push((IpAddr::V6(end.ipv6.0), end.ipv6.1));
        }
        for address in own {
            wiring::add_address(netlink, index, address).map_err(|error| {
                let subject = format!("{} to {}", address.0, end.device);
                device_error("give the lab's address", &subject, &error)
            })?;
        }
        if self.spec.neighbours == Neighbours::Resolved {
            return Ok(());
        }
        let Some(peer) = self.layout.peer(end.device) else { return Ok(()) };
        let mut known = vec![IpAddr::V4(peer.ipv4.0)];
        if self.layout.ipv6 {
            known.push(IpAddr::V6(peer.ipv6.0));
            known.push(IpAddr::V6(layout::link_local(peer.mac)));
        }
        for address in known {
            wiring::add_neighbour(netlink, index, address, peer.mac).map_err(|error| {
                let subject = format!("{address} on {}", end.device);
                device_error("enter the lab's neighbour", &subject, &error)
            })?;
        }
        Ok(())
    }

    fn impair(&self) -> Result<()> {
        let router = self.netns("router");
        if self.spec.topology == Topology::BackToBack {
            let at = match (&self.spec.nft, self.spec.tbf.is_empty()) {
                (Some(_), _) => "lab.nft",
                (None, false) => "lab.tbf",
                (None, true) => return Ok(()),
            };
            return Err(Error::new("apply", at, "the back-to-back lab has no router")
                .remedy("use topology: router"));
        }
        let Some(router) = router else { return Ok(()) };
        if let Some(rules) = &self.spec.nft {
            impair::nft(router, rules)?;
        }
        for (index, tbf) in self.spec.tbf.iter().enumerate() {
            impair::tbf(router, index, tbf)?;
        }
        Ok(())
    }
}

impl Space {
    fn new(role: &'static str) -> Result<Self> {
        let netns = Netns::new_anonymous().map_err(|error| no_namespaces(&error))?;
        netns
            .run(|| sysctl::quiet_here(role == "router"))
            .and_then(|set| set)
            .map_err(|error| device_error("set the lab's sysctls in", role, &error))?;
        Ok(Self { role, netns })
    }

    fn sockets(&self) -> Result<(Netlink, Ethtool)> {
        self.netns
            .run(|| Ok((Netlink::open_here()?, Ethtool::open_here()?)))
            .and_then(|opened: io::Result<_>| opened)
            .map_err(|error| device_error("look into the lab's namespace", self.role, &error))
    }
}

fn no_namespaces(error: &io::Error) -> Error {
    let failed = Error::new("create the lab's network namespaces", "", words(error));
    match error.raw_os_error() {
        Some(libc::EPERM) => failed.remedy(
            "run as root (sudo), or for --engine packet-mmap as the root of a user namespace \
             (unshare --user --map-root-user)",
        ),
        Some(libc::ENOSPC) => failed.remedy("raise user.max_net_namespaces with sysctl"),
        Some(libc::EINVAL) => failed.remedy("the kernel needs CONFIG_NET_NS"),
        _ => failed,
    }
}

fn device_error(operation: &str, subject: &str, error: &io::Error) -> Error {
    let failed = Error::new(operation, subject, words(error));
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => failed.remedy("run as root (sudo)"),
        Some(libc::EOPNOTSUPP) if operation.contains("veth") => {
            failed.remedy("the kernel needs veth (CONFIG_VETH; modprobe veth)")
        }
        _ => failed,
    }
}

//! A veth pair between two anonymous namespaces, and an XDP counter at its far end.

#![allow(dead_code, reason = "each test uses its part")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use wirestorm::sys::bpf_run;
use wirestorm::sys::netns::Netns;

#[allow(unsafe_code, clippy::all, clippy::undocumented_unsafe_blocks, missing_docs)]
mod skeleton {
    include!(concat!(env!("OUT_DIR"), "/sink.skel.rs"));
}

/// Name of the sending end.
pub const NEAR: &str = "near";
/// Name of the receiving end.
pub const FAR: &str = "far";

pub struct Cable {
    pub near: Netns,
    pub far: Netns,
}

impl Cable {
    /// Both ends up, `queues` queues each way, GRO off.
    pub fn new(queues: usize) -> Self {
        let near = Netns::new_anonymous().expect("a namespace");
        let far = Netns::new_anonymous().expect("a namespace");
        let far_path = format!("/proc/{}/fd/{}", std::process::id(), far.as_fd().as_raw_fd());
        ip(
            &near,
            &format!(
                "link add {NEAR} numtxqueues {queues} numrxqueues {queues} type veth \
                 peer name {FAR} numtxqueues {queues} numrxqueues {queues} netns {far_path}"
            ),
        );
        let cable = Self { near, far };
        cable.each(|netns, name| {
            std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").ok();
            ip(netns, &format!("link set {name} mtu 3000 up"));
        });
        cable
    }

    fn each(&self, act: impl Fn(&Netns, &str) + Sync) {
        for (netns, name) in [(&self.near, NEAR), (&self.far, FAR)] {
            netns.run(|| act(netns, name)).expect("in the namespace");
        }
    }

    /// Turns GRO at the far end on or off.
    pub fn far_gro(&self, on: bool) {
        let state = if on { "on" } else { "off" };
        run(&self.far, "ethtool", &format!("-K {FAR} gro {state}"));
    }
}

/// Runs `ip` in a namespace.
pub fn ip(netns: &Netns, arguments: &str) {
    run(netns, "ip", arguments);
}

fn run(netns: &Netns, program: &str, arguments: &str) {
    let output = netns
        .run(|| Command::new(program).args(arguments.split_whitespace()).output())
        .expect("in the namespace")
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Counts and drops what arrives at the far end, in native XDP, until dropped.
pub struct Sink {
    counters: MapHandle,
    _link: OwnedFd,
}

impl Sink {
    pub fn attach(cable: &Cable) -> Self {
        let mut storage = MaybeUninit::uninit();
        let open = skeleton::SinkSkelBuilder::default().open(&mut storage).expect("open");
        let skel = open.load().expect("load");
        let program = skel.progs.sink.as_fd();
        let link = cable
            .far
            .run(|| {
                let ifindex = bpf_run::interface_index(FAR).expect("the far end");
                bpf_run::attach_native_xdp(program, ifindex).expect("attach")
            })
            .expect("in the namespace");
        Self { counters: MapHandle::try_from(&skel.maps.counters).expect("counters"), _link: link }
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.sum(0)
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.sum(8)
    }

    fn sum(&self, at: usize) -> u64 {
        let cpus = self
            .counters
            .lookup_percpu(&0u32.to_ne_bytes(), MapFlags::ANY)
            .expect("lookup")
            .expect("an entry");
        cpus.iter().map(|cpu| u64::from_ne_bytes(*cpu[at..].first_chunk().expect("8 bytes"))).sum()
    }
}

//! What the tests of the lab share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use wirestorm::lab::{Lab, Options};
use wirestorm::profile::model::{LabSpec, Neighbours, Topology};
use wirestorm::sys::netns::Netns;

/// True when namespaces can be made; else says that `test` is skipped, which is a failure with
/// REQUIRE_PRIVILEGED=1.
pub fn privileged(test: &str) -> bool {
    match Netns::new_anonymous() {
        Ok(_) => true,
        Err(error) => {
            let required = std::env::var_os("REQUIRE_PRIVILEGED").is_some_and(|value| value == "1");
            assert!(!required, "{test} needs network namespaces: {error}");
            eprintln!("SKIPPED {test}: it needs network namespaces: {error}");
            false
        }
    }
}

/// A plain lab: permanent neighbours, one queue, MTU 1500.
pub fn spec(topology: Topology) -> LabSpec {
    LabSpec {
        topology,
        neighbours: Neighbours::Permanent,
        queues: None,
        mtu: 1500,
        egress_mtu: None,
        nft: None,
        tbf: Vec::new(),
        sysctl: Vec::new(),
    }
}

/// Brings a lab up with NAPI on or off.
pub fn up(spec: &LabSpec, napi: bool) -> Lab {
    Lab::up_with(spec, Options { queues: 1, napi }).unwrap()
}

/// A UDP socket of a namespace, with a time-out.
pub fn socket(netns: &Netns, address: IpAddr) -> UdpSocket {
    let socket = netns.run(|| UdpSocket::bind(SocketAddr::new(address, 0))).unwrap().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// The value of a witness.
pub fn value(witness: &[(String, u64)], name: &str) -> u64 {
    witness
        .iter()
        .find(|(is, _)| is == name)
        .unwrap_or_else(|| panic!("no witness {name} in {witness:#?}"))
        .1
}

/// How much the lab's witness has risen since `before`, once it stands still.
pub fn rise(lab: &Lab, before: &[(String, u64)], name: &str) -> u64 {
    value(&lab.witness().unwrap(), name) - value(before, name)
}

/// Waits up to 20 s for `done`; false when it never was.
pub fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

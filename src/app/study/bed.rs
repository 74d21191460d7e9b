//! Where a study takes place: the lab and the sink in it, or the port that the profile names.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::SOURCE_PORTS;
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::lab::Lab;
use crate::packet::random;
use crate::ports::{self, AttachedPort};
use crate::profile::model::{LabSpec, Profile};
use crate::profile::safety::{self, Prefix};
use crate::profile::study::{Receiver, Study};
use crate::study::compose::{Common, Ends};
use crate::study::sink::{Options, Sink};
use crate::sys::clock;
use crate::sys::errno::words;

/// What stands around a study: the lab, if there is one, and the sink in it.
pub(super) struct Bed {
    pub(super) lab: Option<Lab>,
    pub(super) port: AttachedPort,
    pub(super) common: Common,
    _sink: Option<LabSink>,
    /// Keeps the kernel from refusing the answers to the source port.
    _ports: Vec<UdpSocket>,
}

/// The sink of a lab, on a thread of its own.
struct LabSink {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for LabSink {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its errors are silence, which the tester sees.
            let _ = thread.join();
        }
    }
}

impl Bed {
    pub(super) fn up(profile: &Profile, study: &Study, allowed: &[Prefix]) -> Result<Self> {
        let lab = match &profile.lab {
            Some(spec) if profile.stands_in_lab() => Some(Lab::up(&timed(spec, study), 1)?),
            _ => None,
        };
        // What the tester's kernel would answer to answers is no part of the study.
        if let Some(lab) = &lab {
            lab.mute("tx")?;
        }
        let port = ports::attach(profile, lab.as_ref())?.swap_remove(0);
        let number = random::mix(profile.seed ^ random::mix(clock::realtime())) as u32;
        let common = common(profile, study, &port, lab.as_ref(), number)?;
        for address in [
            common.ends.ipv4.map(|(_, dst)| IpAddr::V4(dst)),
            common.ends.ipv6.map(|(_, dst)| IpAddr::V6(dst)),
        ]
        .into_iter()
        .flatten()
        {
            if !safety::is_safe(address, allowed) {
                return Err(Error::new(
                    "send",
                    format!("test.target {address}"),
                    "it is outside the ranges for tests",
                )
                .remedy(format!("if it is yours to test, add --allow-destination {address}")));
            }
        }
        let source = common.ends.src_port;
        let bind = |address: IpAddr| {
            port.netns.run(|| UdpSocket::bind((address, source))).ok().and_then(io::Result::ok)
        };
        let held = [
            common.ends.ipv4.and_then(|(own, _)| bind(own.into())),
            common.ends.ipv6.and_then(|(own, _)| bind(own.into())),
        ];
        let sink = match &lab {
            Some(lab) if study.receiver == Receiver::Sink => Some(LabSink::start(lab, study)?),
            _ => None,
        };
        Ok(Self { lab, port, common, _sink: sink, _ports: held.into_iter().flatten().collect() })
    }
}

/// The lab with the reassembly times that the study counts with.
fn timed(spec: &LabSpec, study: &Study) -> LabSpec {
    let mut spec = spec.clone();
    let names = ["net.ipv4.ipfrag_time", "net.ipv6.ip6frag_time"];
    for (name, time) in names.into_iter().zip(study.reassembly_time) {
        if !spec.sysctl.iter().any(|(known, _)| known == name) {
            spec.sysctl.push((name.into(), time.0.div_ceil(1_000_000_000).max(1).to_string()));
        }
    }
    spec
}

impl LabSink {
    fn start(lab: &Lab, study: &Study) -> Result<Self> {
        let Some(netns) = lab.netns("rx").cloned() else {
            return Err(Error::new("start a sink in", "the lab", "it has no rx"));
        };
        let options = Options { port: study.port, address: None, rate: 1_000_000 };
        let stop = Arc::new(AtomicBool::new(false));
        let (told, ready) = mpsc::channel();
        let stopped = stop.clone();
        let work = move || {
            let opened = netns
                .enter()
                .map_err(|error| Error::new("enter", "the lab's rx", words(&error)))
                .and_then(|()| Sink::open(&options));
            match opened {
                Ok(mut sink) => {
                    let _ = told.send(Ok(()));
                    let _ = sink.serve(&stopped, &mut |_| ());
                }
                Err(error) => {
                    let _ = told.send(Err(error));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("sink".into())
            .spawn(work)
            .map_err(|error| Error::new("start", "the lab's sink", words(&error)))?;
        let sink = Self { stop, thread: Some(thread) };
        match ready.recv() {
            Ok(Ok(())) => Ok(sink),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new("start", "the lab's sink", "it ended at once")),
        }
    }
}

/// Addresses and ports of the study's packets.
fn common(
    profile: &Profile,
    study: &Study,
    port: &AttachedPort,
    lab: Option<&Lab>,
    number: u32,
) -> Result<Common> {
    let settings = &profile.ports[0];
    let far = lab.and_then(|lab| lab.port("rx"));
    let dst4 = study.target.ipv4.or_else(|| far.as_ref().map(|far| far.ipv4));
    let dst6 = study.target.ipv6.or_else(|| far.as_ref().and_then(|far| far.ipv6));
    let own4 = settings.ipv4.or_else(|| port.facts.ipv4.first().map(|(address, _)| *address));
    let own6 = settings.ipv6.or_else(|| port.facts.ipv6.first().map(|(address, _)| *address));
    let ipv4 = pair(study, Family::V4, own4, dst4)?;
    let ipv6 = pair(study, Family::V6, own6, dst6)?;
    let hop = |destination: Option<IpAddr>, named: Option<IpAddr>| -> Result<[u8; 6]> {
        match (destination, settings.next_hop.mac, &port.lab) {
            (_, Some(mac), _) => Ok(mac),
            (Some(_), None, Some(place)) if place.next_hop_mac.is_some() => {
                Ok(place.next_hop_mac.unwrap_or_default())
            }
            (Some(destination), None, _) => ports::resolve(port, named, destination),
            (None, None, _) => Ok([0; 6]),
        }
    };
    let dst_mac = [
        hop(ipv4.map(|(_, dst)| dst.into()), settings.next_hop.ipv4.map(IpAddr::V4))?,
        hop(ipv6.map(|(_, dst)| dst.into()), settings.next_hop.ipv6.map(IpAddr::V6))?,
    ];
    let ends = Ends {
        src_mac: port.facts.mac,
        dst_mac,
        ipv4,
        ipv6,
        src_port: SOURCE_PORTS + (number % 16_000) as u16,
        dst_port: study.port,
        name: study.target.name.clone().unwrap_or_else(|| "example.com".into()),
    };
    Ok(Common { ends, study: number })
}

/// Both addresses of a family, where a cell needs them.
fn pair<A: Copy>(
    study: &Study,
    family: Family,
    own: Option<A>,
    far: Option<A>,
) -> Result<Option<(A, A)>> {
    if !study.cells.iter().any(|cell| cell.family == family) {
        return Ok(None);
    }
    let name = crate::profile::study::family_name(family);
    match (own, far) {
        (Some(own), Some(far)) => Ok(Some((own, far))),
        (None, _) => Err(Error::new("send", name, "the sending port has no such address")
            .remedy(format!("set ports.tx.{name}, or leave the family out with families:"))),
        (_, None) => Err(Error::new("send", name, "nobody says where to")
            .remedy(format!("set test.target.{name}, or leave the family out with families:"))),
    }
}

//! From a profile to everything that a trial needs.

use crate::engine::Programs;
use crate::error::{Error, Result};
use crate::host::cpu::Cpus;
use crate::lab::Lab;
use crate::packet::Addressing;
use crate::packet::compile::compile;
use crate::packet::program::StreamProgram;
use crate::plan::{self, PortFacts, PortPlan};
use crate::ports::{self, AttachedPort};
use crate::profile::model::Profile;
use crate::profile::replay::Rewritten;
use crate::profile::safety::{self, Prefix};
use crate::receive::{ReceiveSpec, find_tag};
use crate::trial::datagrams;
use crate::trial::send::SendPort;
use crate::wire::field::{FieldKind, ProtocolKind};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The trial's number where there is one trial.
pub const EPOCH: u8 = 1;

/// A profile's ports, opened plans and programs on this machine.
pub struct Prepared {
    /// Every port of the profile.
    pub ports: Vec<AttachedPort>,
    /// Ports that send.
    pub senders: Vec<SendPort>,
    /// Ports that receive: position in the profile, and what their receiver has to know.
    pub receivers: Vec<(usize, ReceiveSpec)>,
}

/// Queues that the lab's devices need for the profile.
pub fn lab_queues(profile: &Profile, workers: Option<u32>) -> u32 {
    let of_port = |queues: &[u32]| queues.iter().max().map_or(1, |&queue| queue + 1);
    let most = profile.ports.iter().map(|port| of_port(&port.queues)).max().unwrap_or(1);
    workers.unwrap_or(most).max(1)
}

/// Finds ports, makes the plan and compiles every stream. `epoch` is the trial's number: packets of
/// another one are no probes to this one's receivers.
///
/// # Errors
/// Ports that are not there, neighbours that do not answer, streams that cannot be compiled.
pub fn prepare(
    profile: &Profile,
    lab: Option<&Lab>,
    workers: Option<u32>,
    allowed: &[Prefix],
    epoch: u8,
) -> Result<Prepared> {
    let ports = ports::attach(profile, lab)?;
    let facts: Vec<PortFacts> =
        profile.ports.iter().zip(&ports).map(|(port, at)| at.plan_facts(port)).collect();
    let plans = plan::plan(profile, &facts, &Cpus::of_this_machine().allowed, workers)?;
    let mut senders = Vec::with_capacity(plans.len());
    for plan in plans {
        let mut programs = Vec::with_capacity(plan.streams.len());
        for &stream in &plan.streams {
            let addressing = ports::addressing(profile, &profile.streams[stream], &ports)?;
            refuse_unsafe(profile, stream, &addressing, allowed)?;
            programs.push(Arc::new(compile_stream(profile, stream, &addressing, epoch)?));
        }
        let at = &ports[plan.port];
        senders.push(SendPort {
            netns: at.netns.clone(),
            interface: at.facts.name.clone(),
            plan,
            programs: programs.into(),
        });
    }
    let receivers = receivers(profile, &ports, &senders, epoch);
    Ok(Prepared { ports, senders, receivers })
}

/// The plan and the programs without a machine: for dry runs.
///
/// # Errors
/// A percentage without a line rate; streams that cannot be compiled.
pub fn dry(profile: &Profile) -> Result<Vec<(PortPlan, Programs)>> {
    let facts: Vec<PortFacts> = profile
        .ports
        .iter()
        .map(|port| PortFacts { line_rate_bps: port.speed_bps, tx_queues: 0 })
        .collect();
    let mut dry = Vec::new();
    for plan in plan::plan(profile, &facts, &[], None)? {
        let mut programs = Vec::with_capacity(plan.streams.len());
        for &stream in &plan.streams {
            let addressing = ports::dry_addressing(profile, &profile.streams[stream]);
            programs.push(Arc::new(compile_stream(profile, stream, &addressing, EPOCH)?));
        }
        dry.push((plan, programs.into()));
    }
    Ok(dry)
}

/// Destinations that the profile does not name come from the receiving interface: they have to be
/// as safe as the named ones.
fn refuse_unsafe(
    profile: &Profile,
    stream: usize,
    addressing: &Addressing,
    allowed: &[Prefix],
) -> Result<()> {
    let stream = &profile.streams[stream];
    let rewritten = stream.replay.iter().flat_map(|replay| &replay.rewrite);
    let to_the_port = rewritten
        .filter(|rewrite| rewrite.is_destination() && matches!(rewrite.to, Rewritten::Port))
        .filter_map(|rewrite| match rewrite.field.kind {
            FieldKind::Ipv4 => addressing.destination_ipv4.map(IpAddr::V4),
            _ => addressing.destination_ipv6.map(IpAddr::V6),
        });
    let taken = stream.headers.iter().filter_map(|header| {
        let named = header.fields.iter().any(|setting| setting.field.name == "dst");
        match header.protocol.kind {
            ProtocolKind::Ipv4 if !named => addressing.destination_ipv4.map(IpAddr::V4),
            ProtocolKind::Ipv6 if !named => addressing.destination_ipv6.map(IpAddr::V6),
            _ => None,
        }
    });
    for address in taken.chain(to_the_port) {
        if !safety::is_safe(address, allowed) {
            return Err(Error::new(
                "send",
                format!("streams[{}] to {address}", stream.name),
                "the receiving port's address is outside the ranges for tests",
            )
            .remedy(format!(
                "if the network is yours to load, add --allow-destination {address}"
            )));
        }
    }
    Ok(())
}

fn compile_stream(
    profile: &Profile,
    stream: usize,
    addressing: &Addressing,
    epoch: u8,
) -> Result<StreamProgram> {
    compile(profile, stream, addressing, epoch).map_err(|error| {
        Error::new(
            "build the packets of",
            format!("streams[{}]", profile.streams[stream].name),
            error,
        )
    })
}

/// Where the programs' tags stand, and how many of these places, which come first, parsing does not
/// find. A receiver in the kernel knows a few places only.
fn tag_offsets<'a>(programs: impl Iterator<Item = &'a StreamProgram>) -> (Vec<u16>, usize) {
    let mut offsets: Vec<(bool, u16)> =
        programs.filter_map(|program| Some((is_parsed(program), program.tag_at?))).collect();
    offsets.sort_unstable();
    let mut known = HashSet::new();
    offsets.retain(|(_, at)| known.insert(*at));
    let unparsed = offsets.iter().filter(|(parsed, _)| !parsed).count();
    (offsets.into_iter().map(|(_, at)| at).collect(), unparsed)
}

/// Whether parsing finds the tag in every packet: it does in the first, and no field that changes
/// leads it elsewhere.
fn is_parsed(program: &StreamProgram) -> bool {
    let mut frame = vec![0; program.max_frame_len()];
    let len = program.build(0, &mut frame, false);
    let found = |frame: &[u8]| find_tag::behind_l4(frame) == program.tag_at.map(usize::from);
    found(&frame[..len])
        && program.ops.iter().all(|op| {
            let mut other = frame.clone();
            let mask = op.mask.to_be_bytes();
            let window = &mut other[usize::from(op.offset)..][..usize::from(op.width)];
            let bits = &mask[mask.len() - window.len()..];
            window.iter_mut().zip(bits).for_each(|(byte, bits)| *byte ^= bits);
            found(&other[..len])
        })
}

fn receivers(
    profile: &Profile,
    ports: &[AttachedPort],
    senders: &[SendPort],
    epoch: u8,
) -> Vec<(usize, ReceiveSpec)> {
    let mut receivers = Vec::new();
    for (number, at) in ports.iter().enumerate() {
        let here = |stream: usize| profile.streams[stream].to == Some(number);
        if !(0..profile.streams.len()).any(here) {
            continue;
        }
        let workers = |stream: usize| {
            let of_port = |port: &SendPort| port.plan.workers_of(profile, stream);
            if here(stream) { senders.iter().map(of_port).max().unwrap_or(0) } else { 0 }
        };
        let programs = senders
            .iter()
            .flat_map(|port| port.plan.streams.iter().zip(port.programs.iter()))
            .filter(|(stream, _)| here(**stream));
        let (tag_offsets, unparsed_offsets) = tag_offsets(programs.map(|(_, program)| &**program));
        let tagged = |stream: usize| {
            let sent = senders.iter().flat_map(|p| p.plan.streams.iter().zip(p.programs.iter()));
            let mut own = sent.filter(|(number, _)| **number == stream);
            here(stream) && own.any(|(_, program)| program.tag_at.is_some())
        };
        let datagrams = datagrams::to_watch(profile, tagged);
        // One constant gap is wanted only where all that one port sends arrives here.
        let mut to_here =
            senders.iter().filter(|port| port.plan.streams.iter().any(|&stream| here(stream)));
        let wanted_gap_ns = match (to_here.next(), to_here.next()) {
            (Some(port), None) if port.plan.streams.iter().all(|&stream| here(stream)) => {
                port.plan.constant_gap()
            }
            _ => None,
        };
        receivers.push((
            number,
            ReceiveSpec {
                netns: at.netns.clone(),
                interface: at.facts.name.clone(),
                mode: profile.measure.receive,
                epoch,
                stream_workers: (0..profile.streams.len()).map(workers).collect(),
                tag_offsets,
                unparsed_offsets,
                datagrams,
                latency: profile.measure.latency,
                wanted_gap_ns,
                pass_on: profile.measure.pass_on,
            },
        ));
    }
    receivers
}

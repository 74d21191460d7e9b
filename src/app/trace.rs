//! `wirestorm trace`: from what was typed to the table and the verdicts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::ping::{Lines, random_key};
use super::signals;
use crate::cli::exit::Status;
use crate::cli::trace::{Fragments, Trace};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::ip::address;
use crate::frontend::trace::arms::Arms;
use crate::frontend::trace::json::{self, About};
use crate::frontend::trace::network::{Need, Network};
use crate::frontend::trace::path::Path;
use crate::frontend::trace::probe::{Arm, Flow, Probe};
use crate::frontend::trace::tracer::{Pace, Step, Tracer, Until};
use crate::frontend::trace::{plan, report, verdict};
use crate::report::file;
use crate::sys::clock;
use crate::sys::errno::words;

/// Bytes of a plain probe: what traceroute(8) sends.
const SIZE: usize = 60;
/// Bytes of the datagrams of `--fragments`: whole through every link of IPv6.
const FRAGMENTS_SIZE: usize = 1000;
/// Probes a hop that find the path before `--fragments` compares.
const FINDING_TRIES: u16 = 3;
/// The hop interval while the path is found.
const FINDING_INTERVAL: u64 = 100_000_000;
/// Longest sleep: a signal that comes between the look at the flag and the wait is seen after it.
const NAP: u64 = 100_000_000;

/// Why atomic fragments are not sent: what they would measure is whole packets.
const TRACKED: &str = "connection tracking on it takes the fragment header off before they leave; \
                       run it in a namespace without";

/// A trace that is under way.
struct Run<'a> {
    trace: &'a Trace,
    network: Network,
    stop: Arc<AtomicBool>,
    size: usize,
    unattributed: u64,
    /// Connection tracking is at work in this namespace.
    tracked: bool,
}

/// Traces, shows and writes.
///
/// # Errors
/// Where the host is not known, there is no route, or a right is missing; where the output cannot
/// be written.
pub fn execute(trace: &Trace) -> Result<Status> {
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    if let Some(json) = &trace.json {
        file::check(json)?;
    }
    let destination = address::resolve(&trace.host, trace.family)?;
    let need = if trace.fragments.is_some() { Need::Shapes } else { Need::Plain };
    let key = random_key();
    let (protocol, port) = (trace.protocol, trace.port);
    let network = Network::open(destination, protocol, port, &trace.from, need, key)?;
    let size = match (trace.size, &trace.fragments) {
        (Some(size), _) => usize::from(size),
        (None, Some(_)) => FRAGMENTS_SIZE,
        (None, None) if trace.mtu => address::route_mtu(destination, &trace.from)?,
        (None, None) => SIZE,
    };
    let arms = trace.fragments.as_ref().map(|fragments| arms(fragments, network.flow()));
    let mut run = Run { trace, network, stop, size, unattributed: 0, tracked: false };
    run.check_size(arms.as_deref().unwrap_or(&[Arm::Whole]))?;
    let mut out = Lines::new(trace.json.as_deref());
    let flow = run.network.flow().clone();
    out.line(&report::heading(&trace.host, &flow, run.network.socket(), size, trace.max_hops));
    let path = run.path()?;
    out.line(report::path(&path, trace.first_hop, trace.max_hops).trim_end_matches('\n'));
    let compared = match &arms {
        Some(arms) if !run.stopped() => Some(run.compare(arms, &path, key)?),
        _ => None,
    };
    if let Some(arms) = &compared {
        out.line("");
        out.line(&report::arms(arms));
        report::verdicts(arms).iter().for_each(|verdict| out.line(verdict));
    }
    if run.unattributed > 0 {
        out.line(&format!(
            "{} answers quote too little to tell which probe they are to; they are not counted \
             (with raw sockets they would be)",
            run.unattributed
        ));
    }
    if run.stopped() {
        out.line("INCOMPLETE: interrupted");
    }
    if let Some(json) = &trace.json {
        let about = About {
            host: &trace.host,
            flow: &flow,
            socket: run.network.socket(),
            size,
            incomplete: run.stopped(),
            unattributed: run.unattributed,
            tries: trace.tries,
        };
        let result = json::json(about, &path, compared.as_ref());
        file::write(json, |out| {
            serde_json::to_writer_pretty(&mut *out, &result)?;
            out.write_all(b"\n")
        })?;
    }
    Ok(match compared {
        _ if run.stopped() => Status::Invalid,
        Some(arms) => status(&arms),
        None => Status::Passed,
    })
}

/// What stops is worth more than what is not known.
fn status(arms: &Arms) -> Status {
    let stopped: Vec<_> =
        verdict::outcomes(arms).iter().map(|(_, outcome)| outcome.stopped()).collect();
    if stopped.contains(&Some(true)) {
        Status::Failed
    } else if stopped.contains(&None) {
        Status::Invalid
    } else {
        Status::Passed
    }
}

fn arms(fragments: &Fragments, flow: &Flow) -> Vec<Arm> {
    let mut arms = vec![Arm::Whole, Arm::Fragments];
    if flow.family() == Family::V6 {
        arms.push(Arm::Atomic);
        arms.extend(fragments.hop_by_hop.iter().map(|len| Arm::HopByHop(*len)));
        arms.extend(fragments.destination_options.iter().map(|len| Arm::DestinationOptions(*len)));
    }
    arms
}

/// Connections that the kernel tracks in this namespace; 0 also where it cannot track any.
fn connections_tracked() -> u64 {
    let count = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count");
    count.ok().and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

impl Run<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// All arms have the same size: it has to hold what the largest needs.
    fn check_size(&self, arms: &[Arm]) -> Result<()> {
        let flow = self.network.flow();
        let need = arms.iter().map(|arm| flow.min_size(*arm)).max().unwrap_or(0);
        if self.size >= need || arms.len() == 1 && self.trace.size.is_none() {
            return Ok(());
        }
        let size = format!("{} bytes", self.size);
        Err(Error::new("make probes of", size, format!("they need {need}"))
            .remedy(format!("use --size {need} or more")))
    }

    /// Finds the path with whole packets.
    fn path(&mut self) -> Result<Path> {
        let trace = self.trace;
        let (tries, interval) = match trace.fragments {
            Some(_) => (FINDING_TRIES, FINDING_INTERVAL.min(trace.interval.0)),
            None => (trace.tries, trace.interval.0),
        };
        let hops = trace.first_hop..=trace.max_hops;
        let probes = plan::plain(hops, tries, self.size);
        let tracer = self.run(probes, interval, Until::Destination)?;
        Ok(Path::of(&tracer))
    }

    /// Sends all arms to all hops of a path.
    fn compare(&mut self, arms: &[Arm], path: &Path, key: u64) -> Result<Arms> {
        let trace = self.trace;
        // The path was found a moment ago: its packets are tracked now, if any are.
        self.tracked = connections_tracked() > 0;
        let last = path.rows.last().map_or(0, |row| row.hop);
        // Tokens that the first round did not use: what comes late from it is not counted.
        let token = u16::from(u8::MAX) * FINDING_TRIES * 2;
        let total = usize::from(last) * arms.len() * usize::from(trace.tries);
        if total > usize::from(u16::MAX - token) {
            let subject = format!("{total} probes");
            return Err(Error::new("send", subject, "there are not so many identifications")
                .remedy("use fewer --tries or sizes"));
        }
        let seconds = arms.len() as u64 * u64::from(trace.tries) * trace.interval.0 / 1_000_000_000;
        eprintln!("wirestorm: {total} probes to {last} hops, about {} s", seconds.max(1));
        let probes = plan::blocks(1..=last, arms, trace.tries, self.size, token, key);
        let tracer = self.run(probes, trace.interval.0, Until::AllSent)?;
        let destination = path.rows.iter().find(|row| row.destination).map(|row| row.hop);
        Ok(Arms::of(arms, last, destination, tracer.records()))
    }

    /// Sends probes until they are all answered or waited for, or a signal comes.
    fn run(&mut self, probes: Vec<Probe>, hop_interval: u64, until: Until) -> Result<Tracer> {
        let trace = self.trace;
        let pace = Pace { in_flight: trace.in_flight, hop_interval, wait: trace.wait.0 };
        let floor = if self.network.flow().family() == Family::V4 { 68 } else { 1280 };
        let mut tracer = Tracer::new(probes, pace, until, floor);
        while !self.stopped() {
            let now = clock::now();
            let until = match tracer.step(now) {
                Step::Done => break,
                Step::Send(probe) => {
                    self.send(&mut tracer, &probe, until)?;
                    // Looks whether something is there, without waiting.
                    0
                }
                Step::Wait(until) => until.min(now + NAP),
            };
            let heard = self.network.hear(until).map_err(|error| {
                Error::new("listen to", self.trace.host.as_str(), words(&error))
            })?;
            if let Some(matched) = heard {
                tracer.hear(&matched);
            }
        }
        self.unattributed += tracer.unattributed();
        Ok(tracer)
    }

    /// A plain packet that this host does not send ends the trace; of the others it is a result.
    fn send(&self, tracer: &mut Tracer, probe: &Probe, until: Until) -> Result<()> {
        if self.tracked && probe.arm == Arm::Atomic {
            tracer.sent(probe, clock::now(), Some(TRACKED.to_owned()));
            return Ok(());
        }
        let (at, result) = self.network.send(probe);
        let refused = result.as_ref().err().map(words);
        tracer.sent(probe, at, refused);
        match result {
            Err(error) if until == Until::Destination || probe.arm == Arm::Whole => {
                let failed = Error::new("send to", self.trace.host.as_str(), words(&error));
                Err(match error.raw_os_error() {
                    Some(libc::EMSGSIZE) => {
                        failed.remedy("it is more than the link takes: use a smaller --size")
                    }
                    Some(libc::EPERM) => {
                        failed.remedy("a filter of this host drops it: look at nft list ruleset")
                    }
                    _ => failed.remedy("look at ip route"),
                })
            }
            _ => Ok(()),
        }
    }
}

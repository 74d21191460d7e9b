//! `wirestorm run` of a fragmentation study.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::outputs::{self, Reported};
use super::{Failure, machine, signals};
use crate::cli::exit::Status;
use crate::cli::run::{Run, Trials};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::lab::Lab;
use crate::lab::layout::Layout;
use crate::packet::random;
use crate::ports::{self, AttachedPort};
use crate::profile::model::{Attachment, LabSpec, Profile};
use crate::profile::safety::{self, Prefix};
use crate::profile::study::{Receiver, Study};
use crate::report::html::page::Page;
use crate::report::model::{Environment, Reason, Verdict};
use crate::report::progress::{Mode, Progress, Snapshot};
use crate::report::study::{EffectResult, PublishedResult, SCHEMA, StudyResult};
use crate::report::terminal::Style;
use crate::report::{self, html, terminal};
use crate::study::analysis;
use crate::study::attribution::{self, Counters};
use crate::study::compose::{self, Common, Ends};
use crate::study::plan::{Plan, Try};
use crate::study::published::PUBLISHED;
use crate::study::sink::{Options, Sink};
use crate::study::tester::{Observed, Tester};
use crate::study::wire::Interface;
use crate::study::{analysis::tally, judge};
use crate::sys::clock;
use crate::sys::errno::words;
use crate::units::Nanos;

/// How much longer than the reassembly time its timers take: they run in batches.
const TIMERS: Nanos = Nanos(600_000_000);
/// The first source port; the study's number adds to it.
const SOURCE_PORTS: u16 = 49_152;
/// The number of the block of tries that only attribute.
const NO_BLOCK: u32 = u32::MAX;

/// Runs the study and writes every output that was asked for.
///
/// # Errors
/// What hinders the start; an output that a study does not have, or that cannot be written.
pub fn execute(
    run: &Run,
    profile: &Profile,
    study: &Study,
    command: &str,
    allowed: &[Prefix],
) -> std::result::Result<Status, Failure> {
    let refused = [
        ("--hgrm", run.outputs.hgrm.is_some()),
        ("--trials", run.trials != Trials::Nowhere),
        ("--tui", run.tui),
        ("--metrics", run.metrics.is_some()),
    ];
    if let Some((option, _)) = refused.iter().find(|(_, asked)| *asked) {
        return Err(Failure::Input(no_such_output(option)));
    }
    let stop = Arc::new(AtomicBool::new(false));
    signals::stop_on_interrupt(&stop)?;
    let mut progress: Option<Progress> = None;
    let (begin, mode) = (clock::now(), Mode::choose(run.quiet));
    let span = study.tries * study.cells.len() as u64 * study.spacing.0;
    let mut show = |tries: u64| {
        let progress = progress.get_or_insert_with(|| Progress::new(span, mode));
        progress.update(&Snapshot {
            elapsed_ns: clock::now() - begin,
            sent: tries,
            ..Snapshot::default()
        });
    };
    let (result, error) = measure(profile, study, (command, allowed), &stop, &mut show)?;
    if let Some(progress) = &mut progress {
        progress.finish();
    }
    outputs::give(run, &result, error.as_ref())
}

impl Reported for StudyResult {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        report::study::to_writer(self, out)
    }

    fn csv(&self, dir: &Path) -> Result<()> {
        report::study_csv::write(self, dir)
    }

    fn hgrm(&self, _: &Path) -> Result<()> {
        Err(no_such_output("--hgrm"))
    }

    fn page(&self) -> Page {
        html::study::page(self)
    }

    fn terminal(&self, style: Style) -> String {
        terminal::render_study(self, style)
    }

    fn verdict(&self, style: Style) -> String {
        terminal::render_study_verdict(self, style)
    }

    fn status(&self) -> Status {
        Status::of_study(self)
    }
}

fn no_such_output(option: &str) -> Error {
    Error::new("write", option, "a fragmentation study has no such output")
        .remedy("use --json, --csv and --html")
}

/// What stands around a study: the lab, if there is one, and the sink in it.
struct Bed {
    lab: Option<Lab>,
    port: AttachedPort,
    common: Common,
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

fn measure(
    profile: &Profile,
    study: &Study,
    (command, allowed): (&str, &[Prefix]),
    stop: &AtomicBool,
    show: &mut dyn FnMut(u64),
) -> Result<(StudyResult, Option<Error>)> {
    let plan = Plan::new(study)
        .map_err(|(cell, why)| Error::new("make the packets of", &study.cells[cell].name, why))?;
    let started = machine::now_rfc3339();
    let bed = Bed::up(profile, study, allowed)?;
    let mut wire = Interface::open(&bed.port.netns, bed.port.facts.index, &bed.port.facts.name)?;
    let broke =
        |error: io::Error| Error::new("send and listen on", &bed.port.facts.name, words(&error));
    let mut tester = Tester::new(study, &plan, &bed.common, &mut wire, stop);
    let mut failed = tester.rounds(profile.seed, show).map_err(broke).err();
    let attributed = tester.observed.outcomes.len();
    let mut attributions = vec![None; plan.arms.len()];
    if failed.is_none() && study.attribution > 0 && !tester.observed.stopped {
        let attribute = attribute(study, &plan, &bed, &mut tester, &mut attributions);
        failed = attribute.err();
    }
    let observed = std::mem::take(&mut tester.observed);
    drop(tester);
    let mut cells = analysis::cells(study, &plan, &observed, attributed);
    for (cell, arms) in cells.iter_mut().zip(&plan.cells) {
        for (arm, &at) in cell.arms.iter_mut().zip(arms) {
            arm.attribution = attributions[at].take();
        }
    }
    let mut result = StudyResult {
        schema: SCHEMA.into(),
        profile: profile.name.clone(),
        profile_yaml: profile.source.clone(),
        seed: profile.seed,
        verdict: Verdict { valid: false, passed: false, reasons: Vec::new() },
        incomplete: observed.stopped || failed.is_some(),
        design: study.design.name().into(),
        tries: study.tries,
        effect: effect(study),
        spacing_s: study.spacing.as_secs_f64(),
        receiver: match study.receiver {
            Receiver::Sink => "sink".into(),
            Receiver::Host => "host".into(),
        },
        tap: observed.tap,
        schedule_lag_max_ns: observed.lag,
        comparisons: analysis::comparisons(study, &plan, &observed, attributed),
        cells,
        left_out: study.left_out.clone(),
        warnings: warnings(profile, study, &observed),
        published: PUBLISHED
            .iter()
            .map(|row| PublishedResult {
                study: row.study.into(),
                what: row.what.into(),
                arm: row.arm.into(),
                loss: row.loss,
            })
            .collect(),
        environment: Environment {
            started,
            command: command.to_owned(),
            latency_definition: String::new(),
            ..machine::environment(std::slice::from_ref(&bed.port))
        },
    };
    result.verdict = judge::judge(&result, &observed, &profile.pass.arms);
    Ok((result, failed))
}

fn effect(study: &Study) -> Option<EffectResult> {
    let effect = study.effect?;
    let [from, to, power] = [effect.from, effect.to, effect.power].map(|ratio| ratio.as_f64());
    let tries = crate::study::statistics::sample_size::per_arm(
        from,
        to,
        crate::study::statistics::ALPHA,
        power,
    )?;
    Some(EffectResult { from, to, power, tries })
}

/// Sends every arm alone, between two readings of the lab's counters.
fn attribute(
    study: &Study,
    plan: &Plan,
    bed: &Bed,
    tester: &mut Tester<'_>,
    into: &mut [Option<report::study::Attribution>],
) -> Result<()> {
    let witness = || bed.lab.as_ref().map_or(Ok(Vec::new()), Lab::witness);
    let broke =
        |error: io::Error| Error::new("send and listen on", &bed.port.facts.name, words(&error));
    let longest = study.reassembly_time.iter().copied().max().unwrap_or_default();
    let settle = longest.0 + TIMERS.0;
    // Fragments of the rounds that are still waited for time out first.
    if plan.arms.iter().any(|arm| arm.kind.is_fragmented()) {
        tester.pause(settle).map_err(broke)?;
    }
    for (at, arm) in plan.arms.iter().enumerate() {
        let cell = &study.cells[arm.cell];
        let count = study.attribution.div_ceil(arm.datagrams as u64).max(1);
        let tries = vec![Try { arm: at, block: NO_BLOCK }; count as usize];
        let first = tester.observed.outcomes.len();
        let before = witness()?;
        // Counters of links are read before the sink is asked: questions are packets too.
        tester.send_and_listen(&tries, study.wait.0).map_err(broke)?;
        let links = witness()?;
        tester.ask_from(first as u32).map_err(broke)?;
        let tap = tester.observed.tap == Some(true);
        let tally = tally(study, arm, &tester.observed.outcomes[first..], tap);
        let mut counters = links.clone();
        if attribution::leaves_queues(cell, arm.kind, &tally) {
            tester.pause(settle).map_err(broke)?;
            let late = witness()?;
            let of_host = |name: &str| name.starts_with("rx Ip") || name.starts_with("rx Icmp");
            for (counter, late) in counters.iter_mut().zip(&late) {
                if of_host(&counter.0) && counter.0 == late.0 {
                    counter.1 = late.1;
                }
            }
        }
        let counters = Counters::between(&before, &counters);
        into[at] = Some(attribution::attribute(cell, arm.kind, &tally, &counters));
        if tester.observed.stopped {
            break;
        }
    }
    Ok(())
}

fn warnings(profile: &Profile, study: &Study, observed: &Observed) -> Vec<Reason> {
    let warn = |code: &str, message: String| Reason { code: code.into(), message };
    let mut warnings: Vec<Reason> =
        profile.warnings.iter().map(|message| warn("profile", message.clone())).collect();
    if study.receiver == Receiver::Sink && observed.tap == Some(false) {
        warnings.push(warn(
            "no_tap",
            "the sink sees no raw packets: fragment loss is not known; give it CAP_NET_RAW".into(),
        ));
    }
    // 65,536 identifications of an address pair within the reassembly time (RFC 6864).
    let rate = 1e9 / study.spacing.0.max(1) as f64;
    let limit = 65_536.0 / study.reassembly_time[0].as_secs_f64().max(1e-9);
    let v4 = study.cells.iter().any(|cell| cell.family == Family::V4);
    if v4 && rate > limit {
        warnings.push(warn(
            "ipv4_id_space",
            format!(
                "{rate:.0} tries a second, and IPv4's identifications last for {limit:.0}: \
                 fragments of different datagrams may meet; set a longer spacing"
            ),
        ));
    }
    warnings
}

impl Bed {
    fn up(profile: &Profile, study: &Study, allowed: &[Prefix]) -> Result<Self> {
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

/// What a study would do: for `wirestorm check`.
///
/// # Errors
/// Packets that cannot be made.
pub fn describe(profile: &Profile, study: &Study) -> Result<String> {
    let plan = Plan::new(study)
        .map_err(|(cell, why)| Error::new("make the packets of", &study.cells[cell].name, why))?;
    let frames = plan.frames(study.tries);
    let mut text = format!(
        "fragmentation study ({}): {} cells, {} tries of each of {} arms, every {}: {} frames, about {}\n",
        study.design.name(),
        study.cells.len(),
        report::format::count(study.tries),
        plan.arms.len(),
        study.spacing,
        report::format::count(frames),
        report::format::seconds(
            study.tries as f64 * plan.arms.len() as f64 * study.spacing.as_secs_f64()
        ),
    );
    if let Some(effect) = effect(study) {
        text.push_str(&format!(
            "{} tries of each arm tell a loss of {} from {} with a power of {}\n",
            report::format::count(effect.tries),
            report::format::percent_of(effect.to),
            report::format::percent_of(effect.from),
            report::format::percent_of(effect.power),
        ));
    }
    for (cell, arms) in study.cells.iter().zip(&plan.cells) {
        let names: Vec<&str> = arms.iter().map(|&arm| plan.arms[arm].kind.name()).collect();
        text.push_str(&format!("  {}: {}\n", cell.name, names.join(", ")));
    }
    for why in &study.left_out {
        text.push_str(&format!("  left out: {why}\n"));
    }
    let _ = dry(profile, study, 1_000)?;
    Ok(text)
}

/// The frames of the first blocks of a study, at most `count`, as the lab's addresses make them: for
/// dry runs. The number of the study follows from the seed alone.
///
/// # Errors
/// Packets that cannot be made.
pub fn dry(profile: &Profile, study: &Study, count: u64) -> Result<Vec<Vec<u8>>> {
    let plan = Plan::new(study)
        .map_err(|(cell, why)| Error::new("make the packets of", &study.cells[cell].name, why))?;
    let topology =
        profile.lab.as_ref().map_or(crate::profile::model::Topology::Router, |lab| lab.topology);
    let layout = Layout::new(topology, 1500);
    let end = |device: &str| layout.ends().find(|end| end.device == device);
    let (Some(tx), Some(rx)) = (end("tx"), end("rx")) else {
        return Err(Error::new("make the packets of", &profile.name, "the lab has no ends"));
    };
    let settings = &profile.ports[0];
    let in_lab = matches!(settings.attachment, Attachment::Lab(_));
    let own4: Ipv4Addr = settings.ipv4.unwrap_or(tx.ipv4.0);
    let own6: Ipv6Addr = settings.ipv6.unwrap_or(tx.ipv6.0);
    let hop = layout.peer("tx").map_or([0; 6], |peer| peer.mac);
    let mac = settings.next_hop.mac.unwrap_or(if in_lab { hop } else { [0; 6] });
    let number = random::mix(profile.seed) as u32;
    let common = Common {
        study: number,
        ends: Ends {
            src_mac: if in_lab { tx.mac } else { [0; 6] },
            dst_mac: [mac; 2],
            ipv4: Some((own4, study.target.ipv4.unwrap_or(rx.ipv4.0))),
            ipv6: Some((own6, study.target.ipv6.unwrap_or(rx.ipv6.0))),
            src_port: SOURCE_PORTS + (number % 16_000) as u16,
            dst_port: study.port,
            name: study.target.name.clone().unwrap_or_else(|| "example.com".into()),
        },
    };
    let mut frames = Vec::new();
    let mut seq = 0;
    for round in 0..study.tries {
        for one in plan.round(profile.seed, round as u32) {
            let arm = &plan.arms[one.arm];
            let cell = &study.cells[arm.cell];
            for _ in 0..arm.datagrams {
                let made = compose::frames(&common, cell, arm.kind, seq)
                    .map_err(|why| Error::new("make the packets of", &cell.name, why))?;
                seq += 1;
                for frame in made {
                    if frames.len() as u64 >= count {
                        return Ok(frames);
                    }
                    frames.push(frame.bytes);
                }
            }
        }
    }
    Ok(frames)
}

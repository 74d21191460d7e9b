//! `wirestorm run` of a fragmentation study.

mod bed;
mod dry;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::bed::Bed;
pub use self::dry::{describe, dry};
use super::outputs::{self, Reported};
use super::{Failure, machine, signals};
use crate::cli::exit::Status;
use crate::cli::run::{Run, Trials};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::lab::Lab;
use crate::profile::model::Profile;
use crate::profile::safety::Prefix;
use crate::profile::study::{Receiver, Study};
use crate::report::html::page::Page;
use crate::report::model::{Environment, Reason, Verdict};
use crate::report::progress::{Mode, Progress, Snapshot};
use crate::report::study::{EffectResult, PublishedResult, SCHEMA, StudyResult};
use crate::report::terminal::Style;
use crate::report::{self, html, terminal};
use crate::study::analysis;
use crate::study::attribution::{self, Counters};
use crate::study::plan::{Plan, Try};
use crate::study::published::PUBLISHED;
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
    let plan = planned(study)?;
    let span = study.tries * plan.arms.len() as u64 * study.spacing.0;
    let mut show = |tries: u64| {
        let progress = progress.get_or_insert_with(|| Progress::new(span, mode));
        progress.update(&Snapshot {
            elapsed_ns: clock::now() - begin,
            sent: tries,
            ..Snapshot::default()
        });
    };
    let (result, error) = measure(profile, study, &plan, (command, allowed), &stop, &mut show)?;
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

/// The arms and their packets.
fn planned(study: &Study) -> Result<Plan> {
    Plan::new(study)
        .map_err(|(cell, why)| Error::new("make the packets of", &study.cells[cell].name, why))
}

fn measure(
    profile: &Profile,
    study: &Study,
    plan: &Plan,
    (command, allowed): (&str, &[Prefix]),
    stop: &AtomicBool,
    show: &mut dyn FnMut(u64),
) -> Result<(StudyResult, Option<Error>)> {
    let started = machine::now_rfc3339();
    let bed = Bed::up(profile, study, allowed)?;
    let mut wire = Interface::open(&bed.port.netns, bed.port.facts.index, &bed.port.facts.name)?;
    let broke =
        |error: io::Error| Error::new("send and listen on", &bed.port.facts.name, words(&error));
    let mut tester = Tester::new(study, plan, &bed.common, &mut wire, stop);
    let mut failed = tester.rounds(profile.seed, show).map_err(broke).err();
    let attributed = tester.observed.outcomes.len();
    let mut attributions = vec![None; plan.arms.len()];
    if failed.is_none() && study.attribution > 0 && !tester.observed.stopped {
        let attribute = attribute(study, plan, &bed, &mut tester, &mut attributions);
        failed = attribute.err();
    }
    let observed = std::mem::take(&mut tester.observed);
    drop(tester);
    let mut cells = analysis::cells(study, plan, &observed, attributed);
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
        comparisons: analysis::comparisons(study, plan, &observed, attributed),
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

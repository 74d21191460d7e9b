//! Which tests at which sizes, one after the other, until the last or until somebody stops it.

use std::time::Instant;

use super::outcome::{Key, outcome, record};
use super::pattern::{self, Pattern};
use super::store::{Kept, Made, Store, to_value};
use super::{Measured, Tester, back_to_back, frame_loss, judge, latency, recovery, throughput};
use crate::error::{Error, Result};
use crate::profile::benchmark::{Benchmark, Kind};
use crate::profile::model::Profile;
use crate::report::benchmark::{BenchmarkResult, SCHEMA, SizeResult, TrialResult};
use crate::report::model::{Reason, Verdict};
use crate::search::{GaveUp, Limits, Load, Progress, Search, Session, Step, Trial};
use crate::trial::Snapshot;
use crate::units::Nanos;

/// What is shown while a benchmark runs.
#[derive(Debug)]
pub enum Shown<'a> {
    /// A trial begins.
    Begins {
        /// Which test and size.
        key: &'a Key,
        /// Which searches were over before this one, and how many there are.
        searches: (usize, usize),
        /// How far its search is.
        progress: &'a Progress,
        /// The trial.
        trial: &'a Trial,
    },
    /// It sends.
    Runs(&'a Snapshot),
    /// It is over.
    Ends(&'a TrialResult),
}

/// What a benchmark gives.
pub struct Benchmarked {
    /// The result.
    pub result: BenchmarkResult,
    /// What ended it before its time, when that was an error.
    pub error: Option<Error>,
}

/// How a search ended.
pub enum End<F> {
    /// With a result.
    Found(F),
    /// Without one.
    GaveUp(GaveUp),
    /// Somebody stopped it, or an error did.
    Stopped,
}

/// A frame size and what is known of it.
pub struct Round {
    /// The streams at that size.
    pub pattern: Pattern,
    /// The throughput, once it is known: the largest load that passes the first goal.
    pub throughput: Option<Load>,
    /// What is reported.
    pub result: SizeResult,
}

/// A benchmark under way.
pub struct Suite<'a> {
    /// What the profile asks for.
    pub test: &'a Benchmark,
    tester: &'a mut dyn Tester,
    store: Store,
    show: &'a mut dyn FnMut(&Shown<'_>),
    /// Every trial so far.
    pub trials: Vec<TrialResult>,
    made: Option<Made>,
    warnings: Vec<Reason>,
    error: Option<Error>,
    /// Trials made by this process.
    count: u64,
    searches: (usize, usize),
}

/// Runs a benchmark to its end, or until it is stopped.
///
/// # Errors
/// What hinders the start: loads that are not known, a store of another benchmark. What goes wrong
/// later is in [`Benchmarked::error`], beside what was measured until then.
pub fn run(
    profile: &Profile,
    test: &Benchmark,
    tester: &mut dyn Tester,
    store: Store,
    show: &mut dyn FnMut(&Shown<'_>),
) -> Result<Benchmarked> {
    let mut rounds = Vec::with_capacity(test.sizes.len());
    for &sizes in &test.sizes {
        let pattern = Pattern::new(profile, test, sizes, |port| tester.line_rate(port))?;
        let result = SizeResult {
            size: pattern::name(sizes),
            frame_bytes: pattern.frame_bytes,
            line_rate_fps: pattern.line_rate.map(Load::pps),
            max_fps: pattern.max.pps(),
            ..SizeResult::default()
        };
        rounds.push(Round { pattern, throughput: None, result });
    }
    let tests = test.kind.tests();
    let mut suite = Suite {
        test,
        tester,
        store,
        show,
        trials: Vec::new(),
        made: None,
        warnings: Vec::new(),
        error: None,
        count: 0,
        searches: (0, tests.len() * rounds.len()),
    };
    let complete = suite.all(tests, &mut rounds);
    let sending_ports = rounds.first().map_or(0, |round| round.pattern.sending_ports);
    let made = suite.made.unwrap_or_default();
    let mut warnings: Vec<Reason> = profile
        .warnings
        .iter()
        .map(|message| Reason { code: "profile".into(), message: message.clone() })
        .collect();
    warnings.extend(suite.warnings);
    let floors: Vec<Option<Load>> =
        rounds.iter().map(|round| round.pattern.min_throughput).collect();
    let mut result = BenchmarkResult {
        schema: SCHEMA.into(),
        profile: profile.name.clone(),
        profile_yaml: profile.source.clone(),
        seed: profile.seed,
        kind: test.kind.name().into(),
        engine: made.engine,
        engine_detail: made.engine_detail,
        receive_detail: made.receive_detail,
        verdict: Verdict { valid: false, passed: false, reasons: Vec::new() },
        incomplete: !complete,
        sending_ports,
        sizes: rounds.into_iter().map(|round| round.result).collect(),
        trials: suite.trials,
        warnings,
        environment: made.environment,
    };
    result.verdict = judge::judge(&result, &floors, &profile.pass);
    Ok(Benchmarked { result, error: suite.error })
}

impl Suite<'_> {
    /// Whether all tests ended by themselves.
    fn all(&mut self, tests: &[Kind], rounds: &mut [Round]) -> bool {
        for (number, &kind) in tests.iter().enumerate() {
            for (size, round) in rounds.iter_mut().enumerate() {
                self.searches.0 = number * self.test.sizes.len() + size;
                let ended = match kind {
                    Kind::Throughput => throughput::measure(self, round),
                    Kind::Latency => latency::measure(self, round),
                    Kind::FrameLoss => frame_loss::measure(self, round),
                    Kind::BackToBack => back_to_back::measure(self, round),
                    Kind::SystemRecovery => recovery::measure(self, round),
                    Kind::Rfc2544 => Ok(true),
                };
                match ended {
                    Ok(true) => {}
                    Ok(false) => return false,
                    Err(error) => {
                        self.error.get_or_insert(error);
                        return false;
                    }
                }
            }
        }
        true
    }

    /// When searches give up.
    pub fn limits(&self) -> Limits {
        Limits { retries: self.test.retries, ..Limits::default() }
    }

    /// Runs a search to its end; `profile` makes the profile of a trial. Gives the position of its
    /// first trial in [`Suite::trials`] too.
    ///
    /// # Errors
    /// Settings that no search can meet; what hinders a trial; a store that does not fit.
    pub fn search<S: Search>(
        &mut self,
        key: &Key,
        settings: S::Settings,
        profile: impl Fn(&Trial) -> Profile,
    ) -> Result<(End<S::Found>, usize)> {
        let begin = self.trials.len();
        let kept_settings = to_value(&settings)?;
        let (saved, kept) = self.store.take::<S>(key, settings, self.limits())?;
        let mut session = Session::<S>::resume(saved)?;
        for Kept { trial, made, .. } in kept {
            self.note(made);
            self.trials.push(trial);
        }
        loop {
            let trial = match session.step() {
                Step::Measure(trial) => trial,
                Step::Done(found) => return Ok((End::Found(found), begin)),
                Step::GaveUp(why) => return Ok((End::GaveUp(why), begin)),
            };
            if self.tester.is_stopped() {
                return Ok((End::Stopped, begin));
            }
            let progress = session.progress();
            (self.show)(&Shown::Begins {
                key,
                searches: self.searches,
                progress: &progress,
                trial: &trial,
            });
            let started = Instant::now();
            if self.count > 0 {
                self.tester.wait(self.test.wait);
            }
            // Never 0, and never that of the trial before.
            let epoch = (self.count % 255) as u8 + 1;
            self.count += 1;
            let show = &mut self.show;
            let measured = self.tester.run(&profile(&trial), epoch, &mut |snapshot| {
                show(&Shown::Runs(snapshot));
            })?;
            let Measured { result, error } = measured;
            if error.is_some() || result.incomplete {
                // What was cut off proves nothing, and is made again when the benchmark goes on.
                if let Some(error) = error {
                    self.error.get_or_insert(error);
                }
                return Ok((End::Stopped, begin));
            }
            let spent = Nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
            let outcome = outcome(trial, &result, spent);
            let kept = Kept {
                settings: kept_settings.clone(),
                trial: record(key, &outcome, &result),
                outcome,
                made: Made {
                    engine: result.engine,
                    engine_detail: result.engine_detail,
                    receive_detail: result.receive_detail,
                    environment: result.environment,
                    warnings: result.warnings,
                },
            };
            self.store.keep(&kept)?;
            let Kept { outcome, trial, made, .. } = kept;
            session.take(outcome)?;
            (self.show)(&Shown::Ends(&trial));
            self.note(made);
            self.trials.push(trial);
        }
    }

    /// The first trial says how and where; every kind of warning is told once.
    fn note(&mut self, made: Made) {
        for warning in &made.warnings {
            // Those of the profile are told anyway.
            let told = self.warnings.iter().any(|known| known.code == warning.code);
            if warning.code != "profile" && !told {
                self.warnings.push(warning.clone());
            }
        }
        self.made.get_or_insert(Made { warnings: Vec::new(), ..made });
    }
}

impl Round {
    /// The name of a test at this size.
    pub fn key(&self, kind: Kind) -> Key {
        Key { test: kind.name().into(), size: self.result.size.clone() }
    }

    /// Notes why a test has no result.
    pub fn gave_up(&mut self, kind: Kind, why: &GaveUp) {
        let code = match why {
            GaveUp::LossAtMinimum { .. } | GaveUp::LossOfShortestBurst { .. } => judge::DEVICE,
            GaveUp::AlwaysInvalid { .. } => judge::INVALID,
            GaveUp::TooManyTrials { .. } | GaveUp::TooLong { .. } => judge::NO_RESULT,
        };
        self.note(code, format!("{}: {why}", self.named(kind)));
    }

    /// Notes that a test needs a throughput that was not found.
    pub fn needs_throughput(&mut self, kind: Kind) {
        let text = format!("{}: it needs the throughput, which was not found", self.named(kind));
        self.note(judge::SKIPPED, text);
    }

    /// Adds a note.
    pub fn note(&mut self, code: &str, message: String) {
        self.result.notes.push(Reason { code: code.into(), message });
    }

    /// `throughput of 64-byte frames`.
    pub fn named(&self, kind: Kind) -> String {
        match self.result.size.parse::<u32>() {
            Ok(bytes) => format!("{} of {bytes}-byte frames", kind.name()),
            Err(_) => format!("{} of the streams' own sizes", kind.name()),
        }
    }
}

//! Which tests at which sizes, one after the other, until the last or until somebody stops it.

use std::time::Instant;

use super::outcome::{Key, outcome, record};
use super::pattern::{self, Pattern};
use super::store::{Kept, Made, Store, to_value};
use super::{
    Measured, Tester, back_to_back, estimate, frame_loss, judge, latency, recovery, reset,
    throughput,
};
use crate::error::{Error, Result};
use crate::profile::benchmark::{Benchmark, Kind, Modifier, Sizes};
use crate::profile::model::Profile;
use crate::report::benchmark::{BenchmarkResult, SCHEMA, SizeResult, TrialResult};
use crate::report::model::{Reason, Verdict};
use crate::search::{GaveUp, Limits, Load, Progress, Remaining, Search, Session, Step, Trial};
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
        /// How long the searches after this one take, as far as that can be told.
        later: Nanos,
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

/// A frame size with a modifier or without, and what is known of it.
pub struct Round {
    /// The streams at that size.
    pub pattern: Pattern,
    /// Filters in the device.
    filters: u32,
    /// Why nothing is tested there.
    skipped: bool,
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
    /// An estimate of each search, without what a trial takes beside its sending.
    estimates: Vec<Remaining>,
    /// What trials took beside their sending, and how many they were.
    overhead: (u128, u64),
    /// Filters that are in the device now.
    filters: u32,
    /// The device is reset in the trials of the present search.
    pub resetting: bool,
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
    let mut rounds = Vec::new();
    for sizes in &test.sizes {
        let modifiers = std::iter::once(None).chain(test.modifiers.iter().map(Some));
        for modifier in modifiers {
            rounds.push(Round::new(profile, test, sizes, modifier, tester)?);
        }
    }
    let tests = test.tests();
    let order: Vec<(Kind, usize)> = tests
        .iter()
        .flat_map(|&kind| (0..rounds.len()).map(move |round| (kind, round)))
        .filter(|(_, round)| !rounds[*round].skipped)
        .collect();
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
        searches: (0, order.len()),
        estimates: order.iter().map(|&(kind, at)| estimate::of(test, kind, &rounds[at])).collect(),
        overhead: (0, 0),
        filters: 0,
        resetting: false,
    };
    let complete = suite.all(&order, &mut rounds);
    let sending_ports = rounds.first().map_or(0, |round| round.pattern.sending_ports);
    let made = suite.made.unwrap_or_default();
    let mut warnings: Vec<Reason> = profile
        .warnings
        .iter()
        .map(|message| Reason { code: "profile".into(), message: message.clone() })
        .collect();
    warnings.extend(suite.warnings);
    warnings.extend(judge::disorder(&suite.trials));
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
    fn all(&mut self, order: &[(Kind, usize)], rounds: &mut [Round]) -> bool {
        for (number, &(kind, at)) in order.iter().enumerate() {
            self.searches.0 = number;
            let round = &mut rounds[at];
            let measure = match kind {
                Kind::Throughput | Kind::Rfc2544 => throughput::measure,
                Kind::Latency => latency::measure,
                Kind::FrameLoss => frame_loss::measure,
                Kind::BackToBack => back_to_back::measure,
                Kind::SystemRecovery => recovery::measure,
                Kind::Reset => reset::measure,
            };
            match measure(self, round) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    self.error.get_or_insert(error);
                    return false;
                }
            }
        }
        true
    }

    /// How long the searches after the present one take: their sending, and for each trial what
    /// trials have taken beside it so far.
    fn time_of_later(&self) -> Nanos {
        let waits = self.test.wait.0.saturating_add(self.test.learning.wait.0);
        let each = match self.overhead {
            (_, 0) => u128::from(waits),
            (sum, count) => sum / u128::from(count),
        };
        let after = self.estimates.iter().skip(self.searches.0 + 1);
        let sum: u128 =
            after.map(|left| u128::from(left.sending.0) + each * u128::from(left.trials)).sum();
        Nanos(u64::try_from(sum).unwrap_or(u64::MAX))
    }

    /// When searches give up.
    pub fn limits(&self) -> Limits {
        Limits { retries: self.test.retries, time: self.test.max_time, ..Limits::default() }
    }

    /// Runs a search to its end, each trial the round's pattern. Gives the position of its first trial
    /// in [`Suite::trials`] too.
    ///
    /// # Errors
    /// Settings that no search can meet; what hinders a trial; a store that does not fit.
    pub fn search<S: Search>(
        &mut self,
        key: &Key,
        settings: S::Settings,
        round: &Round,
    ) -> Result<(End<S::Found>, usize)> {
        self.search_by::<S>(key, settings, round, |trial| round.pattern.trial(trial))
    }

    /// As [`Suite::search`]; `profile` makes the profile of a trial.
    ///
    /// # Errors
    /// As [`Suite::search`].
    pub fn search_by<S: Search>(
        &mut self,
        key: &Key,
        settings: S::Settings,
        round: &Round,
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
            let later = self.time_of_later();
            (self.show)(&Shown::Begins {
                key,
                searches: self.searches,
                later,
                progress: &progress,
                trial: &trial,
            });
            let started = Instant::now();
            if self.count > 0 {
                self.tester.wait(self.test.wait);
            }
            if self.filters != round.filters {
                self.tester.filter(round.filters)?;
                self.filters = round.filters;
            }
            self.learn(round)?;
            let epoch = self.epoch();
            let reset = self.test.reset.as_ref().filter(|_| self.resetting);
            let show = &mut self.show;
            let measured = self.tester.run(&profile(&trial), epoch, reset, &mut |snapshot| {
                show(&Shown::Runs(snapshot));
            })?;
            let Measured { result, error, down } = measured;
            if error.is_some() || result.incomplete {
                // What was cut off proves nothing, and is made again when the benchmark goes on.
                if let Some(error) = error {
                    self.error.get_or_insert(error);
                }
                return Ok((End::Stopped, begin));
            }
            let spent = Nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
            let outcome = outcome(trial, &result, spent);
            let beside = spent.0.saturating_sub(trial.duration().0);
            self.overhead = (self.overhead.0 + u128::from(beside), self.overhead.1 + 1);
            let kept = Kept {
                settings: kept_settings.clone(),
                trial: record(key, &outcome, &result, down),
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

    /// Never 0, and never that of the trial before.
    fn epoch(&mut self) -> u8 {
        self.count += 1;
        ((self.count - 1) % 255) as u8 + 1
    }

    /// Learning frames (RFC 2544 §23 b), which nobody counts.
    fn learn(&mut self, round: &Round) -> Result<()> {
        let learning = self.test.learning;
        if learning.frames == 0 || self.tester.is_stopped() {
            return Ok(());
        }
        let epoch = self.epoch();
        let profile = round.pattern.learning(learning.frames);
        self.tester.run(&profile, epoch, None, &mut |_| ())?;
        self.tester.wait(learning.wait);
        Ok(())
    }

    /// The first trial says how and where; every kind of warning is told once.
    fn note(&mut self, made: Made) {
        for warning in &made.warnings {
            // Those of the profile are told anyway; what is not measured is a modifier's.
            let known = ["profile", "not_measured"].contains(&warning.code.as_str());
            let told = self.warnings.iter().any(|known| known.code == warning.code);
            if !known && !told {
                self.warnings.push(warning.clone());
            }
        }
        self.made.get_or_insert(Made { warnings: Vec::new(), ..made });
    }
}

impl Round {
    fn new(
        profile: &Profile,
        test: &Benchmark,
        sizes: &Sizes,
        modifier: Option<&Modifier>,
        tester: &dyn Tester,
    ) -> Result<Self> {
        let pattern = Pattern::new(profile, test, sizes, modifier, |port| tester.line_rate(port))?;
        let result = SizeResult {
            size: pattern::name(sizes),
            modifier: modifier.map(Modifier::name),
            frame_bytes: pattern.frame_bytes,
            line_rate_fps: pattern.line_rate.map(Load::pps),
            max_fps: pattern.max.pps(),
            ..SizeResult::default()
        };
        let filters = modifier.and_then(|modifier| modifier.filters).unwrap_or(0);
        let too_small = pattern.too_small();
        let mut round =
            Self { pattern, filters, skipped: too_small.is_some(), throughput: None, result };
        if let Some(why) = too_small {
            round.note(judge::SKIPPED, format!("{}: {why}", round.of_what()));
        }
        Ok(round)
    }

    /// The name of a test at this size.
    pub fn key(&self, kind: Kind) -> Key {
        Key {
            test: kind.name().into(),
            size: self.result.size.clone(),
            modifier: self.result.modifier.clone(),
        }
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

    /// `throughput of 64-byte frames with broadcast 1%`.
    pub fn named(&self, kind: Kind) -> String {
        format!("{} of {}", kind.name(), self.of_what())
    }

    fn of_what(&self) -> String {
        let frames = match (self.result.size.parse::<u32>(), self.result.size.as_str()) {
            (Ok(bytes), _) => format!("{bytes}-byte frames"),
            (_, "streams") => "the streams' own sizes".to_owned(),
            (_, mix) => format!("the mix {mix}"),
        };
        match &self.result.modifier {
            None => frames,
            Some(modifier) => format!("{frames} with {modifier}"),
        }
    }
}

//! Whole searches against simulated devices: the bounds hold the truth, and what cannot be searched
//! ends with a reason.

mod search_support;

use proptest::prelude::*;
use search_support::{Behaviour, CAPACITY, LINE, Simulated};
use wirestorm::search::{
    BackToBack, BackToBackSettings, Binary, BinarySettings, BufferTime, FrameLoss,
    FrameLossSettings, GaveUp, Goal, GoalResult, Limits, Load, MlrSearch, MlrSettings, Search,
    SeriesEnd, Session, Step, Throughput, Width,
};
use wirestorm::units::{Nanos, Ratio};

const MIN: Load = Load::from_pps(1_000);
const HALF_PERCENT: Ratio = Ratio(5_000_000);

fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

fn binary(verifications: u32, loss_ratio: Ratio) -> BinarySettings {
    BinarySettings {
        min: MIN,
        max: LINE,
        width: Width::Relative(HALF_PERCENT),
        loss_ratio,
        verifications,
        search_duration: seconds(1),
        final_duration: seconds(60),
    }
}

fn mlr(goals: Vec<Goal>) -> MlrSettings {
    MlrSettings { min: MIN, max: LINE, goals }
}

fn search<S: Search>(
    settings: S::Settings,
    device: &mut Simulated,
) -> (Session<S>, Result<S::Found, GaveUp>) {
    let mut session = Session::new(settings, Limits::default()).expect("the settings are good");
    let end = session.run(device).expect("the device answers what it is asked");
    (session, end)
}

fn throughput(settings: BinarySettings, behaviour: Behaviour, seed: u64) -> Throughput {
    let mut device = Simulated::new(behaviour, seed);
    search::<Binary>(settings, &mut device).1.expect("a throughput")
}

/// Less than one packet in the shortest trial: no search can tell.
const UNSEEN: Load = Load::from_pps(1);

/// Bounds hold the truth and are as near as was asked for.
fn assert_bracket(lower: Load, upper: Option<Load>, truth: Load) {
    let upper = upper.expect("an upper bound");
    let certain = Load(lower.0.saturating_sub(UNSEEN.0));
    assert!(certain <= truth && truth <= upper, "{lower}..{upper} without {truth}");
    let width = Width::Relative(HALF_PERCENT);
    assert!(width.reached(lower, upper), "{lower}..{upper} is too wide");
}

fn found(result: &GoalResult) -> (f64, Load, Option<Load>) {
    match result {
        GoalResult::Found { conditional_throughput, lower, upper, .. } => {
            (*conditional_throughput, *lower, *upper)
        }
        GoalResult::NoLowerBound { .. } => panic!("{result:?}"),
    }
}

fn goals(goals: Vec<Goal>, behaviour: Behaviour, seed: u64) -> Vec<(f64, Load, Option<Load>)> {
    let mut device = Simulated::new(behaviour, seed);
    let results = search::<MlrSearch>(mlr(goals), &mut device).1.expect("results");
    results.iter().map(found).collect()
}

/// The load at which the soft device loses just a ratio.
fn soft_truth(ratio: Ratio) -> Load {
    Load((CAPACITY.0 as f64 * (1.0 + ratio.as_f64().sqrt())) as u64)
}

#[test]
fn binary_search_brackets_what_devices_can() {
    for verifications in [0, 1] {
        let settings = binary(verifications, Ratio(0));
        let hard = throughput(settings.clone(), Behaviour::HardLimit, 1);
        assert_bracket(hard.load, hard.upper, CAPACITY);
        assert_eq!(hard.confirmed_by.trial.duration(), seconds(60));
        assert_eq!(hard.confirmed_by.lost(), 0);
        let soft = throughput(settings, Behaviour::Soft, 1);
        assert_bracket(soft.load, soft.upper, CAPACITY);
    }
    let partial = throughput(binary(0, HALF_PERCENT), Behaviour::Soft, 1);
    assert_bracket(partial.load, partial.upper, soft_truth(HALF_PERCENT));
}

#[test]
fn loss_verification_forgives_what_does_not_repeat() {
    let misled = |settings: BinarySettings, behaviour: fn() -> Behaviour| {
        let upper = |seed| throughput(settings.clone(), behaviour(), seed).upper;
        (0..40).filter(|seed| upper(*seed).is_some_and(|upper| upper < CAPACITY)).count()
    };
    for behaviour in [|| Behaviour::Noisy, || Behaviour::TwoStates] {
        let (once, verified) =
            (misled(binary(0, Ratio(0)), behaviour), misled(binary(3, Ratio(0)), behaviour));
        assert!(once > 10, "only {once} of 40 single searches fell for the noise");
        assert!(verified < 5, "{verified} of 40 verified searches fell for the noise");
    }
}

#[test]
fn a_device_that_recovers_slowly_is_given_a_second_trial() {
    let once = throughput(binary(0, Ratio(0)), Behaviour::RecoversSlowly, 1);
    assert!(once.upper.expect("it loses") < CAPACITY, "a single trial takes the wrong half");
    let verified = throughput(binary(1, Ratio(0)), Behaviour::RecoversSlowly, 1);
    assert_bracket(verified.load, verified.upper, CAPACITY);
    let several = goals(vec![Goal::csit(Ratio(0))], Behaviour::RecoversSlowly, 1);
    let (_, lower, upper) = several[0];
    assert_bracket(lower, upper, CAPACITY);
}

#[test]
fn mlrsearch_brackets_what_devices_can() {
    for goal in [Goal::rfc2544(HALF_PERCENT), Goal::tst009(HALF_PERCENT), Goal::csit(Ratio(0))] {
        for behaviour in [Behaviour::HardLimit, Behaviour::Soft] {
            let (conditional, lower, upper) = goals(vec![goal], behaviour, 1)[0];
            assert_bracket(lower, upper, CAPACITY);
            assert_eq!(conditional, lower.pps());
        }
    }
    let ratios = [Ratio(0), HALF_PERCENT, Ratio(50_000_000)];
    let several = goals(ratios.map(Goal::csit).to_vec(), Behaviour::Soft, 1);
    for (ratio, (conditional, lower, upper)) in ratios.into_iter().zip(several) {
        assert_bracket(lower, upper, soft_truth(ratio));
        assert!(conditional <= lower.pps());
        assert!(conditional >= lower.pps() * (1.0 - ratio.as_f64()));
    }
}

#[test]
fn mlrsearch_forgives_less_than_the_exceed_ratio() {
    for seed in 0..20 {
        let (_, lower, _) = goals(vec![Goal::csit(Ratio(0))], Behaviour::Noisy, seed)[0];
        assert!(
            lower.pps() > CAPACITY.pps() * 0.99 && lower.pps() <= CAPACITY.pps() + 1.0,
            "{seed}: {lower}"
        );
        let (_, lower, _) = goals(vec![Goal::csit(Ratio(0))], Behaviour::TwoStates, seed)[0];
        assert!(
            lower.pps() > CAPACITY.pps() * 0.89 && lower.pps() <= CAPACITY.pps() + 1.0,
            "{seed}: {lower}"
        );
    }
}

#[test]
fn the_maximum_can_be_the_throughput() {
    let mut settings = binary(0, Ratio(0));
    settings.max = Load(CAPACITY.0 / 2);
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let result = search::<Binary>(settings.clone(), &mut device).1.expect("a throughput");
    assert_eq!((result.load, result.upper), (settings.max, None));
    assert_eq!(device.trials(), 2, "one short trial, and the final one");
    let settings = MlrSettings { max: settings.max, ..mlr(vec![Goal::csit(Ratio(0))]) };
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let results = search::<MlrSearch>(settings.clone(), &mut device).1.expect("a result");
    let (_, lower, upper) = found(&results[0]);
    assert_eq!((lower, upper), (settings.max, None));
}

#[test]
fn the_final_trial_decides_where_short_ones_were_too_kind() {
    /// Loses a packet in each trial of more than 10 s above half the capacity.
    struct Tires(Simulated);
    impl wirestorm::search::Device for Tires {
        fn measure(&mut self, trial: wirestorm::search::Trial) -> wirestorm::search::Outcome {
            let mut outcome = self.0.measure(trial);
            if trial.duration() > seconds(10) && trial.load.0 > CAPACITY.0 / 2 {
                outcome.received -= 1;
            }
            outcome
        }
    }
    let truth = Load(CAPACITY.0 / 2);
    let mut device = Tires(Simulated::new(Behaviour::HardLimit, 1));
    let mut session: Session<Binary> =
        Session::new(binary(1, Ratio(0)), Limits::default()).expect("good settings");
    let result = session.run(&mut device).expect("answers").expect("a throughput");
    assert_bracket(result.load, result.upper, truth);
    let mut session: Session<MlrSearch> =
        Session::new(mlr(vec![Goal::rfc2544(HALF_PERCENT)]), Limits::default()).expect("good");
    let results = session.run(&mut device).expect("answers").expect("results");
    let (_, lower, upper) = found(&results[0]);
    assert_bracket(lower, upper, truth);
}

#[test]
fn the_frame_loss_series_ends_after_two_lossless_trials() {
    let settings = FrameLossSettings { max: LINE, step: Ratio(100_000_000), duration: seconds(60) };
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let series = search::<FrameLoss>(settings.clone(), &mut device).1.expect("a series");
    let losses: Vec<f64> = series.points.iter().map(|point| point.outcome.loss_ratio()).collect();
    // 9.37 of 14.88 Mpps are 62.97 %: 100, 90, 80, 70 % lose, 60 and 50 % do not.
    assert_eq!((series.end, losses.len()), (SeriesEnd::Lossless, 6));
    for (at, share) in [1.0, 0.9, 0.8, 0.7].into_iter().enumerate() {
        assert!((losses[at] - (1.0 - CAPACITY.pps() / (LINE.pps() * share))).abs() < 1e-6);
    }
    assert_eq!(losses[4..], [0.0, 0.0]);
    let mut nothing = Simulated::new(Behaviour::LosesAll, 1);
    let series = search::<FrameLoss>(settings, &mut nothing).1.expect("a series");
    assert_eq!((series.end, series.points.len()), (SeriesEnd::StillLossy, 10));
}

#[test]
fn back_to_back_finds_the_buffer() {
    let settings = BackToBackSettings {
        load: LINE,
        limit: seconds(2),
        step: 1,
        verifications: 1,
        repeats: 50,
    };
    let mut device = Simulated::new(Behaviour::Buffered(5_000), 1);
    let lengths = search::<BackToBack>(settings.clone(), &mut device).1.expect("lengths");
    assert_eq!((lengths.frames.len(), lengths.at_limit), (50, 0));
    assert_eq!(
        (lengths.min, lengths.max, lengths.standard_deviation),
        (lengths.max, lengths.min, Some(0.0))
    );
    // What fits is what was buffered and what left meanwhile.
    let buffered = lengths.mean * (1.0 - CAPACITY.pps() / LINE.pps());
    assert!((buffered - 5_000.0).abs() < 2.0, "{buffered}");
    // Corrected time × maximum rate is the buffer in frames.
    let time = BufferTime::new(lengths.mean, LINE, CAPACITY).expect("it buffers");
    assert!((time.corrected * LINE.pps() - 5_000.0).abs() < 2.0, "{time:?}");

    let unlimited = BackToBackSettings { load: CAPACITY, repeats: 3, ..settings };
    let lengths = search::<BackToBack>(unlimited, &mut device).1.expect("lengths");
    assert_eq!((lengths.at_limit, lengths.min), (3, CAPACITY.packets_in(seconds(2))));
}

/// Each search against a device that none can measure.
fn reasons(behaviour: fn() -> Behaviour) -> Vec<String> {
    let mut device = Simulated::new(behaviour(), 1);
    let burst = BackToBackSettings {
        load: LINE,
        limit: seconds(1),
        step: 1,
        verifications: 1,
        repeats: 50,
    };
    let loss = FrameLossSettings { max: LINE, step: Ratio(100_000_000), duration: seconds(1) };
    let reason = |end: Option<GaveUp>| end.map_or("a result".to_owned(), |end| end.to_string());
    vec![
        reason(search::<Binary>(binary(1, Ratio(0)), &mut device).1.err()),
        reason(search::<MlrSearch>(mlr(vec![Goal::csit(Ratio(0))]), &mut device).1.err()),
        reason(search::<BackToBack>(burst, &mut device).1.err()),
        reason(search::<FrameLoss>(loss, &mut device).1.err()),
    ]
}

#[test]
fn devices_that_cannot_be_measured_are_told_why() {
    insta::assert_snapshot!(
        "reasons",
        [
            ("loses all", reasons(|| Behaviour::LosesAll)),
            ("always invalid", reasons(|| Behaviour::Invalid)),
            ("nothing leaves", reasons(|| Behaviour::Silent)),
        ]
        .map(|(device, ends)| format!("{device}\n  {}\n", ends.join("\n  ")))
        .concat()
    );
}

#[test]
fn a_search_that_does_not_converge_ends_at_its_limits() {
    let goal = Goal { duration_sum: seconds(100_000), ..Goal::csit(Ratio(300_000_000)) };
    let limits = Limits { trials: 50, ..Limits::default() };
    let mut session: Session<MlrSearch> = Session::new(mlr(vec![goal]), limits).expect("good");
    let mut device = Simulated::new(Behaviour::Erratic, 3);
    let end = session.run(&mut device).expect("answers").expect_err("no result");
    assert!(matches!(end, GaveUp::TooManyTrials { trials: 50, .. }), "{end}");
    assert_eq!(device.trials(), 50);
    let limits = Limits { time: Some(seconds(100)), ..Limits::default() };
    let mut session: Session<MlrSearch> = Session::new(mlr(vec![goal]), limits).expect("good");
    let end = session.run(&mut device).expect("answers").expect_err("no result");
    assert!(matches!(end, GaveUp::TooLong { .. }), "{end}");
    assert!(
        end.to_string().starts_with("no result within 100.000 s of trials, the limit; "),
        "{end}"
    );
}

#[test]
fn one_goal_may_fail_beside_another() {
    let lossless = Goal::csit(Ratio(0));
    let half = Goal { loss_ratio: Ratio(500_000_000), ..lossless };
    /// Loses a tenth, whatever the load.
    struct Leaky(Simulated);
    impl wirestorm::search::Device for Leaky {
        fn measure(&mut self, trial: wirestorm::search::Trial) -> wirestorm::search::Outcome {
            let mut outcome = self.0.measure(trial);
            outcome.received -= outcome.received / 10;
            outcome
        }
    }
    let mut device = Leaky(Simulated::new(Behaviour::HardLimit, 1));
    let mut session: Session<MlrSearch> =
        Session::new(mlr(vec![lossless, half]), Limits::default()).expect("good");
    let results = session.run(&mut device).expect("answers").expect("results");
    assert_eq!(results[0], GoalResult::NoLowerBound { upper: MIN, loss_ratio: 0.1 });
    let (conditional, lower, upper) = found(&results[1]);
    assert!(upper.is_none() || lower > CAPACITY);
    assert!(conditional >= lower.pps() * 0.5 && conditional <= lower.pps() * 0.9);
}

#[test]
fn an_invalid_trial_is_repeated_and_changes_nothing_else() {
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let (clean, _) = search::<Binary>(binary(0, Ratio(0)), &mut device);
    let mut session: Session<Binary> =
        Session::new(binary(0, Ratio(0)), Limits::default()).expect("good");
    let mut at = 0;
    while let Step::Measure(trial) = session.step() {
        let mut outcome = wirestorm::search::Device::measure(&mut device, trial);
        at += 1;
        if at % 3 != 0 {
            outcome.invalid = Some("the tester lagged".to_owned());
            outcome.received = 0;
        }
        session.take(outcome).expect("what was asked for");
    }
    let valid = |session: &Session<Binary>| -> Vec<_> {
        let outcomes = session.saved().outcomes.iter();
        outcomes.filter(|outcome| outcome.invalid.is_none()).cloned().collect()
    };
    assert_eq!(valid(&session), valid(&clean));
    assert_eq!(session.progress().invalid, 2 * session.progress().trials / 3);
}

#[test]
fn outcomes_of_another_search_are_refused() {
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let (session, _) = search::<Binary>(binary(0, Ratio(0)), &mut device);
    let mut saved = session.saved().clone();
    saved.settings.max = Load(LINE.0 / 2);
    let error = Session::<Binary>::resume(saved).expect_err("another search").to_string();
    assert!(error.contains("the search wants 7440476.190 pps for 1.000 s"), "{error}");
    let mut done = session.clone();
    let again = session.saved().outcomes[0].clone();
    let error = done.take(again).expect_err("it is done").to_string();
    assert!(error.contains("the search has its result"), "{error}");
}

#[test]
fn progress_shows_bounds_that_close_and_an_estimate() {
    let mut session: Session<MlrSearch> =
        Session::new(mlr(vec![Goal::csit(Ratio(0))]), Limits::default()).expect("good");
    let mut device = Simulated::new(Behaviour::HardLimit, 1);
    let start = session.progress();
    assert!(start.trials_left > 10 && start.bounds[0].upper.is_none());
    session.run(&mut device).expect("answers").expect("results");
    let end = session.progress();
    assert_eq!((end.trials_left, end.time_left), (0, Nanos(0)));
    assert_eq!((end.trials, end.spent), (device.trials(), device.time()));
    assert!(end.bounds[0].lower.expect("found") <= CAPACITY.pps() + 1.0);
}

fn goal() -> impl Strategy<Value = Goal> {
    let ppb = 0..999_000_000u64;
    (ppb.clone(), ppb, 1_000..500_000_000u64, 1..4u64, 0..4u64, 0..6u64).prop_map(
        |(loss, exceed, width, initial, longer, sum)| Goal {
            loss_ratio: Ratio(loss),
            exceed_ratio: Ratio(exceed),
            width: Ratio(width),
            initial_duration: seconds(initial),
            final_duration: seconds(initial + longer),
            duration_sum: seconds(initial + longer + sum),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the device does, a search ends, its bounds are as near as asked, and a replay of
    /// any part of it comes to the same.
    #[test]
    fn searches_end_and_resume(
        goals in proptest::collection::vec(goal(), 1..4),
        seed: u64,
        cut: prop::sample::Index,
    ) {
        let mut device = Simulated::new(Behaviour::Erratic, seed);
        let limits = Limits { trials: 100_000, ..Limits::default() };
        let settings = mlr(goals.clone());
        let mut session: Session<MlrSearch> = Session::new(settings, limits).expect("good");
        let end = session.run(&mut device).expect("answers");
        if let Ok(results) = &end {
            for (result, goal) in results.iter().zip(&goals) {
                if let GoalResult::Found { lower, upper: Some(upper), .. } = result {
                    let near = Width::Relative(goal.width).reached(*lower, *upper);
                    prop_assert!(near || upper.0 - lower.0 <= 1);
                }
            }
        }
        let mut saved = session.saved().clone();
        let text = serde_json::to_string(&saved).expect("it serialises");
        prop_assert_eq!(&serde_json::from_str::<wirestorm::search::Saved<MlrSettings>>(&text).expect("back"), &saved);
        let rest = saved.outcomes.split_off(cut.index(saved.outcomes.len()));
        let mut resumed = Session::<MlrSearch>::resume(saved).expect("a replay");
        for outcome in rest {
            resumed.take(outcome).expect("the same trials");
        }
        match (end, resumed.step()) {
            (Ok(results), Step::Done(again)) => prop_assert_eq!(results, again),
            (Err(reason), Step::GaveUp(again)) => prop_assert_eq!(reason, again),
            (end, step) => prop_assert!(false, "{end:?} and {step:?}"),
        }
    }

    /// Any hard limit is bracketed by every search, within its width.
    #[test]
    fn every_capacity_is_bracketed(share in 1..1_000u64, verifications in 0..3u32) {
        let max = Load(CAPACITY.0 * 1_000 / share);
        let mut device = Simulated::new(Behaviour::HardLimit, 1);
        let settings = BinarySettings { max, ..binary(verifications, Ratio(0)) };
        let found = search::<Binary>(settings, &mut device).1.expect("a throughput");
        assert_bracket(found.load, found.upper, CAPACITY);
        let settings = MlrSettings { max, ..mlr(vec![Goal::rfc2544(HALF_PERCENT)]) };
        let results = search::<MlrSearch>(settings, &mut device).1.expect("results");
        let GoalResult::Found { lower, upper, .. } = results[0] else { panic!("a bound") };
        assert_bracket(lower, upper, CAPACITY);
    }
}

//! The table of docs/search.md: what each search takes on simulated devices. The test fails when
//! the table is not what the searches give; WRITE_DOCS=1 writes it.

mod search_support;

use std::fmt::Write;

use search_support::{Behaviour, CAPACITY, LINE, Simulated};
use wirestorm::search::{
    Binary, BinarySettings, Goal, GoalResult, Limits, Load, MlrSearch, MlrSettings, Search,
    Session, Width,
};
use wirestorm::units::{Nanos, Ratio};

const START: &str = "<!-- table by tests/search_table.rs -->\n";
const END: &str = "<!-- end of table -->";
const MIN: Load = Load::from_pps(1_000);
const WIDTH: Ratio = Ratio(5_000_000);
const PARTIAL: Ratio = Ratio(5_000_000);
/// Runs a row: those of random devices differ in the seed.
const RUNS: u64 = 20;

type MakeDevice = fn() -> Behaviour;

fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

/// One of the searches that are compared: runs on a device, gives the lower bounds found.
enum Method {
    Binary(Vec<BinarySettings>),
    Mlr(Vec<Goal>),
}

fn binary(verifications: u32, loss_ratio: Ratio, search: u64, last: u64) -> BinarySettings {
    BinarySettings {
        min: MIN,
        max: LINE,
        width: Width::Relative(WIDTH),
        loss_ratio,
        verifications,
        search_duration: seconds(search),
        final_duration: seconds(last),
    }
}

fn found<S: Search>(settings: S::Settings, device: &mut Simulated) -> S::Found {
    let mut session: Session<S> = Session::new(settings, Limits::default()).expect("good");
    session.run(device).expect("answers").expect("a result")
}

impl Method {
    /// (lower, upper) of each loss ratio.
    fn run(&self, device: &mut Simulated) -> Vec<(Load, Load)> {
        match self {
            Self::Binary(settings) => settings
                .iter()
                .map(|settings| found::<Binary>(settings.clone(), device))
                .map(|throughput| (throughput.load, throughput.upper.unwrap_or(LINE)))
                .collect(),
            Self::Mlr(goals) => {
                let settings = MlrSettings { min: MIN, max: LINE, goals: goals.clone() };
                let bounds = |result: &GoalResult| match result {
                    GoalResult::Found { lower, upper, .. } => (*lower, upper.unwrap_or(LINE)),
                    GoalResult::NoLowerBound { .. } => panic!("{result:?}"),
                };
                found::<MlrSearch>(settings, device).iter().map(bounds).collect()
            }
        }
    }
}

fn methods() -> Vec<(&'static str, &'static str, Method)> {
    let none = Ratio(0);
    vec![
        ("60 s without loss", "binary, 60 s trials", Method::Binary(vec![binary(0, none, 60, 60)])),
        ("", "binary, 1 s trials, 60 s last", Method::Binary(vec![binary(0, none, 1, 60)])),
        ("", "MLRsearch, goal rfc2544", Method::Mlr(vec![Goal::rfc2544(WIDTH)])),
        (
            "60 s without loss, verified",
            "binary, 60 s trials",
            Method::Binary(vec![binary(1, none, 60, 60)]),
        ),
        ("", "binary, 1 s trials, 60 s last", Method::Binary(vec![binary(1, none, 1, 60)])),
        ("", "MLRsearch, goal tst009", Method::Mlr(vec![Goal::tst009(WIDTH)])),
        (
            "21 s, loss 0 and 0.5 %",
            "two binary, 21 s trials",
            Method::Binary(vec![binary(0, none, 21, 21), binary(0, PARTIAL, 21, 21)]),
        ),
        ("", "MLRsearch, two goals csit", Method::Mlr(vec![Goal::csit(none), Goal::csit(PARTIAL)])),
    ]
}

fn devices() -> [(&'static str, MakeDevice, bool); 5] {
    [
        ("hard limit", || Behaviour::HardLimit, false),
        ("soft", || Behaviour::Soft, false),
        ("noisy", || Behaviour::Noisy, true),
        ("two states", || Behaviour::TwoStates, true),
        ("recovers slowly", || Behaviour::RecoversSlowly, false),
    ]
}

/// Where a loss ratio is reached on a device.
fn truth(behaviour: &Behaviour, loss_ratio: Ratio) -> f64 {
    match behaviour {
        Behaviour::Soft => CAPACITY.pps() * (1.0 + loss_ratio.as_f64().sqrt()),
        _ => CAPACITY.pps() / (1.0 - loss_ratio.as_f64()),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values[middle].midpoint(values[(values.len() - 1) / 2])
}

fn table() -> String {
    let mut text = String::from(
        "| wanted | device | search | trials | sending s | with waits s | lower bound, % of the truth | holds the truth |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (device, behaviour, random) in devices() {
        let mut wanted = "";
        for (wants, name, method) in methods() {
            wanted = if wants.is_empty() { wanted } else { wants };
            let runs = if random { RUNS } else { 1 };
            let (mut trials, mut sending, mut time) = (Vec::new(), Vec::new(), Vec::new());
            let mut shares: Vec<Vec<f64>> = Vec::new();
            let mut held = 0;
            for seed in 0..runs {
                let mut simulated = Simulated::new(behaviour(), seed);
                let bounds = method.run(&mut simulated);
                trials.push(simulated.trials() as f64);
                sending.push(simulated.sending.as_secs_f64());
                time.push(simulated.time().as_secs_f64());
                shares.resize(bounds.len(), Vec::new());
                let mut holds = true;
                for ((lower, upper), (ratio, shares)) in
                    bounds.into_iter().zip([Ratio(0), PARTIAL].into_iter().zip(&mut shares))
                {
                    let truth = truth(&behaviour(), ratio);
                    // A packet a second is less than a trial of 1 s can tell.
                    holds &= lower.pps() <= truth + 1.0 && upper.pps() >= truth;
                    shares.push(lower.pps() / truth * 100.0);
                }
                held += u64::from(holds);
            }
            let shares: Vec<String> =
                shares.iter_mut().map(|shares| format!("{:.2}", median(shares))).collect();
            let (trials, sending, time) =
                (median(&mut trials), median(&mut sending), median(&mut time));
            writeln!(
                text,
                "| {wanted} | {device} | {name} | {trials} | {sending:.0} | {time:.0} | {} | {held} of {runs} |",
                shares.join(", ")
            )
            .expect("a string takes it");
        }
    }
    text
}

#[test]
fn the_documented_table_is_what_searches_take() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/search.md");
    let document = std::fs::read_to_string(path).expect("the document is there");
    let (before, rest) = document.split_once(START).expect("the table's beginning is marked");
    let (written, after) = rest.split_once(END).expect("the table's end is marked");
    let table = table();
    if std::env::var("WRITE_DOCS").as_deref() == Ok("1") {
        std::fs::write(path, format!("{before}{START}\n{table}\n{END}{after}")).expect("written");
        return;
    }
    assert_eq!(written.trim(), table.trim(), "WRITE_DOCS=1 cargo test --test search_table");
}

//! The load classifier against the PyPI package MLRsearch, the reference implementation of the
//! draft's authors. MLRSEARCH_CASES says how many loads; `scripts/mlrsearch-reference` runs many.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::root;
use wirestorm::packet::random;
use wirestorm::search::mlrsearch::classify::{Class, DurationSums, FullTrial, quantile_loss};
use wirestorm::units::{Nanos, Ratio};

/// The version that the test was written against.
const PACKAGE: &str = "MLRsearch==1.2.1";

/// A python that has the package, in an environment of its own below target/. When there is none,
/// says why; with REQUIRE_PRIVILEGED=1 that is a failure.
fn python() -> Option<PathBuf> {
    let venv = root().join("target/mlrsearch-venv");
    let python = venv.join("bin/python");
    let has = || {
        let check = format!(
            "import importlib.metadata as m; assert 'MLRsearch==' + m.version('MLRsearch') == '{PACKAGE}'"
        );
        Command::new(&python).args(["-c", &check]).output().is_ok_and(|done| done.status.success())
    };
    if has() {
        return Some(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).and_then(|()| {
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", PACKAGE]))
    });
    let why = match made {
        Ok(()) if has() => return Some(python),
        Ok(()) => "it does not import".to_owned(),
        Err(why) => why,
    };
    let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
    assert!(!required, "{PACKAGE} is required: {why}");
    println!("skipped: {PACKAGE} cannot be installed: {why}");
    None
}

/// A load: the goal, and the trials that it had.
struct Case {
    exceed: Ratio,
    final_duration: Nanos,
    duration_sum: Nanos,
    loss_ratio: Ratio,
    trials: Vec<FullTrial>,
}

impl Case {
    /// Case `index`. Small whole numbers are frequent, so that ties are.
    fn random(index: u64) -> Self {
        let key = random::key(2544, 0, 0);
        let mut at = index << 16;
        let mut below = |range: u64| {
            at += 1;
            random::below(key, at, range)
        };
        let exceed = match below(4) {
            0 => 0,
            1 => 500_000_000,
            2 => below(20) * 50_000_000,
            _ => below(1_000_000_000),
        };
        let unit = if below(2) == 0 { 1_000_000_000 } else { 1 + below(10_000_000_000) };
        let final_duration = (1 + below(4)) * unit;
        let duration_sum = final_duration + below(24) * unit;
        let loss_ratio = [0, 0, 5_000_000, 250_000_000, below(1_000_000_000)][below(5) as usize];
        let trials = (0..below(30))
            .map(|_| {
                let duration = Nanos((1 + below(5)) * unit);
                let intended = [4, 1_000, 1 + below(100_000_000)][below(3) as usize];
                let lost = match below(4) {
                    0 | 1 => 0,
                    2 => below(intended / 100 + 1),
                    _ => below(intended + 1),
                };
                FullTrial { duration, lost, intended }
            })
            .collect();
        Self {
            exceed: Ratio(exceed),
            final_duration: Nanos(final_duration),
            duration_sum: Nanos(duration_sum),
            loss_ratio: Ratio(loss_ratio),
            trials,
        }
    }

    fn question(&self) -> String {
        let mut line = format!(
            "{} {} {} {}",
            self.exceed.0, self.final_duration.0, self.duration_sum.0, self.loss_ratio.0
        );
        for trial in &self.trials {
            line += &format!(" {}:{}:{}", trial.duration.0, trial.lost, trial.intended);
        }
        line
    }

    /// Our own answer: the class and the loss.
    fn answer(&self) -> (Class, f64) {
        let full = |trial: &FullTrial| trial.duration >= self.final_duration;
        let mut sums = DurationSums::default();
        for trial in &self.trials {
            let lost = u128::from(trial.lost) * u128::from(Ratio::ONE.0);
            let high = lost > u128::from(trial.intended) * u128::from(self.loss_ratio.0);
            sums.add(trial.duration, full(trial), high);
        }
        let long: Vec<FullTrial> = self.trials.iter().copied().filter(full).collect();
        let class = sums.classify(self.exceed, self.duration_sum);
        (class, quantile_loss(&long, self.exceed, self.duration_sum))
    }
}

/// Parses `CLASS LOST/OF`.
fn parse(answer: &str) -> (Class, f64) {
    let (class, loss) = answer.split_once(' ').expect("two words");
    let class = match class {
        "LOWER" => Class::Lower,
        "UPPER" => Class::Upper,
        "UNDECIDED" => Class::Undecided,
        other => panic!("no class: {other}"),
    };
    let (lost, of) = loss.split_once('/').expect("a fraction");
    let number = |text: &str| text.parse::<f64>().expect("a number");
    (class, number(lost) / number(of))
}

#[test]
fn the_classifier_agrees_with_the_reference() {
    let Some(python) = python() else { return };
    let asked = std::env::var("MLRSEARCH_CASES").unwrap_or_else(|_| "5000".to_owned());
    let count: u64 = asked.parse().expect("MLRSEARCH_CASES is a number");
    let mut reference = Command::new(python)
        .arg(root().join("tests/mlrsearch_reference.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut questions = reference.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        for index in 0..count {
            writeln!(questions, "{}", Case::random(index).question()).expect("it reads");
        }
    });
    let output = reference.wait_with_output().expect("python ends");
    writer.join().expect("it wrote");
    assert!(output.status.success(), "the reference failed");
    let answers = String::from_utf8(output.stdout).expect("text");
    let mut classes = [0u64; 3];
    let mut compared = 0;
    for (index, answer) in answers.lines().enumerate() {
        let case = Case::random(index as u64);
        let ours = case.answer();
        assert_eq!(ours, parse(answer), "load {index}: {}", case.question());
        classes[ours.0 as usize] += 1;
        compared += 1;
    }
    assert_eq!(compared, count, "every load has an answer");
    println!(
        "{compared} loads agree: {} lower, {} upper, {} undecided",
        classes[0], classes[1], classes[2]
    );
    assert!(classes.iter().all(|of| *of > count / 20), "each class is tried: {classes:?}");
}

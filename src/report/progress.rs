//! Progress of a run, on standard error: a bar on a terminal, a line a second elsewhere, or nothing.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::format::{count, nanos, rate, seconds};
use crate::units::Nanos;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A bar that redraws itself.
    Bar,
    /// A line a second.
    Lines,
    /// Nothing.
    Quiet,
}

impl Mode {
    /// A bar where standard error is a terminal, lines elsewhere, nothing where `quiet`.
    pub fn choose(quiet: bool) -> Self {
        match (quiet, io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// What is known in mid-run. Counts are those of all streams since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Time since the start.
    pub elapsed_ns: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets received. None where nothing receives.
    pub received: Option<u64>,
    /// Packets sent per second, of late.
    pub tx_pps: f64,
    /// Packets received per second, of late.
    pub rx_pps: Option<f64>,
    /// How late the latest packet was sent. None at unlimited rate.
    pub lag_ns: Option<u64>,
}

/// The progress of one run.
#[derive(Debug)]
pub struct Progress<W: Write = io::Stderr> {
    total: Nanos,
    display: Display<W>,
}

#[derive(Debug)]
enum Display<W> {
    Bar(ProgressBar),
    /// The next line is due at that time since the start.
    Lines {
        out: W,
        due: Nanos,
    },
    Quiet,
}

impl Progress {
    /// Progress on standard error of a run of `total_ns`; 0: it is not known how long.
    pub fn new(total_ns: u64, mode: Mode) -> Self {
        let total = Nanos(total_ns);
        let display = match mode {
            Mode::Bar => Display::Bar(bar(total, ProgressDrawTarget::stderr())),
            Mode::Lines => Display::Lines { out: io::stderr(), due: Nanos::SECOND },
            Mode::Quiet => Display::Quiet,
        };
        Self { total, display }
    }
}

impl<W: Write> Progress<W> {
    /// Lines into `out`.
    pub fn lines(total_ns: u64, out: W) -> Self {
        let display = Display::Lines { out, due: Nanos::SECOND };
        Self { total: Nanos(total_ns), display }
    }

    /// Shows `now`. As often as the caller likes: lines come once a second of the run. That standard
    /// error cannot be written to does not end a run.
    pub fn update(&mut self, now: &Snapshot) {
        match &mut self.display {
            Display::Bar(bar) => {
                let end = if self.total.0 == 0 { u64::MAX } else { self.total.0 };
                bar.set_position(millis(Nanos(now.elapsed_ns.min(end))));
                bar.set_message(describe(now));
            }
            Display::Lines { out, due } if now.elapsed_ns >= due.0 => {
                // Seconds that were missed are not made up for.
                *due = Nanos((now.elapsed_ns / Nanos::SECOND.0 + 1) * Nanos::SECOND.0);
                let of = match self.total.0 {
                    0 => String::new(),
                    total => format!(" of {}", seconds(Nanos(total).as_secs_f64())),
                };
                let elapsed = seconds(Nanos(now.elapsed_ns).as_secs_f64());
                let _ = writeln!(out, "{elapsed}{of}: {}", describe(now));
            }
            Display::Lines { .. } | Display::Quiet => {}
        }
    }

    /// Ends the display; the bar goes, so that the report begins on a clean line.
    pub fn finish(&mut self) {
        match &mut self.display {
            Display::Bar(bar) => bar.finish_and_clear(),
            Display::Lines { out, .. } => {
                let _ = out.flush();
            }
            Display::Quiet => {}
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    /// An error in mid-run leaves no half bar above its message.
    fn drop(&mut self) {
        self.finish();
    }
}

fn millis(span: Nanos) -> u64 {
    span.0 / Nanos::MILLISECOND.0
}

fn bar(total: Nanos, target: ProgressDrawTarget) -> ProgressBar {
    let (length, template) = match total.0 {
        0 => (None, "{spinner} {elapsed} {wide_msg}"),
        _ => (Some(millis(total).max(1)), "{bar:24} {percent:>3} % {wide_msg}"),
    };
    let bar = ProgressBar::with_draw_target(length, target);
    // A template that is wrong would show in the first test; the default bar is shown then.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("━━─")),
        Err(_) => bar,
    }
}

/// The counts in one line.
fn describe(now: &Snapshot) -> String {
    let mut text = format!("{} sent, {}", count(now.sent), rate(now.tx_pps, "pps"));
    if let Some(received) = now.received {
        text.push_str(&format!("; {} received", count(received)));
    }
    if let Some(rx_pps) = now.rx_pps {
        text.push_str(&format!(", {}", rate(rx_pps, "pps")));
    }
    if let Some(lag) = now.lag_ns {
        text.push_str(&format!("; lag {}", nanos(lag as f64)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(elapsed_ns: u64) -> Snapshot {
        Snapshot {
            elapsed_ns,
            sent: 123_456,
            received: Some(123_450),
            tx_pps: 100_000.0,
            rx_pps: Some(99_995.1),
            lag_ns: Some(1_234),
        }
    }

    #[test]
    fn a_line_a_second_and_none_for_what_was_missed() {
        let mut out = Vec::new();
        let mut progress = Progress::lines(5_000_000_000, &mut out);
        for tenths in [0, 5, 9, 10, 11, 19, 35, 39, 40] {
            progress.update(&snapshot(tenths * 100_000_000));
        }
        drop(progress);
        let text = String::from_utf8(out).expect("is UTF-8");
        let starts: Vec<&str> = text.lines().filter_map(|line| line.split(" of ").next()).collect();
        assert_eq!(starts, ["1.000 s", "3.500 s", "4.000 s"]);
        assert_eq!(
            text.lines().next(),
            Some(
                "1.000 s of 5.000 s: 123,456 sent, 100.0 kpps; 123,450 received, 100.0 kpps; \
                 lag 1.234 µs"
            )
        );
    }

    #[test]
    fn what_is_not_measured_is_left_out() {
        let mut out = Vec::new();
        let mut progress = Progress::lines(0, &mut out);
        progress.update(&Snapshot { elapsed_ns: 2_000_000_000, sent: 7, ..Snapshot::default() });
        drop(progress);
        assert_eq!(String::from_utf8_lossy(&out), "2.000 s: 7 sent, 0 pps\n");
    }

    #[test]
    fn the_bar_follows_the_time_and_stays_within_it() {
        let bar = bar(Nanos(2_000_000_000), ProgressDrawTarget::hidden());
        let display: Display<io::Sink> = Display::Bar(bar.clone());
        let mut progress = Progress { total: Nanos(2_000_000_000), display };
        progress.update(&snapshot(500_000_000));
        assert_eq!((bar.position(), bar.length()), (500, Some(2_000)));
        assert!(bar.message().starts_with("123,456 sent"));
        progress.update(&snapshot(9_000_000_000));
        assert_eq!(bar.position(), 2_000);
        progress.finish();
        assert!(bar.is_finished());
    }

    #[test]
    fn the_templates_are_legal() {
        for template in ["{spinner} {elapsed} {wide_msg}", "{bar:24} {percent:>3} % {wide_msg}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn a_writer_that_fails_does_not_end_the_run() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("is there");
        let mut progress = Progress::lines(0, full);
        progress.update(&snapshot(1_000_000_000));
        progress.finish();
    }
}

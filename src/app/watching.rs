//! Who watches a run: progress on standard error or the live view, and those who scrape its metrics.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::Failure;
use crate::benchmark::sight::SuiteWatch;
use crate::cli::run::Run;
use crate::error::Error;
use crate::metrics::server::{Exporter, Source};
use crate::report::progress::Mode;
use crate::trial::watch::Watch;
use crate::tui::session::{Session, Watched};
use crate::tui::terminal;
use crate::tui::theme::Theme;

/// How often a wait looks for a stop.
const TICK: Duration = Duration::from_millis(50);

/// Everybody who watches a run.
pub struct Watching {
    /// Where its trials show themselves. None: nobody looks.
    pub trial: Option<Arc<Watch>>,
    /// Where its benchmark does.
    pub suite: Option<Arc<SuiteWatch>>,
    /// Set to end the run early.
    pub stop: Arc<AtomicBool>,
    /// How progress is shown.
    pub mode: Mode,
    view: Option<Session>,
    exporter: Option<Exporter>,
    linger: Duration,
}

impl Watching {
    /// Listens for scrapers and takes the terminal, where that was asked for.
    ///
    /// # Errors
    /// A live view without a terminal; an address that cannot be listened on.
    pub fn start(run: &Run, is_benchmark: bool) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let watched = run.tui || run.metrics.is_some();
        let trial = watched.then(Arc::<Watch>::default);
        let suite = (watched && is_benchmark).then(Arc::<SuiteWatch>::default);
        if run.tui && !terminal::is_there() {
            return Err(Failure::Input(
                Error::new(
                    "show",
                    "the live view (--tui)",
                    "standard input and standard error are not both a terminal",
                )
                .remedy("leave --tui out; --metrics serves the same numbers"),
            ));
        }
        let exporter = match (run.metrics, &trial) {
            (Some(address), Some(trial)) => {
                let source = Source { trial: trial.clone(), suite: suite.clone() };
                let exporter = Exporter::start(address, source)?;
                eprintln!("metrics: http://{}/metrics", exporter.address());
                Some(exporter)
            }
            _ => None,
        };
        let view = match (run.tui, &trial) {
            (true, Some(trial)) => {
                let (trial, suite, stop) = (trial.clone(), suite.clone(), stop.clone());
                let theme = Theme { color: run.color.style(&io::stderr()).color };
                Some(Session::start(Watched { trial, suite, stop }, theme)?)
            }
            _ => None,
        };
        let mode = Mode::choose(run.quiet || run.tui);
        let linger = run.metrics_linger.into();
        Ok(Self { trial, suite, stop, mode, view, exporter, linger })
    }

    /// Gives the terminal back: what follows is printed.
    pub fn close_view(&mut self) {
        self.view = None;
    }

    /// Goes on serving the last metrics, as long as was asked for, unless the run was stopped.
    pub fn linger(self) {
        if self.exporter.is_none() {
            return;
        }
        let begin = Instant::now();
        while begin.elapsed() < self.linger && !self.stop.load(Relaxed) {
            std::thread::sleep(TICK.min(self.linger));
        }
    }
}

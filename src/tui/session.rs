//! The thread that reads keys and draws.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use super::model::{Action, Model};
use super::terminal::Screen;
use super::theme::Theme;
use super::view;
use crate::benchmark::sight::SuiteWatch;
use crate::error::{Error, Result};
use crate::sys::tty;
use crate::trial::watch::Watch;

/// How often it is drawn where no key is pressed.
const TICK: Duration = Duration::from_millis(100);

/// Exit status at the second Ctrl-C: 128 + SIGINT, as shells say it.
const KILLED: i32 = 130;

/// What is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The trials.
    pub trial: Arc<Watch>,
    /// The benchmark, if it is one.
    pub suite: Option<Arc<SuiteWatch>>,
    /// Set to stop the run.
    pub stop: Arc<AtomicBool>,
}

/// The live view. Dropped, it ends and gives the terminal back.
#[derive(Debug)]
pub struct Session {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Takes the terminal, and draws from now on.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn start(watched: Watched, theme: Theme) -> Result<Self> {
        let screen = Screen::take(&watched.stop)?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = thread::Builder::new()
            .name("tui".into())
            .spawn(move || {
                // What the terminal refuses in mid-run ends the view, not the run.
                let _ = show(screen, &watched, theme, &ends);
            })
            .map_err(|cause| Error::new("start", "the thread of the live view", cause))?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(mut screen: Screen, watched: &Watched, theme: Theme, over: &AtomicBool) -> io::Result<()> {
    let mut model = Model::new(watched.suite.is_some());
    while !over.load(Relaxed) && screen.is_taken() {
        if let Some(sight) = watched.trial.latest() {
            model.see(sight);
        }
        if let Some(suite) = &watched.suite {
            model.suite = Some(suite.latest());
        }
        model.stopping |= watched.stop.load(Relaxed);
        screen.terminal.draw(|frame| view::render(&model, theme, frame))?;
        let mut patience = TICK;
        while event::poll(patience)? {
            patience = Duration::ZERO;
            let Event::Key(key) = event::read()? else { continue };
            match model.press(key) {
                Action::None => {}
                Action::Stop => watched.stop.store(true, Relaxed),
                Action::Rate(percent) => watched.trial.want(percent),
                Action::Kill => {
                    tty::restore();
                    std::process::exit(KILLED);
                }
            }
        }
    }
    Ok(())
}

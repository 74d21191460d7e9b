//! Resets the device under test in the middle of a trial (RFC 6201).

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::lab::router::Router;
use crate::profile::benchmark::{Reset, ResetBy};
use crate::sys::errno;
use crate::units::Nanos;

/// How often a wait looks for a stop.
const TICK: Duration = Duration::from_millis(20);

/// Who does it, with all that it takes.
#[derive(Clone, Debug)]
pub enum Means {
    /// Whoever reads standard error.
    Hand,
    /// A program with its arguments.
    Command(Vec<String>),
    /// The lab's router, which does not forward for so long.
    Router(Router, Nanos),
}

impl Means {
    /// What a profile asks for.
    ///
    /// # Errors
    /// A lab without a router; a command that the command line does not allow.
    pub fn new(
        reset: &Reset,
        router: impl FnOnce() -> Result<Router>,
        allow_command: bool,
    ) -> Result<Self> {
        Ok(match &reset.by {
            ResetBy::Hand => Self::Hand,
            ResetBy::Command(words) if allow_command => Self::Command(words.clone()),
            ResetBy::Command(words) => {
                let cause = "a profile may not run programs unless the command line says so";
                return Err(Error::new("run", words.join(" "), cause)
                    .remedy("add --allow-command if you trust the profile"));
            }
            ResetBy::Lab { down } => Self::Router(router()?, *down),
        })
    }
}

/// A reset under way.
pub struct Resetting(JoinHandle<Result<Option<Nanos>>>);

impl Resetting {
    /// Begins it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(means: Means, stop: Arc<AtomicBool>) -> Result<Self> {
        let thread = thread::Builder::new().name("reset".to_owned()).spawn(move || match means {
            Means::Hand => {
                eprintln!("\nreset the device NOW");
                Ok(None)
            }
            Means::Command(words) => command(&words).map(|()| None),
            Means::Router(router, down) => forward_again(&router, down, &stop).map(Some),
        });
        thread.map(Self).map_err(|error| Error::new("start", "the reset", error))
    }

    /// Waits for its end; how long the lab's router did not forward.
    ///
    /// # Errors
    /// What went wrong.
    pub fn end(self) -> Result<Option<Nanos>> {
        self.0.join().unwrap_or_else(|_| Err(Error::new("reset", "the device", "it panicked")))
    }
}

/// Its output goes nowhere: standard output may hold the result.
fn command(line: &[String]) -> Result<()> {
    let failed = |cause: String| Error::new("reset by", line.join(" "), cause);
    let Some((program, arguments)) = line.split_first() else { return Ok(()) };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(errno::words(&error)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.split_whitespace().collect();
    Err(failed(format!("{}: {}", output.status, said.join(" "))))
}

/// How long it was down, by this clock: from when the kernel had taken forwarding away to when it was
/// asked to give it back.
fn forward_again(router: &Router, down: Nanos, stop: &AtomicBool) -> Result<Nanos> {
    router.forward(false)?;
    let begin = Instant::now();
    while let Some(left) = Duration::from(down).checked_sub(begin.elapsed())
        && !left.is_zero()
        && !stop.load(Relaxed)
    {
        thread::sleep(left.min(TICK));
    }
    let took = begin.elapsed();
    router.forward(true)?;
    Ok(Nanos(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)))
}

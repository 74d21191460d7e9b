//! From the command line to the exit status.

mod diagnose;
mod machine;
mod prepare;
mod run;
mod signals;

use std::process::ExitCode;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let mut profile = crate::profile::load(args[2].as_ref(), &[]).map_err(|e| eprintln!("{e}")).unwrap();
    if profile.lab.is_none() { profile.set_lab("router").unwrap(); }
    let engine = args.get(3).map_or(Default::default(), |e| crate::engine::choose::EngineChoice::named(e).unwrap());
    let options = run::RunOptions { engine, workers: args.get(4).map(|w| w.parse().unwrap()), command: args.join(" ") };
    match run::run(&profile, &options, &mut |_| {}) {
        Ok(ran) => {
            if let Some(e) = &ran.error { eprintln!("error: {e}"); }
            print!("{}", crate::report::terminal::render(&ran.result, crate::report::terminal::Style{color:false,width:120}));
            ExitCode::SUCCESS }
        Err(e) => { eprintln!("{e}"); ExitCode::FAILURE }
    }
}

//! The `wirestorm` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wirestorm::app::main()
}

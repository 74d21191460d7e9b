//! `wirestorm completions`.

use clap::Args;
use clap_complete::Shell;

/// Print a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completions {
    /// For which shell.
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(
    about = "Print the completion script of a shell",
    after_help = "\
Examples:
  wirestorm completions bash > /etc/bash_completion.d/wirestorm
  wirestorm completions zsh > ~/.zfunc/_wirestorm
  wirestorm completions fish > ~/.config/fish/completions/wirestorm.fish"
)]
pub(super) struct TypedCompletions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl TypedCompletions {
    pub(super) fn meaning(self) -> Completions {
        Completions { shell: self.shell }
    }
}

impl Completions {
    /// The script.
    pub fn script(self) -> Vec<u8> {
        // Into memory: clap_complete panics where a write fails, as it does in a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::definition(), "wirestorm", &mut script);
        script
    }
}

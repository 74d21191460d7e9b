//! Colours and width of what is printed.

use std::env;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use clap::ValueEnum;

use crate::report::terminal::Style;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Colours and width for `stream`, by the environment of this process.
    pub fn style(self, stream: &(impl IsTerminal + AsFd)) -> Style {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let plain = set("NO_COLOR") || env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size_of(stream).map(|(width, _)| width.0);
        self.decide(stream.is_terminal(), plain, width)
    }

    /// Colours and width for a stream that `is_terminal`, of that width, where the environment asks
    /// for `plain` text (<https://no-color.org>).
    fn decide(self, is_terminal: bool, plain: bool, width: Option<u16>) -> Style {
        let color = match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && !plain,
        };
        // Some terminals, those of CI above all, say 0.
        let width = width.filter(|width| *width > 0).unwrap_or(Style::PLAIN.width);
        Style { color, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_looks_at_the_terminal_and_the_environment() {
        let color =
            |choice: ColorChoice, terminal, plain| choice.decide(terminal, plain, Some(80)).color;
        assert!(color(ColorChoice::Auto, true, false));
        assert!(!color(ColorChoice::Auto, true, true));
        assert!(!color(ColorChoice::Auto, false, false));
        assert!(color(ColorChoice::Always, false, true));
        assert!(!color(ColorChoice::Never, true, false));
    }

    #[test]
    fn an_unknown_width_is_a_hundred() {
        let width = |width| ColorChoice::Auto.decide(true, false, width).width;
        assert_eq!(width(Some(80)), 80);
        assert_eq!(width(Some(0)), 100);
        assert_eq!(width(None), 100);
    }
}

//! `wirestorm headers`.

use clap::Args;

use super::color::ColorChoice;

/// List the headers that a profile can name, or the fields of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Which headers; empty: the list of all.
    pub names: Vec<String>,
    /// Colours.
    pub color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(
    about = "List the headers of the profile language, or the fields of some",
    after_help = "\
Examples:
  wirestorm headers            every header, with its source
  wirestorm headers ipv4 tcp   their fields, widths, defaults, options and examples"
)]
pub(super) struct TypedHeaders {
    /// The headers whose fields are shown
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,
}

impl TypedHeaders {
    pub(super) fn meaning(self) -> Headers {
        Headers { names: self.names, color: self.color }
    }
}

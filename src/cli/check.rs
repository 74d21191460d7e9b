//! `wirestorm check`.

use clap::Args;

use super::profile::{ProfileRequest, TypedProfile};

/// Is a profile valid, and what is its plan: streams, rates, the bytes of packet 0?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What to check.
    pub profile: ProfileRequest,
}

#[derive(Debug, Args)]
#[command(
    about = "Check a profile and print its plan: streams, rates, the bytes of packet 0",
    after_help = "\
Examples:
  wirestorm check profiles/router.yaml
  wirestorm check my.yaml --set 'streams[0].size=64B'

Exit status: 0 valid; 2 not valid: every error with file, line, column and YAML path."
)]
pub(super) struct TypedCheck {
    #[command(flatten)]
    profile: TypedProfile,
}

impl TypedCheck {
    pub(super) fn meaning(self) -> Check {
        Check { profile: self.profile.meaning() }
    }
}

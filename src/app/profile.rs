//! The profile that a command line asks for: read, changed, found safe.

use crate::cli::profile::ProfileRequest;
use crate::error::Error;
use crate::profile::model::Profile;
use crate::profile::safety::Prefix;
use crate::profile::{self, safety};

use super::Failure;

/// A profile and the prefixes that its packets may go to beside the safe ones.
pub struct Requested {
    /// The profile.
    pub profile: Profile,
    /// `--allow-destination`.
    pub allowed: Vec<Prefix>,
}

/// As [`read`], for packets that are to be sent.
///
/// # Errors
/// As [`read`]; destinations that nobody allowed.
pub fn load(request: &ProfileRequest) -> Result<Requested, Failure> {
    let requested = read(request)?;
    let outside = safety::check(&requested.profile, &requested.allowed);
    if !outside.is_empty() {
        return Err(requested.profile.origin.errors(outside).into());
    }
    Ok(requested)
}

/// Reads the profile and applies what was typed beside it.
///
/// # Errors
/// All problems of the profile at once.
pub fn read(request: &ProfileRequest) -> Result<Requested, Failure> {
    let mut profile = profile::load(&request.path, &request.settings)?;
    if let Some(lab) = &request.lab {
        profile.set_lab(lab)?;
    }
    if let Some(seed) = request.seed {
        profile.seed = seed;
    }
    let mut allowed = Vec::new();
    for text in &request.allow_destinations {
        let prefix = Prefix::parse(text)
            .map_err(|expected| Error::new("allow", text, format!("expected {expected}")))?;
        allowed.push(prefix);
    }
    Ok(Requested { profile, allowed })
}

//! The profile that a command line asks for: read, changed, found safe.

use crate::cli::profile::ProfileRequest;
use crate::error::Error;
use crate::profile::ProfileErrors;
use crate::profile::model::Profile;
use crate::profile::safety::Prefix;
use crate::profile::{self, safety};

use super::Failure;

/// Reads the profile and applies what was typed beside it.
///
/// # Errors
/// All problems of the profile at once; destinations that nobody allowed.
pub fn load(request: &ProfileRequest) -> Result<Profile, Failure> {
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
    let unsafe_destinations = safety::check(&profile, &allowed);
    if unsafe_destinations.is_empty() {
        return Ok(profile);
    }
    let file = request.path.display().to_string();
    Err(ProfileErrors::new(file, request.settings.clone(), unsafe_destinations).into())
}

//! What the YAML says.
//!
//! ```text
//! text → yaml (a tree with places) → overrides (--set) → decode (units, names, unknown keys)
//!      → validate (one function a rule) → model::Profile
//! ```
//!
//! Every stage goes on after a mistake, and all mistakes are told at once ([`ProfileErrors`]).

pub mod benchmark;
pub(crate) mod deal;
mod decode;
pub mod fragments;
mod lab;
pub mod model;
pub mod only;
mod origin;
mod overrides;
mod path;
mod pattern;
mod piece;
mod prefix;
mod problem;
pub mod replay;
pub mod safety;
mod schema;
pub mod study;
pub mod units;
mod validate;
pub mod yaml;

pub use decode::{ORDERS as FRAGMENT_ORDERS, PERCENTILES as LATENCY_PERCENTILES};
pub use lab::plain as plain_lab;
pub use origin::Origin;
pub use problem::{Place, Problem, ProfileErrors, nearest};
pub use schema::schema;
pub use validate::bounds as size_bounds;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use model::Profile;

/// Reads the profile at `path`; see [`parse`].
///
/// # Errors
/// As [`parse`]; also when the file cannot be read, is too long, or is not UTF-8.
pub fn load(path: &Path, overrides: &[String]) -> Result<Profile, ProfileErrors> {
    let file = path.to_string_lossy();
    let refuse = |problem| ProfileErrors::new(&*file, overrides, vec![problem]);
    let bytes = read_bounded(path).map_err(|error| {
        refuse(Problem::new(Place::File, "", format!("cannot be read: {error}")))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = place_of_byte(error.as_bytes(), error.utf8_error().valid_up_to());
        refuse(Problem::found(place, "", "a byte that is not UTF-8", "text in UTF-8"))
    })?;
    parse(&file, &text, overrides)
}

/// Turns a profile's text into a profile, with `--set` overrides (`streams[0].rate=1Mpps`)
/// applied in their order. `file_name` stands in messages, and its stem names a profile that has
/// no `name:`.
///
/// # Errors
/// Everything that is wrong, at once, each with its place.
pub fn parse(file_name: &str, text: &str, overrides: &[String]) -> Result<Profile, ProfileErrors> {
    let mut problems = Vec::new();
    let Some(mut root) = yaml::read(text, &mut problems) else {
        return Err(ProfileErrors::new(file_name, overrides, problems));
    };
    let mut source = text.to_owned();
    if !overrides.is_empty() {
        overrides::apply(&mut root, overrides, &mut problems);
        source = yaml::write(&root);
    }
    let origin = Origin::new(file_name, overrides, root.clone());
    let decoded = decode::decode(file_name, source, origin, &root).map(|mut decoded| {
        validate::validate(&mut decoded);
        problems.append(&mut decoded.problems);
        decoded.profile
    });
    match decoded {
        Ok(profile) if problems.is_empty() => Ok(profile),
        Ok(_) => Err(ProfileErrors::new(file_name, overrides, problems)),
        Err(more) => {
            problems.extend(more);
            Err(ProfileErrors::new(file_name, overrides, problems))
        }
    }
}

/// A file's bytes, and one more than allowed of a file that is too long: a device never ends.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(yaml::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Line and column of a byte of which everything before is UTF-8.
fn place_of_byte(bytes: &[u8], at: usize) -> Place {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let last = before.rsplit('\n').next().unwrap_or("");
    Place::Text { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 }
}

//! What must hold for any bytes that are read as a profile. `fuzz_profile` runs it on stable Rust,
//! `fuzz/fuzz_targets/profile.rs` under libFuzzer.

use wirestorm::profile::{self, Place, safety};

/// Reads `data` as a profile. Lines at its beginning that start with `--set ` are overrides.
/// Returns whether it is a profile.
///
/// # Panics
/// When something does not hold.
pub fn check(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let mut rest = &*text;
    let mut overrides = Vec::new();
    while let Some((line, after)) = rest.split_once('\n')
        && let Some(set) = line.strip_prefix("--set ")
    {
        overrides.push(set.to_owned());
        rest = after;
    }
    match profile::parse("fuzz.yaml", rest, &overrides) {
        Err(errors) => {
            judge_errors(&errors, rest, &overrides);
            false
        }
        Ok(profile) => {
            // What the report quotes is a profile too, and the same one.
            let again = profile::parse("fuzz.yaml", &profile.source, &[])
                .unwrap_or_else(|errors| panic!("{errors}\n{}", profile.source));
            let shown = |profile: &profile::model::Profile| {
                let profile = profile::model::Profile { source: String::new(), ..profile.clone() };
                format!("{profile:?}")
            };
            assert_eq!(shown(&profile), shown(&again));
            for problem in safety::check(&profile, &[]) {
                assert!(!problem.path.is_empty());
            }
            true
        }
    }
}

/// Every problem has a place inside what was read, and is told on one line.
fn judge_errors(errors: &profile::ProfileErrors, text: &str, overrides: &[String]) {
    assert!(!errors.problems().is_empty(), "refused without a reason");
    let lines = text.split(['\n', '\r']).count();
    for problem in errors.problems() {
        match problem.place {
            Place::File => {}
            // The end of the text is a place too.
            Place::Text { line, column } => {
                assert!((1..=lines + 1).contains(&line) && column >= 1, "{problem:?}");
            }
            Place::Override(number) => assert!(number < overrides.len(), "{problem:?}"),
        }
        assert!(!problem.message.is_empty());
        let shown = problem.to_string();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
}

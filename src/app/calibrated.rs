//! The calibration of this machine: where it is, and what it says of an engine. Whatever is wrong
//! with it, a run goes on without it and says so.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::host::cpu::Cpus;
use crate::host::environment::Environment;
use crate::report::calibration::{Calibrated, Calibration, Machine};

/// The variable that names the calibration file in place of the usual one. Empty: none is used.
pub const VARIABLE: &str = "WIRESTORM_CALIBRATION";

/// What a report says where there is no calibration.
const HINT: &str = "not calibrated: wirestorm calibrate";

/// Where runs look for the calibration. None: [`VARIABLE`] is empty.
pub fn path() -> Option<PathBuf> {
    path_in(|name| env::var_os(name))
}

fn path_in(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(file) = variable(VARIABLE) {
        return (!file.is_empty()).then(|| file.into());
    }
    // XDG Base Directory Specification: relative paths are invalid and to be ignored.
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".local/state")))
        .unwrap_or_else(|| "/var/lib".into());
    Some(state.join("wirestorm/calibration.json"))
}

/// This machine, as a calibration names it.
pub fn machine() -> Machine {
    Machine {
        wirestorm: env!("CARGO_PKG_VERSION").into(),
        kernel: Environment::of_this_machine().kernel,
        cpu: Cpus::of_this_machine().model,
    }
}

/// The floor of an engine, and where it comes from, or why there is none.
pub fn of_engine(engine: &str) -> (Option<Calibrated>, String) {
    match path() {
        Some(path) => look_up(engine, &path, &machine()),
        None => (None, format!("none used: {VARIABLE} is empty")),
    }
}

fn look_up(engine: &str, path: &Path, here: &Machine) -> (Option<Calibrated>, String) {
    let file = path.display();
    let unused = |why: String| (None, format!("{file} is not used: {why}; wirestorm calibrate"));
    let calibration = match Calibration::read(path) {
        Ok(None) => return (None, HINT.into()),
        Ok(Some(calibration)) => calibration,
        Err(why) => return unused(why),
    };
    if let Some(why) = calibration.stale(here) {
        return unused(why);
    }
    match calibration.of_engine(engine, path) {
        Some(found) => {
            let made = format!("{file}, made {}", found.made);
            (Some(found), made)
        }
        None => (None, format!("{file} has no floor of {engine}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::calibration::{EngineFloor, SCHEMA};
    use std::collections::HashMap;
    use std::fs;

    fn here() -> Machine {
        Machine { wirestorm: "0.1.0".into(), kernel: "6.18.0".into(), cpu: "A CPU".into() }
    }

    fn calibration() -> Calibration {
        Calibration {
            schema: SCHEMA.into(),
            made: "2026-01-02T03:04:05Z".into(),
            machine: here(),
            duration_s: 1.0,
            profile_yaml: String::new(),
            engines: vec![EngineFloor {
                engine: "af-xdp".into(),
                engine_detail: "copy".into(),
                receive_detail: "native XDP".into(),
                unlimited_pps: 1e6,
                idle: None,
                loaded: None,
            }],
            refused: Vec::new(),
        }
    }

    fn file(folder: &Path, calibration: &Calibration) -> PathBuf {
        let path = folder.join("calibration.json");
        let mut bytes = Vec::new();
        calibration.to_writer(&mut bytes).expect("memory takes it");
        fs::write(&path, bytes).expect("is written");
        path
    }

    #[test]
    fn the_path_follows_the_environment() {
        let of = |set: &[(&str, &str)]| {
            let set: HashMap<&str, &str> = set.iter().copied().collect();
            path_in(|name| set.get(name).map(OsString::from))
        };
        let is = |path: &str| Some(PathBuf::from(path));
        let (state, home) = (("XDG_STATE_HOME", "/state"), ("HOME", "/home/u"));
        assert_eq!(of(&[(VARIABLE, "f.json"), state, home]), is("f.json"));
        assert_eq!(of(&[(VARIABLE, ""), state, home]), None);
        assert_eq!(of(&[state, home]), is("/state/wirestorm/calibration.json"));
        assert_eq!(of(&[home]), is("/home/u/.local/state/wirestorm/calibration.json"));
        assert_eq!(
            of(&[("XDG_STATE_HOME", "state"), home]),
            is("/home/u/.local/state/wirestorm/calibration.json")
        );
        assert_eq!(of(&[]), is("/var/lib/wirestorm/calibration.json"));
    }

    #[test]
    fn the_engine_that_sent_is_looked_up() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = file(folder.path(), &calibration());
        let (found, detail) = look_up("af-xdp", &path, &here());
        let found = found.expect("the file has it");
        assert_eq!(
            (found.engine.as_str(), found.made.as_str()),
            ("af-xdp", "2026-01-02T03:04:05Z")
        );
        assert_eq!(found.file, path.display().to_string());
        assert!(detail.ends_with("made 2026-01-02T03:04:05Z"), "{detail}");
        let (none, detail) = look_up("xdp-live", &path, &here());
        assert!(none.is_none() && detail.ends_with("has no floor of xdp-live"), "{detail}");
    }

    #[test]
    fn no_file_is_a_hint_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a directory");
        let found = look_up("af-xdp", &folder.path().join("none.json"), &here());
        assert_eq!(found, (None, HINT.to_owned()));
    }

    #[test]
    fn a_calibration_of_another_machine_is_not_used() {
        let folder = tempfile::tempdir().expect("a directory");
        for (spoil, told) in [
            (
                (|m: &mut Machine| m.kernel = "5.0".into()) as fn(&mut Machine),
                "made with kernel \"5.0\", this is \"6.18.0\"",
            ),
            (|m| m.cpu = String::new(), "made with CPU \"\", this is \"A CPU\""),
            (|m| m.wirestorm = "9".into(), "made with wirestorm \"9\", this is \"0.1.0\""),
        ] {
            let mut made = calibration();
            spoil(&mut made.machine);
            let path = file(folder.path(), &made);
            let (none, detail) = look_up("af-xdp", &path, &here());
            assert_eq!(none, None);
            let wanted = format!("{} is not used: {told}; wirestorm calibrate", path.display());
            assert_eq!(detail, wanted);
        }
    }

    #[test]
    fn broken_files_are_said_and_not_used() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("calibration.json");
        let other = "{\"schema\": \"wirestorm.calibration/2\"}".to_owned();
        let half = format!("{{\"schema\": \"{SCHEMA}\"}}");
        for (text, told) in [
            (String::new(), "it is no calibration: EOF"),
            ("[]".into(), "it is no calibration"),
            (other, "it is \"wirestorm.calibration/2\", not \"wirestorm.calibration/1\""),
            (half, "missing field `made`"),
            (" ".repeat((1 << 20) + 1), "longer than"),
        ] {
            fs::write(&path, &text).expect("is written");
            let (none, detail) = look_up("af-xdp", &path, &here());
            assert_eq!(none, None);
            assert!(detail.contains("is not used: ") && detail.contains(told), "{detail}");
        }
        fs::write(&path, [0xff, 0xfe]).expect("is written");
        assert!(look_up("af-xdp", &path, &here()).1.contains("UTF-8"));
        assert!(look_up("af-xdp", folder.path(), &here()).1.contains("it is no file"));
        assert!(look_up("af-xdp", &path.join("below"), &here()).1.contains("is not used: "));
    }
}

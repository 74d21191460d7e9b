//! Known truths as studies: shipped profiles whose results are exact, and whose losses have a known
//! stage. Each holds itself to what is expected (`pass:`), so that its verdict is the test.

mod common;

use std::path::Path;
use std::sync::Mutex;

use common::{privileged, root, wirestorm};
use serde_json::Value;

/// Labs at a time: they wait more than they work.
const LABS: usize = 4;

/// Runs a study until the machine let it: valid, and no frame later than `late_ns`, so that it met no
/// time-out of the receiver that it should not. Its result and what it said.
fn undisturbed(profile: &str, late_ns: u64) -> (Value, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("result.json");
    let mut last = String::new();
    for _ in 0..5 {
        let output = wirestorm()
            .current_dir(root())
            .args(["run", profile, "--json"])
            .arg(&path)
            .output()
            .expect("the program starts");
        last = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { panic!("{profile}: {last}") };
        let result: Value = serde_json::from_str(&text).expect("is JSON");
        let lag = result["schedule_lag_max_ns"].as_u64().expect("known");
        if result["verdict"]["valid"] == true && lag < late_ns {
            return (result, last);
        }
    }
    panic!("{profile}: the machine never let it: {last}");
}

/// A study meets its own criteria.
fn truth(name: &str) -> Value {
    // Fragments of 0.8 and 1.2 of a second have 0.2 of it; all others have the whole.
    let late = if name.starts_with("21") { 150_000_000 } else { 900_000_000 };
    let (result, told) = undisturbed(&format!("profiles/known-truth/{name}.yaml"), late);
    assert_eq!(result["verdict"]["passed"], true, "{name}: {told}");
    result
}

/// Several studies, some at a time.
fn truths(names: &[&str]) {
    let left = Mutex::new(names.iter());
    std::thread::scope(|scope| {
        for _ in 0..LABS {
            scope.spawn(|| {
                loop {
                    let Some(name) = left.lock().expect("nobody panics with it").next() else {
                        break;
                    };
                    truth(name);
                }
            });
        }
    });
}

#[test]
fn known_truths_are_found_with_their_stage() {
    if !privileged("known_truths_are_found_with_their_stage") {
        return;
    }
    truths(&[
        "01-nothing-in-between",
        "02-fragments-dropped",
        "03-first-next-header",
        "04-later-fragments-dropped",
        "05-first-fragment-dropped",
        "06-last-fragment-dropped",
        "07-every-tenth-fragment",
        "10-two-overlap",
        "11-second-overlaps-first",
        "12-contained-fragment",
        "13-exact-duplicate",
        "14-duplicate-after-completion",
        "16-tiny-first-fragment",
        "21-late-second-fragment",
        "23-connection-tracking",
        "24-egress-mtu",
    ]);
}

/// The seed's cuts: those that are unlawful are never delivered, the lawful ones always.
#[test]
fn the_seeds_tcp_geometry() {
    if !privileged("the_seeds_tcp_geometry") {
        return;
    }
    let result = truth("seed-tcp-geometry");
    for cell in result["cells"].as_array().expect("cells") {
        let first = cell["fragment_bytes"][0].as_u64().expect("a size");
        let arms = cell["arms"].as_array().expect("arms");
        let fragments = arms.iter().find(|arm| arm["arm"] == "fragments").expect("the arm");
        let wanted = if first % 8 == 0 { "always" } else { "never" };
        assert_eq!(fragments["path"], wanted, "{cell:#}");
    }
}

/// Whatever this run's random drops were, its numbers belong together, and no other stage lost any.
#[test]
fn a_random_tenth_is_lost_at_the_router() {
    if !privileged("a_random_tenth_is_lost_at_the_router") {
        return;
    }
    let (result, _) =
        undisturbed("profiles/known-truth/08-random-tenth-fragment.yaml", 900_000_000);
    let arm = &result["cells"][0]["arms"][1];
    assert_eq!(arm["arm"], "fragments");
    let share = |of: &str| arm[of]["share"].as_f64().expect("measured");
    // Six standard deviations of 1,200 fragments and of 400 datagrams.
    assert!((share("fragment_loss") - 0.1).abs() < 6.0 * (0.09_f64 / 1_200.0).sqrt(), "{arm:#}");
    assert!((share("loss") - 0.271).abs() < 6.0 * (0.1976_f64 / 400.0).sqrt(), "{arm:#}");
    let p = share("fragment_loss");
    let independent = arm["loss_if_independent"].as_f64().expect("computed");
    assert!((independent - (1.0 - (1.0 - p).powi(3))).abs() < 1e-12);
    let stage = |arm: usize| &result["cells"][0]["arms"][arm]["attribution"]["stage"];
    assert_eq!((stage(0), stage(1)), (&"none".into(), &"router".into()), "{arm:#}");
}

/// The result is what its schema says, and every file that was asked for is there.
#[test]
fn outputs_are_as_their_schema_says() {
    if !privileged("outputs_are_as_their_schema_says") {
        return;
    }
    let result = truth("02-fragments-dropped");
    let schema = std::fs::read_to_string(root().join("docs/fragments.schema.json")).expect("it");
    let schema: Value = serde_json::from_str(&schema).expect("is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&result).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let dir = tempfile::tempdir().expect("a directory");
    let json = dir.path().join("result.json");
    std::fs::write(&json, result.to_string()).expect("written");
    let page = dir.path().join("page.html");
    let output = wirestorm()
        .arg("report")
        .arg(&json)
        .arg("--html")
        .arg(&page)
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("router") && text.contains("RFC 7872"), "{text}");
    let page = std::fs::read_to_string(&page).expect("a page");
    assert!(page.contains("Paired differences") && page.contains("class=\"range\""));
    assert!(Path::new(&json).exists());
}

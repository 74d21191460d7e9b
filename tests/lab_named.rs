//! Labs that stay, in folders of the test's own.

mod lab_support;

use std::fs;
use std::process::Command;

use lab_support::{privileged, spec};
use wirestorm::lab::named::Registry;
use wirestorm::profile::model::Topology;

#[test]
fn a_named_lab_stays_until_it_is_taken_down() {
    if !privileged("a_named_lab_stays_until_it_is_taken_down") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(folder.path().join("netns"), folder.path().join("labs"));
    let made = registry.up("play", &spec(Topology::Router), 1).unwrap();
    assert_eq!(registry.list().unwrap(), std::slice::from_ref(&made));
    let roles: Vec<_> = made.namespaces.iter().map(|space| space.role.as_str()).collect();
    assert_eq!(roles, ["tx", "router", "rx"]);
    assert!(made.namespaces.iter().all(|space| space.is_there()));

    // Nobody holds the lab any more but the mounts; other programs can enter it.
    let path = &made.namespaces[1].path;
    let network = format!("--net={}", path.display());
    let output = Command::new("nsenter").args([&network, "cat", "/proc/self/net/dev"]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(text.contains("r-tx:") && text.contains("r-rx:"), "{text}");

    let again = registry.up("play", &spec(Topology::Router), 1).unwrap_err().to_string();
    assert_eq!(
        again,
        "cannot make the lab play: there is a lab of that name; wirestorm lab down play, or choose \
         another name"
    );
    assert_eq!(registry.down("play").unwrap(), Vec::<std::path::PathBuf>::new());
    assert_eq!(registry.list().unwrap(), []);
    assert!(fs::read_dir(folder.path().join("netns")).unwrap().next().is_none());
}

#[test]
fn what_others_made_is_left_alone() {
    if !privileged("what_others_made_is_left_alone") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let netns = folder.path().join("netns");
    let registry = Registry::new(&netns, folder.path().join("labs"));
    fs::create_dir_all(&netns).unwrap();
    let foreign = netns.join("play-rx");
    fs::write(&foreign, "someone's").unwrap();
    let error = registry.up("play", &spec(Topology::BackToBack), 1).unwrap_err().to_string();
    assert!(error.contains("play-rx exists and is not wirestorm's"), "{error}");
    assert_eq!(registry.list().unwrap(), []);
    assert!(!netns.join("play-tx").exists());
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "someone's");

    fs::remove_file(&foreign).unwrap();
    let made = registry.up("play", &spec(Topology::BackToBack), 1).unwrap();
    assert_eq!(made.topology, "b2b");
    // Someone takes one of its names for himself.
    let status = Command::new("umount").arg(&foreign).status().unwrap();
    assert!(status.success());
    fs::write(&foreign, "someone's").unwrap();
    assert_eq!(registry.down("play").unwrap(), std::slice::from_ref(&foreign));
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "someone's");
    assert!(!netns.join("play-tx").exists());
}

//! Pages in Debian's chromium: `tests/report_browser.py` looks at them as a reader does.

use std::path::Path;
use std::process::Command;

use wirestorm::report::html::page::Page;
use wirestorm::report::html::{comparison, render, run};

use crate::{compare, fixtures, html};

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/report_browser.py");

/// Whether the browser and what reads its PDF are there; with REQUIRE_PRIVILEGED=1 they have to be.
fn is_there() -> bool {
    let found = |program: &str| {
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|dir| Path::new(&dir).join(program).exists())
        })
    };
    let missing: Vec<&str> =
        ["chromium", "pdftotext", "pdfinfo"].into_iter().filter(|name| !found(name)).collect();
    if missing.is_empty() {
        return true;
    }
    assert_ne!(
        std::env::var("REQUIRE_PRIVILEGED").as_deref(),
        Ok("1"),
        "{missing:?} is not installed: scripts/setup test"
    );
    println!("skipped: {missing:?} is not installed: scripts/setup test");
    false
}

#[test]
fn pages_in_a_browser() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    // KEEP_PAGES=DIR: to look at them oneself.
    let kept = std::env::var_os("KEEP_PAGES").map(std::path::PathBuf::from);
    let mut hostile = html::with_distributions();
    hostile.streams[0].name = "</script><script>planted = 1</script><b>v4".to_owned();
    hostile.profile = "<script>planted = 1</script>".to_owned();
    let pages: [(&str, Page); 6] = [
        ("hostile", run::page(&hostile)),
        ("many_streams", run::page(&fixtures::many_streams())),
        ("not_measured", run::page(&fixtures::not_measured())),
        ("invalid_unsent", run::page(&fixtures::invalid_unsent())),
        ("suite", html::suite()),
        ("comparison", comparison::page(&compare::repeats())),
    ];
    let files = pages.map(|(name, page)| {
        let place = kept.as_deref().unwrap_or(dir.path());
        let path = place.join(format!("{name}.html"));
        std::fs::write(&path, render(&page)).expect("is written");
        path
    });
    let output = Command::new("/usr/bin/python3")
        .arg(DRIVER)
        .args(&files)
        .output()
        .expect("Python is there");
    let said = String::from_utf8_lossy(&output.stderr);
    let did = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{did}{said}");
    assert_eq!(did.lines().count(), files.len(), "{did}{said}");
    assert!(did.contains("hostile: 2 charts, 0 problems"), "{did}");
    assert!(did.contains("suite: 4 charts, 0 problems"), "{did}");
}

/// The driver finds what it looks for: a page that fetches, speaks on the console and has no charts
/// does not pass.
#[test]
fn a_bad_page_does_not_pass() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("bad.html");
    let page = render(&html::suite());
    let page = page
        .replace("default-src 'none'", "default-src *")
        .replace("<footer>", "<img src=\"file:///nothing.png\"><footer>")
        .replace("--soft: #566273", "--soft: #c6c2c3");
    std::fs::write(&path, page).expect("is written");
    let output =
        Command::new("/usr/bin/python3").arg(DRIVER).arg(&path).output().expect("Python is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nothing.png was fetched"), "{said}");
}

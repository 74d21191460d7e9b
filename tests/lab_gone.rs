//! Nothing is left of a lab whose process was killed; without privilege there is one clear line.

mod lab_support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use lab_support::{eventually, privileged, socket, spec};
use wirestorm::host::link;
use wirestorm::lab::Lab;
use wirestorm::profile::model::Topology;
use wirestorm::sys::netns::Netns;

/// This test program again, running one of its ignored tests, below `wrapper`.
fn child(wrapper: &[&str], test: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let line: Vec<&str> =
        wrapper.iter().copied().chain([own, "--ignored", "--exact", "--nocapture", test]).collect();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the line that says the child is ready.
fn wait_for(child: &mut Child, word: &str) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.map_while(Result::ok).any(|line| line.contains(word)),
        "the child said no {word}"
    );
}

#[test]
#[ignore = "the child of after_sigkill_nothing_is_left"]
fn child_that_holds_a_lab() {
    let outside = Netns::current().unwrap();
    let mut spec = spec(Topology::Router);
    spec.nft = Some("table ip lab { chain c { counter; }; }".into());
    let lab = Lab::up(&spec, 1).unwrap();
    // A cable out of every namespace of the lab: its outer end lives as long as the namespace.
    for role in lab.roles() {
        let ns = outside_path(&outside);
        #[rustfmt::skip]
        let output = lab.run_in(role, &[
            "ip", "link", "add", "probe", "type", "veth", "peer", "name", &format!("p-{role}"),
            "netns", &ns,
        ]).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    println!("READY");
    // Until it is killed, or the parent is gone.
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}

fn outside_path(netns: &Netns) -> String {
    use std::os::fd::{AsFd, AsRawFd};
    // The child of run_in inherits no descriptor, so it is named through this process.
    format!("/proc/{}/fd/{}", std::process::id(), netns.as_fd().as_raw_fd())
}

#[test]
fn after_sigkill_nothing_is_left() {
    if !privileged("after_sigkill_nothing_is_left") {
        return;
    }
    let before = link::names(&Netns::current().unwrap()).unwrap();
    let outside = Netns::new_anonymous().unwrap();
    let mut child = outside.run(|| child(&[], "child_that_holds_a_lab").spawn()).unwrap().unwrap();
    wait_for(&mut child, "READY");
    let probes = |names: &[String]| names.iter().filter(|name| name.starts_with("p-")).count();
    assert_eq!(probes(&link::names(&outside).unwrap()), 3, "the lab is there");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        eventually(|| probes(&link::names(&outside).unwrap()) == 0),
        "namespaces of the lab outlive it"
    );
    let after = link::names(&Netns::current().unwrap()).unwrap();
    assert_eq!(before, after, "devices of this machine");
}

#[test]
fn a_lab_that_is_dropped_is_gone() {
    if !privileged("a_lab_that_is_dropped_is_gone") {
        return;
    }
    let outside = Netns::new_anonymous().unwrap();
    let lab = Lab::up(&spec(Topology::BackToBack), 1).unwrap();
    #[rustfmt::skip]
    let output = lab.run_in("rx", &[
        "ip", "link", "add", "probe", "type", "veth", "peer", "name", "p-rx",
        "netns", &outside_path(&outside),
    ]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(link::facts(&outside, "p-rx").is_ok());
    drop(lab);
    assert!(eventually(|| link::facts(&outside, "p-rx").is_err()));
}

#[test]
#[ignore = "the child of without_privilege_there_is_one_line"]
fn child_that_makes_a_lab() {
    match Lab::up(&spec(Topology::Router), 1) {
        Ok(_) => println!("MADE"),
        Err(error) => println!("FAILED {error}"),
    }
}

#[test]
fn without_privilege_there_is_one_line() {
    // Root without any capability is no root; the wrapper itself needs no privilege.
    let wrapper = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];
    let wrapper = if privileged("dropping capabilities") { &wrapper[..] } else { &[] };
    let output = child(wrapper, "child_that_makes_a_lab").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // libtest puts its own "test NAME ... " before the child's line.
    let line = text.lines().find_map(|line| Some(line.split_once("FAILED ")?.1)).unwrap_or(&text);
    assert_eq!(
        line,
        "cannot create the lab's network namespaces: Operation not permitted; run as root (sudo), \
         or for --engine packet-mmap as the root of a user namespace (unshare --user \
         --map-root-user)"
    );
}

#[test]
#[ignore = "the child of the_root_of_a_user_namespace_has_a_lab"]
fn child_that_uses_a_lab() {
    let lab = Lab::up(&spec(Topology::Router), 1).unwrap();
    let (tx, rx) = (lab.port("tx").unwrap(), lab.port("rx").unwrap());
    let to = socket(&rx.netns, rx.ipv6.unwrap().into());
    let port = to.local_addr().unwrap().port();
    socket(&tx.netns, tx.ipv6.unwrap().into())
        .send_to(b"through", SocketAddr::new(rx.ipv6.unwrap().into(), port))
        .unwrap();
    let mut buffer = [0; 16];
    assert_eq!(to.recv(&mut buffer).unwrap(), 7);
    println!("RECEIVED");
}

#[test]
fn the_root_of_a_user_namespace_has_a_lab() {
    let wrapper = ["unshare", "--user", "--map-root-user"];
    let possible = Command::new(wrapper[0]).args(&wrapper[1..]).arg("true").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        privileged("the_root_of_a_user_namespace_has_a_lab");
        eprintln!("SKIPPED the_root_of_a_user_namespace_has_a_lab: no user namespaces here");
        return;
    }
    let output = child(&wrapper, "child_that_uses_a_lab").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("RECEIVED"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

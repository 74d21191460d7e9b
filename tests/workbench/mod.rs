//! A network namespace with a veth pair, `near` and `far`, a directory for files, and the program
//! run in both, as a user would.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use wirestorm::host::link;
use wirestorm::sys::netns::Netns;

/// A profile over the pair; what a busy machine would spoil is not judged.
const PROFILE: &str = "\
name: bench
duration: 100ms
drain: 100ms
ports:
  tx: {interface: near, ipv4: 198.18.0.1, next_hop: {mac: '02:00:00:00:00:01'}}
  rx: {interface: far, ipv4: 198.18.0.2}
streams:
  - {name: s, from: tx, to: rx, size: 128B, rate: 1kpps, packet: [ipv4, {udp: {dst: 9}}]}
validity: {max_lag: 10s, max_unsent: 1}
";

/// The longest that anything here may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pair, the profile `bench.yaml`, and a place for more files.
pub struct Workbench {
    pub netns: Netns,
    pub dir: PathBuf,
}

impl Workbench {
    /// A namespace of its own for the test of that name; both ends are up.
    pub fn new(test: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a directory");
        let bench = Self { netns: Netns::new_anonymous().expect("a namespace"), dir };
        bench.write("bench.yaml", PROFILE);
        bench
            .netns
            .run(|| {
                let all = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
                std::fs::write(all, "1").ok();
            })
            .expect("in the namespace");
        bench.ip("link set lo up");
        bench.cable();
        bench
    }

    /// The pair, anew.
    pub fn cable(&self) {
        self.ip("link add near type veth peer name far");
        self.ip("link set near up");
        self.ip("link set far up");
        self.neighbour();
    }

    /// What raw sockets have to know of the profile's next hop; it is forgotten when `near` goes down.
    pub fn neighbour(&self) {
        self.ip("neigh replace 198.18.0.2 lladdr 02:00:00:00:00:01 dev near");
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.dir.join(name), text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Runs `ip` in the namespace and returns what it printed.
    pub fn ip(&self, words: &str) -> String {
        let output = self
            .netns
            .run(|| Command::new("ip").args(words.split_whitespace()).output())
            .expect("in the namespace")
            .expect("ip is installed");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {words}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The program in the namespace and the directory, below `wrapper` if there is one.
    pub fn start(&self, wrapper: &[&str], arguments: &[&str]) -> Child {
        let own = env!("CARGO_BIN_EXE_wirestorm");
        let line: Vec<&str> = wrapper.iter().chain(&[own]).chain(arguments).copied().collect();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).current_dir(&self.dir).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.netns.run(|| command.spawn()).expect("in the namespace").expect("it starts")
    }

    /// As [`Workbench::start`], to its end.
    pub fn output(&self, wrapper: &[&str], arguments: &[&str]) -> Output {
        ended(self.start(wrapper, arguments))
    }

    /// The arguments, the exit status and what was said on standard error, for a snapshot. Checks
    /// what holds for every refusal: no panic, and nothing left at the interfaces.
    pub fn said(&self, wrapper: &[&str], arguments: &[&str]) -> String {
        let before = self.links();
        let output = self.output(wrapper, arguments);
        assert_eq!(self.links(), before, "{arguments:?} left something at the interfaces");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        let status = output.status.code().expect("it was not killed");
        let dir = self.dir.display().to_string();
        format!("$ wirestorm {}\n{stderr}[{status}]\n\n", arguments.join(" ")).replace(&dir, "DIR")
    }

    /// All interfaces with their XDP programs.
    fn links(&self) -> Vec<String> {
        let word = |line: &str| {
            let program = line.split("prog/xdp").nth(1).unwrap_or_default();
            format!("{} {program}", line.split(": ").nth(1).unwrap_or_default())
        };
        self.ip("-d -o link show").lines().map(word).collect()
    }

    /// Waits until `near` has sent so many packets.
    pub fn wait_for_traffic(&self, packets: u64) {
        let sent = || link::counters(&self.netns, "near").map_or(0, |c| c.tx_packets);
        let before = sent();
        wait_until("packets leave", || sent() >= before + packets);
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits for an end, but not for ever.
pub fn ended(mut child: Child) -> Output {
    let until = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > until {
            child.kill().expect("ours");
            let output = child.wait_with_output().expect("ended");
            panic!("it did not end: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("ended")
}

/// Waits for something, but not for ever.
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal to a child.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill is installed");
    assert!(status.success());
}

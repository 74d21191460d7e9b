//! tcpdump at a receiving end. It puts VLAN tags back that the kernel took off.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use wirestorm::sys::netns::Netns;

/// One that listens, until it has all that it waits for.
pub struct Tcpdump(Child);

impl Tcpdump {
    /// Begins, and listens when this returns. It ends after `count` of the frames that come in on
    /// `interface` and that `filter` lets pass.
    pub fn start(netns: &Netns, interface: &str, count: usize, filter: &str) -> Self {
        let child = netns.run(|| {
            Command::new("timeout")
                .args(["30", "tcpdump", "-i", interface, "-Q", "in", "-w", "-", "-U", "-B", "8192"])
                .args(["-c", &count.to_string()])
                .args(filter.split_whitespace())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        });
        let mut child = child.expect("in the namespace").expect("tcpdump");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert_ne!(stderr.read_line(&mut line).expect("tcpdump speaks"), 0, "tcpdump ended");
        }
        child.stderr = Some(stderr.into_inner());
        Self(child)
    }

    /// The capture, as a pcap file.
    pub fn pcap(mut self) -> Vec<u8> {
        let mut pcap = Vec::new();
        self.0.stdout.take().expect("piped").read_to_end(&mut pcap).expect("read");
        self.0.wait().expect("ended");
        pcap
    }
}

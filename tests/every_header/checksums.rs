//! That tshark verifies the checksum of every header that has one: it complains of each that is wrong
//! on purpose. Else its silence about the right ones would mean nothing.

use std::process::Command;

use super::{CHECKED, EXPERT_WARNING, has, protocols, stdout_of, text_of, wirestorm};
use wirestorm::profile;
use wirestorm::wire::field::{FieldDefault, Protocol};

/// The field that holds the checksum.
fn checksum(protocol: &Protocol) -> Option<&'static str> {
    let mut fields = protocol.all_fields();
    fields.find(|field| field.default == FieldDefault::Checksum).map(|field| field.name)
}

/// How often a header stands in a stack.
fn occurs(example: &str, name: &str) -> usize {
    let text = text_of(&[example]);
    let profile = profile::parse("example.yaml", &text, &[]).expect("an example");
    let headers = &profile.streams[0].headers;
    headers.iter().filter(|header| header.protocol.name == name).count()
}

#[test]
fn tshark_complains_of_every_wrong_checksum() {
    if !has("tshark", &["--version"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let summed = protocols().iter().filter_map(|protocol| Some((*protocol, checksum(protocol)?)));
    let (mut examples, mut wrong) = (Vec::new(), Vec::new());
    for (protocol, field) in summed {
        let name = protocol.name;
        let mut own = protocol.examples.iter();
        let example = own.find(|example| occurs(example, name) == 1).expect("an example");
        wrong.push(format!("streams[e{}].packet.{name}.{field}=bad", examples.len()));
        examples.push(*example);
    }
    assert!(examples.len() > 30, "{examples:?}");
    let (yaml, file) = (dir.path().join("wrong.yaml"), dir.path().join("wrong.pcap"));
    std::fs::write(&yaml, text_of(&examples)).expect("the profile is written");
    let mut pcap = wirestorm();
    pcap.arg("pcap").arg(&yaml).arg("-o").arg(&file);
    stdout_of(pcap.args(wrong.iter().flat_map(|set| ["--set", set.as_str()])));
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(&file).args(CHECKED.iter().flat_map(|option| ["-o", option]));
    tshark.args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    tshark.args(["-e", "_ws.expert.severity", "-e", "_ws.expert.message"]);
    let text = stdout_of(&mut tshark);
    assert_eq!(text.lines().count(), examples.len() * super::PACKETS);
    let unseen: Vec<String> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            let (severity, message) = line.split_once('|').unwrap_or_default();
            let mut severe =
                severity.split(',').filter_map(|severity| severity.parse::<u32>().ok());
            let told = message.to_lowercase().contains("checksum");
            !told || !severe.any(|severity| severity >= EXPERT_WARNING)
        })
        .map(|(n, line)| format!("{}: {line}", wrong[n / super::PACKETS]))
        .collect();
    assert!(unseen.is_empty(), "not seen to be wrong:\n{}", unseen.join("\n"));
}

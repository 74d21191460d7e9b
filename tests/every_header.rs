//! Every header, every option: made from its examples, and read by two programs that others wrote.
//!
//! `docs/headers.md` is the table that this test makes. After a change of the tables:
//! `WIRESTORM_UPDATE_DOCS=1 cargo test --test every_header`.

#[path = "every_header/checksums.rs"]
mod checksums;
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::capture::read;
use common::{root, wirestorm};
use serde_json::{Map, Value, json};
use wirestorm::profile;
use wirestorm::profile::model::{Header, Profile};
use wirestorm::wire::field::{FieldDef, Protocol};
use wirestorm::wire::protocols;

/// What tshark has to be told so that it verifies every checksum, and takes each packet for itself.
const CHECKED: [&str; 9] = [
    "ip.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "udplite.check_checksum:TRUE",
    "udplite.ignore_checksum_coverage:FALSE",
    "tcp.check_checksum:TRUE",
    "sctp.checksum:CRC 32c",
    "sctp.tsn_analysis:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
];
/// tshark's severity of a warning; errors are above.
const EXPERT_WARNING: u32 = 0x60_0000;
/// Packets of each example.
const PACKETS: usize = 2;

/// The header stacks of all examples: each becomes a stream of one profile.
fn examples() -> Vec<&'static str> {
    protocols().iter().flat_map(|protocol| protocol.examples).copied().collect()
}

/// One stream an example, one after the other. Stacks that end with a whole message have their own
/// size, others get one.
fn text_of(examples: &[&str]) -> String {
    let stream = |n: usize, example: &str, size: &str| {
        format!(
            "- {{name: e{n}, start: {}ms, rate: 1kpps, count: {PACKETS}, payload: increment, \
             {size}packet: {}}}\n",
            n * 10,
            example
        )
    };
    let mut text = "lab: b2b\nstreams:\n".to_owned();
    for (n, example) in examples.iter().enumerate() {
        let alone = format!("lab: b2b\nstreams:\n{}", stream(0, example, ""));
        let size = match profile::parse("example.yaml", &alone, &[]) {
            Ok(_) => "",
            Err(_) => "size: 512B, ",
        };
        text.push_str(&stream(n, example, size));
    }
    text
}

fn profile_of(examples: &[&str]) -> Profile {
    let text = text_of(examples);
    profile::parse("examples.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The options of a protocol, by name.
fn options(protocol: &Protocol) -> impl Iterator<Item = &'static str> {
    protocol.options.iter().flat_map(|options| options.kinds).map(|kind| kind.name)
}

#[test]
fn every_header_and_every_option_has_an_example() {
    let mut missing: Vec<String> = Vec::new();
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for stream in &profile_of(&examples()).streams {
        for header in &stream.headers {
            for option in &header.options {
                *seen.entry((header.protocol.name, option.protocol.name)).or_default() += 1;
            }
        }
    }
    for protocol in protocols() {
        if protocol.examples.is_empty() {
            missing.push(protocol.name.to_owned());
        }
        let options = options(protocol).filter(|name| !seen.contains_key(&(protocol.name, *name)));
        missing.extend(options.map(|option| format!("{}.{option}", protocol.name)));
    }
    assert!(missing.is_empty(), "without an example: {missing:?}");
}

/// What the program writes of the examples, and the profile.
fn packets(dir: &Path, examples: &[&str]) -> (Profile, std::path::PathBuf, Vec<Vec<u8>>) {
    let profile = profile_of(examples);
    let file = dir.join("examples.pcap");
    let yaml = dir.join("examples.yaml");
    std::fs::write(&yaml, text_of(examples)).expect("the profile is written");
    let output = wirestorm().arg("pcap").arg(&yaml).arg("-o").arg(&file).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packets = read(&file);
    assert_eq!(packets.len(), examples.len() * PACKETS);
    (profile, file, packets)
}

/// Whether a tool is there; where it must be, its absence is a failure.
fn has(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).output().is_ok_and(|o| o.status.success());
    let required = std::env::var("REQUIRE_PRIVILEGED").as_deref() == Ok("1");
    assert!(found || !required, "{program} {args:?} is required");
    if !found {
        println!("skipped: no {program} {args:?}");
    }
    found
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What tshark calls a header: `tests/every_header/tshark.txt`, a line each, names that depend on
/// what follows with a slash between. `-`: it shows it as part of another header, or not at all.
fn tshark_names() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("tests/every_header/tshark.txt"));
    let text = text.expect("the names");
    let words = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    words.filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
}

/// Examples that are wrong on purpose, and tshark's complaint: `tests/every_header/complaints.txt`,
/// the example and the complaint on a line each.
fn complaints() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("tests/every_header/complaints.txt"));
    let text = text.expect("the complaints");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.chunks_exact(2).map(|pair| (pair[0].into(), pair[1].into())).collect()
}

#[test]
fn tshark_dissects_every_example_to_the_end() {
    if !has("tshark", &["--version"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let examples = examples();
    let (profile, file, _) = packets(dir.path(), &examples);
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(&file);
    tshark.args(CHECKED.iter().flat_map(|option| ["-o", option]));
    // Only the control connection, which is not there, says what an L2TPv3 session carries.
    tshark.args(["-d", "l2tp.pw_type==0,eth"]);
    tshark.args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    for field in ["_ws.malformed", "_ws.expert.severity", "_ws.expert.message", "frame.protocols"] {
        tshark.args(["-e", field]);
    }
    let text = stdout_of(&mut tshark);
    assert_eq!(text.lines().count(), examples.len() * PACKETS);
    let (names, complaints) = (tshark_names(), complaints());
    assert!(complaints.keys().all(|one| examples.contains(&one.as_str())), "an old complaint");
    let mut wrong = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let stream = &profile.streams[n / PACKETS];
        let told = format!("{}: {line}", examples[n / PACKETS]);
        let columns: Vec<&str> = line.split('|').collect();
        let severe = columns[1].split(',').filter_map(|severity| severity.parse::<u32>().ok());
        let complains = severe.max().unwrap_or(0) >= EXPERT_WARNING;
        let as_expected = match complaints.get(examples[n / PACKETS]) {
            Some(complaint) => complains && columns[2] == complaint,
            None => !complains,
        };
        if !columns[0].is_empty() || !as_expected {
            wrong.push(format!("complained of: {told}"));
        }
        // The headers' names, in order, among those that tshark shows.
        let mut shown = columns[3].split(':');
        let mut before = "";
        for header in &stream.headers {
            let name = header.protocol.name;
            let name = names.get(name).map_or(name, String::as_str);
            let name = match name.strip_suffix('+') {
                Some(_) if name == before => continue,
                one => one.unwrap_or(name),
            };
            before = names.get(header.protocol.name).map_or("", String::as_str);
            let mut row = name.split(':').filter(|name| *name != "-");
            if !row.all(|name| shown.any(|shown| name.split('/').any(|one| one == shown))) {
                wrong.push(format!("no {name}: {told}"));
                break;
            }
            // What follows bytes of the profile's own, only the profile knows.
            if header.protocol.custom_fields {
                break;
            }
        }
        // A redirect may quote a packet in an option.
        let options = stream.headers.iter().flat_map(|header| &header.options);
        if options.into_iter().any(|option| option.protocol.name == "redirected_header") {
            continue;
        }
        // Behind the last header nothing is left but payload.
        if let Some(rest) = shown.find(|rest| {
            !matches!(*rest, "data" | "ethertype" | "vssmonitoring" | "pwethheuristic")
        }) {
            wrong.push(format!("{rest} behind the last header: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the tables read in a header's bytes: a JSON object of decimal strings.
fn by_the_tables(header: &Header, bytes: &[u8]) -> Value {
    let mut object = Map::new();
    let mut at = 0;
    let mut add = |fields: &[FieldDef], at: usize| {
        for field in fields {
            let value = field.read(&bytes[at..]).expect("the header's bytes are there");
            object.insert(field.name.to_owned(), json!(value.to_string()));
        }
    };
    add(header.protocol.fields, at);
    at += header.protocol.len;
    for part in header.parts() {
        add(part.fields, at);
        at += part.len;
    }
    object.insert("header".to_owned(), json!(header.protocol.name));
    if let Some(data) = header.protocol.data {
        let bytes = &bytes[at..at + header.data().len()];
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        object.insert(data.name.to_owned(), json!(hex));
        at += bytes.len();
    }
    for field in header.protocol.tail {
        let value = field.read(&bytes[at..]).expect("the header's bytes are there");
        object.insert(field.name.to_owned(), json!(value.to_string()));
    }
    at += header.protocol.tail_len();
    if let Some(def) = &header.protocol.options {
        let options = header.options.iter().map(|option| {
            let read = by_the_tables(option, &bytes[at..]);
            at += option.len().next_multiple_of(def.align_each);
            read
        });
        object.insert(def.name.to_owned(), options.collect());
    }
    Value::Object(object)
}

/// Headers that scapy has no layer for, as the script tells them: name and reason.
fn unread() -> Option<BTreeMap<String, String>> {
    let python = "/usr/bin/python3";
    if !has(python, &["-c", "import scapy"]) {
        return None;
    }
    let script = root().join("tests/every_header/scapy_read.py");
    let text = stdout_of(Command::new(python).arg(script).arg("--unread"));
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn scapy_reads_every_field_of_every_example() {
    let Some(unread) = unread() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let examples = examples();
    let (profile, file, packets) = packets(dir.path(), &examples);
    let script = root().join("tests/every_header/scapy_read.py");
    let text = stdout_of(Command::new("/usr/bin/python3").arg(script).arg(&file));
    assert_eq!(text.lines().count(), packets.len());
    let mut wrong = Vec::new();
    for (n, (line, packet)) in text.lines().zip(&packets).enumerate() {
        let stack = examples[n / PACKETS];
        let read: Vec<Map<String, Value>> = serde_json::from_str(line).expect("JSON");
        let mut at = 0;
        for (place, header) in profile.streams[n / PACKETS].headers.iter().enumerate() {
            let expected = by_the_tables(header, &packet[at..]);
            at += header.len();
            let name = header.protocol.name;
            let Some(read) = read.get(place) else {
                if !unread.contains_key(name) {
                    wrong.push(format!("{stack}: scapy reads no {name}, packet {n}: {line}"));
                }
                break;
            };
            if unread.contains_key(name) {
                break;
            }
            for (key, value) in expected.as_object().expect("an object") {
                if read.get(key) != Some(value) {
                    let found = read.get(key).unwrap_or(&Value::Null);
                    wrong.push(format!("{stack}: {name}.{key} is {value}, scapy reads {found}"));
                }
            }
            if header.protocol.custom_fields {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documentation's table.
fn documentation(unread: &BTreeMap<String, String>) -> String {
    let mut text = "# Headers\n\n\
        Every header that a profile's `packet:` can name, as the tables under `src/wire/` say it; \
        `wirestorm headers NAME` shows the fields with their widths, defaults and names of values. This page is made \
        by `tests/every_header.rs`, which makes packets of every example and lets tshark (dissected \
        to the end, checksums verified, no complaint) and scapy (every field) read them.\n\n\
        | header | fields | options | scapy | example |\n|---|---|---|---|---|\n"
        .to_owned();
    for protocol in protocols() {
        let mut fields: Vec<&str> = protocol.all_fields().map(|field| field.name).collect();
        fields.extend(protocol.data.map(|data| data.name));
        fields.extend(protocol.custom_fields.then_some("fields"));
        let options: Vec<&str> = options(protocol).collect();
        let scapy = unread.get(protocol.name).map_or("✓", String::as_str);
        let examples: Vec<String> = protocol.examples.iter().map(|e| format!("`{e}`")).collect();
        text.push_str(&format!(
            "| **{}** {} | {} | {} | {scapy} | {} |\n",
            protocol.name,
            protocol.summary,
            fields.join(", "),
            options.join(", "),
            examples.join("<br>"),
        ));
    }
    text
}

#[test]
fn the_documentation_lists_every_header() {
    let Some(unread) = unread() else { return };
    let path = root().join("docs/headers.md");
    let expected = documentation(&unread);
    if std::env::var_os("WIRESTORM_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/headers.md is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/headers.md is old: WIRESTORM_UPDATE_DOCS=1 writes it anew");
}

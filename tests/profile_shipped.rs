//! The shipped profiles: each parses, is safe, and is what the JSON Schema says.

use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use wirestorm::profile::yaml::{self, Data, Node};
use wirestorm::profile::{self, safety};

fn shipped() -> Vec<PathBuf> {
    fn add(folder: &Path, found: &mut Vec<PathBuf>) {
        let entries = std::fs::read_dir(folder).expect("a folder");
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    add(Path::new("profiles"), &mut found);
    found.sort();
    found
}

/// The tree as YAML's core schema types it: what an editor shows to a JSON Schema.
fn json(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Scalar { text, plain: false } => text.clone().into(),
        Data::Scalar { text, plain: true } => core(text),
        Data::List(items) => items.iter().map(json).collect(),
        Data::Mapping(entries) => {
            entries.iter().map(|e| (e.key.clone(), json(&e.value))).collect::<Map<_, _>>().into()
        }
    }
}

fn core(text: &str) -> Value {
    let hex = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let number = hex.or_else(|| text.parse().ok());
    match (text, number) {
        ("true", _) => true.into(),
        ("false", _) => false.into(),
        (_, Some(number)) => number.into(),
        _ => match text.parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) => number.into(),
            None => text.into(),
        },
    }
}

fn tree(text: &str) -> Node {
    let mut problems = Vec::new();
    let root = yaml::read(text, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    root.expect("is not empty")
}

#[test]
fn shipped_profiles_parse_and_are_safe() {
    let shipped = shipped();
    assert!(shipped.len() >= 11, "{shipped:?}");
    for path in shipped {
        let profile = profile::load(&path, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let stem = path.file_stem().expect("a stem").to_string_lossy();
        assert_eq!(profile.name, stem, "a shipped profile has its file's name");
        assert_eq!(safety::check(&profile, &[]), Vec::new(), "{}", path.display());
        assert_eq!(profile.warnings, Vec::<String>::new(), "{}", path.display());
        assert!(profile.lab.is_some() && !profile.needs_lab(), "{}", path.display());
    }
}

#[test]
fn shipped_profiles_are_what_the_schema_says() {
    let schema = profile::schema();
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    for path in shipped() {
        let text = std::fs::read_to_string(&path).expect("is there");
        let problems: Vec<String> = validator
            .iter_errors(&json(&tree(&text)))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let schema = profile::schema();
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    let base = "{streams: [{size: 64B, rate: 1kpps, packet: [udp]}]}";
    assert!(validator.is_valid(&json(&tree(base))));
    let broken = [
        base.replace("size: 64B", "size: 64"),
        base.replace("1kpps", "10Gbps"),
        base.replace("1kpps", "1 parsec"),
        base.replace("rate: 1kpps, ", ""),
        base.replace("packet: [udp]", "packet: [upd]"),
        base.replace("[udp]", "[udp: {dts: 7}]"),
        base.replace("[udp]", "[udp: {dst: 70000}]"),
        base.replace("[udp]", "[udp: {dst: {list: [1], random: 1..2}}]"),
        base.replace("[udp]", "[udp: {dst: {prefix: 10.0.0.0/8}}]"),
        base.replace("{streams", "{lab: moon, streams"),
        base.replace("{streams", "{ports: {tx: {}}, streams"),
        base.replace("{streams", "{bogus: 1, streams"),
    ];
    for text in broken {
        assert_ne!(text, base);
        assert!(profile::parse("a.yaml", &text, &[]).is_err(), "{text}");
        assert!(!validator.is_valid(&json(&tree(&text))), "{text}");
    }
}

/// `WIRESTORM_UPDATE_SCHEMA=1` writes the file anew.
#[test]
fn the_checked_in_schema_is_the_schema() {
    let file = Path::new("docs/profile.schema.json");
    let text = serde_json::to_string_pretty(&profile::schema()).expect("is JSON") + "\n";
    if std::env::var_os("WIRESTORM_UPDATE_SCHEMA").is_some() {
        std::fs::write(file, &text).expect("can be written");
    }
    let checked_in = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        checked_in == text,
        "docs/profile.schema.json is out of date: wirestorm schema > docs/profile.schema.json"
    );
}

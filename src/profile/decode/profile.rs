//! The whole profile.

use std::path::Path;

use super::port::{self, PORT_ROLES};
use super::stream::{self, Defaults};
use super::{At, Decoder, Record, benchmark, lab, measure};
use crate::profile::fragments::Fragments;
use crate::profile::model::{
    Attachment, Measure, NextHop, PassCriteria, Port, Profile, ReceiveMode, Stream, TestKind,
    Validity,
};
use crate::profile::origin::Origin;
use crate::profile::problem::Problem;
use crate::profile::yaml::Node;
use crate::units::{Nanos, Ratio};

/// How long streams send that say nothing else, where the profile says nothing either.
pub const DEFAULT_DURATION: Nanos = Nanos(10_000_000_000);
/// RFC 2544 §23 d.
pub const DEFAULT_DRAIN: Nanos = Nanos(2_000_000_000);
/// Long enough for a link that has just come up.
pub const DEFAULT_SETTLE: Nanos = Nanos(100_000_000);

/// Streams at most.
const MAX_STREAMS: usize = 1 << 16;

/// What could be read of a profile. With problems, the parts that were no good are replaced by
/// harmless ones, so that the rules can still judge the rest.
pub struct Decoded {
    /// The profile.
    pub profile: Profile,
    /// Per stream: the profile says itself whether it is tagged.
    pub tag_is_explicit: Vec<bool>,
    /// Per stream: how it is to be cut.
    pub fragments: Vec<Option<Fragments>>,
    /// What was no good.
    pub problems: Vec<Problem>,
}

/// Decodes a tree. `file` names the profile that does not name itself.
///
/// # Errors
/// When the tree is no mapping, so that there is nothing to judge.
pub fn decode(
    file: &str,
    source: String,
    origin: Origin,
    root: &Node,
) -> Result<Decoded, Vec<Problem>> {
    let folder = Path::new(file).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut decoder = Decoder { folder, ..Decoder::default() };
    let at = At { node: root, path: String::new() };
    let expected = "a profile: a mapping with `streams:`";
    let decoded = decoder.record(&at, "profile", expected, |record| profile(record, file));
    let Some((mut profile, (tag_is_explicit, fragments))) = decoded else {
        return Err(decoder.problems);
    };
    profile.source = source;
    profile.origin = origin;
    Ok(Decoded { profile, tag_is_explicit, fragments, problems: decoder.problems })
}

/// Per stream: the profile says itself whether it is tagged; how it is to be cut.
type Beside = (Vec<bool>, Vec<Option<Fragments>>);

fn profile(record: &mut Record<'_, '_>, file: &str) -> (Profile, Beside) {
    let mut profile = empty(file);
    if let Some(at) = record.get("name")
        && let Some(name) = record.decoder.name(&at)
    {
        profile.name = name;
    }
    if let Some(at) = record.get("test")
        && let Some(test) = benchmark::test(record.decoder, &at, record.at().node)
    {
        // What the tester did not send must not count against the device in a search.
        if matches!(test, TestKind::Benchmark(_)) {
            profile.validity.max_unsent = Ratio(0);
        }
        profile.test = test;
    }
    profile.seed = record.integer("seed", 0, u64::MAX).unwrap_or(profile.seed);
    profile.duration = record.unit("duration").unwrap_or(profile.duration);
    profile.drain = record.unit("drain").unwrap_or(profile.drain);
    profile.settle = record.unit("settle").unwrap_or(profile.settle);
    if let Some(at) = record.get("lab") {
        profile.lab = lab::lab(record.decoder, &at);
    }
    if let Some(at) = record.get("ports")
        && let Some(ports) = port::ports(record.decoder, &at)
    {
        profile.ports = ports;
    }
    let mut beside = Beside::default();
    let streams_at = match profile.test {
        TestKind::Study(_) => {
            let at = record.get("streams");
            record.only_with(&at, "streams", "another test: a study makes its packets itself");
            None
        }
        _ => record.require("streams", "a list of streams"),
    };
    if let Some(at) = streams_at {
        let defaults = Defaults { ports: &profile.ports, duration: profile.duration };
        (profile.streams, beside) = streams(record.decoder, &at, &defaults);
    }
    if let Some(at) = record.get("measure") {
        measure::measure(record.decoder, &at, &mut profile.measure);
    }
    if let Some(at) = record.get("pass") {
        measure::pass(record.decoder, &at, &mut profile.pass);
    }
    if let Some(at) = record.get("validity") {
        measure::validity(record.decoder, &at, &mut profile.validity);
    }
    (profile, beside)
}

fn streams(decoder: &mut Decoder, at: &At<'_>, defaults: &Defaults<'_>) -> (Vec<Stream>, Beside) {
    let items = decoder.list(at, "a list of streams").unwrap_or_default();
    if items.len() > MAX_STREAMS {
        let expected = format!("at most {MAX_STREAMS}: the probe tag numbers them in 16 bits");
        decoder.refuse(at, format!("{} streams", items.len()), expected);
        return Default::default();
    }
    let mut streams = Vec::with_capacity(items.len());
    let mut beside = Beside::default();
    for (number, item) in items.iter().enumerate() {
        let read = stream::stream(decoder, item, number, defaults);
        streams.push(read.stream);
        beside.0.push(read.tag_is_explicit);
        beside.1.push(read.fragments);
    }
    (streams, beside)
}

/// A profile with nothing but defaults.
fn empty(file: &str) -> Profile {
    Profile {
        name: stem(file),
        source: String::new(),
        test: TestKind::Traffic,
        seed: 1,
        duration: DEFAULT_DURATION,
        drain: DEFAULT_DRAIN,
        settle: DEFAULT_SETTLE,
        lab: None,
        ports: PORT_ROLES.iter().map(|role| lab_port(role)).collect(),
        streams: Vec::new(),
        measure: Measure { latency: true, receive: ReceiveMode::Auto, pass_on: false },
        pass: PassCriteria::default(),
        validity: Validity {
            max_unsent: Ratio(1_000_000),
            max_lag: Nanos::MILLISECOND,
            max_receiver_overload: 0,
        },
        warnings: Vec::new(),
        origin: Origin::default(),
    }
}

/// The lab's port of that role, with nothing else said.
pub(super) fn lab_port(role: &str) -> Port {
    Port {
        name: role.to_owned(),
        attachment: Attachment::Lab(role.to_owned()),
        queues: Vec::new(),
        cores: Vec::new(),
        speed_bps: None,
        next_hop: NextHop::default(),
        ipv4: None,
        ipv6: None,
    }
}

/// The file's name without its folder and its ending; other characters than names have become
/// dashes.
fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let harmless = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = stem.unwrap_or_default().chars().take(64).map(harmless).collect();
    if super::is_name(&name) { name } else { "profile".to_owned() }
}

/// The keys that every kind of record was asked for, found by decoding empty records.
#[cfg(test)]
pub(crate) fn asked_keys() -> std::collections::BTreeMap<String, std::collections::BTreeSet<String>>
{
    use crate::profile::yaml;
    use crate::wire::field::FieldKind;

    let mut decoder = Decoder::default();
    let read = |text: &str| yaml::read(text, &mut Vec::new()).expect("is YAML");
    // Every record once, empty: decoders ask for all their keys, whatever is there.
    let text = "{ports: {a: {next_hop: {}}}, streams: [{size: {}, packet: [], payload: {}, \
                rate: {steps: [{}]}, fragments: {pieces: [{}]}}, \
                {packet: [], fragments: {count: 2, id: {}}}, {replay: {}}], \
                lab: {tbf: [{}]}, measure: {}, pass: {}, validity: {}, \
                test: {goals: [{}], modifiers: [{mix: {}}], learning: {}, reset: {}, frame_loss: {}, latency: {}, back_to_back: {}, \
                system_recovery: {}}}";
    let root = read(text);
    let at = At { node: &root, path: String::new() };
    decoder.record(&at, "profile", "", |record| profile(record, "a.yaml"));
    let empty = read("{}");
    let at = At { node: &empty, path: String::new() };
    for protocol in crate::wire::protocols() {
        super::header::fields(&mut decoder, &at, protocol, None);
        for option in protocol.options.iter().flat_map(|options| options.kinds) {
            super::header::fields(&mut decoder, &at, option, Some(protocol.name));
        }
    }
    decoder.record(&at, "study", "", |record| super::study::study(record, &empty));
    let text = "{effect: {}, target: {}}";
    let some = read(text);
    let of_study = At { node: &some, path: String::new() };
    decoder.record(&of_study, "study", "", |record| super::study::study(record, &empty));
    decoder.record(&at, "cell", "", |record| super::study::cell_record(record, &empty));
    decoder.record(&at, "arm_criterion", "", super::study::criterion);
    decoder.record(&at, "custom_field", "", |record| super::header::custom_field(record, "a"));
    for kind in [FieldKind::Number, FieldKind::Mac, FieldKind::Ipv4, FieldKind::Ipv6] {
        super::value::record(&mut decoder, &at, kind.into(), 255);
    }
    decoder.asked
}

impl Profile {
    /// The path of a stream.
    pub(crate) fn stream_path(&self, stream: usize) -> String {
        self.origin.stream_path(stream)
    }
}

//! From a captured frame back to a stream of the profile language: the shortest header stack that
//! compiles to these very bytes.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Addressing;
use super::compile::compile;
use super::dissect::dissect;
use crate::profile::model::{
    FieldValue, Header, Limit, Measure, PassCriteria, Pattern, Payload, Profile, Rate, ReceiveMode,
    Size, Stream, TestKind, Validity,
};
use crate::units::{FCS_BYTES, FrameSize, Nanos, PacketRate, Ratio};
use crate::wire::field::{DataKind, FieldDef, FieldKind};

/// What makes a frame.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The headers with the fields that have to be set.
    pub headers: Vec<Header>,
    /// What follows them.
    pub payload: Vec<u8>,
}

/// Explains a frame: its headers with as few settings as make the same bytes whatever the ports'
/// own addresses are. Bytes that no header explains are payload; a frame that its headers cannot
/// make keeps fewer of them.
pub fn explain(frame: &[u8]) -> Explained {
    let found = dissect(frame);
    let mut explained =
        Explained { payload: frame[found.payload_at..].to_vec(), headers: found.headers };
    // Innermost headers that do not make their own bytes again become payload.
    let mut at = found.payload_at;
    while explained.headers.len() > 1 && !explained.makes(frame) {
        at -= explained.headers.pop().map_or(0, |last| last.len());
        explained.payload = frame[at..].to_vec();
    }
    explained.leave_out_what_follows(frame);
    explained
}

impl Explained {
    /// Takes away every setting that the compiler would make by itself.
    fn leave_out_what_follows(&mut self, frame: &[u8]) {
        for n in 0..self.headers.len() {
            let fields = self.headers[n].fields.len();
            for at in (0..fields).rev() {
                let set = self.headers[n].fields.remove(at);
                if !self.makes(frame) {
                    self.headers[n].fields.insert(at, set);
                }
            }
            for option in 0..self.headers[n].options.len() {
                let fields = self.headers[n].options[option].fields.len();
                for at in (0..fields).rev() {
                    let set = self.headers[n].options[option].fields.remove(at);
                    if !self.makes(frame) {
                        self.headers[n].options[option].fields.insert(at, set);
                    }
                }
            }
            if let Some(data) = self.headers[n].data.take()
                && !self.makes(frame)
            {
                self.headers[n].data = Some(data);
            }
        }
    }

    /// Whether the stack makes the frame, with two sets of the ports' addresses.
    fn makes(&self, frame: &[u8]) -> bool {
        let profile = profile(self.stream(frame.len()));
        [addressing(1), addressing(2)].iter().all(|addressing| {
            compile(&profile, 0, addressing, 0).is_ok_and(|program| {
                let mut made = vec![0; program.max_frame_len()];
                let len = program.build(0, &mut made, false);
                made.get(..len) == Some(frame)
            })
        })
    }

    fn stream(&self, len: usize) -> Stream {
        let payload = match self.payload.as_slice() {
            [] => Payload::Fill(0),
            bytes => Payload::Bytes(bytes.to_vec()),
        };
        Stream {
            name: "explained".to_owned(),
            from: 0,
            to: None,
            headers: self.headers.clone(),
            payload,
            size: Size::Fixed(FrameSize(len as u32 + FCS_BYTES)),
            pattern: Pattern::Constant(Rate::Packets(PacketRate {
                packets: 1,
                nanos: 1_000_000_000,
            })),
            limit: Limit { count: Some(1), duration: None },
            start: Nanos(0),
            after: None,
            repeat: 1,
            tag: false,
            runts: true,
            order: Vec::new(),
            piece: None,
            replay: None,
        }
    }

    /// The header stack in the profile's language: a line a header, each indented by `indent`.
    pub fn stack(&self, indent: usize) -> String {
        let mut text = String::new();
        for (n, header) in self.headers.iter().enumerate() {
            // An Ethernet header that stands first may be left out only as a whole.
            if n == 0 && header.fields.is_empty() && self.headers.len() > 1 {
                continue;
            }
            let _ = writeln!(text, "{:indent$}- {}", "", written(header));
        }
        text
    }

    /// The payload in the profile's language; None where it is the default.
    pub fn payload(&self) -> Option<String> {
        match self.payload.as_slice() {
            bytes if bytes.iter().all(|byte| *byte == 0) => None,
            bytes => Some(format!("{{hex: \"{}\"}}", hex(bytes))),
        }
    }
}

/// A header or option with its settings, in flow style.
fn written(header: &Header) -> String {
    let mut parts: Vec<String> = header
        .fields
        .iter()
        .map(|set| format!("{}: {}", set.field.name, value(set.field, &set.value)))
        .collect();
    // No bytes are said by saying nothing.
    let empty = |data: &Vec<u8>, kind| kind == DataKind::Bytes && data.is_empty();
    if let (Some(def), Some(data)) = (header.protocol.data, &header.data)
        && !empty(data, def.kind)
    {
        parts.push(format!("{}: {}", def.name, data_text(def.kind, data)));
    }
    // Saying nothing stands for the options of the default, if there are such.
    let said = !header.options.is_empty() || !header.protocol.default_options.is_empty();
    if let (Some(def), true) = (&header.protocol.options, said) {
        let options: Vec<String> = header.options.iter().map(written).collect();
        parts.push(format!("{}: [{}]", def.name, options.join(", ")));
    }
    let name = header.protocol.name;
    if parts.is_empty() { name.to_owned() } else { format!("{name}: {{{}}}", parts.join(", ")) }
}

fn value(field: &FieldDef, value: &FieldValue) -> String {
    let number = value.example();
    match field.kind {
        FieldKind::Number => number.to_string(),
        FieldKind::Mac => {
            let bytes = (number as u64).to_be_bytes();
            let pairs: Vec<String> = bytes[2..].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\"{}\"", pairs.join(":"))
        }
        FieldKind::Ipv4 => Ipv4Addr::from_bits(number as u32).to_string(),
        FieldKind::Ipv6 => format!("\"{}\"", Ipv6Addr::from_bits(number)),
    }
}

fn data_text(kind: DataKind, data: &[u8]) -> String {
    match kind {
        DataKind::Text => match std::str::from_utf8(data) {
            Ok(text) => serde_json::Value::from(text).to_string(),
            Err(_) => "\"\"".to_owned(),
        },
        DataKind::DomainName => format!("\"{}\"", domain_name(data)),
        DataKind::Ipv4List => {
            list(data.chunks_exact(4).map(|b| Ipv4Addr::from([b[0], b[1], b[2], b[3]]).to_string()))
        }
        DataKind::Ipv4Slots => {
            list(data.chunks_exact(8).map(|b| Ipv4Addr::from([b[0], b[1], b[2], b[3]]).to_string()))
        }
        DataKind::Ipv6List => {
            list(data.as_chunks::<16>().0.iter().map(|b| format!("\"{}\"", Ipv6Addr::from(*b))))
        }
        DataKind::Bytes => format!("\"{}\"", hex(data)),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn domain_name(data: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut at = 0;
    while let Some(&len @ 1..) = data.get(at) {
        let label = data.get(at + 1..at + 1 + usize::from(len)).unwrap_or(&[]);
        labels.push(String::from_utf8_lossy(label).into_owned());
        at += 1 + usize::from(len);
    }
    if labels.is_empty() { ".".to_owned() } else { labels.join(".") }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Addresses that no captured frame has both of.
fn addressing(n: u8) -> Addressing {
    let v6 = u128::from(n) << 120 | u128::from(n);
    Addressing {
        source_mac: [n; 6],
        next_hop_mac_ipv4: [n ^ 0x55; 6],
        next_hop_mac_ipv6: [n ^ 0x33; 6],
        source_ipv4: Some(Ipv4Addr::from([n; 4])),
        source_ipv6: Some(Ipv6Addr::from_bits(v6)),
        destination_ipv4: Some(Ipv4Addr::from([n ^ 0x55; 4])),
        destination_ipv6: Some(Ipv6Addr::from_bits(!v6)),
    }
}

/// A profile of this one stream, as far as the compiler looks at it.
fn profile(stream: Stream) -> Profile {
    Profile {
        name: "explained".to_owned(),
        source: String::new(),
        test: TestKind::Traffic,
        seed: 0,
        duration: Nanos::SECOND,
        drain: Nanos(0),
        settle: Nanos(0),
        lab: None,
        ports: Vec::new(),
        streams: vec![stream],
        measure: Measure { latency: false, receive: ReceiveMode::Auto, pass_on: false },
        pass: PassCriteria::default(),
        validity: Validity { max_unsent: Ratio(0), max_lag: Nanos(0), max_receiver_overload: 0 },
        warnings: Vec::new(),
        origin: crate::profile::Origin::default(),
    }
}

/// The names of the headers, for one line: `ethernet, ipv4, udp`.
pub fn names(headers: &[Header]) -> String {
    let names: Vec<&str> = headers.iter().map(|header| header.protocol.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_its_default_options_is_written_as_empty() {
        let mut frame = vec![2; 12];
        frame.extend([0x88, 0x63, 0x11, 9, 0, 0, 0, 0]);
        let explained = explain(&frame);
        assert!(explained.stack(0).contains("- pppoe_discovery: {tags: []}"));
    }
}

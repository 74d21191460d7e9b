//! What a modifier makes of the streams of a trial (RFC 2544 §11, RFC 4814, RFC 5180). Pure.

use crate::error::{Error, Result};
use crate::lab::layout::Layout;
use crate::profile;
use crate::profile::benchmark::{ExtensionHeader, Modifier};
use crate::profile::model::{
    Attachment, FieldSetting, FieldValue, Header, NextHop, Profile, Size, Stream,
};
use crate::units::{FCS_BYTES, FrameSize, Nanos, Ratio};
use crate::wire;
use crate::wire::field::ProtocolKind;

/// The streams of a trial: those that share the load, and then those that keep a time of their own.
#[derive(Clone, Debug)]
pub struct Modified {
    /// The profile with all of them.
    pub profile: Profile,
    /// What the first ones weigh beside the others of their port.
    pub weights: Vec<u128>,
    /// How often a frame of each of the others is sent.
    pub timed: Vec<Nanos>,
}

/// RFC 2453 §3.6: routes of one message.
const RIP_ROUTES: u8 = 25;
/// GetRequest of sysUpTime.0 (SNMPv2c, community public).
const SNMP_SYS_UP_TIME: &str = "302902010104067075626c6963a01c02047769726502010002010030\
                                0e300c06082b060102010103000500";
/// The smallest Ethernet frame.
const MIN_FRAME: FrameSize = FrameSize(64);

/// What a frame says behind its UDP header, as hex digits.
enum Message {
    /// Its payload.
    Payload(String),
    /// The last header of the packet holds it.
    InPacket(String),
}

impl Modified {
    /// The streams of `profile` with these weights, and what `modifier` adds.
    ///
    /// # Errors
    /// What the profile lacks for it.
    pub fn new(profile: Profile, weights: Vec<u128>, modifier: Option<&Modifier>) -> Result<Self> {
        let mut modified = Self { profile, weights, timed: Vec::new() };
        let Some(modifier) = modifier else { return Ok(modified) };
        if let Some(share) = modifier.ipv6_share {
            modified.mix(share)?;
        }
        if let Some(networks) = modifier.networks {
            modified.spread(networks);
        }
        modified.extend(&modifier.extension_headers)?;
        if let Some(share) = modifier.hop_by_hop {
            modified.hop_by_hop(share)?;
        }
        if let Some(share) = modifier.broadcast {
            modified.broadcast(share)?;
        }
        if let Some(every) = modifier.management {
            modified.management(every)?;
        }
        if let Some(every) = modifier.routing_updates {
            modified.routing_updates(every)?;
        }
        Ok(modified)
    }

    /// The streams that share the load.
    fn streams(&mut self) -> &mut [Stream] {
        let count = self.weights.len();
        &mut self.profile.streams[..count]
    }

    /// RFC 5180 §7.
    fn mix(&mut self, ipv6_share: Ratio) -> Result<()> {
        const WHOLE: u128 = 1_000_000_000;
        let shares = [(false, Ratio::ONE.0 - ipv6_share.0), (true, ipv6_share.0)];
        let mut weights = self.weights.clone();
        for port in self.sending_ports() {
            for (ipv6, share) in shares {
                let of: Vec<usize> = (0..weights.len())
                    .filter(|&n| {
                        let stream = &self.profile.streams[n];
                        stream.from == port && is_ipv6(stream) == Some(ipv6)
                    })
                    .collect();
                let sum: u128 = of.iter().map(|&n| self.weights[n]).sum();
                if sum == 0 {
                    let family = if ipv6 { "IPv6" } else { "IPv4" };
                    let name = &self.profile.ports[port].name;
                    return Err(lacks("mix", format!("port {name} sends no stream over {family}")));
                }
                for n in of {
                    weights[n] = (self.weights[n] * WHOLE / sum).max(1) * u128::from(share);
                }
            }
        }
        // A share of nothing is no stream.
        self.weights = weights;
        self.drop_weightless();
        self.weights = reduced(&self.weights);
        Ok(())
    }

    fn drop_weightless(&mut self) {
        let mut n = 0;
        self.profile.streams.retain(|_| {
            n += 1;
            self.weights.get(n - 1) != Some(&0)
        });
        self.weights.retain(|weight| *weight > 0);
    }

    /// RFC 2544 §12 with RFC 4814: the destinations are pseudo-random in as many networks; ports and
    /// source MACs too. The seed makes them the same in every trial.
    fn spread(&mut self, networks: u32) {
        let mask = u128::from(networks.saturating_sub(1));
        for stream in self.streams() {
            let (from, to) = (stream.from, stream.to.unwrap_or(usize::MAX));
            let towards = from < to;
            let mut known = false;
            for header in &mut stream.headers {
                match header.protocol.kind {
                    ProtocolKind::Ethernet => {
                        let base = 0x02_57_53_00_00_00;
                        set(header, "src", masked(0xff_ffff, base, 0xffff_ffff_ffff));
                    }
                    ProtocolKind::Ipv4 if !known => {
                        known = true;
                        let base = if towards { 0xc613_0040 } else { 0xc612_0040 };
                        set(header, "dst", masked(mask << 8 | 0x3f, base, u32::MAX.into()));
                    }
                    ProtocolKind::Ipv6 if !known => {
                        known = true;
                        let half = if towards { 0x8000_u128 << 64 } else { 0 };
                        let base = 0x2001_0002_u128 << 96 | half | 0x40;
                        set(header, "dst", masked(mask << 64, base, u128::MAX));
                    }
                    _ if ["udp", "tcp"].contains(&header.protocol.name) => {
                        // RFC 4814 §4.5.
                        set(header, "src", FieldValue::Random { low: 1_024, high: 65_535 });
                        set(header, "dst", FieldValue::Random { low: 1, high: 49_151 });
                    }
                    _ => {}
                }
            }
        }
    }

    /// RFC 5180 §5.3.
    fn extend(&mut self, headers: &[ExtensionHeader]) -> Result<()> {
        for stream in self.streams() {
            let Some(at) = position_of_ipv6(stream) else { continue };
            for (n, header) in headers.iter().enumerate() {
                stream.headers.insert(at + 1 + n, header_named(header.names().1)?);
            }
        }
        Ok(())
    }

    /// RFC 5180 §5.3: a part of every IPv6 stream has the header, the rest has not.
    fn hop_by_hop(&mut self, share: Ratio) -> Result<()> {
        let (with, without) = (u128::from(share.0), u128::from(Ratio::ONE.0 - share.0));
        let mut copies = Vec::new();
        for (n, stream) in self.profile.streams.iter().enumerate() {
            let weight = self.weights[n];
            let Some(at) = position_of_ipv6(stream) else {
                self.weights[n] = weight * u128::from(Ratio::ONE.0);
                continue;
            };
            let mut copy = stream.clone();
            copy.name = format!("{}-hop-by-hop", stream.name);
            copy.headers.insert(at + 1, header_named("hop_by_hop")?);
            copies.push((copy, weight * with));
            self.weights[n] = weight * without;
        }
        for (copy, weight) in copies {
            self.profile.streams.push(copy);
            self.weights.push(weight);
        }
        self.drop_weightless();
        self.weights = reduced(&self.weights);
        Ok(())
    }

    /// RFC 2544 §11.1: frames that the router has to look at and need not process.
    fn broadcast(&mut self, share: Ratio) -> Result<()> {
        for port in self.sending_ports() {
            let mut sum = 0;
            for n in 0..self.weights.len() {
                if self.profile.streams[n].from == port {
                    sum += self.weights[n];
                }
            }
            let fixed = self.profile.streams.iter().find_map(|stream| match stream.size {
                Size::Fixed(size) if stream.from == port => Some(size),
                _ => None,
            });
            let size = fixed.unwrap_or(MIN_FRAME);
            let packet = "ethernet: {dst: 'ff:ff:ff:ff:ff:ff'}";
            let name = self.extra_name("broadcast", port);
            let stream = extra(&name, port, packet, size, None)?;
            for n in 0..self.weights.len() {
                if self.profile.streams[n].from == port {
                    self.weights[n] *= u128::from(Ratio::ONE.0 - share.0);
                }
            }
            self.profile.streams.push(stream);
            self.weights.push(sum * u128::from(share.0));
        }
        self.weights = reduced(&self.weights);
        Ok(())
    }

    /// RFC 2544 §11.2. Answers go to the sending port's machine and are not counted.
    fn management(&mut self, every: Nanos) -> Result<()> {
        let port = self.first_port();
        let router = router_of(&self.profile, port).ok_or_else(|| {
            let name = &self.profile.ports[port].name;
            lacks("management", format!("nothing says the device's address on port {name}"))
                .remedy(format!("set ports.{name}.next_hop to its IPv4 address"))
        })?;
        let packet = format!("ipv4: {{dst: {router}}}, udp: {{src: 49152, dst: 161}}");
        self.timed("management", port, &packet, Message::Payload(SNMP_SYS_UP_TIME.into()), every)
    }

    /// RFC 2544 §11.3: a RIPv2 response with as many routes as it takes (RFC 2453 §4), whose metrics
    /// alternate between two states from update to update. No test frame takes these routes.
    fn routing_updates(&mut self, every: Nanos) -> Result<()> {
        /// Bytes of a route before its metric.
        const METRIC: usize = 16;
        let mut message = "02020000".to_owned();
        let mut metrics = Vec::new();
        for network in 1..=RIP_ROUTES {
            let bit = 8 * (message.len() / 2 + METRIC);
            metrics.push(format!("metric{network}: {{bit: {bit}, bits: 32, value: [1, 2]}}"));
            // Family, tag, address, mask, next hop (the sender itself), metric.
            message.push_str(&format!("00020000c612{network:02x}00ffffff000000000000000001"));
        }
        let packet = format!(
            "ethernet: {{dst: '01:00:5e:00:00:09'}}, ipv4: {{dst: 224.0.0.9, ttl: 1}}, \
             udp: {{src: 520, dst: 520}}, raw: {{hex: '{message}', fields: {{{}}}}}",
            metrics.join(", ")
        );
        self.timed("routing-updates", self.first_port(), &packet, Message::InPacket(message), every)
    }

    fn timed(
        &mut self,
        name: &str,
        port: usize,
        packet: &str,
        message: Message,
        every: Nanos,
    ) -> Result<()> {
        const HEADERS: u32 = 14 + 20 + 8;
        let (Message::Payload(hex) | Message::InPacket(hex)) = &message;
        let size = FrameSize(HEADERS + hex.len() as u32 / 2 + FCS_BYTES).max(MIN_FRAME);
        let name = self.extra_name(name, port);
        let payload = matches!(message, Message::Payload(_)).then_some(hex.as_str());
        let stream = extra(&name, port, packet, size, payload)?;
        self.profile.streams.push(stream);
        self.timed.push(every);
        Ok(())
    }

    /// A name that no stream has.
    fn extra_name(&self, name: &str, port: usize) -> String {
        let mut name = format!("{name}-{}", self.profile.ports[port].name);
        while self.profile.streams.iter().any(|stream| stream.name == name) {
            name.push('x');
        }
        name
    }

    fn sending_ports(&self) -> Vec<usize> {
        let mut ports: Vec<usize> = self.profile.streams.iter().map(|s| s.from).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    fn first_port(&self) -> usize {
        self.sending_ports().first().copied().unwrap_or(0)
    }
}

/// Sends every stream back too: from its receiver to its sender, with what it says of sources and
/// destinations exchanged.
pub fn both_ways(profile: &mut Profile) {
    let mut back = Vec::new();
    for stream in &profile.streams {
        let Some(to) = stream.to else { continue };
        let mut reply = stream.clone();
        reply.name = format!("{}-back", stream.name);
        (reply.from, reply.to) = (to, Some(stream.from));
        for header in &mut reply.headers {
            let fields = header.protocol.fields;
            let named = |name: &str| fields.iter().find(|field| field.name == name);
            let (Some(src), Some(dst)) = (named("src"), named("dst")) else { continue };
            for setting in &mut header.fields {
                setting.field = match setting.field.name {
                    "src" => dst,
                    "dst" => src,
                    _ => setting.field,
                };
            }
        }
        reply.headers.iter_mut().for_each(follow_back);
        back.push(reply);
    }
    profile.streams.extend(back);
}

/// Lets the header's fields that follow a source follow the destination, and the other way round.
fn follow_back(header: &mut Header) {
    let fields = header.fields.iter_mut().map(|setting| &mut setting.value);
    let custom = header.custom.iter_mut().map(|field| &mut field.value);
    for mut value in fields.chain(custom) {
        while let FieldValue::Every { value: inner, .. } | FieldValue::Masked { value: inner, .. } =
            value
        {
            value = inner;
        }
        let FieldValue::Same { of, .. } = value else { continue };
        let has = |name: &str| wire::protocol(&of.header).is_some_and(|p| p.field(name).is_some());
        let other = match of.field.as_str() {
            "src" => "dst",
            "dst" => "src",
            _ => continue,
        };
        if has("src") && has("dst") {
            of.field = other.to_owned();
        }
    }
    header.options.iter_mut().for_each(follow_back);
}

/// Whether the outermost IP header is IPv6; None: there is none.
pub fn is_ipv6(stream: &Stream) -> Option<bool> {
    stream.headers.iter().find_map(|header| match header.protocol.kind {
        ProtocolKind::Ipv4 => Some(false),
        ProtocolKind::Ipv6 => Some(true),
        _ => None,
    })
}

fn position_of_ipv6(stream: &Stream) -> Option<usize> {
    let at = stream.headers.iter().position(|header| {
        matches!(header.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6)
    })?;
    (stream.headers[at].protocol.kind == ProtocolKind::Ipv6).then_some(at)
}

/// The device's IPv4 address on a port's side.
fn router_of(profile: &Profile, port: usize) -> Option<std::net::Ipv4Addr> {
    let port = profile.ports.get(port)?;
    match (&port.attachment, &profile.lab) {
        (Attachment::Lab(role), Some(lab)) => {
            Layout::new(lab.topology, lab.mtu).peer(role).map(|end| end.ipv4.0)
        }
        _ => {
            let NextHop { ipv4, .. } = &port.next_hop;
            *ipv4
        }
    }
}

/// A stream that nobody receives, made as a profile would make it.
fn extra(
    name: &str,
    port: usize,
    packet: &str,
    FrameSize(size): FrameSize,
    message: Option<&str>,
) -> Result<Stream> {
    let payload = message.map_or_else(String::new, |hex| format!(", payload: {{hex: '{hex}'}}"));
    let yaml = format!(
        "lab: router\nstreams:\n- {{name: {name}, to: null, tag: false, size: {size}B, rate: 1pps, \
         packet: [{packet}]{payload}}}\n"
    );
    let made = profile::parse("modifier", &yaml, &[])
        .map_err(|errors| Error::new("add", name, errors))?
        .streams
        .pop()
        .ok_or_else(|| Error::new("add", name, "there is no such stream"))?;
    Ok(Stream { from: port, to: None, ..made })
}

fn header_named(name: &str) -> Result<Header> {
    let protocol =
        wire::protocol(name).ok_or_else(|| Error::new("add", name, "there is no such header"))?;
    Ok(Header::new(protocol))
}

fn set(header: &mut Header, field: &str, value: FieldValue) {
    if let Some(field) = header.protocol.fields.iter().find(|known| known.name == field) {
        header.fields.retain(|setting| setting.field.name != field.name);
        header.fields.push(FieldSetting { field, value });
    }
}

/// Random in the bits of `mask`, and `base` in the others.
fn masked(mask: u128, base: u128, max: u128) -> FieldValue {
    if mask == 0 {
        return FieldValue::Fixed(base);
    }
    let value = Box::new(FieldValue::Random { low: 0, high: max });
    FieldValue::Masked { mask, base, value }
}

/// The same proportions in small numbers: exact where they have common factors, else rounded to one
/// part of 2^40.
fn reduced(weights: &[u128]) -> Vec<u128> {
    const MOST: u32 = 40;
    let common = weights.iter().copied().fold(0, super::pattern::gcd).max(1);
    let largest = weights.iter().max().map_or(0, |weight| weight / common);
    let shift = (u128::BITS - largest.leading_zeros()).saturating_sub(MOST);
    weights.iter().map(|weight| ((weight / common) >> shift).max(1)).collect()
}

fn lacks(modifier: &str, cause: String) -> Error {
    Error::new("apply", format!("the modifier {modifier}"), cause)
}

//! Capture files in: pcap (micro- and nanoseconds, either byte order) and pcapng.

mod frames;

pub use frames::{Frames, MAX_BYTES, Span};

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

use crate::error::{Error, Result};

/// The buffer begins with so many bytes, and grows up to [`MAX_BLOCK`] for long blocks.
const FIRST_BUFFER: usize = 1 << 16;
/// A block that is longer is taken for damage.
const MAX_BLOCK: usize = 1 << 24;
/// Packets of one file at most.
pub const MAX_PACKETS: usize = 1 << 20;

/// One captured packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When, in nanoseconds since the epoch of the file's clock.
    pub time: u64,
    /// The frame, from its Ethernet header on, without FCS.
    pub bytes: Vec<u8>,
    /// Bytes that the frame had before the capture cut it.
    pub original_len: usize,
}

/// One captured packet, as the file holds it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When, in nanoseconds since the epoch of the file's clock.
    pub time: u64,
    /// The frame, from its Ethernet header on, without FCS.
    pub bytes: &'a [u8],
    /// Bytes that the frame had before the capture cut it.
    pub original_len: usize,
}

/// Reads a capture of Ethernet frames, in the file's order.
///
/// # Errors
/// A file that cannot be read or is no capture; one of another link type; damage, with the number
/// of the packet behind which it lies; more than [`MAX_PACKETS`] packets.
pub fn read(path: &Path) -> Result<Vec<Captured>> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::new("read", &shown, error))?;
    read_from(file, &shown)
}

/// As [`read`], from anything; `name` stands for it in messages.
///
/// # Errors
/// As [`read`].
pub fn read_from(source: impl Read + Send, name: &str) -> Result<Vec<Captured>> {
    let mut packets = Vec::new();
    each(source, name, |packet| {
        let Packet { time, bytes, original_len } = packet;
        packets.push(Captured { time, bytes: bytes.to_vec(), original_len });
        Ok(())
    })?;
    Ok(packets)
}

/// Hands every packet of a capture to `take`, in the file's order, and keeps none.
///
/// # Errors
/// As [`read`]; what `take` says against a packet, whose number is added.
pub fn each(
    source: impl Read + Send,
    name: &str,
    mut take: impl FnMut(Packet<'_>) -> std::result::Result<(), String>,
) -> Result<()> {
    let mut packets = 0;
    let fail = |cause: String, packets: usize| {
        Error::new("read", name, format!("{cause} after packet {packets}"))
            .remedy("repair the file, for example with: editcap or pcapfix")
    };
    let mut reader = create_reader(FIRST_BUFFER, Full(source)).map_err(|error| {
        let cause = match error {
            PcapError::ReadError => "it cannot be read",
            _ => "it is neither pcap nor pcapng",
        };
        Error::new("read", name, cause).remedy("give a file that tcpdump or Wireshark wrote")
    })?;
    let mut file = State::default();
    let mut capacity = FIRST_BUFFER;
    // A refill that brings nothing twice in a row is the end of a file that was cut.
    let mut starved = None;
    let blocks = reader.data().starts_with(&SECTION);
    loop {
        if blocks && is_impossible(reader.data()) {
            return Err(fail("a block that is no block".into(), packets));
        }
        match reader.next() {
            Ok((used, block)) => {
                let read = file.block(&block).map_err(|cause| match cause {
                    Trouble::Damage(cause) => fail(cause, packets),
                    Trouble::Link(cause) => Error::new("read", name, cause)
                        .remedy("capture on one Ethernet interface, not on any or on a tunnel"),
                })?;
                if let Some(packet) = read {
                    if packets == MAX_PACKETS {
                        let most = format!("it holds more than {MAX_PACKETS} packets");
                        return Err(Error::new("read", name, most)
                            .remedy("split it, for example with: editcap -c"));
                    }
                    packets += 1;
                    take(packet).map_err(|cause| {
                        Error::new("read", name, format!("packet {packets} {cause}"))
                    })?;
                }
                reader.consume(used);
                starved = None;
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                let have = reader.data().len();
                if starved == Some(have) {
                    if have < capacity {
                        return Err(fail("the file ends in the middle of a block".into(), packets));
                    }
                    capacity *= 2;
                    if capacity > MAX_BLOCK || !reader.grow(capacity) {
                        return Err(fail(format!("a block of over {have} bytes"), packets));
                    }
                }
                starved = Some(have);
                reader.refill().map_err(|error| fail(describe(&error), packets))?;
            }
            Err(PcapError::BufferTooSmall) => {
                let have = reader.data().len();
                capacity *= 2;
                if capacity > MAX_BLOCK || !reader.grow(capacity) {
                    return Err(fail(format!("a block of over {have} bytes"), packets));
                }
                starved = None;
                reader.refill().map_err(|error| fail(describe(&error), packets))?;
            }
            Err(error) => return Err(fail(describe(&error), packets)),
        }
    }
}

/// How a pcapng file begins: the type of its section header, the same in both byte orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Whether a process information block is shorter than any block can be. The library takes such a
/// length for granted, and would panic or take the whole file for the block.
fn is_impossible(block: &[u8]) -> bool {
    const PROCESS_INFORMATION: u32 = 0x8000_0001;
    const SHORTEST: u32 = 12;
    let Some((kind, rest)) = block.split_first_chunk() else { return false };
    let Some(length) = rest.first_chunk() else { return false };
    let is = |number: fn([u8; 4]) -> u32| {
        number(*kind) == PROCESS_INFORMATION && number(*length) < SHORTEST
    };
    is(u32::from_le_bytes) || is(u32::from_be_bytes)
}

/// Fills every buffer that it is given as long as there is anything: a pipe gives less at a time
/// than a file header has.
struct Full<R>(R);

impl<R: Read> Read for Full<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut have = 0;
        while let Some(space) = into.get_mut(have..).filter(|space| !space.is_empty()) {
            match self.0.read(space) {
                Ok(0) => break,
                Ok(more) => have += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(have)
    }
}

fn describe<I>(error: &PcapError<I>) -> String {
    match error {
        PcapError::ReadError => "it cannot be read".to_owned(),
        PcapError::UnexpectedEof => "the file ends in the middle of a block".to_owned(),
        _ => "a block that is no block".to_owned(),
    }
}

/// What the blocks so far say of those to come.
#[derive(Default)]
struct State {
    /// A pcap file's fractions of a second are nanoseconds.
    nanoseconds: bool,
    /// A pcapng section's interfaces: units a second, seconds added, the link type where it is not
    /// Ethernet.
    interfaces: Vec<(u64, i64, Option<Linktype>)>,
}

impl State {
    fn block<'b>(
        &mut self,
        block: &'b PcapBlockOwned<'_>,
    ) -> std::result::Result<Option<Packet<'b>>, Trouble> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                if header.network != Linktype::ETHERNET {
                    return Err(Trouble::Link(not_ethernet(header.network)));
                }
                self.nanoseconds = header.is_nanosecond_precision();
                Ok(None)
            }
            PcapBlockOwned::Legacy(packet) => {
                let unit = if self.nanoseconds { 1 } else { 1000 };
                let fraction = u64::from(packet.ts_usec) * unit;
                Ok(Some(Packet {
                    time: u64::from(packet.ts_sec) * 1_000_000_000 + fraction,
                    bytes: packet.data,
                    original_len: packet.origlen as usize,
                }))
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                Ok(None)
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let units = interface.ts_resolution().filter(|units| *units > 0);
                let units = units.ok_or("an interface without a time resolution")?;
                let ethernet = interface.linktype == Linktype::ETHERNET;
                let link = (!ethernet).then_some(interface.linktype);
                self.interfaces.push((units, interface.ts_offset(), link));
                Ok(None)
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interfaces.get(packet.if_id as usize);
                let (units, offset, link) = interface.ok_or("a packet of no interface")?;
                if let Some(link) = link {
                    return Err(Trouble::Link(not_ethernet(*link)));
                }
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(*units);
                let time = nanos as i128 + i128::from(*offset) * 1_000_000_000;
                let len = packet.data.len().min(packet.caplen as usize);
                Ok(Some(Packet {
                    time: u64::try_from(time).map_err(|_| "a time out of range")?,
                    bytes: &packet.data[..len],
                    original_len: packet.origlen as usize,
                }))
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let (.., link) = self.interfaces.first().ok_or("a packet of no interface")?;
                if let Some(link) = link {
                    return Err(Trouble::Link(not_ethernet(*link)));
                }
                let len = packet.data.len().min(packet.origlen as usize);
                Ok(Some(Packet {
                    time: 0,
                    bytes: &packet.data[..len],
                    original_len: packet.origlen as usize,
                }))
            }
            PcapBlockOwned::NG(_) => Ok(None),
        }
    }
}

/// What is wrong with a block.
enum Trouble {
    /// It makes no sense.
    Damage(String),
    /// It makes sense, and is of no use here.
    Link(String),
}

impl From<&str> for Trouble {
    fn from(damage: &str) -> Self {
        Self::Damage(damage.to_owned())
    }
}

/// Names as <https://www.tcpdump.org/linktypes.html> has them.
fn not_ethernet(found: Linktype) -> String {
    let name = match found.0 {
        101 | 228 | 229 => "raw IP, ",
        105 | 127 | 192 => "IEEE 802.11, ",
        113 | 276 => "Linux cooked, ",
        0 | 108 => "loopback, ",
        9 | 50 | 51 => "PPP, ",
        249 => "USB, ",
        _ => "",
    };
    format!("its link type is {name}{}, not Ethernet, 1", found.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A pcap file of one packet at 7.000000009 s (or µs).
    fn pcap(magic: u32, swap: bool) -> Vec<u8> {
        let word = |value: u32| if swap { value.swap_bytes() } else { value }.to_le_bytes();
        let half = |value: u16| if swap { value.swap_bytes() } else { value }.to_le_bytes();
        let mut file = Vec::new();
        file.extend(word(magic));
        file.extend([half(2), half(4)].concat());
        file.extend([word(0), word(0), word(65535), word(1)].concat());
        file.extend([word(7), word(9), word(4), word(6)].concat());
        file.extend([1, 2, 3, 4]);
        file
    }

    #[test]
    fn both_resolutions_and_byte_orders_are_read() {
        for swap in [false, true] {
            for (magic, nanos) in [(0xa1b2_c3d4, 9000), (0xa1b2_3c4d, 9)] {
                let packets = read_from(pcap(magic, swap).as_slice(), "a").unwrap();
                let expected = Captured {
                    time: 7_000_000_000 + nanos,
                    bytes: vec![1, 2, 3, 4],
                    original_len: 6,
                };
                assert_eq!(packets, [expected]);
            }
        }
    }

    #[test]
    fn what_is_cut_or_no_capture_is_told() {
        let mut cut = pcap(0xa1b2_c3d4, false);
        cut.pop();
        let message = |bytes: &[u8]| read_from(bytes, "a").unwrap_err().to_string();
        assert!(message(&cut).contains("middle of a block after packet 0"), "{}", message(&cut));
        assert!(message(b"hello, world").contains("neither pcap nor pcapng"));
        assert!(message(b"").contains("neither pcap nor pcapng"));
        let mut other = pcap(0xa1b2_c3d4, false);
        other[20] = 101;
        assert!(message(&other).contains("link type"), "{}", message(&other));
    }

    #[test]
    fn a_process_block_of_no_length_is_damage() {
        for number in [u32::to_le_bytes, u32::to_be_bytes] {
            let section = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1 << 16, u32::MAX, u32::MAX, 28];
            for length in [0, 4, 11] {
                let blocks = [0x8000_0001, length, 0, length];
                let file: Vec<u8> = section.into_iter().chain(blocks).flat_map(number).collect();
                let told = read_from(file.as_slice(), "a").unwrap_err().to_string();
                assert!(told.contains("no block after packet 0"), "{told}");
            }
        }
    }

    #[test]
    fn a_pipe_may_give_a_byte_at_a_time() {
        struct Bytes(std::collections::VecDeque<u8>);
        impl Read for Bytes {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let byte = self.0.pop_front();
                into.iter_mut().zip(byte).for_each(|(to, byte)| *to = byte);
                Ok(byte.into_iter().len())
            }
        }
        let file = pcap(0xa1b2_c3d4, false);
        assert_eq!(read_from(Bytes(file.into()), "a").unwrap().len(), 1);
    }

    #[test]
    fn packets_longer_than_the_first_buffer_are_read() {
        let len = FIRST_BUFFER * 5;
        let mut file = pcap(0xa1b2_c3d4, false);
        file.extend([7u32, 9, len as u32, len as u32].map(u32::to_le_bytes).concat());
        file.extend(vec![0xaa; len]);
        let packets = read_from(file.as_slice(), "a").unwrap();
        assert_eq!((packets.len(), packets[1].bytes.len()), (2, len));
    }

    proptest! {
        #[test]
        fn any_bytes_end(mut bytes: Vec<u8>, at: prop::sample::Index, value: u8, kind in 0u8..3) {
            if kind > 0 {
                bytes = pcap(0xa1b2_c3d4, kind == 2).into_iter().chain(bytes).collect();
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = read_from(bytes.as_slice(), "a");
        }
    }
}

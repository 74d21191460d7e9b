//! Why a stream cannot be compiled.

use std::fmt;

use crate::error::Error;
use crate::units::FCS_BYTES;

/// A stream that cannot be laid out, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The stream's name.
    pub stream: String,
    /// The place in the stream: `headers[1].ipv6.dst`; empty: the stream itself.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The tag has 16 bits for the stream's number.
    #[error("a profile holds at most 65536 streams, this is number {number}")]
    StreamNumber {
        /// Its position, from 0.
        number: usize,
    },
    /// No header at all.
    #[error("the header stack is empty")]
    NoHeaders,
    /// The frame ends before its headers do. Both sizes include the FCS.
    #[error("a frame of {size} B is shorter than its headers, which take {need} B with the FCS")]
    FrameTooShort {
        /// The shortest frame.
        size: u64,
        /// The smallest that holds the headers.
        need: u64,
    },
    /// Longer than any frame. Both sizes include the FCS.
    #[error("a frame of {size} B is longer than {most} B")]
    FrameTooLong {
        /// The longest frame.
        size: u64,
        /// The longest that there may be.
        most: u64,
    },
    /// A length field cannot say how long the packet is.
    #[error("a length of {length} B does not fit the field's {bits} bits")]
    LengthTooLong {
        /// The length.
        length: i64,
        /// Bits of the field.
        bits: u8,
    },
    /// A header whose length field cannot say how long it is: too many options.
    #[error("a header of {bytes} B with its options is longer than the {most} B that it can say")]
    HeaderTooLong {
        /// Bytes of the header.
        bytes: usize,
        /// Bytes that its length field can say.
        most: u128,
    },
    /// A checksum that covers a part of the packet which is not the same in every packet.
    #[error("a checksum cannot follow a coverage that changes from packet to packet")]
    CoverageChanges,
    /// A pseudo-header's destination is that of the IP header in some packets, and that of a route in
    /// others.
    #[error(
        "in some packets the route has addresses left and in others none, so that a checksum with a \
         pseudo-header would have to change its destination (RFC 8200 §8.1)"
    )]
    DestinationChanges,
    /// A checksum that covers more than the shortest packet, in a stream whose sizes change.
    #[error("a coverage of {bytes} B is more than the {shortest} B of the shortest packet")]
    CoverageTooLong {
        /// Bytes covered.
        bytes: usize,
        /// Bytes of the shortest packet, from the header on.
        shortest: usize,
    },
    /// A checksum that covers a part of something that changes from packet to packet.
    #[error("the checksum's coverage ends inside the probe tag or a field that changes")]
    CoverageCuts,
    /// A length that readers would take for an EtherType.
    #[error("a length of {length} B in the EtherType's place is above {most} B")]
    LengthIsEtherType {
        /// The length.
        length: usize,
        /// The largest.
        most: usize,
    },
    /// A length field that cannot follow a size that changes.
    #[error("a length field of {bits} bits cannot follow a frame size that changes")]
    LengthOfOddWidth {
        /// Bits of the field.
        bits: u8,
    },
    /// A value is larger than the field.
    #[error("{value} is larger than the field's largest value, {most}")]
    ValueTooWide {
        /// The value.
        value: u128,
        /// The largest that fits.
        most: u128,
    },
    /// A field whose bits lie in more bytes than a window has.
    #[error("a field of {bits} bits at that place cannot change from packet to packet")]
    FieldTooWide {
        /// Bits of the field.
        bits: u8,
    },
    /// A fragment ends inside a checksum that changes.
    #[error("a piece ends in the middle of a checksum that changes from packet to packet")]
    CutThroughChecksum,
    /// A CRC32c over fragments, which would be computed anew for each packet.
    #[error("a CRC32c that changes from packet to packet cannot cover several pieces")]
    CutCrc32c,
    /// A fragment ends inside a field whose values cannot be told in parts.
    #[error("a piece ends in the middle of a field that changes from packet to packet")]
    CutThroughField,
    /// `bad` for a field that is no checksum.
    #[error("only a checksum can be bad")]
    NoChecksum,
    /// A list without entries.
    #[error("the list is empty")]
    EmptyList,
    /// A range upside down.
    #[error("the range is empty: {low} is above {high}")]
    EmptyRange {
        /// Lower end.
        low: u128,
        /// Upper end.
        high: u128,
    },
    /// A random range across the border of blocks of 2^64 that does not hold whole ones.
    #[error("a random range across the border of 2^64 values must hold whole blocks of them")]
    RandomAcross64Bits,
    /// A name of a field that does not lead to one.
    #[error("{name}: {cause}")]
    NoSuchField {
        /// The name, as the profile writes it.
        name: String,
        /// Why it is none.
        cause: String,
    },
    /// A field that follows itself.
    #[error("{name} follows this field itself")]
    Circle {
        /// The field that closes the circle.
        name: String,
    },
    /// A field that follows a length or a checksum.
    #[error("{name} is computed last, so that no field can follow it")]
    FollowsComputed {
        /// The computed field.
        name: String,
    },
    /// A number is added to bits that are not one number.
    #[error("{name} keeps bits from the rule, so that nothing can be added to it")]
    PlusMasked {
        /// The field that is followed.
        name: String,
    },
    /// A field of captured packets that gets two values.
    #[error("the same field as {name}")]
    RewrittenTwice {
        /// The field, as it was named first.
        name: String,
    },
    /// Captured packets that a probe tag has no room in.
    #[error(
        "{packets} of {of} packets have no room for a probe tag, number {first} is the first: it \
         takes 18 bytes behind the header of UDP, TCP or an ICMP echo, and is in no fragment"
    )]
    NoRoomInCapture {
        /// How many.
        packets: usize,
        /// Of how many.
        of: usize,
        /// The first of them, from 1.
        first: usize,
    },
    /// Captured packets with a CRC32c over what changes from packet to packet.
    #[error(
        "a CRC32c of captured packets cannot follow a field that changes from packet to packet"
    )]
    CapturedCrc32c,
    /// The default is an address that nobody named.
    #[error("no {which} is known")]
    NoAddress {
        /// `IPv4 source address` and the like.
        which: &'static str,
    },
    /// More weights than a cycle may hold.
    #[error("the weights add up to {cycle} packets, at most {most} make a cycle")]
    CycleTooLong {
        /// Sum of the weights, after division by their greatest common divisor.
        cycle: u64,
        /// The largest.
        most: u64,
    },
    /// More than the program format holds.
    #[error("the stream has {count} {what}, at most {most} are possible")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many at most.
        most: usize,
    },
}

impl Problem {
    /// What the user can do about it; empty where the message says it.
    pub fn remedy(&self) -> String {
        match self {
            Self::FrameTooShort { need, .. } => format!("set size to {need}B or more"),
            Self::FrameTooLong { most, .. } => format!("set size to {most}B or less"),
            Self::LengthIsEtherType { .. } => {
                "use shorter frames, or set ethertype to 0x8870 (LLC encapsulation)".to_owned()
            }
            Self::RandomAcross64Bits => {
                "use a prefix of /64 or shorter, or a longer one".to_owned()
            }
            Self::NoAddress { .. } => "set the field, or give the port an address".to_owned(),
            Self::CutThroughChecksum | Self::CutThroughField => {
                "move the cut, or let the field be the same in all packets".to_owned()
            }
            Self::CutCrc32c => {
                "set tag: false and let no field change, or set the checksum".to_owned()
            }
            Self::HeaderTooLong { .. } => {
                "use fewer or shorter options, or set the length field on purpose".to_owned()
            }
            Self::CoverageChanges => {
                "set the checksum too, or use a stream for each coverage".to_owned()
            }
            Self::DestinationChanges => {
                "set the checksum behind it too (of a replay: checksums: keep), or use a stream for each"
                    .to_owned()
            }
            Self::CoverageTooLong { .. } => "cover less, or 0 for all of each packet".to_owned(),
            Self::CoverageCuts => {
                "cover more or less of the packet, or set tag: false where it is the tag".to_owned()
            }
            Self::RewrittenTwice { .. } => "name it once".to_owned(),
            Self::NoRoomInCapture { .. } => {
                "replay only packets that have room, or none with tags: tag: false".to_owned()
            }
            Self::CapturedCrc32c => {
                "give the SCTP field one value, or set checksums: keep".to_owned()
            }
            Self::CycleTooLong { .. } => "use smaller weights".to_owned(),
            _ => String::new(),
        }
    }
}

/// A length in the buffer as a frame size with its FCS.
pub(super) fn with_fcs(buffer_len: usize) -> u64 {
    buffer_len as u64 + u64::from(FCS_BYTES)
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}: ", self.stream)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for CompileError {}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Self {
        let cause = if error.path.is_empty() {
            error.problem.to_string()
        } else {
            format!("{}: {}", error.path, error.problem)
        };
        Self::new("lay out stream", error.stream, cause).remedy(error.problem.remedy())
    }
}

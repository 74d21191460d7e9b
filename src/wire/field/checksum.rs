//! What a header's checksum is and covers.

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The Internet checksum of 16 bits (RFC 1071).
    Internet,
    /// CRC32c (RFC 9260 appendix A), its field taken as zero, least significant byte first.
    Crc32c,
}

impl Algorithm {
    /// Bytes of the checksum.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Internet => 2,
            Self::Crc32c => 4,
        }
    }
}

/// What a checksum is and covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumRule {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// From the header's first byte to
    pub covers: Covers,
    /// The pseudo-header of the nearest IP header is part of it.
    pub pseudo_header: bool,
    /// A result of 0 is written as 0xffff (UDP: RFC 768, RFC 8200 §8.1).
    pub zero_as_ffff: bool,
}

/// How far a checksum reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The end of the header, options included.
    Header,
    /// The end of the packet.
    Packet,
    /// As many bytes as this field of the header says (UDP-Lite's coverage). The end of the packet,
    /// where the field is not set, or is 0, or says less than the header or more than there is.
    UpTo(&'static str),
}

/// The Internet checksum over the whole packet from the header on.
pub(crate) const INTERNET: ChecksumRule = ChecksumRule {
    algorithm: Algorithm::Internet,
    covers: Covers::Packet,
    pseudo_header: false,
    zero_as_ffff: false,
};
/// The same with the pseudo-header.
pub(crate) const WITH_PSEUDO_HEADER: ChecksumRule =
    ChecksumRule { pseudo_header: true, ..INTERNET };

//! The ethtool ioctl (include/uapi/linux/ethtool.h): driver, features, channels, rings, speed.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::netns::Netns;

const SIOCETHTOOL: libc::Ioctl = 0x8946;

const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GRINGPARAM: u32 = 0x10;
const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
const ETHTOOL_GFEATURES: u32 = 0x3a;
const ETHTOOL_SFEATURES: u32 = 0x3b;
const ETHTOOL_GCHANNELS: u32 = 0x3c;
const ETHTOOL_GLINKSETTINGS: u32 = 0x4c;

/// `ETH_SS_FEATURES`: the set of the offload features' names.
const FEATURE_NAMES: u32 = 4;
/// `ETH_GSTRING_LEN`.
const NAME_BYTES: usize = 32;
/// Words of a request that is larger than any answer used here: 64 × 32 feature names and a head.
const REQUEST_WORDS: usize = 1024;

/// Queues of a device (`ethtool -l`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// Receive queues in use, combined ones included.
    pub rx: u32,
    /// Transmit queues in use, combined ones included.
    pub tx: u32,
    /// Receive queues that the device could have.
    pub max_rx: u32,
    /// Transmit queues that the device could have.
    pub max_tx: u32,
}

/// Descriptors per ring (`ethtool -g`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// Receive descriptors now.
    pub rx: u32,
    /// Transmit descriptors now.
    pub tx: u32,
    /// Receive descriptors at most.
    pub max_rx: u32,
    /// Transmit descriptors at most.
    pub max_tx: u32,
}

/// An offload feature (`ethtool -k`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The kernel's name: `rx-gro`, `tx-checksum-ip-generic`.
    pub name: String,
    /// On now.
    pub active: bool,
    /// Can be changed.
    pub changeable: bool,
}

/// Asks the kernel about the interfaces of one namespace.
#[derive(Debug)]
pub struct Ethtool {
    socket: OwnedFd,
}

impl Ethtool {
    /// For the interfaces of `netns`.
    ///
    /// # Errors
    /// When the namespace can't be entered or has no socket left.
    pub fn open(netns: &Netns) -> io::Result<Self> {
        netns.run(Self::open_here)?
    }

    /// For the interfaces of the calling thread's namespace.
    ///
    /// # Errors
    /// When no socket is left.
    pub fn open_here() -> io::Result<Self> {
        // SAFETY: socket has no memory preconditions.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and belongs to nobody else.
        Ok(Self { socket: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// The driver's name.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the device has no driver that tells (loopback); `ENODEV`.
    pub fn driver(&self, interface: &str) -> io::Result<String> {
        let mut request = Request::new(ETHTOOL_GDRVINFO);
        self.call(interface, &mut request)?;
        // struct ethtool_drvinfo: cmd, char driver[32], …
        Ok(request.text(4, NAME_BYTES))
    }

    /// Speed in bit/s; `None` when the driver does not know it (no carrier).
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the driver has no notion of a speed; `ENODEV`.
    pub fn speed_bps(&self, interface: &str) -> io::Result<Option<u64>> {
        // struct ethtool_link_settings: cmd, speed (Mbit/s), u8 duplex, port, phy_address, autoneg,
        // mdio_support, eth_tp_mdix, eth_tp_mdix_ctrl, s8 link_mode_masks_nwords at byte 15. The
        // first call tells, as a negative number, how many words of masks the second must have.
        let mut request = Request::new(ETHTOOL_GLINKSETTINGS);
        self.call(interface, &mut request)?;
        let words = (request.byte(15) as i8).unsigned_abs();
        let mut request = Request::new(ETHTOOL_GLINKSETTINGS);
        request.set_byte(15, words);
        self.call(interface, &mut request)?;
        let speed = request.word(1);
        // SPEED_UNKNOWN is −1.
        Ok((speed != 0 && speed != u32::MAX).then(|| u64::from(speed) * 1_000_000))
    }

    /// Queues.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the driver does not tell; `ENODEV`.
    pub fn channels(&self, interface: &str) -> io::Result<Channels> {
        let mut request = Request::new(ETHTOOL_GCHANNELS);
        self.call(interface, &mut request)?;
        // struct ethtool_channels: cmd, max_rx, max_tx, max_other, max_combined, rx, tx, other,
        // combined.
        let word = |index| request.word(index);
        Ok(Channels {
            rx: word(5) + word(8),
            tx: word(6) + word(8),
            max_rx: word(1).max(word(4)),
            max_tx: word(2).max(word(4)),
        })
    }

    /// Ring sizes.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the driver has no rings; `ENODEV`.
    pub fn rings(&self, interface: &str) -> io::Result<Rings> {
        let mut request = Request::new(ETHTOOL_GRINGPARAM);
        self.call(interface, &mut request)?;
        // struct ethtool_ringparam: cmd, rx_max, rx_mini_max, rx_jumbo_max, tx_max, rx, rx_mini,
        // rx_jumbo, tx.
        Ok(Rings {
            rx: request.word(5),
            tx: request.word(8),
            max_rx: request.word(1),
            max_tx: request.word(4),
        })
    }

    /// All offload features that the kernel has a name for.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn features(&self, interface: &str) -> io::Result<Vec<Feature>> {
        let names = self.feature_names(interface)?;
        // struct ethtool_gfeatures: cmd, size, then per 32 features: available, requested, active,
        // never_changed.
        let mut request = Request::new(ETHTOOL_GFEATURES);
        request.set_word(1, names.len().div_ceil(32) as u32);
        self.call(interface, &mut request)?;
        Ok(names
            .into_iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty())
            .map(|(index, name)| {
                let block = 2 + index / 32 * 4;
                let bit = 1 << (index % 32);
                Feature {
                    name,
                    active: request.word(block + 2) & bit != 0,
                    changeable: request.word(block) & bit != 0
                        && request.word(block + 3) & bit == 0,
                }
            })
            .collect())
    }

    /// Turns features on or off, all in one call. Names that the kernel does not know are ignored:
    /// which features exist depends on its version.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_ADMIN; `ENODEV`.
    pub fn set_features(&self, interface: &str, changes: &[(&str, bool)]) -> io::Result<()> {
        let names = self.feature_names(interface)?;
        // struct ethtool_sfeatures: cmd, size, then per 32 features: valid, requested.
        let mut request = Request::new(ETHTOOL_SFEATURES);
        request.set_word(1, names.len().div_ceil(32) as u32);
        for (name, on) in changes {
            let Some(index) = names.iter().position(|known| known == name) else { continue };
            let block = 2 + index / 32 * 2;
            let bit = 1 << (index % 32);
            request.set_word(block, request.word(block) | bit);
            if *on {
                request.set_word(block + 1, request.word(block + 1) | bit);
            }
        }
        self.call(interface, &mut request)
    }

    fn feature_names(&self, interface: &str) -> io::Result<Vec<String>> {
        // struct ethtool_sset_info: cmd, reserved, u64 sset_mask, u32 data[].
        let mut request = Request::new(ETHTOOL_GSSET_INFO);
        request.set_word(2, 1 << FEATURE_NAMES);
        self.call(interface, &mut request)?;
        let count = request.word(4) as usize;
        // struct ethtool_gstrings: cmd, string_set, len, u8 data[].
        let mut request = Request::new(ETHTOOL_GSTRINGS);
        request.grow_to(12 + count * NAME_BYTES);
        request.set_word(1, FEATURE_NAMES);
        request.set_word(2, count as u32);
        self.call(interface, &mut request)?;
        Ok((0..count).map(|i| request.text(12 + i * NAME_BYTES, NAME_BYTES)).collect())
    }

    fn call(&self, interface: &str, request: &mut Request) -> io::Result<()> {
        // SAFETY: an ifreq is plain data, and all zeros is a legal one.
        let mut ifreq: libc::ifreq = unsafe { std::mem::zeroed() };
        // One byte stays 0, as the kernel wants the name terminated.
        if interface.len() >= ifreq.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in ifreq.ifr_name.iter_mut().zip(interface.bytes()) {
            *to = from as libc::c_char;
        }
        ifreq.ifr_ifru.ifru_data = request.words.as_mut_ptr().cast();
        // SAFETY: the kernel reads and writes behind ifru_data what the command in the request's
        // first word defines; the request is larger than each of the answers asked for above.
        if unsafe { libc::ioctl(self.socket.as_raw_fd(), SIOCETHTOOL, &mut ifreq) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// A command and room for its answer, in words as the kernel's structs have them.
struct Request {
    words: Vec<u32>,
}

impl Request {
    fn new(command: u32) -> Self {
        let mut words = vec![0; REQUEST_WORDS];
        words[0] = command;
        Self { words }
    }

    fn grow_to(&mut self, bytes: usize) {
        let words = bytes.div_ceil(4).max(self.words.len());
        self.words.resize(words, 0);
    }

    fn word(&self, index: usize) -> u32 {
        self.words[index]
    }

    fn set_word(&mut self, index: usize, value: u32) {
        self.words[index] = value;
    }

    fn byte(&self, offset: usize) -> u8 {
        self.words[offset / 4].to_ne_bytes()[offset % 4]
    }

    fn set_byte(&mut self, offset: usize, value: u8) {
        let mut bytes = self.words[offset / 4].to_ne_bytes();
        bytes[offset % 4] = value;
        self.words[offset / 4] = u32::from_ne_bytes(bytes);
    }

    fn text(&self, offset: usize, len: usize) -> String {
        let bytes: Vec<u8> =
            (offset..offset + len).map(|at| self.byte(at)).take_while(|&byte| byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_written_by_byte_and_word() {
        let mut request = Request::new(7);
        request.set_byte(15, 0xfe);
        assert_eq!(request.byte(15), 0xfe);
        assert_eq!(request.word(0), 7);
        for (at, byte) in b"veth\0x".iter().enumerate() {
            request.set_byte(20 + at, *byte);
        }
        assert_eq!(request.text(20, 8), "veth");
    }

    #[test]
    fn loopback_has_features_and_a_wrong_name_is_no_device() {
        let ethtool = Ethtool::open_here().unwrap();
        let features = ethtool.features("lo").unwrap();
        assert!(features.iter().any(|feature| feature.name == "rx-gro"));
        for wrong in ["nosuch0", "a-name-that-is-longer-than-fifteen"] {
            let error = ethtool.features(wrong).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
        }
    }
}

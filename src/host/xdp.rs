//! What a device can do with XDP, as the kernel's `netdev` family of generic netlink tells since
//! 6.3 (Documentation/netlink/specs/netdev.yaml).

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use crate::sys::netns::Netns;

const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
const NETDEV_A_DEV_XDP_ZC_MAX_SEGS: u16 = 4;
const NETDEV_A_DEV_XDP_RX_METADATA_FEATURES: u16 = 5;

/// nlmsghdr and genlmsghdr.
const HEADERS: usize = 20;

/// XDP features of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XdpFeatures {
    /// `enum netdev_xdp_act`.
    bits: u64,
    /// `enum netdev_xdp_rx_metadata`.
    metadata: u64,
    /// Buffers that one zero-copy frame may span; 0 without zero-copy.
    pub zero_copy_max_segments: u32,
}

impl XdpFeatures {
    /// A program runs in the driver (drop, pass, send back).
    pub fn native(self) -> bool {
        self.bits & 1 != 0
    }

    /// A program may redirect what it received.
    pub fn redirect(self) -> bool {
        self.bits & 2 != 0
    }

    /// Frames can be redirected to the device: live frames, devmaps. A veth device has it while its
    /// peer receives through NAPI, which takes an XDP program or GRO there.
    pub fn redirect_target(self) -> bool {
        self.bits & 4 != 0
    }

    /// AF_XDP without a copy.
    pub fn zero_copy(self) -> bool {
        self.bits & 8 != 0
    }

    /// Frames of more than one buffer reach a program.
    pub fn receive_fragments(self) -> bool {
        self.bits & 32 != 0
    }

    /// A program can ask for the time at which the hardware received the frame.
    pub fn hardware_time(self) -> bool {
        self.metadata & 1 != 0
    }
}

/// The features of the device number `index` of `netns`; none where the kernel is too old to tell.
///
/// # Errors
/// `ENODEV` when there is no such device.
pub fn features(netns: &Netns, index: u32) -> io::Result<Option<XdpFeatures>> {
    let socket = netns.run(|| {
        let mut socket = Socket::new(NETLINK_GENERIC)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok::<_, io::Error>(socket)
    })??;
    let name = attribute(CTRL_ATTR_FAMILY_NAME, b"netdev\0");
    let family = match ask(&socket, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, &name) {
        Ok(answer) => answer,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(family) = find(&family, CTRL_ATTR_FAMILY_ID).and_then(number) else {
        return Ok(None);
    };
    let device = attribute(NETDEV_A_DEV_IFINDEX, &index.to_ne_bytes());
    let answer = ask(&socket, family as u16, NETDEV_CMD_DEV_GET, &device)?;
    let value = |kind| find(&answer, kind).and_then(number);
    Ok(value(NETDEV_A_DEV_XDP_FEATURES).map(|bits| XdpFeatures {
        bits,
        metadata: value(NETDEV_A_DEV_XDP_RX_METADATA_FEATURES).unwrap_or(0),
        zero_copy_max_segments: value(NETDEV_A_DEV_XDP_ZC_MAX_SEGS).unwrap_or(0) as u32,
    }))
}

/// Sends one request and returns the attributes of the answer.
fn ask(socket: &Socket, family: u16, command: u8, attributes: &[u8]) -> io::Result<Vec<u8>> {
    let length = HEADERS + attributes.len();
    let mut request = Vec::with_capacity(length);
    request.extend((length as u32).to_ne_bytes());
    request.extend(family.to_ne_bytes());
    request.extend(NLM_F_REQUEST.to_ne_bytes());
    // Sequence number 1, port 0; then command, version 1.
    request.extend(1u32.to_ne_bytes());
    request.extend(0u32.to_ne_bytes());
    request.extend([command, 1, 0, 0]);
    request.extend(attributes);
    socket.send(&request, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let short = || io::Error::new(io::ErrorKind::InvalidData, "generic netlink answer cut short");
    let kind = answer.get(4..6).ok_or_else(short)?;
    if u16::from_ne_bytes([kind[0], kind[1]]) == NLMSG_ERROR {
        let code: [u8; 4] = answer.get(16..20).and_then(|b| b.try_into().ok()).ok_or_else(short)?;
        return Err(io::Error::from_raw_os_error(-i32::from_ne_bytes(code)));
    }
    answer.get(HEADERS..).map(<[u8]>::to_vec).ok_or_else(short)
}

/// A netlink attribute, padded to 4 bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((4 + value.len() as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn find(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    let mut rest = attributes;
    loop {
        let length = usize::from(u16::from_ne_bytes([*rest.first()?, *rest.get(1)?]));
        let is = u16::from_ne_bytes([*rest.get(2)?, *rest.get(3)?]);
        let value = rest.get(4..length)?;
        if is == kind {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn number(value: &[u8]) -> Option<u64> {
    match *value {
        [a, b] => Some(u16::from_ne_bytes([a, b]).into()),
        [a, b, c, d] => Some(u32::from_ne_bytes([a, b, c, d]).into()),
        _ => value.try_into().ok().map(u64::from_ne_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_behind_padding() {
        let bytes = [attribute(2, b"netdev\0"), attribute(1, &7u16.to_ne_bytes())].concat();
        assert_eq!(find(&bytes, 1).and_then(number), Some(7));
        assert_eq!(find(&bytes, 2), Some(&b"netdev\0"[..]));
        assert_eq!(find(&bytes, 9), None);
        assert_eq!(find(&[200, 0, 1, 0], 1), None, "claims more than there is");
        assert_eq!(find(&[0, 0, 2, 0, 4, 0, 1, 0], 1), None, "shorter than its own head");
    }

    #[test]
    fn a_device_that_is_not_there_is_no_device() {
        match features(&Netns::current().unwrap(), 1_000_000) {
            Ok(None) => println!("this kernel does not tell XDP features"),
            other => assert_eq!(other.unwrap_err().raw_os_error(), Some(libc::ENODEV)),
        }
    }
}

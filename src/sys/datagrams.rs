//! IP packets in and out, many a call: AF_PACKET sockets that receive what arrives on an interface
//! (packet(7)), and raw sockets that send packets with their IP header (raw(7), `IPV6_HDRINCL`).

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use socket2::SockAddr;

use super::raw_sender::{open_whole, set_send_buffer};
use super::raw_socket::set_option;
use super::send_messages::send_messages;

/// Packets a call at most.
const BATCH: usize = 32;

/// Bytes of the largest packet: what the kernel merges (GRO) or has not yet cut (GSO) may be as long
/// as an IP packet can be: 65,535 bytes behind the header of IPv6.
const LONGEST: usize = (1 << 16) + 40;

/// `TP_STATUS_CSUMNOTREADY` and `TP_STATUS_CSUM_VALID` (include/uapi/linux/if_packet.h).
const CHECKSUM_NOT_READY: u32 = 1 << 3;
const CHECKSUM_VALID: u32 = 1 << 7;

/// An instruction of the classic packet filter: code, jumps if true and false, operand.
pub type Instruction = (u16, u8, u8, u32);

/// What the kernel says of a packet's transport checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumState {
    /// Nothing.
    Unknown,
    /// Verified.
    Valid,
    /// Not computed yet.
    NotReady,
}

/// A packet that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// From the IP header on.
    pub bytes: &'a [u8],
    /// It was longer than any IP packet; the rest is gone.
    pub truncated: bool,
    /// Its transport checksum.
    pub checksum: ChecksumState,
    /// When it arrived: nanoseconds of `CLOCK_REALTIME`; 0 where the kernel did not say.
    pub at: u64,
}

/// Receives the IP packets of one EtherType that arrive on an interface, as they come from the link,
/// before the kernel's filters.
#[derive(Debug)]
pub struct PacketReceiver {
    fd: OwnedFd,
}

/// Room for packets and their control messages, used again and again.
pub struct Batch {
    bytes: Vec<u8>,
    control: Vec<[u64; CONTROL_WORDS]>,
    packets: Vec<Slot>,
}

/// What is known of the packet in a slot.
#[derive(Clone, Copy)]
struct Slot {
    len: usize,
    truncated: bool,
    control: Control,
}

/// Two cmsghdr (16), a timespec (16), a tpacket_auxdata (20): 72 bytes, and room.
const CONTROL_WORDS: usize = 12;

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes: vec![0; BATCH * LONGEST],
            control: vec![[0; CONTROL_WORDS]; BATCH],
            packets: Vec::with_capacity(BATCH),
        }
    }
}

impl Batch {
    /// The packets of the last call.
    pub fn packets(&self) -> impl Iterator<Item = Arrived<'_>> {
        self.packets.iter().zip(self.bytes.chunks_exact(LONGEST)).map(|(slot, bytes)| Arrived {
            bytes: &bytes[..slot.len],
            truncated: slot.truncated,
            checksum: slot.control.checksum,
            at: slot.control.at,
        })
    }
}

impl PacketReceiver {
    /// Opens a socket on interface `index` of the calling thread's namespace, for the packets that
    /// `filter` takes; its operands count from the IP header. `buffer` bytes may wait.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW; `ENODEV`.
    pub fn open(
        index: u32,
        ethertype: u16,
        filter: &[Instruction],
        buffer: i32,
    ) -> io::Result<Self> {
        // Protocol 0 receives nothing before the filter stands and bind names the interface.
        // SAFETY: socket has no memory preconditions.
        let fd = unsafe {
            libc::socket(
                libc::AF_PACKET,
                libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                0,
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        set_option(fd.as_fd(), libc::SOL_PACKET, libc::PACKET_AUXDATA, 1u32)?;
        set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1u32)?;
        // Both may fail: then fewer packets may wait, and what is lost is counted.
        let buffer = buffer.max(0) as u32;
        if set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, buffer).is_err() {
            let _ = set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, buffer);
        }
        attach(fd.as_fd(), filter)?;
        // SAFETY: a sockaddr_ll is plain data, and all zeros is a legal one.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = ethertype.to_be();
        address.sll_ifindex = index as i32;
        // SAFETY: `address` is a sockaddr_ll of the length given.
        let result = unsafe {
            libc::bind(
                fd.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if result != 0 { Err(io::Error::last_os_error()) } else { Ok(Self { fd }) }
    }

    /// Takes what has arrived, up to 32 packets, without waiting. Packets for other hosts, which a
    /// port in promiscuous mode hears, are left out. Returns whether more may be there.
    ///
    /// # Errors
    /// `ENETDOWN` once when the interface went down.
    pub fn receive(&self, batch: &mut Batch) -> io::Result<bool> {
        batch.packets.clear();
        // SAFETY: mmsghdr and sockaddr_ll are plain data, and all zeros are legal ones.
        let (mut messages, mut from): ([libc::mmsghdr; BATCH], [libc::sockaddr_ll; BATCH]) =
            unsafe { zeroed() };
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
        for (n, slot) in batch.bytes.chunks_exact_mut(LONGEST).enumerate() {
            parts[n] = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: LONGEST };
            let header = &mut messages[n].msg_hdr;
            header.msg_iov = &raw mut parts[n];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut from[n]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            header.msg_control = batch.control[n].as_mut_ptr().cast();
            header.msg_controllen = CONTROL_WORDS * 8;
        }
        // SAFETY: every message points to a slot, an address and a control buffer of its own, of the
        // lengths told, all of which outlive the call.
        let got = unsafe {
            libc::recvmmsg(
                self.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if got < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            };
        }
        let got = got as usize;
        for ((message, from), control) in messages.iter().zip(&from).zip(&batch.control).take(got) {
            let ours = from.sll_pkttype == libc::PACKET_HOST;
            let control = Control::read(control, message.msg_hdr.msg_controllen);
            let truncated = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let len = if ours { (message.msg_len as usize).min(LONGEST) } else { 0 };
            batch.packets.push(Slot { len, truncated, control });
        }
        Ok(got == BATCH)
    }

    /// Packets that the kernel dropped for want of room since the last call.
    pub fn take_drops(&self) -> u32 {
        let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = size_of_val(&stats) as libc::socklen_t;
        // SAFETY: `stats` is writable and `len` tells its size.
        let result = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut stats).cast(),
                &raw mut len,
            )
        };
        if result == 0 { stats.tp_drops } else { 0 }
    }
}

impl AsFd for PacketReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What the control messages of a packet say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Control {
    checksum: ChecksumState,
    at: u64,
}

impl Control {
    /// Reads the first `len` bytes of control messages.
    fn read(words: &[u64; CONTROL_WORDS], len: usize) -> Self {
        let mut control = Self { checksum: ChecksumState::Unknown, at: 0 };
        let bytes = super::pod::bytes_of(words);
        let mut rest = &bytes[..len.min(bytes.len())];
        // struct cmsghdr: size_t cmsg_len, int cmsg_level, int cmsg_type; then the data.
        const HEADER: usize = size_of::<libc::cmsghdr>();
        while rest.len() >= HEADER {
            let level_at = size_of::<usize>();
            let len = usize::try_from(number(rest, 0, level_at)).unwrap_or(0);
            let Some(data) = rest.get(HEADER..len) else { break };
            let (level, kind) = (number(rest, level_at, 4), number(rest, level_at + 4, 4));
            match (level as libc::c_int, kind as libc::c_int) {
                (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                    // struct tpacket_auxdata begins with the status.
                    let status = number(data, 0, 4) as u32;
                    if status & CHECKSUM_NOT_READY != 0 {
                        control.checksum = ChecksumState::NotReady;
                    } else if status & CHECKSUM_VALID != 0 {
                        control.checksum = ChecksumState::Valid;
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let (seconds, nanos) = (number(data, 0, 8), number(data, 8, 8));
                    control.at = seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos);
                }
                _ => {}
            }
            rest = rest.get(len.next_multiple_of(size_of::<usize>())..).unwrap_or(&[]);
        }
        control
    }
}

/// A number of the machine's byte order, of at most 8 bytes; 0 where there are none.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    let mut word = [0; 8];
    let Some(bytes) = bytes.get(at..at + len) else { return 0 };
    let place = if cfg!(target_endian = "big") { 8 - len } else { 0 };
    word[place..place + len].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

fn attach(fd: BorrowedFd<'_>, filter: &[Instruction]) -> io::Result<()> {
    let mut program: Vec<libc::sock_filter> =
        filter.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
    let program =
        libc::sock_fprog { len: program.len() as libc::c_ushort, filter: program.as_mut_ptr() };
    // SAFETY: the program is as long as told and is copied by the kernel.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends IP packets with their header; the kernel finds the way.
#[derive(Debug)]
pub struct PacketSender {
    fd: OwnedFd,
}

impl PacketSender {
    /// Opens a raw socket of the calling thread's namespace. It receives nothing.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW.
    pub fn open(ipv6: bool) -> io::Result<Self> {
        let fd = open_whole(ipv6)?;
        set_send_buffer(fd.as_fd(), 8 << 20);
        Ok(Self { fd })
    }

    /// Sends packets to their destinations, without waiting. `failed` is told of each that the
    /// kernel did not take.
    pub fn send<'p>(
        &self,
        packets: impl IntoIterator<Item = (&'p [u8], SocketAddr)>,
        mut failed: impl FnMut(io::Error),
    ) {
        let mut packets = packets.into_iter();
        loop {
            let mut to: [MaybeUninit<SockAddr>; BATCH] = [const { MaybeUninit::uninit() }; BATCH];
            let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
            // SAFETY: a mmsghdr is plain data, and all zeros is a legal one.
            let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
            let mut count = 0;
            for (n, (packet, mut address)) in packets.by_ref().take(BATCH).enumerate() {
                // IPv6's raw sockets take the port for a protocol number.
                address.set_port(0);
                let address = to[n].write(SockAddr::from(address));
                parts[n] = libc::iovec {
                    iov_base: packet.as_ptr().cast_mut().cast(),
                    iov_len: packet.len(),
                };
                let header = &mut messages[n].msg_hdr;
                header.msg_iov = &raw mut parts[n];
                header.msg_iovlen = 1;
                header.msg_name = address.as_ptr().cast_mut().cast();
                header.msg_namelen = address.len();
                count += 1;
            }
            if count == 0 {
                return;
            }
            self.send_batch(&mut messages[..count], &mut failed);
        }
    }

    fn send_batch(&self, messages: &mut [libc::mmsghdr], failed: &mut impl FnMut(io::Error)) {
        let mut done = 0;
        while done < messages.len() {
            // SAFETY: what the messages point to outlives the call and is only read.
            match unsafe { send_messages(self.fd.as_fd(), &mut messages[done..]) } {
                Ok(taken) => done += taken,
                Err(error) => {
                    failed(error);
                    done += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time stamp, and a status behind it.
    fn control(status: u32) -> [u64; CONTROL_WORDS] {
        let pair = |low: u32, high: u32| {
            u64::from_ne_bytes([low.to_ne_bytes(), high.to_ne_bytes()].concat().try_into().unwrap())
        };
        let mut words = [0; CONTROL_WORDS];
        let stamp = pair(libc::SOL_SOCKET as u32, libc::SCM_TIMESTAMPNS as u32);
        words[..4].copy_from_slice(&[32, stamp, 7, 5]);
        let status_at = pair(libc::SOL_PACKET as u32, libc::PACKET_AUXDATA as u32);
        words[4..7].copy_from_slice(&[36, status_at, pair(status, 0)]);
        words
    }

    #[test]
    fn control_messages_say_when_and_what_of_the_checksum() {
        for (status, checksum) in [
            (1, ChecksumState::Unknown),
            (1 | CHECKSUM_NOT_READY, ChecksumState::NotReady),
            (1 | CHECKSUM_VALID, ChecksumState::Valid),
        ] {
            let read = Control::read(&control(status), 72);
            assert_eq!(read, Control { checksum, at: 7_000_000_005 });
        }
        let nothing = Control { checksum: ChecksumState::Unknown, at: 0 };
        assert_eq!(Control::read(&[7; CONTROL_WORDS], 96), nothing);
        assert_eq!(Control::read(&control(1 << 3), 0), nothing);
        assert_eq!(Control::read(&control(1 << 3), 64).checksum, ChecksumState::Unknown, "cut");
    }
}

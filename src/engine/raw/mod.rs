//! `raw`: raw IP sockets and `sendmmsg`, for hosts where nothing else is allowed. Needs CAP_NET_RAW, also
//! in a user namespace; no BPF, no packet sockets.
//!
//! * One socket a worker and version of IP, of protocol `IPPROTO_RAW` with `IP_HDRINCL` and
//!   `IPV6_HDRINCL`: whole packets go in. Both are bound to the interface.
//! * The kernel writes the Ethernet header. So a stream goes if it is IPv4 or IPv6 directly on Ethernet,
//!   from the interface's MAC to that of a neighbour that the kernel knows (`way.rs`).
//! * What the kernel would change in a packet (`kernel.rs`) is refused before anything is sent, as far as
//!   a stream can be looked through (`programs.rs`); every packet is looked at again when it is handed
//!   over, and one that would not arrive as built ends the run.
//! * Packets pass the machine's packet filter (output hooks) and the device's queueing discipline, and
//!   take the queue that XPS or their flow's hash gives them: `queue` only stands in messages.
//! * A frame is completed when the call took it: the kernel has copied it and its queueing discipline
//!   has it. One that was dropped there (`ENOBUFS`) or that the socket has no room for (`EAGAIN`) is
//!   offered again, as in the other engines. What is lost behind that, the ledger shows at the device.
//!
//! `docs/raw-sockets.md` tells more, and `tests/raw_sockets.rs` holds it to the kernel.

pub mod kernel;
pub mod programs;
mod ring;
mod way;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::SockAddr;

pub use ring::RawRing;

use self::programs::{ETHERNET, refusal};
use self::ring::Way;
use self::way::Wanted;
use super::port::{LongestFrame, Port};
use super::{Capabilities, Programs};
use crate::error::{Error, Result};
use crate::host::link;
use crate::packet::program::StreamProgram;
use crate::sys::netns::Netns;
use crate::sys::raw_sender::{BATCH, RawSender};

/// Bytes of packets that may wait in the kernel.
const SEND_BUFFER: u32 = 16 << 20;
/// Ethernet headers of one worker at most: each packet's is looked for.
const MAX_WAYS: usize = 64;

/// Opens sockets on `interface`, which lies in `netns`, for the programs of one worker; `queue` is what
/// messages name.
///
/// # Errors
/// The interface is missing, down, without carrier, of too small an MTU or too few queues; no
/// privilege; a stream that would not leave as it is built; a next hop that the kernel does not know.
pub fn open(netns: &Netns, interface: &str, queue: u32, programs: &Programs) -> Result<RawRing> {
    let longest = LongestFrame::of(programs);
    let port = enter(netns, interface, || Port::find(interface, queue, longest))?;
    for program in programs.iter() {
        if let Some(why) = refusal(program) {
            let cause = format!("streams[{}]: {why}", program.stream);
            return Err(Error::new("send by raw sockets on", interface, cause)
                .remedy("use --engine packet-mmap, which sends every frame"));
        }
    }
    let headers = headers(interface, programs)?;
    let needed = |ipv6: bool| headers.iter().any(|header| header.is_ipv6() == ipv6);
    // Privilege first: its lack explains the rest.
    let index = port.index();
    let senders = enter(netns, interface, || {
        let open = |ipv6| needed(ipv6).then(|| sender(interface, index, ipv6)).transpose();
        Ok([open(false)?, open(true)?])
    })?;
    let mac = link::facts(netns, interface)?.mac;
    let mut ways = Vec::with_capacity(headers.len());
    for header in &headers {
        let wanted = Wanted {
            netns,
            interface,
            index,
            mac,
            header: header.bytes,
            destination: header.destination,
            subject: format!("streams[{}]", header.stream),
        };
        let address = wanted.find()?;
        ways.push(Way {
            header: header.bytes,
            ipv6: header.is_ipv6(),
            address: SockAddr::from(address),
        });
    }
    let capabilities = Capabilities {
        name: "raw",
        detail: detail(needed(false), needed(true)),
        max_frame: longest.bytes,
        max_batch: BATCH,
        lookahead: 0,
        zero_copy: false,
    };
    Ok(RawRing::new(port, senders, ways, capabilities))
}

/// Tells whether the engine works on `interface`, and for which versions of IP.
///
/// # Errors
/// Why it does not.
pub fn probe(netns: &Netns, interface: &str) -> Result<String> {
    enter(netns, interface, || {
        let port = Port::find(interface, 0, LongestFrame::from(ETHERNET))?;
        sender(interface, port.index(), false)?;
        Ok(detail(true, sender(interface, port.index(), true).is_ok()))
    })
}

fn detail(ipv4: bool, ipv6: bool) -> String {
    let versions = match (ipv4, ipv6) {
        (true, true) => "IPv4 and IPv6",
        (false, true) => "IPv6",
        _ => "IPv4",
    };
    format!("raw {versions} sockets, headers included, through the qdisc, {BATCH} packets a call")
}

fn enter<T>(netns: &Netns, interface: &str, act: impl FnOnce() -> Result<T> + Send) -> Result<T>
where
    T: Send,
{
    netns
        .run(act)
        .map_err(|error| Error::new("enter the network namespace of", interface, error))?
}

fn sender(interface: &str, index: u32, ipv6: bool) -> Result<RawSender> {
    RawSender::open(ipv6, index, SEND_BUFFER).map_err(|(step, error)| {
        let told = Error::new(step, interface, &error);
        match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                told.remedy("run as root, or with CAP_NET_RAW in the interface's network namespace")
            }
            Some(libc::EAFNOSUPPORT) => told.remedy("this kernel has no IPv6: send IPv4 alone"),
            _ => told,
        }
    })
}

/// An Ethernet header that packets have, and the first of those.
struct Header {
    bytes: [u8; ETHERNET],
    destination: IpAddr,
    stream: u16,
}

impl Header {
    fn is_ipv6(&self) -> bool {
        self.destination.is_ipv6()
    }
}

/// The distinct Ethernet headers of packets that passed [`refusal`].
fn headers(interface: &str, programs: &Programs) -> Result<Vec<Header>> {
    let mut headers: Vec<Header> = Vec::new();
    for program in programs.iter() {
        for (index, bytes) in first_bytes(program) {
            let new = |bytes| headers.iter().all(|header| header.bytes != bytes);
            let Some(bytes) = bytes.first_chunk::<ETHERNET>().copied().filter(|&b| new(b)) else {
                continue;
            };
            if headers.len() == MAX_WAYS {
                let cause = format!("more than {MAX_WAYS} pairs of MACs");
                return Err(Error::new("send by raw sockets on", interface, cause)
                    .remedy("use --engine packet-mmap"));
            }
            if let Some(destination) = destination(program, index) {
                headers.push(Header { bytes, destination, stream: program.stream });
            }
        }
    }
    Ok(headers)
}

/// A packet for each Ethernet header that a program may have, and its bytes; those of the header never
/// change.
fn first_bytes(program: &StreamProgram) -> Vec<(u64, &[u8])> {
    match &program.frames {
        None => vec![(0, &program.template)],
        Some(frames) => (0..frames.count() as u64).map(|n| (n, frames.bytes_of(n))).collect(),
    }
}

fn destination(program: &StreamProgram, index: u64) -> Option<IpAddr> {
    let mut frame = vec![0; program.max_frame_len()];
    let len = program.build(index, &mut frame, false);
    let frame = &frame[..len];
    if kernel::is_ipv6([frame[12], frame[13]])? {
        let bytes: [u8; 16] = *frame.get(38..)?.first_chunk()?;
        Some(Ipv6Addr::from(bytes).into())
    } else {
        let bytes: [u8; 4] = *frame.get(30..)?.first_chunk()?;
        Some(Ipv4Addr::from(bytes).into())
    }
}

//! Receiving by the eBPF program: native where the driver can, else generic.

pub mod layout;
pub mod program;
pub mod skeleton;
mod snapshot;

use std::io;
use std::os::fd::OwnedFd;

use self::layout::{Layout, Row};
use self::program::{Duty, Loaded};
use super::queues::{self, Interface};
use super::{ReceiveSpec, Receiver};
use crate::error::{Error, Result};
use crate::measure::glance::PortGlance;
use crate::measure::received::PortReceived;
use crate::sys::bpf::{self, XdpMode};

/// The program, attached. The kernel detaches it when the descriptor closes.
pub(super) struct Attached {
    pub(super) loaded: Loaded,
    pub(super) interface: Interface,
    _link: OwnedFd,
}

/// Loads and attaches. Must run in the interface's network namespace.
pub(super) fn attach(spec: &ReceiveSpec, mode: XdpMode, duty: Duty) -> Result<Attached> {
    let interface = queues::interface(&spec.interface).map_err(|cause| {
        Error::new("receive on", &spec.interface, cause).remedy("see `ip link` for its name")
    })?;
    if spec.unparsed_offsets > program::MAX_TAG_OFFSETS {
        return Err(too_many_places(spec));
    }
    let (row, rows) = match (mode, duty) {
        // A socket belongs to a queue, so steering thinks in queues whatever the mode.
        (XdpMode::Native, _) | (_, Duty::Steer) => (Row::Queue, interface.rx_queues),
        (XdpMode::Generic, Duty::Count) => (Row::Cpu, possible_cpus()),
    };
    let layout = Layout::new(spec, row, rows);
    let loaded =
        Loaded::load(spec, layout, duty).map_err(|cause| load_error(&spec.interface, &cause))?;
    let link = bpf::attach_xdp(loaded.program(), interface.index, mode)
        .map_err(|cause| attach_error(&spec.interface, mode, &cause))?;
    Ok(Attached { loaded, interface, _link: link })
}

/// Opens a receiver that counts in the kernel.
pub(super) fn open(spec: &ReceiveSpec, mode: XdpMode) -> Result<XdpReceiver> {
    let attached = attach(spec, mode, Duty::Count)?;
    let mut told = match mode {
        XdpMode::Native => String::from("native XDP"),
        XdpMode::Generic => String::from("generic XDP"),
    };
    for remark in attached.loaded.layout().remarks(spec.latency) {
        told.push_str("; ");
        told.push_str(&remark);
    }
    Ok(XdpReceiver { spec: spec.clone(), attached, mode: told })
}

/// A receiver that counts in the kernel.
pub(super) struct XdpReceiver {
    spec: ReceiveSpec,
    attached: Attached,
    pub(super) mode: String,
}

impl Receiver for XdpReceiver {
    fn snapshot(&mut self) -> Result<PortReceived> {
        read(&self.attached.loaded, &self.spec, self.mode.clone()).map_err(|cause| {
            Error::new("read the receive counters of", &self.spec.interface, cause)
        })
    }

    fn glance(&mut self, latency: bool) -> Result<PortGlance> {
        let loaded = &self.attached.loaded;
        snapshot::glance(loaded, &self.spec, self.mode.clone(), latency).map_err(|cause| {
            Error::new("read the receive counters of", &self.spec.interface, cause)
        })
    }
}

/// What a loaded program has counted so far.
///
/// # Errors
/// When the kernel refuses to read a map, which it does not for maps of ours.
pub fn read(loaded: &Loaded, spec: &ReceiveSpec, mode: String) -> io::Result<PortReceived> {
    let rows = snapshot::rows(loaded)?;
    Ok(PortReceived {
        mode,
        seen: rows.seen,
        corrupt: rows.corrupt,
        stale: rows.stale,
        alien: rows.alien,
        overload: Vec::new(),
        gaps: spec.wanted_gap_ns.map(|wanted| snapshot::gaps(&rows, wanted)),
        streams: snapshot::streams(loaded, spec)?,
    })
}

/// Frames and probes that a steering program has counted: all but the streams.
pub(super) fn read_frames(attached: &Attached) -> io::Result<skeleton::types::rx_row> {
    snapshot::rows(&attached.loaded)
}

fn possible_cpus() -> u32 {
    libbpf_rs::num_possible_cpus().map_or(1, |count| count as u32)
}

fn too_many_places(spec: &ReceiveSpec) -> Error {
    let cause = format!(
        "probe tags stand at {} offsets that it cannot find by parsing, and it looks at {}",
        spec.unparsed_offsets,
        program::MAX_TAG_OFFSETS
    );
    Error::new("receive by XDP on", &spec.interface, cause).remedy(
        "use `receive: packet-mmap`, which auto would; or send fewer kinds of tunnels in one run",
    )
}

fn load_error(interface: &str, cause: &io::Error) -> Error {
    let remedy = match cause.raw_os_error() {
        Some(libc::EPERM) => {
            "run as root, or give the program CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; \
             `receive: packet-mmap` needs only CAP_NET_RAW"
        }
        Some(libc::EACCES | libc::E2BIG) => {
            "this kernel's verifier refused the program: WIRESTORM_LIBBPF_LOG=1 shows why; use \
             `receive: packet-mmap`"
        }
        Some(libc::ENOMEM) => "raise the memory limit of the control group, or use fewer streams",
        _ => "the receiving program needs Linux 5.18 or later; use `receive: packet-mmap`",
    };
    Error::new("load the receiving XDP program for", interface, cause).remedy(remedy)
}

fn attach_error(interface: &str, mode: XdpMode, cause: &io::Error) -> Error {
    let operation = match mode {
        XdpMode::Native => "attach native XDP to",
        XdpMode::Generic => "attach generic XDP to",
    };
    match cause.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => {
            Error::new(operation, interface, "another XDP program is attached to it").remedy(
                format!(
                    "see `ip link show {interface}` and detach it (`ip link set {interface} xdp \
                     off`, or end the program that holds it), or use `receive: packet-mmap`"
                ),
            )
        }
        Some(libc::EOPNOTSUPP | libc::EINVAL) if mode == XdpMode::Native => Error::new(
            operation, interface, cause,
        )
        .remedy("the driver has no XDP, or not at this MTU; use `receive: auto` or xdp-generic"),
        Some(libc::EPERM | libc::EACCES) => {
            Error::new(operation, interface, cause).remedy("run as root, or with CAP_NET_ADMIN")
        }
        Some(libc::ERANGE) => Error::new(operation, interface, cause)
            .remedy("lower the MTU of the interface and of its peer, or use xdp-generic"),
        _ => Error::new(operation, interface, cause).remedy("use `receive: packet-mmap`"),
    }
}

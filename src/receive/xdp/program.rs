//! The receiving program, loaded: its maps and its descriptor.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::{io, iter};

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{MapCore, MapFlags, MapHandle};

use super::layout::{Layout, Row};
use super::skeleton::{self, RxSkelBuilder, types};
use crate::receive::ReceiveSpec;

/// What the program does with the probes that it has recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Counts them in the kernel.
    Count,
    /// Hands them to the AF_XDP socket of their queue.
    Steer,
}

/// A loaded program. Dropped, it is gone unless a link holds it.
pub struct Loaded {
    program: OwnedFd,
    layout: Layout,
    rows: MapHandle,
    stream_rows: MapHandle,
    flows: MapHandle,
    histograms: MapHandle,
    sockets: MapHandle,
}

impl Loaded {
    /// Loads the program for the streams of `spec`.
    ///
    /// # Errors
    /// `EPERM` without CAP_BPF, `EACCES` when the verifier refuses, `EINVAL` on kernels before 5.18.
    pub fn load(spec: &ReceiveSpec, layout: Layout, duty: Duty) -> io::Result<Self> {
        quiet_libbpf();
        let mut storage = MaybeUninit::uninit();
        let mut open = RxSkelBuilder::default().open(&mut storage).map_err(to_io)?;
        if let Some(rodata) = open.maps.rodata_data.as_deref_mut() {
            rodata.config = config(spec, &layout, duty);
        }
        let counting = duty == Duty::Count;
        let stream_rows = if counting { layout.rows * layout.streams } else { 1 };
        let histograms = if counting && spec.latency { layout.rows * layout.groups } else { 1 };
        let flows = if counting { layout.flows } else { 1 };
        let shift = if counting { layout.window_shift } else { 0 };
        let pieces: usize = spec.datagrams.iter().map(Vec::len).sum();
        let maps = &mut open.maps;
        for (map, entries) in [
            (&mut maps.rows, layout.rows),
            (&mut maps.streams, layout.streams),
            (&mut maps.stream_rows, stream_rows),
            (&mut maps.histograms, histograms),
            (&mut maps.flows, flows),
            (&mut maps.slots, flows << shift),
            (&mut maps.sockets, layout.rows),
            (&mut maps.pieces, pieces.max(1) as u32),
        ] {
            map.set_max_entries(entries).map_err(to_io)?;
        }
        let skeleton = open.load().map_err(to_io)?;
        let maps = &skeleton.maps;
        write_streams(&maps.streams, &maps.pieces, spec)?;
        Ok(Self {
            program: skeleton.progs.receive.as_fd().try_clone_to_owned()?,
            layout,
            rows: MapHandle::try_from(&maps.rows).map_err(to_io)?,
            stream_rows: MapHandle::try_from(&maps.stream_rows).map_err(to_io)?,
            flows: MapHandle::try_from(&maps.flows).map_err(to_io)?,
            histograms: MapHandle::try_from(&maps.histograms).map_err(to_io)?,
            sockets: MapHandle::try_from(&maps.sockets).map_err(to_io)?,
        })
    }

    /// The program's descriptor, to attach or to test-run it.
    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    /// The sizes of its maps.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Sends the probes of a queue to an AF_XDP socket.
    ///
    /// # Errors
    /// When the socket is not bound to that queue.
    pub fn set_socket(&self, queue: u32, socket: BorrowedFd<'_>) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let fd = socket.as_raw_fd().to_ne_bytes();
        self.sockets.update(&queue.to_ne_bytes(), &fd, MapFlags::ANY).map_err(to_io)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = io::Result<types::rx_row>> {
        (0..self.layout.rows).map(|n| read(&self.rows, n))
    }

    pub(super) fn stream_row(&self, row: u32, stream: u32) -> io::Result<types::rx_stream_row> {
        read(&self.stream_rows, row * self.layout.streams + stream)
    }

    /// The rows of all streams, row by row.
    pub(super) fn stream_rows(&self) -> io::Result<Vec<types::rx_stream_row>> {
        all(&self.stream_rows, self.layout.rows * self.layout.streams)
    }

    /// Of each flow: one above the largest sequence seen.
    pub(super) fn flows_reached(&self) -> io::Result<Vec<u64>> {
        let flows: Vec<types::rx_flow> = all(&self.flows, self.layout.flows)?;
        Ok(flows.iter().map(|flow| flow.next).collect())
    }

    /// All flows.
    pub(super) fn flows(&self) -> io::Result<Vec<types::rx_flow>> {
        all(&self.flows, self.layout.flows)
    }

    /// Adds a row's histograms of a group to `sums`: latency, intended, later, earlier, one after
    /// another.
    pub(super) fn add_histograms(&self, row: u32, group: u32, sums: &mut [u64]) -> io::Result<()> {
        let bytes = lookup(&self.histograms, row * self.layout.groups + group)?;
        for (sum, word) in iter::zip(sums, bytes.chunks_exact(8)) {
            *sum += word.try_into().map_or(0, u64::from_ne_bytes);
        }
        Ok(())
    }
}

/// libbpf prints to stderr what its errors say too. WIRESTORM_LIBBPF_LOG=1 shows all of it, the
/// verifier's log included.
fn quiet_libbpf() {
    let print = std::env::var_os("WIRESTORM_LIBBPF_LOG").map(|_| {
        let print: libbpf_rs::PrintCallback = |_, line| eprint!("{line}");
        (libbpf_rs::PrintLevel::Debug, print)
    });
    libbpf_rs::set_print(print);
}

/// Offsets of tags that the program looks at; what it can parse, it finds anywhere.
pub const MAX_TAG_OFFSETS: usize = 8;

fn config(spec: &ReceiveSpec, layout: &Layout, duty: Duty) -> types::rx_config {
    let mut tag_offsets = [0; MAX_TAG_OFFSETS];
    let offsets = spec.tag_offsets.len().min(tag_offsets.len());
    tag_offsets[..offsets].copy_from_slice(&spec.tag_offsets[..offsets]);
    types::rx_config {
        wanted_gap: if duty == Duty::Count { spec.wanted_gap_ns.unwrap_or(0) } else { 0 },
        streams: layout.streams,
        rows: layout.rows,
        groups: layout.groups,
        window_shift: layout.window_shift,
        tag_offsets,
        tag_offset_count: offsets as u8,
        epoch: spec.epoch,
        row_is_queue: u8::from(layout.row == Row::Queue),
        shared_flows: u8::from(layout.rows > 1),
        latency: u8::from(spec.latency),
        order: u8::from(duty == Duty::Count),
        pass_on: u8::from(spec.pass_on),
        steer: u8::from(duty == Duty::Steer),
        datagrams: u8::from(duty == Duty::Count && !spec.datagrams.is_empty()),
        reserved: [0; 7],
    }
}

fn write_streams(
    streams: &impl MapCore,
    pieces: &impl MapCore,
    spec: &ReceiveSpec,
) -> io::Result<()> {
    let mut datagram_of = vec![(0u32, 0u32); spec.stream_workers.len()];
    let mut place = 0u32;
    for datagram in &spec.datagrams {
        let entry = (place, datagram.len() as u32);
        for &stream in datagram {
            let value = u32::from(stream).to_ne_bytes();
            pieces.update(&place.to_ne_bytes(), &value, MapFlags::ANY).map_err(to_io)?;
            place += 1;
            if let Some(own) = datagram_of.get_mut(usize::from(stream)) {
                *own = entry;
            }
        }
    }
    let mut first_flow = 0u32;
    for (number, (&workers, (at, count))) in spec.stream_workers.iter().zip(datagram_of).enumerate()
    {
        let mut value = [0; size_of::<types::rx_stream>()];
        for (n, word) in [workers, first_flow, at, count].into_iter().enumerate() {
            value[8 + 4 * n..][..4].copy_from_slice(&word.to_ne_bytes());
        }
        let key = (number as u32).to_ne_bytes();
        streams.update(&key, &value, MapFlags::ANY).map_err(to_io)?;
        first_flow += workers;
    }
    Ok(())
}

fn lookup(map: &MapHandle, key: u32) -> io::Result<Vec<u8>> {
    let value = map.lookup(&key.to_ne_bytes(), MapFlags::ANY).map_err(to_io)?;
    value.ok_or_else(|| io::Error::other(format!("the map has no entry {key}")))
}

fn read<T: skeleton::Plain>(map: &MapHandle, key: u32) -> io::Result<T> {
    skeleton::read(&lookup(map, key)?)
        .ok_or_else(|| io::Error::other("the map's entries have another size than the program's"))
}

/// All entries of a map, in a few system calls however many they are.
fn all<T: skeleton::Plain>(map: &MapHandle, entries: u32) -> io::Result<Vec<T>> {
    let batch = map.lookup_batch(entries.clamp(1, 4096), MapFlags::ANY, MapFlags::ANY);
    let values: Option<Vec<T>> =
        batch.map_err(to_io)?.map(|(_, value)| skeleton::read(&value)).collect();
    match values {
        Some(values) if values.len() == entries as usize => Ok(values),
        // Where it is refused, the iterator just ends.
        _ => (0..entries).map(|key| read(map, key)).collect(),
    }
}

/// The errno inside an error of libbpf-rs, which tells it only in its words: EPERM (no privilege) and
/// EACCES (the verifier refused) are one kind to it, and not to us.
pub(super) fn to_io(error: libbpf_rs::Error) -> io::Error {
    let told = format!("{error:#}");
    let number = told
        .rsplit_once("(os error ")
        .and_then(|(_, rest)| rest.split_once(')').and_then(|(number, _)| number.parse().ok()));
    number.map_or_else(|| io::Error::other(told), io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libbpf_rs::ErrorExt;

    #[test]
    fn the_errno_survives_libbpf_rs() {
        for number in [libc::EPERM, libc::EACCES, libc::E2BIG] {
            let error = libbpf_rs::Error::from_raw_os_error(number).context("loading");
            assert_eq!(to_io(error).raw_os_error(), Some(number));
        }
    }
}

//! Loads the eBPF program with the tables of one worker and keeps what the hot path needs of it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{MapCore, MapFlags, OpenMapMut};

use super::object::live::TxLiveSkelBuilder;
use super::straight;
use super::tables::Tables;
use crate::sys::bpf_map::MappedValue;
use crate::sys::bpf_run;
use crate::sys::pod::{Pod, bytes_of};
use crate::sys::tx_abi::TxShared;

/// A loaded program. Everything is held by descriptors: dropped or killed, nothing is left.
#[derive(Debug)]
pub struct Loaded {
    program: OwnedFd,
    straight: Option<OwnedFd>,
    /// The call, in memory that the program shares.
    pub shared: MappedValue<TxShared>,
}

impl Loaded {
    /// Loads the program, for frames to an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// What libbpf and the kernel say; `EINVAL` when there is no such interface.
    pub fn new(tables: &Tables, ifindex: u32) -> io::Result<Self> {
        let mut storage = MaybeUninit::uninit();
        let mut skel = TxLiveSkelBuilder::default().open(&mut storage).map_err(io::Error::other)?;
        set_constants(&mut skel.maps.rodata, &tables.config)?;
        let maps = &mut skel.maps;
        resize(&mut maps.programs, tables.programs.len())?;
        resize(&mut maps.ops, tables.ops.len())?;
        resize(&mut maps.checksums, tables.checksums.len())?;
        resize(&mut maps.lengths, tables.lengths.len())?;
        resize(&mut maps.lists, tables.lists.len())?;
        resize(&mut maps.payload_sums, tables.payload_sums.len())?;
        let stride = tables.templates.len() / tables.programs.len().max(1);
        maps.templates.set_value_size(stride as u32).map_err(io::Error::other)?;
        resize(&mut maps.templates, tables.programs.len())?;
        let skel = skel.load().map_err(io::Error::other)?;
        let first = 0u32.to_ne_bytes();
        let port = &skel.maps.port;
        port.update(&first, &ifindex.to_ne_bytes(), MapFlags::ANY).map_err(io::Error::other)?;
        fill(&skel.maps.programs, &tables.programs)?;
        fill(&skel.maps.ops, &tables.ops)?;
        fill(&skel.maps.checksums, &tables.checksums)?;
        fill(&skel.maps.lengths, &tables.lengths)?;
        fill(&skel.maps.lists, &tables.lists)?;
        fill(&skel.maps.payload_sums, &tables.payload_sums)?;
        fill(&skel.maps.templates, &tables.templates)?;
        let bss = &skel.maps.bss;
        let straight = straight::assemble(tables, bss.as_fd(), port.as_fd())
            .map(|code| bpf_run::load_xdp(c"tx_straight", &code))
            .transpose()?;
        Ok(Self {
            straight,
            program: skel.progs.tx_live.as_fd().try_clone_to_owned()?,
            shared: MappedValue::new(bss.as_fd(), bss.value_size())?,
        })
    }

    /// The XDP program, which can do everything.
    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    /// The one for runs of packets that are due at once, if there is one.
    pub fn straight(&self) -> Option<BorrowedFd<'_>> {
        self.straight.as_ref().map(AsFd::as_fd)
    }
}

/// Writes the constants of a program before it is loaded.
pub(super) fn set_constants(rodata: &mut OpenMapMut<'_>, config: &impl Pod) -> io::Result<()> {
    let bytes = bytes_of(std::slice::from_ref(config));
    match rodata.initial_value_mut() {
        Some(value) if value.len() >= bytes.len() => {
            value[..bytes.len()].copy_from_slice(bytes);
            Ok(())
        }
        _ => Err(io::Error::other("the eBPF program's constants have another size than ours")),
    }
}

/// Array maps have at least one entry.
fn resize(map: &mut OpenMapMut<'_>, entries: usize) -> io::Result<()> {
    map.set_max_entries(entries.max(1) as u32).map_err(io::Error::other)
}

fn fill<T: Pod>(map: &impl MapCore, values: &[T]) -> io::Result<()> {
    let bytes = bytes_of(values);
    let count = bytes.len() as u32 / map.value_size();
    if count == 0 {
        return Ok(());
    }
    let keys: Vec<u32> = (0..count).collect();
    map.update_batch(bytes_of(&keys), bytes, count, MapFlags::ANY, MapFlags::ANY)
        .map_err(io::Error::other)
}

//! The engines without a kernel: the same slots give the same bytes, counted alike.

mod packets;

use std::io;
use std::sync::Arc;

use packets::{header, program, stream};
use wirestorm::engine::frames::FrameEngine;
use wirestorm::engine::null::NullRing;
use wirestorm::engine::pcap::PcapEngine;
use wirestorm::engine::{Engine, Programs, Slot};
use wirestorm::packet::dry_run::write_pcap;
use wirestorm::packet::tag::{self, Seen};
use wirestorm::profile::model::{FieldValue, Size};
use wirestorm::sys::clock::Clock;
use wirestorm::units::FrameSize;

struct At(u64);

impl Clock for At {
    fn now(&self) -> u64 {
        self.0
    }
}

fn programs() -> Programs {
    let ports = FieldValue::Random { low: 1024, high: 65535 };
    let v4 = vec![header("ethernet", &[]), header("ipv4", &[]), header("udp", &[("src", ports)])];
    let v6 = vec![header("ethernet", &[]), header("ipv6", &[]), header("icmpv6", &[])];
    let mut long = stream(v6, 100);
    long.size = Size::List(vec![FrameSize(100), FrameSize(900)]);
    [stream(v4, 64), long].into_iter().map(program).map(Arc::new).collect()
}

fn slots(count: u64) -> Vec<Slot> {
    let slot = |n| Slot { index: n / 2, due: 5_000 + n * 100, program: n as u32 % 2, reserved: 0 };
    (0..count).map(slot).collect()
}

/// Times and frames of a capture.
fn records(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut records = Vec::new();
    let mut rest = &file[24..];
    while !rest.is_empty() {
        let word = |n: usize| u32::from_le_bytes(rest[n * 4..][..4].try_into().unwrap());
        let len = word(2) as usize;
        assert_eq!(word(3) as usize, len);
        records.push((
            u64::from(word(0)) * 1_000_000_000 + u64::from(word(1)),
            rest[16..16 + len].to_vec(),
        ));
        rest = &rest[16 + len..];
    }
    records
}

#[test]
fn a_dry_run_holds_every_slot_at_its_time() {
    let programs = programs();
    let mut file = Vec::new();
    assert_eq!(write_pcap(slots(40), &programs, &mut file, "memory").unwrap(), 40);
    let records = records(&file);
    assert_eq!(records.len(), 40);
    for (slot, (time, frame)) in slots(40).iter().zip(records) {
        assert_eq!(time, slot.due);
        let program = &programs[slot.program as usize];
        let mut expected = vec![0xa5; program.max_frame_len()];
        let len = program.build(slot.index, &mut expected, false);
        program.stamp(slot.index, &mut expected, slot.due, 0);
        assert_eq!(frame, expected[..len]);
        let at = usize::from(program.tag_at.unwrap());
        assert!(
            matches!(tag::read(&frame[at..]), Seen::Probe(tag) if tag.index == slot.index as u32)
        );
    }
}

#[test]
fn a_dry_run_is_the_same_twice_at_an_unlimited_rate_too() {
    let programs = programs();
    let unlimited = slots(20).into_iter().map(|slot| Slot { due: 0, ..slot });
    let (mut one, mut two) = (Vec::new(), Vec::new());
    write_pcap(unlimited.clone(), &programs, &mut one, "one").unwrap();
    write_pcap(unlimited, &programs, &mut two, "two").unwrap();
    assert_eq!(one, two);
}

#[test]
fn pcap_and_null_count_alike() {
    let programs = programs();
    let mut file = Vec::new();
    let mut pcap = PcapEngine::new(&mut file, "memory", At(1), programs.clone()).unwrap();
    let mut null = FrameEngine::new(NullRing::new(8, 1514), At(1), programs);
    let slots = slots(1000);
    let mut left = &slots[..];
    while !left.is_empty() {
        left = &left[pcap.transmit(left).unwrap()..];
    }
    let mut left = &slots[..];
    while !left.is_empty() {
        let taken = null.transmit(left).unwrap();
        assert!((1..=8).contains(&taken));
        left = &left[taken..];
    }
    pcap.drain(0).unwrap();
    null.drain(0).unwrap();
    assert_eq!(pcap.counters(), null.counters());
    assert_eq!(pcap.counters().completed, 1000);
    assert_eq!(pcap.accepted_by_program(), [500, 500]);
    assert_eq!(null.accepted_by_program(), [500, 500]);
    drop(pcap);
    assert_eq!(records(&file).len(), 1000);
}

/// A disk that is full after so many bytes.
struct Disk(usize);

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let error = write_pcap(slots(10_000), &programs(), Disk(300_000), "run.pcap").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write the capture to run.pcap: no storage space; \
         free some space, or lower the count"
    );
    // A file that fits the buffer fails when it is handed over, not silently.
    assert!(write_pcap(slots(10), &programs(), Disk(100), "run.pcap").is_err());
}

//! Frames on a real interface.

use std::io;

use super::tester::Wire;
use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::frame_socket::{ALL, FrameSocket};
use crate::sys::netns::Netns;
use crate::sys::{clock, poll};
use std::os::fd::AsFd;

/// Receive buffer: some thousand packets.
const BUFFER: u32 = 8 << 20;
/// How often a full queue is tried again.
const FULL_TRIES: u32 = 1_000;
/// Waits shorter than this are not left to poll(2), which counts in milliseconds.
const SHORT: u64 = 2_000_000;

/// A packet socket on an interface.
#[derive(Debug)]
pub struct Interface {
    socket: FrameSocket,
    buffer: Vec<u8>,
}

impl Interface {
    /// Opens it: whole frames go out as they are, and all that arrive are seen.
    ///
    /// # Errors
    /// Without CAP_NET_RAW; an interface that is down.
    pub fn open(netns: &Netns, index: u32, name: &str) -> Result<Self> {
        let failed = |error: io::Error| {
            let failed = Error::new("open a packet socket on", name, words(&error));
            match error.raw_os_error() {
                Some(libc::EPERM) => failed.remedy("run as root (sudo)"),
                _ => failed,
            }
        };
        let socket = FrameSocket::open(netns, index, ALL).map_err(failed)?;
        socket.set_receive_buffer(BUFFER).map_err(failed)?;
        Ok(Self { socket, buffer: vec![0; 1 << 17] })
    }
}

impl Wire for Interface {
    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        for _ in 0..FULL_TRIES {
            match self.socket.send(frame) {
                // The queue of the device is full for a moment.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    std::thread::yield_now();
                }
                done => return done,
            }
        }
        self.socket.send(frame)
    }

    fn hear(&mut self, until: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        loop {
            while let Some(frame) = self.socket.try_receive(&mut self.buffer)? {
                take(frame);
                if clock::now() >= until {
                    return Ok(());
                }
            }
            let left = until.saturating_sub(clock::now());
            match left {
                0 => return Ok(()),
                1..SHORT => {
                    // Half of what is left: the scheduler is late by some ten microseconds.
                    let nap = std::time::Duration::from_nanos((left / 2).min(200_000));
                    if left > 100_000 { std::thread::sleep(nap) } else { std::hint::spin_loop() }
                }
                _ => {
                    let millis = ((left / 1_000_000).min(1_000) - 1) as i32;
                    poll::readable(&[self.socket.as_fd()], millis)?;
                }
            }
        }
    }

    fn now(&self) -> u64 {
        clock::now()
    }

    fn dropped(&mut self) -> u64 {
        self.socket.dropped().map_or(0, u64::from)
    }
}

//! Mutated conversations for the TCP front end, on stable Rust and bounded.
//! `WIRESTORM_FUZZ_ITERATIONS` sets how many; `WIRESTORM_FUZZ_SEED` takes another walk.

mod fuzz_support;
mod packets;
mod serve_tcp_invariants;

use std::net::SocketAddr;

use serve_tcp_invariants::{BACKEND, FIRST_PORT, FRONTS, check};
use wirestorm::frontend::serve::tcp::compose::{Ends, reset};
use wirestorm::packet::random;
use wirestorm::wire::checksum;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A packet behind its head; its checksum is left to trust.
fn packet(
    how: u8,
    ends: (SocketAddr, SocketAddr),
    numbers: (u32, u32),
    flags: u8,
    data: usize,
) -> Vec<u8> {
    let (src, dst) = ends;
    let mut out = Vec::new();
    reset(&mut out, &Ends { src, dst, hop_limit: 64, flow_label: 0 }, numbers.0, Some(numbers.1));
    let ip = out.len() - 20;
    out[ip + 13] = flags;
    if flags & SYN != 0 {
        out.extend([2, 4, 5, 0xa0, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]);
        out[ip + 12] = 0xa0;
    } else {
        out.extend([1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 1]);
        out[ip + 12] = 0x80;
    }
    out.extend(std::iter::repeat_n(7, data));
    if src.is_ipv4() {
        let total = out.len() as u16;
        out[2..4].copy_from_slice(&total.to_be_bytes());
        out[10..12].fill(0);
        let sum = checksum::checksum(&out[..20]);
        out[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        let payload = (out.len() - 40) as u16;
        out[4..6].copy_from_slice(&payload.to_be_bytes());
    }
    let family = if src.is_ipv4() { 2 } else { 0 };
    let mut all = vec![how | family | 1 << 2];
    all.extend((out.len() as u16).to_be_bytes());
    all.extend(out);
    all
}

/// Conversations: one that ends well, one without answers, one that is reset; over both families.
fn conversations() -> Vec<Vec<Vec<u8>>> {
    let backend: SocketAddr = BACKEND.parse().expect("an address");
    let own = SocketAddr::new([198, 18, 0, 1].into(), FIRST_PORT);
    let (server, later) = ((backend, own), 0x10);
    let mut all = Vec::new();
    for front in FRONTS {
        let front: SocketAddr = front.parse().expect("an address");
        let from: SocketAddr =
            if front.is_ipv4() { "198.18.9.2:5000" } else { "[2001:db8:9::2]:5000" }
                .parse()
                .expect("one");
        let client = (from, front);
        let mut well = vec![
            packet(0, client, (100, 0), SYN, 0),
            packet(1, server, (1000, 101), SYN | ACK, 0),
            packet(0, client, (101, 1001), ACK, 300),
            packet(1, server, (1001, 401), ACK, 5000),
            packet(0, client, (401, 6001), ACK | FIN, 0),
            packet(1, server, (6001, 402), ACK | FIN, 10),
            packet(later, client, (402, 6012), ACK, 0),
        ];
        let mut lost = well[..3].to_vec();
        for _ in 0..4 {
            lost.push(packet(later | 1, server, (1001, 401), ACK, 1200));
        }
        lost.push(packet(0, client, (401, 2201), ACK, 0));
        let mut torn = well[..4].to_vec();
        torn.push(packet(0, client, (401, 1001), RST, 0));
        torn.push(packet(0, client, (900_000, 0), SYN, 0));
        // An error about a fragment of what went to the client, and one about what went to the server.
        let mut quote = packet(0, (front, from), (1001, 401), ACK, 8).split_off(3);
        let message: &[u8] =
            if front.is_ipv4() { &[3, 4, 0, 0, 0, 0, 5, 0] } else { &[2, 0, 0, 0, 0, 0, 5, 0] };
        quote.splice(0..0, message.iter().copied());
        let mut error = packet(0, client, (0, 0), ACK, quote.len());
        let at = error.len() - quote.len();
        error[at..].copy_from_slice(&quote);
        torn.push(error);
        well.push(packet(0xf0, client, (402, 6012), ACK, 0));
        all.extend([well, lost, torn]);
    }
    all
}

#[test]
fn what_the_fuzzer_kept_is_taken() {
    fuzz_support::corpus("serve_tcp").iter().for_each(|bytes| check(bytes));
}

#[test]
fn the_conversations_are_understood() {
    let whole: Vec<Vec<u8>> = conversations().iter().map(|all| all.concat()).collect();
    fuzz_support::keep_seeds("serve_tcp", whole.clone());
    whole.iter().for_each(|conversation| check(conversation));
}

#[test]
fn it_takes_any_conversation() {
    let conversations = conversations();
    let key = random::key(number("WIRESTORM_FUZZ_SEED", 1), 0, 0);
    let mut drawn = 0;
    let mut draw = |range: usize| {
        drawn += 1;
        random::below(key, drawn, range.max(1) as u64) as usize
    };
    let bytes = [0, 1, 2, 4, 5, 6, 8, 16, 20, 0x45, 0x60, 0x80, 0xf0, 0x7f, 0xff];
    for iteration in 0..number("WIRESTORM_FUZZ_ITERATIONS", 20_000) {
        let mut packets = conversations[draw(conversations.len())].clone();
        for _ in 0..draw(4) {
            let (from, to) = (draw(packets.len()), draw(packets.len() + 1));
            match draw(4) {
                0 => drop(packets.remove(from)),
                1 => packets.insert(to, packets[from].clone()),
                2 => {
                    let last = packets.len() - 1;
                    packets.swap(from, to.min(last));
                }
                _ => {
                    let other = &conversations[draw(conversations.len())];
                    packets.insert(to, other[draw(other.len())].clone());
                }
            }
            if packets.is_empty() {
                break;
            }
        }
        let mut all = packets.concat();
        for _ in 0..draw(6) {
            let at = draw(all.len());
            match draw(4) {
                0 => all.truncate(at),
                1 if at < all.len() => all[at] ^= 1 << draw(8),
                2 if at < all.len() => all[at] = bytes[draw(bytes.len())],
                _ => all.insert(at.min(all.len()), bytes[draw(bytes.len())]),
            }
        }
        let told = all.clone();
        let result = std::panic::catch_unwind(move || check(&all));
        assert!(result.is_ok(), "iteration {iteration}: {told:02x?}");
    }
}

//! Whose MAC a packet is sent to: learned beside the service, so that it never waits for an answer
//! that does not come.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::host::neighbour;
use crate::profile::units::{Mac, Unit};
use crate::sys::netns::Netns;

/// How long an answer is used before it is asked for anew.
const FRESH: Duration = Duration::from_secs(30);
/// How long one is used that could not be had anew.
const STALE: Duration = Duration::from_secs(180);
/// How long nobody is asked again who did not answer.
const SILENT: Duration = Duration::from_secs(2);
/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_millis(800);
/// Destinations that are remembered.
const REMEMBERED: usize = 1 << 16;

/// Who takes the packets of a family to where they go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// As the kernel's routes say, for every destination.
    #[default]
    Routes,
    /// This MAC.
    Mac([u8; 6]),
    /// The router that advertises itself.
    Advertised,
    /// This neighbour.
    Address(IpAddr),
}

/// The gateways of both families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gateways {
    /// Of IPv4.
    pub v4: Gateway,
    /// Of IPv6.
    pub v6: Gateway,
}

/// What `--gateway` says: of both families, or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypedGateway {
    /// The gateway.
    pub gateway: Gateway,
    /// None: of both.
    pub family: Option<Family>,
}

impl FromStr for TypedGateway {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "ra" {
            return Ok(Self { gateway: Gateway::Advertised, family: Some(Family::V6) });
        }
        if let Ok(Mac(mac)) = Mac::parse(text) {
            return Ok(Self { gateway: Gateway::Mac(mac), family: None });
        }
        let address: IpAddr = text
            .parse()
            .map_err(|_| "expected ra, a MAC such as 02:00:00:00:00:01, or an address")?;
        Ok(Self { gateway: Gateway::Address(address), family: Some(Family::of(address)) })
    }
}

impl Gateways {
    /// What several `--gateway` say together.
    ///
    /// # Errors
    /// When two are about the same family.
    pub fn of(typed: &[TypedGateway]) -> std::result::Result<Self, String> {
        let mut gateways = Self::default();
        for family in [Family::V4, Family::V6] {
            let mut of_family =
                typed.iter().filter(|typed| typed.family.is_none_or(|of| of == family));
            let first = of_family.next().map(|typed| typed.gateway).unwrap_or_default();
            if of_family.next().is_some() {
                let version = if family == Family::V4 { 4 } else { 6 };
                return Err(format!("two gateways for IPv{version}: name one"));
            }
            match family {
                Family::V4 => gateways.v4 = first,
                Family::V6 => gateways.v6 = first,
            }
        }
        Ok(gateways)
    }

    fn for_destination(&self, destination: IpAddr) -> Gateway {
        if destination.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// What is known of a destination's next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Its MAC. With `ask` it should be asked for anew.
    Mac {
        /// The MAC.
        mac: [u8; 6],
        /// It is old.
        ask: bool,
    },
    /// Nothing yet: ask.
    Unknown,
    /// It was asked for and did not answer.
    Silent,
}

struct Entry {
    mac: Option<[u8; 6]>,
    /// When it was answered, or not.
    at: Instant,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
}

/// The next hops of one interface.
pub struct NextHops {
    netns: Netns,
    interface: String,
    loopback: bool,
    gateways: Gateways,
    known: Mutex<HashMap<IpAddr, Entry>>,
    hops: Mutex<HashMap<IpAddr, ([u8; 6], Instant)>>,
}

impl NextHops {
    /// Next hops on `interface`; of gateways that are given, the MACs are learned now.
    ///
    /// # Errors
    /// When a gateway does not answer.
    pub fn open(netns: &Netns, interface: &str, gateways: Gateways) -> Result<Self> {
        let hops = Self {
            netns: netns.clone(),
            interface: interface.to_owned(),
            loopback: interface == "lo",
            gateways,
            known: Mutex::default(),
            hops: Mutex::default(),
        };
        for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            if matches!(gateways.for_destination(any), Gateway::Advertised | Gateway::Address(_)) {
                let mac = hops.ask(any, TIMEOUT * 3).map_err(|error| {
                    error.remedy("is it there and up? Else give its MAC: --gateway 02:…")
                })?;
                hops.learn(any, Some(mac));
            }
        }
        Ok(hops)
    }

    /// Destinations of one gateway share what is known of it.
    pub fn key(&self, destination: IpAddr) -> IpAddr {
        match (self.gateways.for_destination(destination), destination) {
            (Gateway::Routes, _) => destination,
            (_, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
            (_, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// What is known of the destinations of a [`key`](Self::key). `ask` and `Unknown` are said to
    /// one caller only until the answer is there.
    pub fn look_up(&self, key: IpAddr) -> Known {
        if let Gateway::Mac(mac) = self.gateways.for_destination(key) {
            return Known::Mac { mac, ask: false };
        }
        if self.loopback {
            return Known::Mac { mac: [0; 6], ask: false };
        }
        let now = Instant::now();
        let mut known = lock(&self.known);
        if known.len() >= REMEMBERED && !known.contains_key(&key) {
            known.clear();
        }
        let Some(entry) = known.get_mut(&key) else {
            known.insert(key, Entry { mac: None, at: now - SILENT, asked: Some(now) });
            return Known::Unknown;
        };
        let age = now.saturating_duration_since(entry.at);
        let waiting = entry.asked.is_some_and(|at| now.saturating_duration_since(at) < TIMEOUT * 4);
        match entry.mac {
            Some(mac) if age < STALE => {
                let ask = age > FRESH && !waiting;
                if ask {
                    entry.asked = Some(now);
                }
                Known::Mac { mac, ask }
            }
            _ if waiting => Known::Unknown,
            None if age < SILENT => Known::Silent,
            _ => {
                entry.asked = Some(now);
                Known::Unknown
            }
        }
    }

    /// Keeps an answer, or that there was none.
    pub fn learn(&self, key: IpAddr, mac: Option<[u8; 6]>) {
        let mut known = lock(&self.known);
        let now = Instant::now();
        let entry = known.entry(key).or_insert(Entry { mac: None, at: now, asked: None });
        entry.asked = None;
        if mac.is_some() || entry.mac.is_none() || entry.at.elapsed() >= STALE {
            *entry = Entry { mac, at: now, asked: None };
        }
    }

    /// Asks for the MAC of a key's next hop, and waits for the answer.
    ///
    /// # Errors
    /// When there is no route, or nobody answers.
    pub fn resolve(&self, key: IpAddr) -> Result<[u8; 6]> {
        self.ask(key, TIMEOUT)
    }

    fn ask(&self, key: IpAddr, timeout: Duration) -> Result<[u8; 6]> {
        let (netns, interface) = (&self.netns, self.interface.as_str());
        let hop = match self.gateways.for_destination(key) {
            Gateway::Mac(mac) => return Ok(mac),
            Gateway::Advertised => {
                let router = neighbour::router_by_advertisement(netns, interface, timeout)?;
                return Ok(router.mac);
            }
            Gateway::Address(address) => address,
            Gateway::Routes => neighbour::next_hop(netns, interface, key)
                .map_err(|error: Error| error.remedy("add a route, or name a --gateway"))?,
        };
        // Many destinations have the same next hop.
        let fresh = |(_, at): &&([u8; 6], Instant)| at.elapsed() < FRESH;
        if let Some((mac, _)) = lock(&self.hops).get(&hop).filter(fresh) {
            return Ok(*mac);
        }
        let mac = neighbour::resolve(netns, interface, hop, timeout)?;
        let mut hops = lock(&self.hops);
        if hops.len() >= REMEMBERED {
            hops.clear();
        }
        hops.insert(hop, (mac, Instant::now()));
        Ok(mac)
    }
}

/// A thread that panicked left nothing half done in these maps.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> TypedGateway {
        text.parse().unwrap()
    }

    #[test]
    fn gateways_are_of_one_family_or_of_both() {
        let of = |texts: &[&str]| {
            Gateways::of(&texts.iter().map(|text| typed(text)).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), Ok(Gateways::default()));
        let both = of(&["ra", "198.18.0.1"]).unwrap();
        assert_eq!(both.v6, Gateway::Advertised);
        assert_eq!(both.v4, Gateway::Address([198, 18, 0, 1].into()));
        assert_eq!(of(&["02:00:00:00:00:01"]).unwrap().v4, Gateway::Mac([2, 0, 0, 0, 0, 1]));
        assert!(of(&["ra", "fe80::1"]).unwrap_err().contains("IPv6"));
        assert!(of(&["02:00:00:00:00:01", "198.18.0.1"]).unwrap_err().contains("IPv4"));
        assert!("eth0".parse::<TypedGateway>().is_err());
    }

    #[test]
    fn one_asks_and_the_others_wait() {
        let netns = Netns::current().unwrap();
        let hops = NextHops::open(&netns, "nosuch0", Gateways::default()).unwrap();
        let to: IpAddr = [198, 18, 0, 9].into();
        assert_eq!(hops.key(to), to);
        assert_eq!(hops.look_up(to), Known::Unknown);
        hops.learn(to, None);
        assert_eq!(hops.look_up(to), Known::Silent);
        hops.learn(to, Some([2; 6]));
        assert_eq!(hops.look_up(to), Known::Mac { mac: [2; 6], ask: false });
        hops.learn(to, None);
        assert_eq!(hops.look_up(to), Known::Mac { mac: [2; 6], ask: false }, "it may come back");
        assert!(hops.resolve(to).is_err());
    }
}

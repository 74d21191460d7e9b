//! Facts of a link, as netlink, ethtool and sysfs tell them.

/// A link and what it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// Its name.
    pub name: String,
    /// Its index.
    pub index: u32,
    /// Its MAC.
    pub mac: [u8; 6],
    /// Its MTU: bytes of an IP packet.
    pub mtu: u32,
    /// Administratively up and with a carrier.
    pub up: bool,
    /// Speed in bit/s, where the driver tells one.
    pub speed_bps: Option<u64>,
    /// Transmit queues.
    pub tx_queues: u32,
    /// Receive queues.
    pub rx_queues: u32,
    /// Driver: `veth`, `ixgbe`.
    pub driver: String,
    /// IPv4 addresses with their prefix lengths.
    pub ipv4: Vec<(std::net::Ipv4Addr, u8)>,
    /// IPv6 addresses with their prefix lengths, global ones first.
    pub ipv6: Vec<(std::net::Ipv6Addr, u8)>,
}

/// The interface's own counters (rtnl_link_stats64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames received.
    pub rx_packets: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Received and dropped for want of room.
    pub rx_dropped: u64,
    /// Not sent.
    pub tx_dropped: u64,
    /// Missed by the device.
    pub rx_missed: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Transmit errors.
    pub tx_errors: u64,
}

impl LinkCounters {
    /// What was counted since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            rx_packets: self.rx_packets.saturating_sub(before.rx_packets),
            tx_packets: self.tx_packets.saturating_sub(before.tx_packets),
            rx_bytes: self.rx_bytes.saturating_sub(before.rx_bytes),
            tx_bytes: self.tx_bytes.saturating_sub(before.tx_bytes),
            rx_dropped: self.rx_dropped.saturating_sub(before.rx_dropped),
            tx_dropped: self.tx_dropped.saturating_sub(before.tx_dropped),
            rx_missed: self.rx_missed.saturating_sub(before.rx_missed),
            rx_errors: self.rx_errors.saturating_sub(before.rx_errors),
            tx_errors: self.tx_errors.saturating_sub(before.tx_errors),
        }
    }
}

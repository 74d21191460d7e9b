//! A blocking conversation with the kernel over rtnetlink: a request, and all that it answers.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::sys::netns::Netns;

/// An rtnetlink socket that belongs to one namespace for good, whichever thread uses it.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
}

impl Netlink {
    /// Speaks with the kernel about `netns`.
    ///
    /// # Errors
    /// `EPERM` when the namespace can't be entered.
    pub fn open(netns: &Netns) -> io::Result<Self> {
        netns.run(Self::open_here)?
    }

    /// Speaks about the calling thread's namespace.
    ///
    /// # Errors
    /// When no socket is left.
    pub fn open_here() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket })
    }

    /// Changes something; the kernel acknowledges it.
    ///
    /// # Errors
    /// The kernel's error number.
    pub fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.request(message, NLM_F_REQUEST | NLM_F_ACK | flags).map(drop)
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// The kernel's error number: `ENODEV`, `ENOENT`, `ENETUNREACH`.
    pub fn get(&self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        // With an acknowledgement, so that the end of the answer is known.
        self.request(message, NLM_F_REQUEST | NLM_F_ACK)
    }

    /// Asks for all of a kind.
    ///
    /// # Errors
    /// The kernel's error number.
    pub fn dump(&self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.request(message, NLM_F_REQUEST | NLM_F_DUMP)
    }

    fn request(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = 1;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full()?;
            if take(&datagram, &mut answers)? {
                return Ok(answers);
            }
        }
    }
}

/// Takes the messages out of one datagram; true when the answer is complete.
fn take(datagram: &[u8], answers: &mut Vec<RouteNetlinkMessage>) -> io::Result<bool> {
    let mut rest = datagram;
    while rest.len() >= 16 {
        let length = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        if length < 16 || length > rest.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "netlink message cut short"));
        }
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&rest[..length])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        match message.payload {
            NetlinkPayload::InnerMessage(inner) => answers.push(inner),
            NetlinkPayload::Error(error) => {
                return match error.code {
                    None => Ok(true),
                    Some(code) => Err(io::Error::from_raw_os_error(-code.get())),
                };
            }
            NetlinkPayload::Done(_) => return Ok(true),
            _ => {}
        }
        // NLMSG_ALIGNTO is 4.
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::link::{LinkAttribute, LinkMessage};

    #[test]
    fn a_dump_of_links_ends_and_holds_loopback() {
        let netlink = Netlink::open_here().unwrap();
        let links = netlink.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).unwrap();
        let lo = LinkAttribute::IfName("lo".into());
        assert!(links.iter().any(|message| matches!(
            message,
            RouteNetlinkMessage::NewLink(link) if link.attributes.contains(&lo)
        )));
    }

    #[test]
    fn the_kernels_error_number_comes_back() {
        let netlink = Netlink::open_here().unwrap();
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::IfName("nosuch0".into()));
        let error = netlink.get(RouteNetlinkMessage::GetLink(link)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn a_message_that_claims_more_than_there_is_is_refused() {
        let mut bytes = vec![0u8; 16];
        bytes[0] = 200;
        assert!(take(&bytes, &mut Vec::new()).is_err());
    }
}

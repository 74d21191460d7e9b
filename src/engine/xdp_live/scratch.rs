//! The device of our own that a program stays attached to.
//!
//! BPF_PROG_RUN registers its program with the XDP dispatcher at the start of a call and takes it
//! off at the end: text patching and an RCU grace period, 25 to 30 ms. A program that is attached
//! in native mode to any device is registered already, and the call costs microseconds
//! (bpf_prog_change_xdp in kernel/bpf/dispatcher.c).

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::sys::bpf_run;
use crate::sys::netns::Netns;

/// Veth pairs in a namespace that nobody else knows, each with a program attached. Held by
/// descriptors only: dropped or killed, nothing is left.
#[derive(Debug)]
pub struct Scratch {
    _links: Vec<OwnedFd>,
    _netns: Netns,
}

impl Scratch {
    /// Attaches XDP programs to devices made for them.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN and CAP_NET_ADMIN; `EOPNOTSUPP` without veth.
    pub fn attach<'a>(programs: impl Iterator<Item = BorrowedFd<'a>>) -> io::Result<Self> {
        let netns = Netns::new_anonymous()?;
        let attach = |(number, program)| {
            let ifindex = create_veth(&format!("scratch{number}"))?;
            bpf_run::attach_native_xdp(program, ifindex)
        };
        let programs: Vec<BorrowedFd<'a>> = programs.collect();
        let attached = || programs.into_iter().enumerate().map(attach).collect::<io::Result<_>>();
        let links = netns.run(attached)??;
        Ok(Self { _links: links, _netns: netns })
    }
}

/// Creates a veth pair in the calling thread's namespace and returns the index of `name`.
fn create_veth(name: &str) -> io::Result<u32> {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName(name.to_owned()));
    link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]));
    let mut message = NetlinkMessage::new(
        NetlinkHeader::default(),
        NetlinkPayload::from(RouteNetlinkMessage::NewLink(link)),
    );
    message.header.flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
    message.finalize();
    let mut bytes = vec![0; message.header.length as usize];
    message.serialize(&mut bytes);
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
        .map_err(|error| io::Error::other(error.to_string()))?;
    match answer.payload {
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        _ => super::port::interface_index(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_made_in_a_namespace_of_its_own() {
        let Ok(netns) = Netns::new_anonymous() else {
            assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none(), "no CAP_SYS_ADMIN");
            println!("skipped: no CAP_SYS_ADMIN");
            return;
        };
        let indices =
            netns.run(|| (create_veth("scratch"), create_veth("scratch"))).expect("entered");
        assert!(indices.0.expect("created") > 1);
        let again = indices.1.expect_err("the name is taken");
        assert_eq!(again.raw_os_error(), Some(libc::EEXIST));
    }
}

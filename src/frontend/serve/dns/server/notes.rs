//! What the front end notices beside queries and answers, and what it writes down.

use std::net::SocketAddr;

use super::{FrontEnd, TURN, UdpListener};
use crate::frontend::ip::heard::Says;
use crate::frontend::ip::quote::Transport;
use crate::frontend::serve::dns::record::{LinkLine, OutcomeLine, ServerLine};
use crate::frontend::serve::dns::watch::Settled;
use crate::frontend::serve::service::time_of_day;

impl FrontEnd<'_> {
    /// Hears ICMP errors about answers.
    pub(super) fn take_icmp(&mut self) {
        for n in 0..self.icmp.len() {
            if !self.icmp[n].1 {
                continue;
            }
            self.icmp[n].1 = false;
            let mut buffer = std::mem::take(&mut self.buffer);
            for turn in 0.. {
                if turn == TURN {
                    self.icmp[n].1 = true;
                    break;
                }
                let Ok(Some(heard)) = self.icmp[n].0.hear(&mut buffer) else { break };
                let Says::Error(error, quote) = heard.says else { continue };
                let ours = |listener: &UdpListener| listener.address.ip() == quote.src;
                let Some(Transport::Udp { src, dst, .. }) = quote.transport else { continue };
                if src == self.settings.port && self.udp.iter().any(ours) {
                    self.totals.icmp += 1;
                    let address = SocketAddr::new(quote.dst, dst);
                    self.watch.icmp(address, error.meaning(), heard.from == quote.dst);
                }
            }
            self.buffer = buffer;
        }
    }

    pub(super) fn note(&mut self, settled: &[Settled]) {
        for settled in settled {
            self.tallies.add(settled);
            self.log.line(&OutcomeLine::new(settled, self.settings.client_prefix));
        }
    }

    /// Says when the link stops taking packets, and when it takes them again.
    pub(super) fn look_at_link(&mut self) {
        let Some(link) = &self.link else { return };
        let counts = link.counts();
        let failed = counts.refused + counts.unresolved + counts.overflowed;
        let (sent_before, failed_before) = self.link_seen;
        let fails = failed > failed_before;
        // Where nothing was sent in between, nothing is known.
        let sends = !fails && self.link_fails && counts.sent > sent_before;
        if fails && !self.link_fails || sends {
            self.link_fails = fails;
            let line = LinkLine {
                time: time_of_day(),
                interface: self.interface.clone(),
                state: if fails { "fails" } else { "sends" },
                error: counts.last_error.filter(|_| fails),
            };
            if let Some(error) = &line.error {
                eprintln!("wirestorm: {error}");
            }
            self.log.line(&line);
        }
        self.link_seen = (counts.sent, failed);
    }

    pub(super) fn server_state(&mut self, server: usize, state: &'static str) {
        let server = self.servers[server].address.to_string();
        eprintln!(
            "wirestorm: server {server} {}",
            match state {
                "silent" => "does not answer",
                _ => "answers again",
            }
        );
        self.log.line(&ServerLine { time: time_of_day(), server, state });
    }
}

//! Queries of clients: what is passed on, and what is answered at once.

use std::io;
use std::net::IpAddr;

use super::{FrontEnd, TURN};
use crate::frontend::serve::dns::clients::Allowance;
use crate::frontend::serve::dns::exchange::Asker;
use crate::frontend::serve::dns::message::{self, Query, Rcode, Refused};
use crate::frontend::serve::dns::watch::{Advice, Answer};

impl FrontEnd<'_> {
    pub(super) fn take_queries(&mut self, now: u64) {
        for n in 0..self.udp.len() {
            if !self.udp[n].ready {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            for _ in 0..TURN {
                match self.udp[n].socket.recv_from(&mut buffer) {
                    Ok((len, from)) => {
                        self.totals.udp_queries += 1;
                        self.query(Asker::Udp(n, from), &buffer[..len], now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.udp[n].ready = false;
                        break;
                    }
                    // Of a datagram sent before: it is the client's.
                    Err(_) => {}
                }
            }
            self.buffer = buffer;
        }
    }

    /// A message of a client.
    pub(super) fn query(&mut self, asker: Asker, message: &[u8], now: u64) {
        let address = asker.address();
        let client = self.settings.client_prefix.of(address.ip());
        let tcp = matches!(asker, Asker::Tcp(..));
        let query = match Query::parse(message) {
            Ok(query) => query,
            Err(Refused::Dropped) => {
                self.totals.dropped += 1;
                if tcp {
                    self.forget(asker);
                }
                return;
            }
            Err(Refused::Answered(rcode)) => {
                *match rcode {
                    Rcode::NotImp => &mut self.totals.notimp,
                    Rcode::Refused => &mut self.totals.refused,
                    _ => &mut self.totals.formerr,
                } += 1;
                if tcp || self.allowance(client, now) == Allowance::Answer {
                    self.reply(asker, &message::header_of_answer(message, rcode, false), now);
                }
                return;
            }
        };
        if !tcp && self.exchange.waits(asker, &query) {
            self.totals.repeated += 1;
            return;
        }
        let advice = self.watch.asked(client, address, &query, tcp, now);
        if !tcp {
            match self.allowance(client, now) {
                Allowance::Answer => {}
                Allowance::Truncated => {
                    self.totals.limited_truncated += 1;
                    let answer = query.empty_answer(message, Rcode::NoError, true);
                    self.reply(asker, &answer, now);
                    self.watch.answered(client, address, &query.question, Answer::Truncated, now);
                    return;
                }
                Allowance::Nothing => {
                    self.totals.limited += 1;
                    return;
                }
            }
        }
        let whole = advice == Advice::Whole;
        let pending = self.exchange.new_query(asker, message, query, whole, now);
        self.pass_on(pending, now);
    }

    fn allowance(&mut self, client: IpAddr, now: u64) -> Allowance {
        self.limit.as_mut().map_or(Allowance::Answer, |limit| limit.ask(client, now))
    }
}

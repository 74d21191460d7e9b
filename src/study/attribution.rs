//! Where an arm's packets are lost: it alone is sent between two readings of every counter, and the
//! first counter that falls short names the stage.
//!
//! ```text
//! tester → device → router (in, rules, out) → link → receiver's tap → reassembly → socket → reply
//! ```

use crate::profile::study::{Anomaly, ArmKind, Cell, Protocol};
use crate::report::model::Counter;
use crate::report::study::{Attribution, ChainLink};

use crate::frontend::ip::Family;

/// What was sent in one attribution, and what the sink and the tester saw of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Datagrams (of bursts: their packets).
    pub datagrams: u64,
    /// Frames that were to be sent.
    pub due: u64,
    /// Frames that the kernel took.
    pub sent: u64,
    /// Distinct fragments that were sent, and those of them that the receiver's tap saw; None: there is
    /// no tap.
    pub distinct: (u64, Option<u64>),
    /// Frames that the tap saw, duplicates included.
    pub tapped: Option<u64>,
    /// Datagrams that reached the socket; None: the sink did not tell.
    pub delivered: Option<u64>,
    /// Datagrams that were answered.
    pub answered: u64,
}

/// The difference of two readings, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub Vec<Counter>);

impl Counters {
    /// What rose between two readings.
    pub fn between(before: &[(String, u64)], after: &[(String, u64)]) -> Self {
        let old =
            |name: &str| before.iter().find(|(known, _)| known == name).map_or(0, |(_, v)| *v);
        let rise = |(name, value): &(String, u64)| Counter {
            name: name.clone(),
            value: value.saturating_sub(old(name)),
        };
        Self(after.iter().map(rise).collect())
    }

    /// One of them; None where it was not read.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|counter| counter.name == name).map(|counter| counter.value)
    }

    /// Those that rose.
    pub fn risen(&self) -> impl Iterator<Item = &Counter> {
        self.0.iter().filter(|counter| counter.value > 0)
    }
}

/// Names the stage. `counters` are the lab's; without a lab they are empty, and the chain has what both
/// ends know.
pub fn attribute(cell: &Cell, arm: ArmKind, tally: &Tally, counters: &Counters) -> Attribution {
    let mut chain = Vec::new();
    let mut link = |stage: &str, meaning: &str, expected: u64, count: Option<u64>| {
        chain.push(ChainLink {
            stage: stage.into(),
            meaning: meaning.into(),
            expected,
            count,
            lost_here: count.map(|count| expected.saturating_sub(count)),
        });
        // What was not counted is taken for passed.
        count.unwrap_or(expected)
    };
    let sent = link("tester", "frames that the kernel took", tally.due, Some(tally.sent));
    let device = link("device", "the tester's interface", sent, counters.get("tx tx_packets"));
    let mut before_link = device;
    if counters.get("r-tx rx_packets").is_some() {
        let within = "what arrives at the router";
        let ingress = link("path", within, device, counters.get("r-tx rx_packets"));
        let out = counters.get("r-rx tx_packets");
        before_link = link("router", "what the router sends on", ingress, out);
    }
    let arrived = counters.get("rx rx_packets");
    let arrived = match arrived {
        Some(arrived) => link("link", "the receiver's interface", before_link, Some(arrived)),
        // Without counters on the way, the tap's view of distinct fragments is the only one.
        None => {
            let (all, seen) = tally.distinct;
            link("path", "fragments that the receiver's tap saw", all, seen);
            tally.tapped.unwrap_or(all)
        }
    };
    if counters.get("rx rx_packets").is_some() {
        // Who fragments anew on the way makes frames that have no tag.
        link("link", "the receiver's tap", arrived.min(tally.sent), tally.tapped);
    }
    if arm.is_fragmented() {
        let group = if cell.family == Family::V6 { "Ip6" } else { "Ip" };
        let of = |name: &str| counters.get(&format!("rx {group}.{name}"));
        let oks = of("ReasmOKs").or(tally.delivered);
        link("reassembly", "datagrams put together", tally.datagrams, oks);
    }
    let told = tally.delivered;
    let delivered = link("receiver", "datagrams at the receiver's socket", tally.datagrams, told);
    // A TCP that listens, as the sink's does, answers one of many SYNs between two ports.
    let counts_answers = cell.protocol != Protocol::Tcp || told.is_none();
    let answered = counts_answers.then_some(tally.answered);
    link("reply", "datagrams that were answered", delivered, answered);
    let mut stage = culprit(&chain);
    // Of a host that tells nothing, a missing answer may be a loss of any stage that was not counted.
    if stage == "reply" && told.is_none() {
        "unknown".clone_into(&mut stage);
    }
    Attribution {
        datagrams: tally.datagrams,
        why: why(cell, &stage, counters),
        stage,
        chain,
        counters: counters.risen().cloned().collect(),
    }
}

/// The first stage that falls short; a loss of answers alone is `reply`.
fn culprit(chain: &[ChainLink]) -> String {
    let short = chain.iter().find(|link| link.lost_here.is_some_and(|lost| lost > 0));
    short.map_or_else(|| "none".to_owned(), |link| link.stage.clone())
}

/// What the counters of the stage say.
fn why(cell: &Cell, stage: &str, counters: &Counters) -> String {
    let risen = |matches: &dyn Fn(&str) -> bool| {
        let named: Vec<String> = counters
            .risen()
            .filter(|counter| matches(&counter.name))
            .map(|counter| format!("{} {}", counter.name, counter.value))
            .collect();
        named.join(", ")
    };
    let group = if cell.family == Family::V6 { "Ip6" } else { "Ip" };
    match stage {
        "router" => {
            const LOSSES: [&str; 8] = [
                "InDiscards",
                "OutDiscards",
                "InHdrErrors",
                "InTooBigErrors",
                "FragFails",
                "OutNoRoutes",
                "InAddrErrors",
                "dropped",
            ];
            let named = risen(&|name| {
                name.starts_with("nft ") && name.ends_with(" packets")
                    || name.ends_with("tbf drops")
                    || (name.starts_with("router ") || name.starts_with("r-"))
                        && LOSSES.iter().any(|loss| name.contains(loss))
            });
            match named.as_str() {
                "" => "no counter of the router says why; give the rule a counter".to_owned(),
                named => named.to_owned(),
            }
        }
        "reassembly" => {
            let of = |name: &str| counters.get(&format!("rx {group}.{name}")).unwrap_or(0);
            let icmp = if cell.family == Family::V6 { "Icmp6" } else { "Icmp" };
            let errors = |name: &str| counters.get(&format!("rx {icmp}.{name}")).unwrap_or(0);
            let (fails, timeouts) = (of("ReasmFails"), of("ReasmTimeout"));
            let cause = if errors("OutParmProblems") > 0 {
                "the first fragment has not all headers, or a length that may not be"
            } else if fails > 0 && timeouts == 0 {
                "overlaps, or malformed"
            } else if timeouts > 0 && errors("OutTimeExcds") > 0 {
                "the first fragment came, others did not in time"
            } else if timeouts > 0 {
                "the first fragment did not come in time"
            } else {
                "not all fragments are there"
            };
            let named = risen(&|name| {
                name.starts_with(&format!("rx {group}.Reasm"))
                    || name.starts_with(&format!("rx {icmp}.Out"))
            });
            format!("{cause} ({named})")
        }
        "receiver" => risen(&|name| {
            name.starts_with("rx ")
                && ["Errors", "Discards", "UnknownProtos", "ParmProblems", "DestUnreachs"]
                    .iter()
                    .any(|word| name.contains(word))
        }),
        _ => String::new(),
    }
}

/// Whether the receiver may still hold fragments of the arm that time out later.
pub fn leaves_queues(cell: &Cell, arm: ArmKind, tally: &Tally) -> bool {
    if !arm.is_fragmented() {
        return false;
    }
    let lawful = arm != ArmKind::Anomaly
        || matches!(cell.anomaly, Anomaly::None | Anomaly::Duplicate | Anomaly::EcnMix);
    let once = cell.fragments.duplicate.is_empty()
        && !matches!(cell.fragments.order, crate::profile::fragments::Order::List(_));
    !(lawful && once && tally.delivered == Some(tally.datagrams))
}

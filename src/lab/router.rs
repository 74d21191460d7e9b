//! What a benchmark does to the lab's router: filters in its way, and a reset.

use super::{Lab, impair, sysctl};
use crate::error::{Error, Result};
use crate::sys::netns::Netns;

/// Settings that let the router forward.
const FORWARDING: [&str; 2] = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];

/// The table of the filters, one a family: a packet passes those of its own.
const TABLE: &str = "wirestorm_filters";

/// The router of a lab, from any thread.
#[derive(Clone, Debug)]
pub struct Router(Netns);

impl Lab {
    /// The router.
    ///
    /// # Errors
    /// A lab without one.
    pub fn router(&self) -> Result<Router> {
        let netns = self.netns("router").ok_or_else(|| {
            Error::new("find", "the lab's router", "the lab is back to back")
                .remedy("use topology: router")
        })?;
        Ok(Router(netns.clone()))
    }
}

impl Router {
    /// Lets it forward, or not. What arrives meanwhile is dropped.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn forward(&self, on: bool) -> Result<()> {
        let value = if on { "1" } else { "0" };
        let settings = FORWARDING.map(|name| (name.to_owned(), value.to_owned()));
        sysctl::apply(&[&self.0], &settings)
    }

    /// So many filters (RFC 2544 §11.4): the last one lets pass what comes from the lab's ports, all
    /// before it deny addresses that no packet has, and what no filter names is dropped. 0: none.
    ///
    /// # Errors
    /// Without nft(8).
    pub fn filter(&self, filters: u32) -> Result<()> {
        impair::nft_of(&self.0, &rules(filters), "the filters of test.modifiers")
    }
}

fn rules(filters: u32) -> String {
    let mut text = String::new();
    let families = [("ip", "192.0.2.", "203.0.113."), ("ip6", "2001:db8:1::", "2001:db8:2::")];
    for (family, from, to) in families {
        // Declared first, so that there is something to delete.
        text.push_str(&format!("table {family} {TABLE}\ndelete table {family} {TABLE}\n"));
        let Some(denials) = filters.checked_sub(1) else { continue };
        text.push_str(&format!(
            "table {family} {TABLE} {{\n  chain forward {{\n    type filter hook forward priority \
             filter; policy drop;\n"
        ));
        for number in 1..=denials {
            let host = match family {
                "ip" => (number % 256).to_string(),
                _ => format!("{number:x}"),
            };
            text.push_str(&format!(
                "    {family} saddr {from}{host} {family} daddr {to}{host} counter drop\n"
            ));
        }
        text.push_str("    iifname { \"r-tx\", \"r-rx\" } counter accept\n  }\n}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_filters_as_were_asked_for() {
        for filters in [1, 25] {
            let rules = rules(filters);
            assert_eq!(rules.matches(" counter drop").count() as u32, 2 * (filters - 1));
            assert_eq!(rules.matches(" counter accept").count(), 2, "one a family");
        }
        assert!(!rules(0).contains("chain"));
    }
}

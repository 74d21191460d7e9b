//! Values that have a name, so that a profile says `dscp: ef` and `flags: syn+ack`.

/// The names of a field's values.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Each with its value, in lower case.
    pub values: &'static [(&'static str, u128)],
    /// They are bits: several with `+` between them mean all of these.
    pub are_bits: bool,
}

impl Names {
    /// No value has a name.
    pub const NONE: Self = Self { values: &[], are_bits: false };

    /// One of these.
    pub(crate) const fn one_of(values: &'static [(&'static str, u128)]) -> Self {
        Self { values, are_bits: false }
    }

    /// Any of these bits together.
    pub(crate) const fn bits(values: &'static [(&'static str, u128)]) -> Self {
        Self { values, are_bits: true }
    }

    /// What a text names, in whatever case.
    pub fn value(&self, text: &str) -> Option<u128> {
        let named = |text: &str| {
            let found = self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
            found.map(|(_, value)| *value)
        };
        if self.are_bits {
            return text.split('+').try_fold(0, |bits, text| Some(bits | named(text)?));
        }
        named(text)
    }

    /// The names, for people.
    pub fn list(&self) -> String {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// What a text that names values looks like, as a regular expression without anchors.
    pub fn pattern(&self) -> String {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| *name).collect();
        let one = format!("({})", names.join("|"));
        if self.are_bits { format!("{one}( *\\+ *{one})*") } else { one }
    }
}

/// Differentiated services code points (IANA dscp-registry).
pub(crate) const DSCP: Names = Names::one_of(&[
    ("cs0", 0),
    ("cs1", 8),
    ("cs2", 16),
    ("cs3", 24),
    ("cs4", 32),
    ("cs5", 40),
    ("cs6", 48),
    ("cs7", 56),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("ef", 46),
    ("va", 44),
    ("le", 1),
]);
/// Explicit congestion notification (RFC 3168 §5).
pub(crate) const ECN: Names = Names::one_of(&[("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3)]);
/// TCP's control bits (RFC 9293 §3.1).
pub(crate) const TCP_FLAGS: Names = Names::bits(&[
    ("fin", 1),
    ("syn", 2),
    ("rst", 4),
    ("psh", 8),
    ("ack", 16),
    ("urg", 32),
    ("ece", 64),
    ("cwr", 128),
]);
/// What ARP asks or says (RFC 826).
pub(crate) const ARP_OPERATION: Names = Names::one_of(&[("request", 1), ("reply", 2)]);
/// DNS resource record types (IANA dns-parameters).
pub(crate) const DNS_TYPE: Names = Names::one_of(&[
    ("a", 1),
    ("ns", 2),
    ("cname", 5),
    ("soa", 6),
    ("ptr", 12),
    ("mx", 15),
    ("txt", 16),
    ("aaaa", 28),
    ("srv", 33),
    ("naptr", 35),
    ("ds", 43),
    ("rrsig", 46),
    ("dnskey", 48),
    ("svcb", 64),
    ("https", 65),
    ("any", 255),
]);
/// DHCP's messages (RFC 2132 §9.6).
pub(crate) const DHCP_MESSAGE: Names = Names::one_of(&[
    ("discover", 1),
    ("offer", 2),
    ("request", 3),
    ("decline", 4),
    ("ack", 5),
    ("nak", 6),
    ("release", 7),
    ("inform", 8),
]);
/// DHCPv6's messages (RFC 8415 §7.3).
pub(crate) const DHCPV6_MESSAGE: Names = Names::one_of(&[
    ("solicit", 1),
    ("advertise", 2),
    ("request", 3),
    ("confirm", 4),
    ("renew", 5),
    ("rebind", 6),
    ("reply", 7),
    ("release", 8),
    ("decline", 9),
    ("reconfigure", 10),
    ("information-request", 11),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_bits_add_up() {
        assert_eq!(DSCP.value("EF"), Some(46));
        assert_eq!(DSCP.value("af11+ef"), None);
        assert_eq!(TCP_FLAGS.value("syn+ACK"), Some(0x12));
        assert_eq!(TCP_FLAGS.value("fin + psh + ack"), Some(0x19));
        for text in ["", "+", "syn+", "syn ack", "2"] {
            assert_eq!(TCP_FLAGS.value(text), None, "{text}");
        }
        assert_eq!(Names::NONE.value(""), None);
    }

    /// A name that reads as a number, or as a range, would not be reached.
    #[test]
    fn names_look_like_nothing_else() {
        for protocol in crate::wire::protocols() {
            let options = protocol.options.iter().flat_map(|options| options.kinds.iter());
            let all = std::iter::once(protocol).chain(options);
            for field in all.flat_map(|protocol| protocol.all_fields()) {
                for (name, value) in field.names.values {
                    assert!(*value <= field.max(), "{name} in {}", field.name);
                    let first = name.chars().next().unwrap_or('0');
                    assert!(first.is_ascii_lowercase(), "{name} in {}", field.name);
                    assert!(!name.contains("..") && !["bad", "null"].contains(name), "{name}");
                }
            }
        }
    }
}

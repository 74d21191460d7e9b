//! DNS over UDP (RFC 1035 §4).

use crate::wire::field::names::DNS_TYPE;
use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, Space, Want,
    computed, field, number,
};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "dns",
    "DNS over UDP (RFC 1035 §4); unset, the question for the address of www.example.net",
    &[
        number("id", 0, 16, 1, "Identifier, the same in query and response"),
        number("qr", 16, 1, 0, "0 query, 1 response"),
        number("opcode", 17, 4, 0, "Kind of query: 0 standard, 4 notify, 5 update"),
        number("aa", 21, 1, 0, "Authoritative answer"),
        number("tc", 22, 1, 0, "Truncated"),
        number("rd", 23, 1, 1, "Recursion desired"),
        number("ra", 24, 1, 0, "Recursion available"),
        number("z", 25, 1, 0, "Reserved"),
        number("ad", 26, 1, 0, "Authentic data (RFC 4035 §3.2.3)"),
        number("cd", 27, 1, 0, "Checking disabled (RFC 4035 §3.2.2)"),
        number("rcode", 28, 4, 0, "Response code: 0 no error, 2 server failure, 3 no such name"),
        computed("qdcount", 32, 16, FieldDefault::OptionsNamed(&["question"]), "Questions"),
        computed("ancount", 48, 16, FieldDefault::OptionsNamed(ANSWERS), "Answers"),
        computed(
            "nscount",
            64,
            16,
            FieldDefault::OptionsNamed(&["authority"]),
            "Records of authority",
        ),
        computed(
            "arcount",
            80,
            16,
            FieldDefault::OptionsNamed(&["additional", "edns"]),
            "Additional records",
        ),
    ],
)
.options(OptionsDef {
    name: "records",
    kinds: &[&QUESTION, &A, &AAAA, &ANSWER, &AUTHORITY, &EDNS, &ADDITIONAL],
    align: 1,
    padding: Padding::Zeros,
    align_each: 1,
})
.default_options(&[&QUESTION])
.numbers(&[(Space::UdpPort, 53)])
.wants(&[Want { header: "udp", field: "src", value: 53 }])
.wants_when("qr", 1)
.whole_message()
.examples(&[
    "[ipv4, udp: {src: 40053}, dns: {id: {increment: 1}}]",
    "[ipv6, udp, dns: {id: {increment: 100}, records: [question: {name: example.net, type: aaaa}, \
     edns: {do: 1}]}]",
    "[ipv4, udp, dns: {id: {increment: 200}, qr: 1, aa: 1, records: [question, \
     a: {address: 198.18.1.1}, aaaa: {address: '2001:2::1'}, \
     answer: {type: txt, rdata: 0a 7769 7265 7374 6f72 6d21}, \
     authority: {type: ns, rdata: 026e 73c0 10}, additional: {rdata: c612 0102}]}]",
]);

/// What a response answers with.
const ANSWERS: &[&str] = &["a", "aaaa", "answer"];
/// www.example.net (RFC 2606), as it stands in a message.
const NAME: &[u8] = b"\x03www\x07example\x03net\0";
/// The Internet.
const IN: u128 = 1;

/// What is asked.
static QUESTION: Protocol =
    Protocol::new("question", "A question (RFC 1035 §4.1.2); they stand first", &[])
        .data_or("name", DataKind::DomainName, NAME, "Domain name")
        .tail(&[
            number("type", 0, 16, 1, "Type: 1 A, 2 NS, 5 CNAME, 12 PTR, 15 MX, 16 TXT, 28 AAAA")
                .names(DNS_TYPE),
            number("class", 16, 16, IN, "Class: 1 the Internet"),
        ]);

/// A name of two bytes that points at an earlier one (RFC 1035 §4.1.4).
const COMPRESSED: FieldDef = number("compressed", 0, 2, 3, "3: the name stands elsewhere");
const POINTER: FieldDef = number(
    "name",
    2,
    14,
    12,
    "Where the name stands, in bytes from the message's first; 12: the first question's",
);
const fn of_type(kind: u128) -> FieldDef {
    number("type", 16, 16, kind, "Type").names(DNS_TYPE)
}
const CLASS: FieldDef = number("class", 32, 16, IN, "Class");
const TIME_TO_LIVE: FieldDef = number("ttl", 48, 32, 300, "Seconds that it may be cached");
const RDLENGTH: FieldDef =
    computed("rdlength", 80, 16, FieldDefault::HeaderLength { unit: 1, less: 12 }, "Bytes of data");

/// A record whose data is told in hexadecimal.
const RECORD: &[FieldDef] = &[COMPRESSED, POINTER, of_type(1), CLASS, TIME_TO_LIVE, RDLENGTH];

/// An IPv4 address.
static A: Protocol = Protocol::new(
    "a",
    "An answer: an IPv4 address (RFC 1035 §3.4.1)",
    &[
        COMPRESSED,
        POINTER,
        of_type(1),
        CLASS,
        TIME_TO_LIVE,
        RDLENGTH,
        field("address", 96, 32, FieldKind::Ipv4, FieldDefault::DestinationAddress, "Address"),
    ],
)
.select(&[("compressed", &[3]), ("type", &[1]), ("rdlength", &[4])]);

/// An IPv6 address.
static AAAA: Protocol = Protocol::new(
    "aaaa",
    "An answer: an IPv6 address (RFC 3596 §2)",
    &[
        COMPRESSED,
        POINTER,
        of_type(28),
        CLASS,
        TIME_TO_LIVE,
        RDLENGTH,
        field("address", 96, 128, FieldKind::Ipv6, FieldDefault::DestinationAddress, "Address"),
    ],
)
.select(&[("compressed", &[3]), ("type", &[28]), ("rdlength", &[16])]);

const fn record(name: &'static str, summary: &'static str) -> Protocol {
    Protocol::new(name, summary, RECORD)
        .data("rdata", DataKind::Bytes, "Data")
        .select(&[("compressed", &[3])])
}

/// Any answer.
static ANSWER: Protocol = record("answer", "Any answer (RFC 1035 §4.1.3)");
/// Who answers for the domain.
static AUTHORITY: Protocol = record("authority", "A record of authority, behind the answers");
/// What may help.
static ADDITIONAL: Protocol = record("additional", "An additional record, behind all others");

/// Extension mechanisms.
static EDNS: Protocol = Protocol::new(
    "edns",
    "EDNS(0)'s OPT record (RFC 6891 §6.1), an additional one",
    &[
        number("name", 0, 8, 0, "Root"),
        number("type", 8, 16, OPT, "Type"),
        number("udp_size", 24, 16, 1232, "Bytes of UDP payload that the sender takes"),
        number("extended_rcode", 40, 8, 0, "Upper bits of the response code"),
        number("version", 48, 8, 0, "Version"),
        number("do", 56, 1, 0, "DNSSEC OK (RFC 3225)"),
        number("z", 57, 15, 0, "Reserved"),
        computed(
            "rdlength",
            72,
            16,
            FieldDefault::HeaderLength { unit: 1, less: 11 },
            "Bytes of options",
        ),
    ],
)
.data("rdata", DataKind::Bytes, "Options: code, length, value")
.select(&[("name", &[0]), ("type", &[OPT])]);

/// Type of the OPT record.
const OPT: u128 = 41;

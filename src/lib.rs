//! wirestorm: a YAML profile becomes a pure description of every packet, one of several kernel
//! transmit paths sends exactly those packets, eBPF measures what comes back, and the report says
//! what is true, or why it cannot.
//!
//! The rooms of the house, in the order the data takes:
//!
//! | room | what it knows |
//! |---|---|
//! | [`cli`] | what was typed |
//! | [`profile`] | what the YAML says: model, validation, schema |
//! | [`lab`], [`host`] | what the machine is: namespaces, links, neighbours, capabilities |
//! | [`ports`] | where the ports are, and their addresses |
//! | [`plan`] | which worker sends what |
//! | [`wire`] | one file a protocol: header layout, build, parse; checksums |
//! | [`packet`] | templates and patch operations: the bytes of packet i |
//! | [`capture`] | capture files in |
//! | [`pace`] | when the next packet is due, and of which stream |
//! | [`engine`] | the seam to the kernel's transmit paths |
//! | [`worker`] | the hot loop |
//! | [`receive`] | what came back: XDP and TPACKET_V3 |
//! | [`measure`] | order, histograms, ledger, verdict |
//! | [`trial`] | one trial from start to drained counters |
//! | [`frontend`] | ping, traceroute, services: what speaks with the network as a host does |
//! | [`study`] | fragmentation studies: arms, packets, statistics, the receiver that answers |
//! | [`search`] | which trials a benchmark needs, and what they mean: pure, without I/O or clock |
//! | [`benchmark`] | the trials that a search asks for, made of a profile's streams |
//! | [`report`] | the versioned result, and one file per output |
//! | [`tui`] | the live view |
//! | [`metrics`] | what Prometheus scrapes in mid-run |
//! | [`sys`] | kernel ABI and system calls; `unsafe` lives there |

pub mod app;
pub mod benchmark;
pub mod capture;
pub mod cli;
pub mod engine;
pub mod error;
pub mod frontend;
pub mod host;
pub mod lab;
pub mod measure;
pub mod metrics;
pub mod pace;
pub mod packet;
pub mod plan;
pub mod ports;
pub mod profile;
pub mod receive;
pub mod report;
pub mod search;
pub mod study;
pub mod sys;
pub mod trial;
pub mod tui;
pub mod units;
pub mod wire;
pub mod worker;

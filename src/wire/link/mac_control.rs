//! MAC control (IEEE 802.3 §31): PAUSE (annex 31B) and priority-based flow control (annex 31D,
//! IEEE 802.1Q §36).

use crate::wire::field::{FieldDefault, Protocol, Space, Want, computed, number};

/// MAC control's EtherType, and the group that bridges do not forward.
const NUMBERS: &[(Space, u32)] = &[(Space::EtherType, 0x8808)];
const WANTS: &[Want] = &[Want { header: "ethernet", field: "dst", value: 0x0180_c200_0001 }];

/// PAUSE as a profile sees it.
pub static PAUSE: Protocol = Protocol::new(
    "pause",
    "PAUSE: flow control of a link (IEEE 802.3 annex 31B)",
    &[
        number("opcode", 0, 16, OPCODE_PAUSE, "Opcode"),
        number("quanta", 16, 16, 0xffff, "How long in units of 512 bit times; 0: go on"),
    ],
)
.numbers(NUMBERS)
.select(&[("opcode", &[OPCODE_PAUSE])])
.wants(WANTS)
.whole_message()
.examples(&["[pause]", "[pause: {quanta: 0}]"]);

/// PFC as a profile sees it.
pub static PFC: Protocol = Protocol::new(
    "pfc",
    "Priority-based flow control (IEEE 802.1Qbb): pauses the classes whose time is set",
    &[
        number("opcode", 0, 16, OPCODE_PFC, "Opcode"),
        number("reserved", 16, 8, 0, "Upper byte of the class enable vector"),
        computed("enable7", 24, 1, FieldDefault::IsSet("time7"), ENABLE),
        computed("enable6", 25, 1, FieldDefault::IsSet("time6"), ENABLE),
        computed("enable5", 26, 1, FieldDefault::IsSet("time5"), ENABLE),
        computed("enable4", 27, 1, FieldDefault::IsSet("time4"), ENABLE),
        computed("enable3", 28, 1, FieldDefault::IsSet("time3"), ENABLE),
        computed("enable2", 29, 1, FieldDefault::IsSet("time2"), ENABLE),
        computed("enable1", 30, 1, FieldDefault::IsSet("time1"), ENABLE),
        computed("enable0", 31, 1, FieldDefault::IsSet("time0"), ENABLE),
        number("time0", 32, 16, 0, TIME),
        number("time1", 48, 16, 0, TIME),
        number("time2", 64, 16, 0, TIME),
        number("time3", 80, 16, 0, TIME),
        number("time4", 96, 16, 0, TIME),
        number("time5", 112, 16, 0, TIME),
        number("time6", 128, 16, 0, TIME),
        number("time7", 144, 16, 0, TIME),
    ],
)
.numbers(NUMBERS)
.select(&[("opcode", &[OPCODE_PFC])])
.wants(WANTS)
.whole_message()
.examples(&["[pfc: {time3: 0xffff}]", "[pfc: {time0: 0, time7: 100, enable5: 1}]"]);

const ENABLE: &str = "The class's time holds; unset, 1 where the profile sets the time";
const TIME: &str = "How long the class pauses in units of 512 bit times; 0: it goes on";
const OPCODE_PAUSE: u128 = 1;
const OPCODE_PFC: u128 = 0x0101;

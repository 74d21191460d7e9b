//! How the tables of the protocols are written: a header of fixed fields, and what is added to it.

use super::{
    ChecksumRule, DataDef, DataKind, FieldDef, OptionalPart, OptionsDef, Protocol, ProtocolKind,
    Route, Space, Want, WantedAddress, bytes_of,
};

impl Protocol {
    /// A header of fixed fields, and nothing else; the methods add to it.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        fields: &'static [FieldDef],
    ) -> Self {
        Self {
            name,
            summary,
            len: bytes_of(fields),
            kind: ProtocolKind::Other,
            fields,
            optional: &[],
            data: None,
            tail: &[],
            options: None,
            numbers: &[],
            next: None,
            checksum: None,
            aligned: 1,
            route: None,
            wants: &[],
            wants_when: None,
            wants_address: &[],
            default_options: &[],
            only_in: None,
            select: &[],
            open: true,
            framed_by_length: false,
            custom_fields: false,
            examples: &[],
        }
    }

    /// Sets [`kind`](Self::kind).
    pub const fn kind(mut self, kind: ProtocolKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets [`optional`](Self::optional).
    pub const fn optional(mut self, optional: &'static [OptionalPart]) -> Self {
        self.optional = optional;
        self
    }

    /// Sets [`data`](Self::data), empty unless the profile sets it.
    pub const fn data(self, name: &'static str, kind: DataKind, summary: &'static str) -> Self {
        self.data_or(name, kind, &[], summary)
    }

    /// Sets [`data`](Self::data) with a default.
    pub const fn data_or(
        mut self,
        name: &'static str,
        kind: DataKind,
        default: &'static [u8],
        summary: &'static str,
    ) -> Self {
        self.data = Some(DataDef { name, kind, default, summary });
        self
    }

    /// Sets [`tail`](Self::tail).
    pub const fn tail(mut self, fields: &'static [FieldDef]) -> Self {
        self.tail = fields;
        self
    }

    /// Sets [`options`](Self::options).
    pub const fn options(mut self, options: OptionsDef) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets [`numbers`](Self::numbers).
    pub const fn numbers(mut self, numbers: &'static [(Space, u32)]) -> Self {
        self.numbers = numbers;
        self
    }

    /// Sets [`next`](Self::next).
    pub const fn next(mut self, space: Space) -> Self {
        self.next = Some(space);
        self
    }

    /// Sets [`checksum`](Self::checksum).
    pub const fn checksum(mut self, rule: ChecksumRule) -> Self {
        self.checksum = Some(rule);
        self
    }

    /// Sets [`aligned`](Self::aligned).
    pub const fn aligned(mut self, bytes: usize) -> Self {
        self.aligned = bytes;
        self
    }

    /// Sets [`route`](Self::route).
    pub const fn route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Sets [`wants`](Self::wants).
    pub const fn wants(mut self, wants: &'static [Want]) -> Self {
        self.wants = wants;
        self
    }

    /// Sets [`wants_when`](Self::wants_when).
    pub const fn wants_when(mut self, field: &'static str, value: u128) -> Self {
        self.wants_when = Some((field, value));
        self
    }

    /// Sets [`wants_address`](Self::wants_address).
    pub const fn wants_address(mut self, addresses: &'static [WantedAddress]) -> Self {
        self.wants_address = addresses;
        self
    }

    /// Sets [`default_options`](Self::default_options).
    pub const fn default_options(mut self, options: &'static [&'static Protocol]) -> Self {
        self.default_options = options;
        self
    }

    /// Sets [`only_in`](Self::only_in).
    pub const fn only_in(mut self, version: ProtocolKind) -> Self {
        self.only_in = Some(version);
        self
    }

    /// Sets [`select`](Self::select).
    pub const fn select(mut self, select: &'static [(&'static str, &'static [u128])]) -> Self {
        self.select = select;
        self
    }

    /// Nothing may follow: sets [`open`](Self::open) to false.
    pub const fn whole_message(mut self) -> Self {
        self.open = false;
        self
    }

    /// Sets [`framed_by_length`](Self::framed_by_length).
    pub const fn framed_by_length(mut self) -> Self {
        self.framed_by_length = true;
        self
    }

    /// Sets [`custom_fields`](Self::custom_fields).
    pub const fn custom_fields(mut self) -> Self {
        self.custom_fields = true;
        self
    }

    /// Sets [`examples`](Self::examples).
    pub const fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }
}

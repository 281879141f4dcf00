//! What of a text changes from run to run, recognised by its shape and its surroundings.
//!
//! [`find`] cuts a text into tokens of a [`Kind`]; what is between them is literal. *Identities* (ids, addresses, keys,
//! process ids, ...) must map one to one; *quantities* (times, versions, rates, ...) match any of their kind. The
//! rules stand in [`identity`], [`quantity`] and [`columns`], the most specific first: a byte belongs to the first
//! rule that claims it.
//!
//! Limits: shapes that nobody taught it are literal, so at worst a comparison is too strict, and the lesson says `vary`.

use std::net::Ipv4Addr;
use std::ops::Range;

use ipnet::Ipv4Net;
use regex::Regex;

use super::Chosen;

mod address;
mod columns;
mod identity;
mod quantity;
mod region;
mod rule;

pub(super) use address::is_exact as is_exact_address;

/// Something that changes from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The bytes of the text.
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Maps one to one.
    Identity(Identity),
    /// Matches any of its kind. The text tells kinds apart that differ in form: dates by their layout.
    Quantity(Quantity, String),
    /// Matched by the `vary` expression of this number.
    Vary(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub class: Class,
    /// The identity itself, whatever form it is written in: `10.0.1.57` for `ip-10-0-1-57`.
    pub value: String,
    pub form: Form,
    /// The narrowest network chosen by the lesson that an address is in.
    pub network: Option<Ipv4Net>,
}

/// Classes of identities; one maps only to another of its class.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// A cloud id, by its prefix.
    Cloud(String),
    PrivateAddress,
    PublicAddress,
    Ipv6,
    Mac,
    Region,
    ZoneId,
    Account,
    /// SHA-256 of a key, in base64.
    Fingerprint,
    /// MD5 or SHA-1 of a key, in hexadecimal pairs.
    HexFingerprint(usize),
    PublicKey,
    Uuid,
    /// Random text: session tokens, cookies, machine ids, names of temporary files.
    Opaque,
    Process,
    /// The kernel's number of a network interface.
    Interface,
    /// A port that the kernel chose.
    Port,
    /// The number of a connection, a query or a socket.
    Connection,
    Terminal,
}

/// How long an identity stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Lab,
    Boot,
    Block,
}

impl Class {
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Process | Self::Interface => Scope::Boot,
            Self::Port | Self::Connection | Self::Terminal => Scope::Block,
            _ => Scope::Lab,
        }
    }

    /// The name of its map in a renaming; stored with the lab.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Cloud(prefix) => format!("cloud:{prefix}"),
            Self::PrivateAddress => "private-address".to_owned(),
            Self::PublicAddress => "public-address".to_owned(),
            Self::HexFingerprint(pairs) => format!("fingerprint-{pairs}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// With its article, for reasons: `the internet gateway`.
    pub(super) fn noun(&self) -> String {
        match self {
            Self::Cloud(prefix) => return format!("the {}", cloud_noun(prefix)),
            Self::PrivateAddress => "the private address",
            Self::PublicAddress => "the public address",
            Self::Ipv6 => "the IPv6 address",
            Self::Mac => "the MAC address",
            Self::Region => "the region",
            Self::ZoneId => "the zone id",
            Self::Account => "the account",
            Self::Fingerprint | Self::HexFingerprint(_) => "the key fingerprint",
            Self::PublicKey => "the public key",
            Self::Uuid | Self::Opaque => "the random value",
            Self::Process => "the process id",
            Self::Interface => "the interface number",
            Self::Port => "the ephemeral port",
            Self::Connection => "the connection number",
            Self::Terminal => "the terminal",
        }
        .to_owned()
    }
}

fn cloud_noun(prefix: &str) -> String {
    match prefix {
        "acl" => "network ACL",
        "aclassoc" => "network ACL association",
        "ami" => "image",
        "dopt" => "DHCP options",
        "eipalloc" => "Elastic IP address",
        "eipassoc" => "Elastic IP association",
        "eni" => "network interface",
        "eni-attach" => "interface attachment",
        "i" => "instance",
        "igw" => "internet gateway",
        "key" => "key pair",
        "nat" => "NAT gateway",
        "pcx" => "peering connection",
        "r" => "reservation",
        "rtb" => "route table",
        "rtbassoc" => "route table association",
        "sg" => "security group",
        "sgr" => "security group rule",
        "snap" => "snapshot",
        "subnet" => "subnet",
        "vol" => "volume",
        "vpc" => "VPC",
        other => return format!("{other} id"),
    }
    .to_owned()
}

/// The ways in which an identity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// `10-0-1-57`
    Dashed,
    /// `57.1.0.10`, before `.in-addr.arpa`
    Reversed,
    /// `ec2.internal`, `ap-northeast-1.compute.internal`
    InternalDomain,
    /// `compute-1.amazonaws.com`, `ap-northeast-1.compute.amazonaws.com`
    PublicDomain,
    /// A MAC address as the lower half of an IPv6 address, after the prefix.
    Eui64,
}

impl Form {
    /// The value written in this form.
    pub(super) fn write(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Dashed => value.replace('.', "-"),
            Self::Reversed => value.rsplit('.').collect::<Vec<_>>().join("."),
            Self::InternalDomain => region::internal_domain(value),
            Self::PublicDomain => region::public_domain(value),
            Self::Eui64 => address::eui64(value),
        }
    }
}

/// Kinds of quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Duration,
    Time,
    Version,
    Kernel,
    Size,
    Load,
    Number,
    ETag,
    Randomart,
    /// Of a neighbour that answered: REACHABLE, STALE, DELAY, PROBE.
    Neighbour,
    /// Of a process: running or sleeping.
    ProcessState,
    Progress,
}

impl Quantity {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Duration => "a duration",
            Self::Time => "a time",
            Self::Version => "a version",
            Self::Kernel => "a kernel version",
            Self::Size => "a size",
            Self::Load => "load averages",
            Self::Number => "a number",
            Self::ETag => "an ETag",
            Self::Randomart => "a key's picture",
            Self::Neighbour => "a neighbour's state",
            Self::ProcessState => "a process state",
            Self::Progress => "a progress line",
        }
    }
}

/// The tokens of a text, in order, without overlap.
pub(super) fn find(text: &str, chosen: &Chosen, vary: &[Regex]) -> Vec<Token> {
    let mut finder = Finder { text, chosen, taken: vec![false; text.len()], tokens: Vec::new() };
    for (number, regex) in vary.iter().enumerate() {
        for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
            finder.claim(found.range(), Kind::Vary(number));
        }
    }
    finder.apply(&identity::KEYS);
    finder.apply(&quantity::EXACT_CONTEXT);
    finder.apply(&identity::CLOUD);
    finder.apply(&identity::MACHINE);
    finder.apply(&quantity::GENERAL);
    columns::find(&mut finder);
    finder.tokens.sort_by_key(|token| token.span.start);
    finder.tokens
}

/// A text while its tokens are looked for.
struct Finder<'t> {
    text: &'t str,
    chosen: &'t Chosen,
    taken: Vec<bool>,
    tokens: Vec<Token>,
}

impl Finder<'_> {
    /// Makes a token of these bytes unless some belong to one already.
    fn claim(&mut self, span: Range<usize>, kind: Kind) {
        if !span.is_empty() && !self.taken[span.clone()].contains(&true) {
            self.taken[span.clone()].fill(true);
            self.tokens.push(Token { span, kind });
        }
    }

    fn apply(&mut self, rules: &[rule::Rule]) {
        for rule in rules {
            rule.apply(self);
        }
    }

    fn byte_before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(b'\n', |at| self.text.as_bytes()[at])
    }

    fn byte_after(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    /// The line that this byte is in.
    fn line_at(&self, at: usize) -> &str {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        &self.text[start..end]
    }

    /// The identity of an address in some form, unless the address is exact.
    fn address(&self, address: Ipv4Addr, form: Form) -> Option<Kind> {
        if is_exact_address(address) || self.chosen.has_address(address) {
            return None;
        }
        let class = if address.is_private() { Class::PrivateAddress } else { Class::PublicAddress };
        let network = self.chosen.network_of(address);
        Some(Kind::Identity(Identity { class, value: address.to_string(), form, network }))
    }
}

impl Kind {
    fn identity(class: Class, value: impl Into<String>) -> Self {
        Self::Identity(Identity { class, value: value.into(), form: Form::Plain, network: None })
    }
}

#[cfg(test)]
mod tests;

//! What tokens are: identities of a class in a form, and quantities of a kind.

use std::ops::Range;

use ipnet::Ipv4Net;

use super::{address, region};

/// Something that changes from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::snapshot) struct Token {
    /// The bytes of the text.
    pub span: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::snapshot) enum Kind {
    /// Maps one to one.
    Identity(Identity),
    /// Matches any of its kind. The text tells kinds apart that differ in form: dates by their layout.
    Quantity(Quantity, String),
    /// Matched by the `vary` expression of this number.
    Vary(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::snapshot) struct Identity {
    pub class: Class,
    /// The identity itself, whatever form it is written in: `10.0.1.57` for `ip-10-0-1-57`.
    pub value: String,
    pub form: Form,
    /// The narrowest network chosen by the lesson that an address is in.
    pub network: Option<Ipv4Net>,
}

/// Classes of identities; one maps only to another of its class.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::snapshot) enum Class {
    /// A cloud id, by its prefix.
    Cloud(String),
    /// What a group of a `vary` expression matched, by the group's name.
    Named(String),
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
pub(in crate::snapshot) enum Scope {
    Lab,
    Boot,
    Block,
}

impl Class {
    pub(in crate::snapshot) fn scope(&self) -> Scope {
        match self {
            Self::Process | Self::Interface => Scope::Boot,
            Self::Port | Self::Connection | Self::Terminal => Scope::Block,
            _ => Scope::Lab,
        }
    }

    /// The name of its map in a renaming; stored with the lab.
    pub(in crate::snapshot) fn name(&self) -> String {
        match self {
            Self::Cloud(prefix) => format!("cloud:{prefix}"),
            Self::Named(name) => format!("{NAMED}{name}"),
            Self::PrivateAddress => "private-address".to_owned(),
            Self::PublicAddress => "public-address".to_owned(),
            Self::HexFingerprint(pairs) => format!("fingerprint-{pairs}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// With its article, for reasons: `the internet gateway`.
    pub(in crate::snapshot) fn noun(&self) -> String {
        match self {
            Self::Cloud(prefix) => return format!("the {}", cloud_noun(prefix)),
            Self::Named(name) => return format!("the `{name}`"),
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

/// How the names of the maps of named identities begin.
pub(in crate::snapshot) const NAMED: &str = "named:";

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
pub(in crate::snapshot) enum Form {
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
    pub(in crate::snapshot) fn write(self, value: &str) -> String {
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
pub(in crate::snapshot) enum Quantity {
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
    pub(in crate::snapshot) fn noun(self) -> &'static str {
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

impl Kind {
    pub(super) fn identity(class: Class, value: impl Into<String>) -> Self {
        Self::Identity(Identity { class, value: value.into(), form: Form::Plain, network: None })
    }
}

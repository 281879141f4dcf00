//! Quantities: what is measured, counted or released, and different in every run without standing for anything.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::LazyLock;

use super::rule::Part::{Quantity as Is, Time, With, Within};
use super::rule::{Claim, Rule};
use super::{Finder, Kind, Quantity};

const DAY: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const ZONE: &str = r"(?:Z\b|(?:UTC|GMT|[A-Z]{1,3}[SD]T)\b|[+-]\d{2}:?\d{2})";
const CLOCK: &str = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?";

/// Times and versions, which contain what would else be taken for something different; so they come first.
pub(super) static EXACT_CONTEXT: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let time = |pattern: &str| Rule::new(pattern, [Time]);
    let version = |pattern: &str| Rule::new(pattern, [Within(version)]);
    vec![
        Rule::new(r"^(\+--[-\[][^\n]*\n(?:\|[^\n|]{17}\|\n){9}\+--[-\[][^\n]*)$", [Is(Quantity::Randomart)]),
        Rule::new(r"^Linux [^\s]+ (\d+\.\d[^\n]*? #[^\n]*?) (?:x86_64|aarch64)\b", [Is(Quantity::Kernel)]),
        Rule::new(r"\bLinux version (\d[^\n]*)", [Is(Quantity::Kernel)]),
        time(&format!(r"\b{DAY},? \d{{4}}-\d\d-\d\d {CLOCK}(?: {ZONE})?")),
        time(&format!(r"\b\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?{ZONE})?")),
        time(&format!(r"\b{DAY},? +\d{{1,2}} {MONTH} \d{{4}} {CLOCK}(?: [AP]M)?(?: {ZONE})?")),
        time(&format!(r"\b{DAY} +{MONTH} +\d{{1,2}} {CLOCK}(?: [AP]M)?(?: {ZONE})? \d{{4}}\b")),
        time(&format!(r"\b\d{{1,2}}/{MONTH}/\d{{4}}:{CLOCK}(?: {ZONE})?")),
        time(&format!(r"\b\d{{4}}/\d\d/\d\d {CLOCK}")),
        time(&format!(r"\b{MONTH} +\d{{1,2}} {CLOCK}")),
        Rule::new(&format!(r"\b{MONTH} +\d{{1,2}} +(?:\d{{4}}|\d\d:\d\d)\b"), [With(list_date)]),
        version(r"\b\d+\.\d+\.\d+[\w.+~-]*-(?:amd64|arm64|cloud[\w-]*|generic|aws|virtual)\b"),
        version(r"\b\d+\.\d+\.\d+[\w.+~-]*\.(?:amzn|el|fc)\d+\.(?:x86_64|aarch64)\b"),
        version(r"\bOpenSSH_(\d+\.\d+(?:p\d+)?(?: (?:Debian|Ubuntu)-[\w.+~-]+)?)"),
        version(r"\bOpenSSL (\d+\.\d+\.\d+\w* +\d{1,2} [A-Z][a-z]{2} \d{4})"),
        Rule::new(r"[A-Za-z][\w+-]*/v?\d+(?:\.\d+)+[\w.+~-]*", [Within(product)]),
        Rule::new(
            concat!(
                r"(?i)\b(?:version|ver|release|distrib|v\.|dig|curl|node|npm|php|python|perl|mysqld?|mariadb|nginx",
                r#"|apache|httpd|systemd|bash|git|wireshark|tshark|zabbix\w*)[ :="]+v?\d+(?:\.\d+)+[\w.+~:-]*"#
            ),
            [Within(named_version)],
        ),
        version(r"\bv(\d+\.\d+\.\d+[\w.+-]*)"),
        version(r"\b(?:\d+:)?\d[\w.+~:-]*[+~]deb\d+\w*"),
        version(r"^(?:Setting up|Unpacking|Inst|Conf|Removing) [^\s]+ \(([^)\s]+)"),
        version(r"^Get:\d+ (?:[^\s]+ ){5}([^\s]+) \["),
        version(r"^ii +[^\s]+ +([^\s]+) "),
        // Names of images end in the day on which they were made.
        Rule::new(r"\bdebian-\d+-(?:amd64|arm64)-(\d{8}-\d+)\b", [Is(Quantity::Version)]),
        Rule::new(r"\bal2023-ami-(\d[\w.]*-kernel-[\d.]+)", [Is(Quantity::Version)]),
        Rule::new(r"^\d+(?:\.\d+){2,}[^\s]*$", [With(lone_version)]),
    ]
});

/// The rest, after identities.
pub(super) static GENERAL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const NUMBER: &str = r"\d+(?:[.,]\d+)?";
    const UNIT: &str = concat!(
        r"(?: ?(?:ns|us|µs|μs|ms|msecs?|milliseconds?|secs?|seconds?|mins?|minutes?|hours?|days?|weeks?|months?)",
        r"|m\d+(?:[.,]\d+)?s|[sh])\b"
    );
    let duration = |pattern: &str| Rule::new(pattern, [Is(Quantity::Duration)]);
    let number = |pattern: &str| Rule::new(pattern, [Is(Quantity::Number)]);
    let size = |pattern: &str| Rule::new(pattern, [Is(Quantity::Size)]);
    vec![
        Rule::new(r"\b1[6-9]\d{8}(?:\.\d+)?\b", [Time]),
        Rule::new(r"\b20\d\d-\d\d-\d\d\b", [Time]),
        // What `lab` itself says where an output was too long to be kept whole.
        size(r"^\[\.\.\. (\d+) bytes \.\.\.\]$"),
        size(r"^\[cut here: (\d+) more bytes were printed\]$"),
        size(r"^\[(\d+) more bytes\]$"),
        size(r"^Fetched (\d[^\n]*)"),
        duration(r"min/avg/max/mdev = ([\d./]+ ms(?:, pipe \d+)?(?:, ipg/ewma [\d./]+ ms)?)"),
        duration(r"\bup +(\d[^\n]*?), +\d+ users?\b"),
        duration(r"^up (\d[^\n]*)$"),
        duration(&format!(r"\b(?:\d+ ?(?:h|min|hours?|minutes?|days?|weeks?|months?),? )*{NUMBER}{UNIT}")),
        duration(r"(?i)^age: *(\d+)"),
        duration(r"^\[( *\d+\.\d{6})\]"),
        Rule::new(CLOCK, [With(clock)]),
        Rule::new(r"\bload averages?: (\d+\.\d+(?:,? +\d+\.\d+){2})", [Is(Quantity::Load)]),
        size(r"^ *Memory: (\d[\d.]*[BKMGT]?(?: \([^)\n]*\))?)"),
        number(r"^ *Tasks: (\d+(?: \(limit: \d+\))?)"),
        number(r"^ *Invocation: ([0-9a-f]{32})$"),
        number(r"\(Reading database \.\.\. (\d+) files"),
        number(r"; COOKIE: ([0-9a-f]{16,}(?: \(good\))?)"),
        number(r"\b(?:seq|ack|val|ecr) (\d{5,}(?::\d{5,})?)"),
        size(r"\[(\d[\d,.]* ?[kMG]?i?B)\]"),
        size(r"^Need to get (\d[\d,.]* [kMG]?B(?:/\d[\d,.]* [kMG]?B)?)"),
        size(r"^After this operation, (\d[\d,.]* [kMG]?B)"),
        size(r"\((\d[\d,.]* ?[kKMG]i?B/s)\)"),
        size(r"^[-rwxsStT.+]{10,11} +\d+ [^\s]+ +[^\s]+ +(\d+) [^\n]*\.pem$"),
        Rule::new(r#"(?i)^(?:< )?etag: *([^\s]+)"#, [Is(Quantity::ETag)]),
        Rule::new(r"\blladdr [^\s]+ (?:router )?(REACHABLE|STALE|DELAY|PROBE)\b", [Is(Quantity::Neighbour)]),
        Rule::new(
            concat!(
                r"^ *\d{1,3} +[\d.]+[kMG]? +\d{1,3} +[\d.]+[kMG]? +\d{1,3} +[\d.]+[kMG]? +[\d.]+[kMG]? +[\d.]+[kMG]?",
                r" +[-\d:]+ +[-\d:]+ +[-\d:]+ +[\d.]+[kMG]?$"
            ),
            [Is(Quantity::Progress)],
        ),
        Rule::new(
            r"^ *\d+K(?: [ .]{10}){1,5} +\d+% +[\d.]+[KMG]?(?:[ =][\d.]+s)?$",
            [Is(Quantity::Progress)],
        ),
    ]
});

/// A version, without the dot or hyphen of the sentence that it ends.
fn version(finder: &Finder<'_>, span: Range<usize>) -> Option<Claim> {
    let text = finder.text[span.clone()].trim_end_matches(['.', '-', ':', '~', '+']);
    let boundary = !matches!(finder.byte_before(span.start), b'.' | b'-');
    // `eth0/10.0.1.57`, `php 10.0.1.57`: addresses are no releases.
    let release = boundary && text.parse::<Ipv4Addr>().is_err();
    release.then(|| (span.start..span.start + text.len(), Kind::Quantity(Quantity::Version, String::new())))
}

/// `Apache/2.4.68`: the version of a product, but not that of a protocol, nor a part of a path.
fn product(finder: &Finder<'_>, span: Range<usize>) -> Option<Claim> {
    const PROTOCOLS: [&str; 8] = ["HTTP", "HTTPS", "TLS", "SSL", "IP", "SSH", "ICMP", "RTSP"];
    let (name, _) = finder.text[span.clone()].split_once('/')?;
    let in_path = matches!(finder.byte_before(span.start), b'/' | b'.' | b'-' | b'_' | b'0'..=b'9');
    if in_path || PROTOCOLS.contains(&name.to_ascii_uppercase().as_str()) {
        return None;
    }
    version(finder, span.start + name.len() + 1..span.end)
}

/// `version 1.2.3`, but not `TLS version 1.3`.
fn named_version(finder: &Finder<'_>, span: Range<usize>) -> Option<Claim> {
    let text = &finder.text[span.clone()];
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let before = finder.text[..span.start].trim_end_matches([' ', '-']).to_ascii_uppercase();
    if ["TLS", "SSL", "HTTP", "PROTOCOL", "IP", "SSH"].iter().any(|word| before.ends_with(word)) {
        return None;
    }
    version(finder, span.start + digits..span.end)
}

/// A line that is a version and nothing else (`uname -r`), unless it is an address.
fn lone_version(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let address = text.split(['/', ':', '#']).next().is_some_and(|text| text.parse::<Ipv4Addr>().is_ok());
    (!address && !text.ends_with(".in-addr.arpa")).then(|| Kind::Quantity(Quantity::Version, String::new()))
}

/// The date of `ls -l`: with the time of day when it is recent, else with the year.
fn list_date(_: &Finder<'_>, _: Range<usize>) -> Option<Kind> {
    Some(Kind::Quantity(Quantity::Time, "ls".to_owned()))
}

/// A time of day, which is not part of something longer with colons.
fn clock(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let joined = |byte: u8| byte == b':' || byte == b'.' || byte.is_ascii_alphanumeric();
    if joined(finder.byte_before(span.start)) || finder.byte_after(span.end) == b':' {
        return None;
    }
    let fraction = if finder.text[span].contains(['.', ',']) { "clock." } else { "clock" };
    Some(Kind::Quantity(Quantity::Time, fraction.to_owned()))
}

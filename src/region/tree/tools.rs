//! The programs of the host that the region runs.

use std::path::Path;

/// Where they are looked for, whatever the caller's own path: administrators' programs are not always on it.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Each program and the Debian package that has it.
const NEEDED: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("mmdebstrap", "mmdebstrap"),
    ("nft", "nftables"),
    ("systemd-nspawn", "systemd-container"),
    ("unshare", "util-linux"),
];

/// What is missing, all at once.
pub(super) fn check() -> Result<(), String> {
    match missing(PATH) {
        None => Ok(()),
        Some((programs, packages)) => Err(format!("find {programs} (hint: apt install {packages})")),
    }
}

fn missing(path: &str) -> Option<(String, String)> {
    let is_there =
        |program: &str| path.split(':').any(|directory| Path::new(directory).join(program).exists());
    let missing: Vec<_> = NEEDED.iter().filter(|(program, _)| !is_there(program)).collect();
    let list = |pick: fn(&(&str, &str)) -> String, between: &str| {
        missing.iter().map(|entry| pick(entry)).collect::<Vec<_>>().join(between)
    };
    (!missing.is_empty()).then(|| {
        (list(|(program, _)| (*program).to_owned(), ", "), list(|(_, package)| (*package).to_owned(), " "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        for (program, _) in &NEEDED[2..] {
            std::fs::write(directory.path().join(program), "").expect("write");
        }
        let path = format!("/nowhere:{}", directory.path().display());
        assert_eq!(missing(&path), Some(("ip, mmdebstrap".to_owned(), "iproute2 mmdebstrap".to_owned())));
    }
}

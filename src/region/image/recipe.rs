//! What the image is made of. Its key names the cached image: another list, another file, another image.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::archive::RELEASE;

/// Raise it when `customise` does something else with the same files.
const VERSION: u32 = 1;

/// Login user of the image, as on Debian's own image for EC2.
pub(super) const LOGIN: &str = "admin";

/// The name under which guests know the package archive; the region's own Internet answers to it.
const ARCHIVE_NAME: &str = crate::region::internet::places::PACKAGES;

/// Installed beside the base system. Everything here is used by a lesson or expected of a server on EC2.
pub(super) const PACKAGES: &[&str] = &[
    "bind9-dnsutils",
    "ca-certificates",
    "curl",
    "dbus",
    "inetutils-telnet",
    "iproute2",
    "iputils-ping",
    "less",
    "lsof",
    "nano",
    "netcat-openbsd",
    "openssh-client",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-sysv",
    "tcpdump",
    "traceroute",
    "vim-tiny",
];

/// Left out of every package, to keep the image small.
pub(super) const EXCLUDED: &[&str] = &["/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*"];

/// Units that cost time at each boot and do nothing for a guest.
pub(super) const MASKED: &[&str] = &[
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dev-hugepages.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "run-lock.mount",
    "sys-fs-fuse-connections.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-creds.socket",
    "systemd-firstboot.service",
    "systemd-initctl.socket",
    "systemd-journal-catalog-update.service",
    "systemd-journal-flush.service",
    "systemd-logind.service",
    "systemd-pcrlock.socket",
    "systemd-remount-fs.service",
    "systemd-sysext.socket",
    "systemd-tmpfiles-setup-dev-early.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-update-done.service",
];

/// Units of ours, wanted by `multi-user.target`.
pub(super) const ENABLED: &[&str] = &["instance-final.service", "instance-init.service"];

/// A file of ours in the image.
pub(super) struct File {
    pub path: &'static str,
    pub mode: u32,
    pub text: &'static str,
}

/// Files of ours, beside the archive's sources.
pub(super) const FILES: &[File] = &[
    File { path: "usr/lib/lab/instance-init", mode: 0o755, text: include_str!("files/instance-init") },
    File { path: "usr/lib/lab/instance-final", mode: 0o755, text: include_str!("files/instance-final") },
    File { path: "usr/bin/cloud-init", mode: 0o755, text: include_str!("files/cloud-init") },
    File {
        path: "etc/systemd/system/instance-init.service",
        mode: 0o644,
        text: include_str!("files/instance-init.service"),
    },
    File {
        path: "etc/systemd/system/instance-final.service",
        mode: 0o644,
        text: include_str!("files/instance-final.service"),
    },
    File {
        path: "etc/sudoers.d/90-cloud-init-users",
        mode: 0o440,
        text: "# User rules for admin\nadmin ALL=(ALL) NOPASSWD:ALL\n",
    },
    File {
        path: "etc/ssh/sshd_config.d/50-cloud-init.conf",
        mode: 0o644,
        text: "PasswordAuthentication no\nPermitRootLogin no\n",
    },
    // A whole second start of sshd to test its configuration, at every boot.
    File {
        path: "etc/systemd/system/ssh.service.d/10-no-test.conf",
        mode: 0o644,
        text: "[Service]\nExecStartPre=\n",
    },
    // Guests are killed with their host's consent; syncing each file of a package only takes time.
    File { path: "etc/dpkg/dpkg.cfg.d/10-no-sync", mode: 0o644, text: "force-unsafe-io\n" },
    // A mirror that is offline serves the index that it has, after its signature's time, too.
    File {
        path: "etc/apt/apt.conf.d/20-old-index",
        mode: 0o644,
        text: "Acquire::Check-Valid-Until \"false\";\n",
    },
    File { path: "etc/default/locale", mode: 0o644, text: "LANG=C.UTF-8\n" },
];

/// The guests' `sources.list`.
pub(super) fn sources_list() -> String {
    format!(
        "deb http://{ARCHIVE_NAME}/debian {RELEASE} main\n\
         deb http://{ARCHIVE_NAME}/debian {RELEASE}-updates main\n\
         deb http://{ARCHIVE_NAME}/debian-security {RELEASE}-security main\n"
    )
}

/// Name of the image that this recipe makes: `debian-13-` and twelve hexadecimal digits.
pub(crate) fn key() -> String {
    let mut hash = Sha256::new();
    hash.update(VERSION.to_le_bytes());
    for list in [PACKAGES, EXCLUDED, MASKED, ENABLED] {
        hash.update(list.join("\n"));
        hash.update("\0");
    }
    for file in FILES {
        hash.update(format!("{}\0{:o}\0{}\0", file.path, file.mode, file.text));
    }
    hash.update(sources_list());
    hash.finalize().iter().take(6).fold("debian-13-".to_owned(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_stable_within_a_build_and_looks_like_one() {
        assert_eq!(key(), key());
        assert_eq!(key().len(), "debian-13-".len() + 12);
    }

    #[test]
    fn lists_are_sorted_so_that_their_order_does_not_make_another_image() {
        for list in [PACKAGES, MASKED, ENABLED] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}

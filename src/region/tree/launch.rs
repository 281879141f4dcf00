//! What each of the region's processes is told on its command line.

use std::ffi::OsString;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::region::client::Paths;
use crate::region::limits::Report;

/// The verb with which the command line starts the daemon.
pub(crate) const VERB_DAEMON: &str = "region-daemon";

/// Directories, and the user who started it all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub paths: Paths,
    /// The user who may read the log. Labs have owners of their own.
    pub uid: u32,
    pub gid: u32,
    /// What the front has raised, and has seen: for the tree.
    pub limits: Report,
}

impl Launch {
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let owner = format!("{}:{}", self.uid, self.gid);
        let mut arguments = vec![
            "--state".into(),
            self.paths.state.clone().into(),
            "--cache".into(),
            self.paths.cache.clone().into(),
            "--owner".into(),
            owner.into(),
        ];
        if let Some(limits) = Some(&self.limits).filter(|limits| **limits != Report::default()) {
            arguments.extend(["--limits".into(), serde_json::json!(limits).to_string().into()]);
        }
        arguments
    }

    pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Result<Launch, String> {
        let args: Vec<OsString> = args.collect();
        let value = |name: &str| {
            let at = args.iter().position(|arg| arg == name)?;
            args.get(at + 1)
        };
        let directory = |name: &str| {
            let path = value(name).map(PathBuf::from).filter(|path| path.is_absolute());
            path.ok_or_else(|| format!("{name} needs an absolute path"))
        };
        let owner = value("--owner").and_then(|owner| owner.to_str()?.split_once(':'));
        let (uid, gid) = owner
            .and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)))
            .ok_or("--owner needs UID:GID")?;
        let limits = match value("--limits").map(|limits| limits.to_string_lossy()) {
            Some(limits) => {
                serde_json::from_str(&limits).map_err(|error| format!("read --limits: {error}"))?
            }
            None => Report::default(),
        };
        let paths = Paths { state: directory("--state")?, cache: directory("--cache")? };
        Ok(Launch { paths, uid, gid, limits })
    }

    /// A name on this machine for the region of this state directory: `lab-` and ten hexadecimal digits.
    pub(super) fn host_name(&self) -> String {
        let digest = Sha256::digest(self.paths.state.as_os_str().as_encoded_bytes());
        let digits: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        format!("lab-{digits}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_the_way() {
        let paths = Paths { state: "/home/a b/.local/state/lab".into(), cache: "/c".into() };
        let mut launch = Launch { paths, uid: 1000, gid: 100, limits: Report::default() };
        assert_eq!(Launch::parse(launch.to_arguments().into_iter()), Ok(launch.clone()));
        launch.limits.fixed.insert("memory".to_owned(), 7);
        assert_eq!(Launch::parse(launch.to_arguments().into_iter()), Ok(launch));
    }

    #[test]
    fn relative_paths_are_refused() {
        let arguments = ["--state", "x", "--cache", "/c", "--owner", "0:0"].map(OsString::from);
        assert!(Launch::parse(arguments.into_iter()).is_err());
    }
}

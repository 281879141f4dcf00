//! Finds the private key of an instance among the learner's files.
//!
//! The key is the laptop's file whose public half is the instance's key pair; what it is called and where it lies is the
//! lesson's business. The files are read through the laptop itself, because on the local region nothing else can see them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt as _;

use crate::secret::Secrets;
use crate::session::{KeyFile, Machine, Program};

/// Prints path and contents (base64) of everything in the usual places that looks like a private key.
const LIST: &str = r#"
for file in ~/*.pem ~/*.key ~/.ssh/*; do
  [ -f "$file" ] && [ -r "$file" ] || continue
  IFS= read -r first < "$file" || continue
  case $first in *'PRIVATE KEY'*) ;; *) continue ;; esac
  printf '%s %s\n' "$(base64 -w0 < "$file")" "$file"
done
"#;

/// All private keys on the laptop.
pub async fn on_laptop(laptop: &Arc<dyn Machine>) -> std::io::Result<Vec<KeyFile>> {
    let argv = ["bash", "--noprofile", "--norc", "-c", LIST].map(String::from).to_vec();
    let mut child = laptop.spawn(Program { argv, ..Program::default() }).await?;
    let mut text = String::new();
    child.stdout.read_to_string(&mut text).await?;
    child.exit.await?;
    Ok(text.lines().filter_map(parse).collect())
}

/// Takes note of the laptop's private keys.
pub async fn learn(laptop: &Arc<dyn Machine>, secrets: &Secrets) {
    // A laptop that does not answer is told by the first block.
    for file in on_laptop(laptop).await.unwrap_or_default() {
        secrets.add_key(&file.text);
    }
}

fn parse(line: &str) -> Option<KeyFile> {
    let (coded, path) = line.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
    let name = path.rsplit('/').next().unwrap_or(path);
    // Where the laptop's shell begins, a file's name is enough.
    let path = if path.contains("/.ssh/") { format!("~/.ssh/{name}") } else { name.to_owned() };
    Some(KeyFile { path, text })
}

/// The key whose public half is `public` (OpenSSH form; type and key are compared, the comment is not).
pub fn matching(keys: Vec<KeyFile>, public: &str) -> Option<KeyFile> {
    let wanted = bare(public);
    keys.into_iter().find(|key| {
        let secret = russh::keys::decode_secret_key(&key.text, None);
        secret
            .ok()
            .and_then(|secret| secret.public_key().to_openssh().ok())
            .is_some_and(|own| bare(&own) == wanted)
    })
}

fn bare(public: &str) -> String {
    public.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_by_its_public_half() {
        let make =
            || ssh_key::PrivateKey::random(&mut rand::rng(), ssh_key::Algorithm::Ed25519).expect("a key");
        let (one, two) = (make(), make());
        let file = |path: &str, key: &ssh_key::PrivateKey| KeyFile {
            path: path.into(),
            text: key.to_openssh(ssh_key::LineEnding::LF).expect("writes").to_string(),
        };
        let keys = vec![file("one.pem", &one), file("two.pem", &two)];
        let public = format!("{} my-key", two.public_key().to_openssh().expect("writes"));
        assert_eq!(matching(keys, &public).expect("is there").path, "two.pem");
    }

    #[test]
    fn paths_are_told_as_a_person_writes_them() {
        let line = format!("{} /home/me/my-key.pem", STANDARD.encode("x"));
        assert_eq!(parse(&line).expect("parses").path, "my-key.pem");
        let line = format!("{} /home/me/.ssh/id_ed25519", STANDARD.encode("x"));
        assert_eq!(parse(&line).expect("parses").path, "~/.ssh/id_ed25519");
    }
}

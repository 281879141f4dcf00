//! apt's own transport, `/usr/lib/apt/methods/http`, driven as apt drives it: messages of header lines over standard
//! input and output ("method interface" of libapt-pkg's documentation).

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::prctl;
use nix::sys::signal::Signal;

/// Where Debian has the programs.
const METHODS: &str = "/usr/lib/apt/methods";

/// apt's configuration on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Configuration {
    items: Vec<(String, String)>,
}

impl Configuration {
    /// Asks `apt-config`.
    pub(super) fn read() -> io::Result<Configuration> {
        let output =
            Command::new("apt-config").arg("dump").env("LC_ALL", "C").stdin(Stdio::null()).output()?;
        Ok(Configuration::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Lines of the form `Acquire::http::Proxy "http://proxy.example:3128";`.
    fn parse(dump: &str) -> Configuration {
        let item = |line: &str| {
            let (key, value) = line.strip_suffix("\";")?.split_once(" \"")?;
            Some((key.to_owned(), value.to_owned()))
        };
        Configuration { items: dump.lines().filter_map(item).collect() }
    }

    /// As a method is told it.
    fn message(&self) -> String {
        let mut message = "601 Configuration\n".to_owned();
        let own = [
            // Otherwise the method escapes what we have escaped.
            ("Acquire::Send-URI-Encoded".to_owned(), "true".to_owned()),
            // The method would become another user, who cannot write into the cache.
            ("APT::Sandbox::User".to_owned(), "root".to_owned()),
        ];
        let is_own = |item: &&(String, String)| own.iter().any(|(key, _)| *key == item.0);
        let items = self.items.iter().filter(|item| !is_own(item)).chain(&own);
        for (key, value) in items {
            let _ = writeln!(message, "Config-Item: {}={}", quote(key, "=\"\n"), quote(value, "\n"));
        }
        message.push('\n');
        message
    }
}

/// As libapt-pkg's `QuoteString`.
fn quote(text: &str, bad: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        if byte == b'%' || byte <= 0x20 || byte >= 0x7f || bad.as_bytes().contains(&byte) {
            let _ = write!(quoted, "%{byte:02x}");
        } else {
            quoted.push(char::from(byte));
        }
    }
    quoted
}

/// What a method says at the end of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The file is written; or has not changed since, and is not.
    Done {
        unchanged: bool,
    },
    /// Ask there instead.
    Redirect(String),
    /// There is no such file.
    Missing,
    Failed(String),
}

/// A running method. Fetches one file after the other over kept connections.
#[derive(Debug)]
pub(super) struct Method {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Method {
    /// Starts the method of a scheme, `http` or `https`.
    pub(super) fn start(scheme: &str, configuration: &Configuration) -> io::Result<Method> {
        let program: PathBuf = Path::new(METHODS).join(scheme);
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // SAFETY: one system call between fork and exec.
        unsafe {
            command.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(Into::into));
        }
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut method = Method { child, input, output: BufReader::new(output) };
        method.read()?;
        method.input.write_all(configuration.message().as_bytes())?;
        Ok(method)
    }

    /// Fetches `uri` into the file `to`. `since` is an HTTP date.
    ///
    /// # Errors
    /// When the method itself fails; it is of no use any more then.
    pub(super) fn fetch(&mut self, uri: &str, to: &Path, since: Option<&str>) -> io::Result<Reply> {
        let mut message = format!("600 URI Acquire\nURI: {uri}\nFilename: {}\n", to.display());
        if let Some(since) = since {
            let _ = writeln!(message, "Last-Modified: {since}");
        }
        message.push('\n');
        self.input.write_all(message.as_bytes())?;
        loop {
            let message = self.read()?;
            if let Some(reply) = message.reply() {
                return Ok(reply);
            }
        }
    }

    fn read(&mut self) -> io::Result<Message> {
        let mut message = Message::default();
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !message.take(line.trim_end()) {
                return Ok(message);
            }
        }
    }
}

impl Drop for Method {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One message of a method.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    /// `201 URI Done`
    status: String,
    fields: Vec<(String, String)>,
}

impl Message {
    /// Takes one line; false if it ends the message.
    fn take(&mut self, line: &str) -> bool {
        if line.is_empty() {
            // Empty lines before a message are none of it.
            return self.status.is_empty();
        }
        if self.status.is_empty() {
            self.status = line.to_owned();
        } else if let Some((name, value)) = line.split_once(':') {
            self.fields.push((name.to_owned(), value.trim().to_owned()));
        }
        true
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// What the message decides; none if the fetch goes on.
    fn reply(&self) -> Option<Reply> {
        let said = || self.field("Message").unwrap_or(&self.status).to_owned();
        match self.status.get(..3)? {
            "103" => Some(Reply::Redirect(self.field("New-URI")?.to_owned())),
            "201" => {
                let unchanged = self.field("IMS-Hit").is_some_and(|hit| hit.eq_ignore_ascii_case("true"));
                Some(Reply::Done { unchanged })
            }
            "400" => {
                let reason = self.field("FailReason").unwrap_or_default();
                let message = said();
                let missing = ["404", "410"]
                    .iter()
                    .any(|code| reason == format!("HttpError{code}") || message.starts_with(code));
                Some(if missing { Reply::Missing } else { Reply::Failed(message) })
            }
            "401" | "402" | "403" => Some(Reply::Failed(said())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        let mut message = Message::default();
        for line in text.lines() {
            assert!(message.take(line));
        }
        assert!(!message.take(""));
        message
    }

    #[test]
    fn configuration_is_passed_on_quoted() {
        let dump = "Acquire \"\";\nAcquire::http::Proxy \"http://a b%c/\";\nAPT::Sandbox::User \"_apt\";\nnonsense\n";
        let message = Configuration::parse(dump).message();
        assert_eq!(
            message,
            "601 Configuration\nConfig-Item: Acquire=\nConfig-Item: Acquire::http::Proxy=http://a%20b%25c/\n\
             Config-Item: Acquire::Send-URI-Encoded=true\nConfig-Item: APT::Sandbox::User=root\n\n"
        );
    }

    #[test]
    fn messages_decide_or_do_not() {
        assert_eq!(message("200 URI Start\nURI: x\nSize: 3").reply(), None);
        assert_eq!(message("102 Status\nMessage: Connecting").reply(), None);
        assert_eq!(message("201 URI Done\nFilename: f").reply(), Some(Reply::Done { unchanged: false }));
        assert_eq!(message("201 URI Done\nIMS-Hit: true").reply(), Some(Reply::Done { unchanged: true }));
        assert_eq!(
            message("103 Redirect\nNew-URI: http://b/").reply(),
            Some(Reply::Redirect("http://b/".into()))
        );
        let missing = "400 URI Failure\nFailReason: HttpError404\nMessage: 404  Not Found";
        assert_eq!(message(missing).reply(), Some(Reply::Missing));
        let refused = "400 URI Failure\nFailReason: ConnectionRefused\nMessage: Could not connect";
        assert_eq!(message(refused).reply(), Some(Reply::Failed("Could not connect".into())));
    }
}

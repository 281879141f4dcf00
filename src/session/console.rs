//! A conversation with interactive programs: a bash on a terminal, what is typed into it, and what the screen shows.
//!
//! The bash is started beside the host's shell, with its variables, functions and directory, and with the prompt `$ `.
//! Nothing that is set in it comes back.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::login::bash_with;
use super::machine::{Child, Program};
use super::screen::{SIZE, Screen};
use super::shell::Shell;
use super::state::quote;

/// A prompt counts when nothing has followed it for this long: it may be a part of something longer.
const SETTLED: Duration = Duration::from_millis(40);
/// How long bash and what it runs may take to leave after their terminal was hung up.
const LEAVING: Duration = Duration::from_millis(500);
/// The prompt of the console's bash.
const PROMPT: &str = "$";

/// What a terminal sends for the return key.
const RETURN: u8 = b'\r';

/// A conversation.
pub struct Console {
    child: Child,
    screen: Screen,
    open: bool,
    /// When something was last printed or typed.
    moved: Instant,
    /// What was printed, and the current line, when something was last typed.
    typed: Typed,
}

#[derive(Debug, Clone, Default)]
struct Typed {
    at: u64,
    /// Bytes that the terminal prints of it at most: itself and a line break.
    echo: u64,
    line: String,
    /// A line break has been printed since.
    broken: bool,
}

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stalled {
    /// The program on the terminal ended.
    #[error("the console's shell ended")]
    Ended,
    /// The terminal does not take what is typed.
    #[error("type on the console's terminal")]
    Typing(#[source] io::Error),
}

/// Hears what is printed, as it comes.
type Listener<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

impl Console {
    /// Starts a bash beside `shell`, with these variables besides its own.
    pub async fn open(shell: &Shell, with: &[(String, String)]) -> io::Result<Self> {
        let given: String = with.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect();
        let more = format!("{given}unset HISTFILE PROMPT_COMMAND MAILCHECK\nPS1='{PROMPT} '\nPS2='> '\n");
        // Without readline, what is typed is echoed by the terminal as it is, and nothing else is printed.
        let program = Program {
            terminal: Some(SIZE),
            ..bash_with(shell.env(), shell.state(), &more, &["--noediting"])
        };
        let child = shell.machine().spawn(program).await?;
        Ok(Self { child, screen: Screen::new(), open: true, moved: Instant::now(), typed: Typed::default() })
    }

    /// Waits until the screen's current line ends in `prompt` (blanks at the ends do not count), and something has been
    /// printed since the last typing. Cancel-safe.
    pub async fn until_prompt(&mut self, prompt: &str, on_output: Listener<'_>) -> Result<(), Stalled> {
        let prompt = prompt.trim_end();
        self.until(|line| line.ends_with(prompt), on_output).await
    }

    /// Waits until the console's own prompt is back: it stands alone on its line. Cancel-safe.
    pub async fn until_back(&mut self, on_output: Listener<'_>) -> Result<(), Stalled> {
        self.until(|line| line == PROMPT, on_output).await
    }

    async fn until(&mut self, is_it: impl Fn(&str) -> bool, on_output: Listener<'_>) -> Result<(), Stalled> {
        loop {
            let line = self.screen.line();
            // What stood there when something was typed has been answered.
            let fresh = self.screen.fed() > self.typed.at && (self.typed.broken || line != self.typed.line);
            if fresh && is_it(&line) {
                let settled = self.moved + SETTLED;
                tokio::select! {
                    () = sleep_until(settled) => return Ok(()),
                    more = self.more(on_output) => more?,
                }
            } else {
                self.more(on_output).await?;
            }
        }
    }

    /// Waits until the program has printed something of its own since the last typing, for `limit` at most: one that
    /// was just started may take its time, and would find what is typed before it is ready. Cancel-safe.
    pub async fn until_answered(&mut self, limit: Duration, on_output: Listener<'_>) -> Result<(), Stalled> {
        let end = Instant::now() + limit;
        while self.screen.fed() <= self.typed.at + self.typed.echo {
            tokio::select! {
                () = sleep_until(end) => return Ok(()),
                more = self.more(on_output) => more?,
            }
        }
        Ok(())
    }

    /// Waits until nothing has been printed for `quiet`. Cancel-safe.
    pub async fn until_quiet(&mut self, quiet: Duration, on_output: Listener<'_>) -> Result<(), Stalled> {
        loop {
            let end = self.moved + quiet;
            tokio::select! {
                () = sleep_until(end) => return Ok(()),
                more = self.more(on_output) => more?,
            }
        }
    }

    async fn more(&mut self, on_output: Listener<'_>) -> Result<(), Stalled> {
        if !self.open {
            return Err(Stalled::Ended);
        }
        let mut buffer = [0; 8 * 1024];
        match self.child.stdout.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                self.open = false;
                Err(Stalled::Ended)
            }
            Ok(count) => {
                let printed = &buffer[..count];
                self.typed.broken |= printed.contains(&b'\n');
                self.screen.feed(printed);
                self.moved = Instant::now();
                on_output(printed);
                Ok(())
            }
        }
    }

    /// Types a line and the return key.
    pub async fn type_line(&mut self, line: &str) -> Result<(), Stalled> {
        self.type_bytes([line.as_bytes(), &[RETURN]].concat()).await
    }

    /// Types one key.
    pub async fn type_key(&mut self, key: u8) -> Result<(), Stalled> {
        self.type_bytes(vec![key]).await
    }

    async fn type_bytes(&mut self, bytes: Vec<u8>) -> Result<(), Stalled> {
        let echo = bytes.len() as u64 + 1;
        self.typed = Typed { at: self.screen.fed(), echo, line: self.screen.line(), broken: false };
        self.moved = Instant::now();
        self.child.stdin.write_all(&bytes).await.map_err(Stalled::Typing)?;
        self.child.stdin.flush().await.map_err(Stalled::Typing)
    }

    /// What the screen shows now.
    pub fn shown(&self) -> String {
        self.screen.shown()
    }

    /// Everything that the terminal has shown. The prompt that is waiting at the end is no part of it.
    pub fn transcript(&mut self) -> String {
        let text = self.screen.transcript();
        match text.strip_suffix(&format!("{PROMPT}\n")) {
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => rest.to_owned(),
            _ => text,
        }
    }

    /// Hangs up the terminal, on which everything that runs there ends.
    pub async fn close(mut self) {
        self.child.control.signal(1);
        drop(self.child.stdin);
        drop(self.child.stdout);
        if timeout(LEAVING, &mut self.child.exit).await.is_err() {
            self.child.control.signal(9);
        }
    }
}

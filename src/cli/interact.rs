//! Connects the person's terminal with a program somewhere else.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::failure::Failure;
use crate::session::{Child, Exit, RawMode, WindowSize, window_size};

/// The terminal's size if standard input and output are one; `None` for pipes.
pub fn terminal() -> Option<WindowSize> {
    use std::io::IsTerminal as _;
    (std::io::stdin().is_terminal() && std::io::stdout().is_terminal()).then(window_size)
}

/// Carries what is typed there and what is printed back until the program ends; its status becomes this one's.
pub async fn interact(child: Child) -> Result<ExitCode, Failure> {
    let raw = RawMode::enter()?;
    let Child { mut stdin, mut stdout, exit, control } = child;
    let typing = tokio::spawn(async move {
        let mut typed = typed();
        while let Some(bytes) = typed.recv().await {
            if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
                return;
            }
        }
        let _ = stdin.shutdown().await;
        // Dropping it could end the program, which may still be printing.
        std::future::pending::<()>().await;
    });
    let resizing = tokio::spawn(async move {
        let Ok(mut changes) = signal(SignalKind::window_change()) else { return };
        while changes.recv().await.is_some() {
            control.resize(window_size());
        }
    });
    let printing = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
            let mut output = std::io::stdout().lock();
            if output.write_all(&buffer[..count]).and_then(|()| output.flush()).is_err() {
                return;
            }
        }
    };
    // The end of the program is the end, even if a child of it still holds the output open; what it printed before
    // is still shown.
    tokio::pin!(printing);
    let mut exit = exit;
    let ended = tokio::select! {
        () = &mut printing => exit.await,
        ended = &mut exit => {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(200), &mut printing).await;
            ended
        }
    };
    typing.abort();
    resizing.abort();
    drop(raw);
    Ok(match ended? {
        Exit::Status(status) => ExitCode::from(u8::try_from(status).unwrap_or(255)),
        Exit::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(255)),
        Exit::Unknown => {
            anstream::eprintln!("the connection ended");
            ExitCode::from(255)
        }
    })
}

/// What is typed, read by a thread of its own: a read of a terminal cannot be given up.
fn typed() -> tokio::sync::mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = std::io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

//! Connects this process's input and output with a program somewhere else.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::cli::failure::Failure;
use crate::output::remark;
use crate::session::{Child, Exit, Machine, Program, login};

/// Runs a program for the person: on their terminal if there is one, else over pipes. Its status becomes this one's.
pub async fn interact(machine: &dyn Machine, program: Program) -> Result<ExitCode, Failure> {
    let exit = if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        login(machine, program).await?
    } else {
        relay(machine.spawn(program).await?).await?
    };
    Ok(match exit {
        Exit::Status(status) => ExitCode::from(u8::try_from(status).unwrap_or(255)),
        Exit::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(255)),
        Exit::Unknown => {
            remark!("the connection ended");
            ExitCode::from(255)
        }
    })
}

/// Carries input there and output back until the program ends. Where nobody reads its output any more, it ends as a
/// program does that writes into a pipe without a reader.
async fn relay(child: Child) -> Result<Exit, Failure> {
    let Child { mut stdin, mut stdout, mut exit, control, .. } = child;
    let feeding = tokio::spawn(async move {
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
    let printing = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
            let mut output = std::io::stdout().lock();
            output.write_all(&buffer[..count]).and_then(|()| output.flush())?;
        }
        Ok::<(), std::io::Error>(())
    };
    tokio::pin!(printing);
    // The end of the program is the end, even if a child of it still holds the output open; what it printed before
    // is still shown.
    let ended = tokio::select! {
        printed = &mut printing => match printed {
            Ok(()) => exit.await,
            Err(error) => {
                control.signal(nix::libc::SIGHUP);
                feeding.abort();
                return match error.kind() {
                    std::io::ErrorKind::BrokenPipe => Ok(Exit::Signal(nix::libc::SIGPIPE)),
                    _ => Err(error.into()),
                };
            }
        },
        ended = &mut exit => {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(200), &mut printing).await;
            ended
        }
    };
    feeding.abort();
    Ok(ended?)
}

/// What comes in, read by a thread of its own: a read cannot be given up.
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

//! Whether a guest's SSH server answers.

use std::io::Read;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::region::kernel;

/// One attempt.
const TRY: Duration = Duration::from_secs(2);

/// Wait until a server at `address`, reached from inside the namespace, has said `SSH-`. Asks again with growing
/// pauses, for ever: who does not want to wait any longer drops the future.
pub(super) async fn wait(namespace: String, address: SocketAddrV4) {
    let mut pause = Duration::from_millis(20);
    loop {
        let name = namespace.clone();
        if spawn_blocking(move || answers(&name, address)).await.unwrap_or(false) {
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

fn answers(namespace: &str, address: SocketAddrV4) -> bool {
    let Ok(mut stream) = kernel::tcp_connect(namespace, address, TRY) else { return false };
    let mut start = [0; 4];
    stream.set_read_timeout(Some(TRY)).is_ok() && stream.read_exact(&mut start).is_ok() && start == *b"SSH-"
}

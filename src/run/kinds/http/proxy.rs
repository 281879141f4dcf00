//! A small HTTP proxy on loopback for the browser: whatever it asks for is connected to from the laptop.
//!
//! One request a connection, HTTP/1.1 only; `CONNECT` for everything that is encrypted.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::output_of;
use crate::session::{Dial, Machine};

/// The longest head of a request, in bytes.
const HEAD: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(10);

/// A page that is answered here, the first time that it is asked for.
pub(super) struct Served {
    pub url: String,
    /// The content type.
    pub kind: String,
    pub body: Vec<u8>,
}

/// A proxy that runs until it is dropped.
pub(super) struct Proxy {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Ways {
    dial: Arc<dyn Dial>,
    laptop: Arc<dyn Machine>,
    served: Mutex<Option<Served>>,
    cookies: Vec<(String, String)>,
    names: Mutex<HashMap<String, Ipv4Addr>>,
}

impl Proxy {
    /// Begins to listen. `cookies` go to their hosts with every request that can be read.
    pub async fn start(
        dial: Arc<dyn Dial>,
        laptop: Arc<dyn Machine>,
        served: Served,
        cookies: Vec<(String, String)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let ways = Ways { dial, laptop, served: Mutex::new(Some(served)), cookies, names: Mutex::default() };
        let ways = Arc::new(ways);
        let task = tokio::spawn(async move {
            // Connections end with the proxy.
            let mut connections = JoinSet::new();
            while let Ok((browser, _)) = listener.accept().await {
                let ways = Arc::clone(&ways);
                connections.spawn(async move {
                    // The browser sees a connection that ends, as from any site that fails.
                    let _ = ways.serve(browser).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, task })
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Ways {
    async fn serve(&self, mut browser: TcpStream) -> io::Result<()> {
        let Some((head, rest)) = read_head(&mut browser).await? else { return Ok(()) };
        let line = head.lines().next().unwrap_or_default();
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method == "CONNECT" {
            let mut site = match self.connect(target, 443).await {
                Ok(site) => site,
                Err(error) => return refuse(&mut browser, &error).await,
            };
            browser.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            site.write_all(&rest).await?;
            copy_bidirectional(&mut browser, &mut site).await?;
            return Ok(());
        }
        if let Some(served) = self.take(target) {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                served.kind,
                served.body.len()
            );
            browser.write_all(head.as_bytes()).await?;
            browser.write_all(&served.body).await?;
            return browser.shutdown().await;
        }
        let Some((authority, path)) = split(target) else {
            return refuse(&mut browser, &io::ErrorKind::InvalidInput.into()).await;
        };
        if path == "/favicon.ico" {
            // Nobody sees it in a picture, but a lesson would see it in its server's log, or not: it is not always asked for.
            return refuse(&mut browser, &io::ErrorKind::NotFound.into()).await;
        }
        let mut site = match self.connect(authority, 80).await {
            Ok(site) => site,
            Err(error) => return refuse(&mut browser, &error).await,
        };
        site.write_all(self.forwarded(&head, method, authority, path).as_bytes()).await?;
        site.write_all(&rest).await?;
        copy_bidirectional(&mut browser, &mut site).await?;
        Ok(())
    }

    fn take(&self, target: &str) -> Option<Served> {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |url: &str| url.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
        served.take_if(|served| same(&served.url) == same(target))
    }

    /// The request's head as the site gets it: for the path alone, with cookies, and for one answer.
    fn forwarded(&self, head: &str, method: &str, authority: &str, path: &str) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        let hop = ["connection", "proxy-connection", "keep-alive", "cookie"];
        for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if !hop.contains(&name.as_str()) {
                text.push_str(&format!("{line}\r\n"));
            }
        }
        let host = host_and_port(authority, 80).0;
        let cookies: Vec<&str> = self
            .cookies
            .iter()
            .filter(|(domain, _)| host == *domain || host.ends_with(&format!(".{domain}")))
            .map(|(_, cookie)| cookie.as_str())
            .collect();
        if !cookies.is_empty() {
            text.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        text.push_str("Connection: close\r\n\r\n");
        text
    }

    async fn connect(&self, authority: &str, port: u16) -> io::Result<TcpStream> {
        let (host, port) = host_and_port(authority, port);
        let address = self.address(host).await?;
        self.dial.dial(&address.to_string(), port, CONNECT).await
    }

    /// What a name means on the laptop.
    async fn address(&self, host: &str) -> io::Result<Ipv4Addr> {
        if let Ok(address) = host.parse() {
            return Ok(address);
        }
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied();
        if let Some(address) = known {
            return Ok(address);
        }
        let (_, printed) = output_of(&*self.laptop, &["getent", "ahostsv4", "--", host], b"").await?;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let address = printed.split_whitespace().next().and_then(|word| word.parse().ok());
        let address =
            address.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name is not known"))?;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), address);
        Ok(address)
    }
}

/// A request's head, and what came behind it. None when the browser says nothing.
async fn read_head(browser: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok(Some((String::from_utf8_lossy(&read).into_owned(), rest)));
        }
        if read.len() > HEAD || browser.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    }
}

async fn refuse(browser: &mut TcpStream, error: &io::Error) -> io::Result<()> {
    let answer = match error.kind() {
        io::ErrorKind::TimedOut => "504 Gateway Timeout",
        _ => "502 Bad Gateway",
    };
    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    browser.write_all(answer.as_bytes()).await?;
    browser.shutdown().await
}

/// `http://web:8080/a?b` as `web:8080` and `/a?b`.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    Some((&rest[..at], if at == rest.len() { "/" } else { &rest[at..] }))
}

fn host_and_port(authority: &str, port: u16) -> (&str, u16) {
    match authority.rsplit_once(':') {
        Some((host, own)) => (host, own.parse().unwrap_or(port)),
        None => (authority, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(split("http://web:8080/a?b"), Some(("web:8080", "/a?b")));
        assert_eq!(split("http://web"), Some(("web", "/")));
        assert_eq!(split("ftp://web"), None);
        assert_eq!(host_and_port("web:8080", 80), ("web", 8080));
        assert_eq!(host_and_port("web", 80), ("web", 80));
    }
}

//! Pictures of pages, by headless Chromium on this machine, whose connections go through the laptop.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::answer::Answer;
use super::output_of;
use super::proxy::{Proxy, Served};
use crate::private;
use crate::session::{Dial, Machine};

/// Names under which systems have it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// What the picture shows, in pixels: little more than a page of the book is wide, so that its text can be read there.
const SIZE: &str = "--window-size=960,880";

/// A page that was got by a request.
pub(super) struct Page<'a> {
    pub url: &'a str,
    pub answer: &'a Answer,
    /// The file with the cookies, on the laptop.
    pub jar: &'a str,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPicture {
    #[error("find Chromium on this machine")]
    NoBrowser,
    #[error("make a picture of the page")]
    Io(#[from] io::Error),
    #[error("make a picture of the page: Chromium did not end in time")]
    Slow,
    #[error("make a picture of the page: Chromium wrote none: {0}")]
    Nothing(String),
}

/// A picture of the page as PNG.
///
/// The browser gets the very answer that was recorded (of a POST, say); pictures, style sheets and scripts it fetches by
/// itself, with the cookies of the lesson. Over HTTPS, where nobody can stand between, it asks for the page again.
pub(super) async fn picture(
    page: Page<'_>,
    laptop: Arc<dyn Machine>,
    dial: Arc<dyn Dial>,
    limit: Duration,
) -> Result<Vec<u8>, NoPicture> {
    let browser = find().ok_or(NoPicture::NoBrowser)?;
    let (_, jar) = output_of(&*laptop, &["cat", "--", page.jar], b"").await?;
    let served = Served {
        // After redirects the page is at another address, which the browser is not told: links still lead there.
        url: page.url.to_owned(),
        kind: page.answer.header("content-type").unwrap_or("text/html").to_owned(),
        body: page.answer.body.clone(),
    };
    let cookies = cookies(&String::from_utf8_lossy(&jar));
    let proxy = Proxy::start(dial, laptop, served, cookies).await?;
    let directory = private::temporary(&std::env::temp_dir(), "lab-browser-")?;
    let png = directory.path().join("page.png");
    let option = |name: &str, path: &Path| {
        let mut option = OsString::from(name);
        option.push(path);
        option
    };
    let mut command = Command::new(browser);
    command
        .args([
            "--headless=new",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-extensions",
        ])
        .args(["--disable-background-networking", "--disable-sync", "--disable-component-update", SIZE])
        .arg(format!("--proxy-server=http://127.0.0.1:{}", proxy.port()))
        // Also addresses of this machine are those of the laptop.
        .arg("--proxy-bypass-list=<-loopback>")
        // The laptop's `curl` has judged the certificate; this browser does not know the laptop's authorities.
        .arg("--ignore-certificate-errors")
        .arg("--virtual-time-budget=8000")
        // Without these a picture may be taken before all of its parts are drawn, and has white corners.
        .args(["--run-all-compositor-stages-before-draw", "--disable-checker-imaging"])
        .arg(option("--user-data-dir=", &directory.path().join("profile")))
        .arg(option("--screenshot=", &png))
        .arg(page.url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if nix::unistd::geteuid().is_root() {
        // It refuses its sandbox to root.
        command.arg("--no-sandbox");
    }
    let ended = timeout(limit, command.spawn()?.wait_with_output()).await.map_err(|_| NoPicture::Slow)??;
    match tokio::fs::read(&png).await {
        Ok(picture) => Ok(picture),
        Err(_) => {
            let said = String::from_utf8_lossy(&ended.stderr);
            Err(NoPicture::Nothing(said.lines().last().unwrap_or("it says nothing").to_owned()))
        }
    }
}

pub(in crate::run::kinds) fn find() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<_> = std::env::split_paths(&path).collect();
    NAMES.iter().flat_map(|name| places.iter().map(move |place| place.join(name))).find(|file| file.is_file())
}

/// Cookies as a request tells them, by host, from curl's file: domain, subdomains, path, secure, expiry, name, value.
fn cookies(jar: &str) -> Vec<(String, String)> {
    let lines = jar.lines().map(|line| line.strip_prefix("#HttpOnly_").unwrap_or(line));
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [domain, _, _, _, _, name, value] = fields[..] else { return None };
            Some((domain.trim_start_matches('.').to_owned(), format!("{name}={value}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_from_curls_file() {
        let jar = "# Netscape HTTP Cookie File\n\n203.0.113.9\tFALSE\t/\tFALSE\t0\ttest\tWP\n\
                   #HttpOnly_.web.example\tTRUE\t/wp\tFALSE\t0\tlogin\tadmin%7C1\n";
        assert_eq!(
            cookies(jar),
            [
                ("203.0.113.9".to_owned(), "test=WP".to_owned()),
                ("web.example".to_owned(), "login=admin%7C1".to_owned())
            ]
        );
    }
}

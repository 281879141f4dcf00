//! Requests as a browser on the laptop would make them: by `curl`, in the laptop's network and with its certificates.
//!
//! What is recorded: the status line and some headers of each answer, and the title of an HTML page or the body of
//! anything else. The picture of a page is made by a browser and never compared.

mod answer;
pub(super) mod browser;
mod proxy;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Did, INTERRUPTED, Stage};
use crate::lesson::{Http, Template};
use crate::name::VarName;
use crate::run::chain;
use crate::session::{Exit, LAPTOP, Machine, Pool, Program};
use answer::Answer;

/// What the request says that it comes from.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) lab";
/// The most that is taken of an answer, in bytes.
const MOST: u64 = 8 * 1024 * 1024;

pub(super) async fn run(stage: &mut Stage<'_>, http: &Http) -> Result<Did, String> {
    let started = Instant::now();
    let laptop = stage.pool.shell(LAPTOP, None).await.map_err(|error| chain(&error))?;
    let machine = Arc::clone(laptop.machine());
    let value = |name: &VarName| laptop.state().variable(name.as_str());
    let expand = |template: &Template| {
        template.expand(value).map_err(|name| format!("make the request: the laptop has no variable {name}"))
    };
    let request = &http.request;
    let (url, body) = (expand(&request.url)?, expand(&request.body)?);
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        headers.push(format!("{name}: {}", expand(value)?));
    }
    let jar = match &stage.lasting.cookies {
        Some(jar) => jar.clone(),
        None => {
            let (_, made) = output_of(&*machine, &["mktemp"], b"").await.map_err(|error| chain(&error))?;
            let jar = String::from_utf8_lossy(&made).trim().to_owned();
            stage.lasting.cookies.insert(jar).clone()
        }
    };
    let mut argv: Vec<&str> = vec!["curl", "-sS", "--include", "--http1.1", "--compressed", "--globoff"];
    argv.extend(["-A", AGENT]);
    argv.extend(["-b", &jar, "-c", &jar, "-H", "Accept: text/html,*/*;q=0.8", "-X", request.method.as_str()]);
    if request.method == crate::lesson::Method::Head {
        argv.push("--head");
    }
    if http.follow {
        // A browser asks with GET where a redirect leads to.
        argv.retain(|word| !["-X", request.method.as_str()].contains(word));
        argv.push("--location");
    }
    for header in &headers {
        argv.extend(["-H", header]);
    }
    if !body.is_empty() {
        argv.extend(["--data-binary", "@-"]);
    } else if http.follow && request.method == crate::lesson::Method::Post {
        argv.extend(["--data-binary", ""]);
    }
    argv.extend(["--", &url]);
    let asking = timeout(stage.deadline, output_of(&*machine, &argv, body.as_bytes()));
    let (exit, raw) = tokio::select! {
        asked = asking => match asked {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return Err(format!("run curl on the laptop: {}", chain(&error))),
            Err(_) => {
                let reason = format!("no answer came within {} s", stage.deadline.as_secs());
                return Ok(Did::printed("", started.elapsed()).but_wrong(reason, None));
            }
        },
        () = stage.interrupt.triggered() => return Err(INTERRUPTED.to_owned()),
    };
    if exit != Exit::Status(0) {
        let said = String::from_utf8_lossy(&raw).into_owned();
        let last = said.trim().lines().last().unwrap_or_default().to_owned();
        return Ok(Did::printed(&said, started.elapsed()).but_wrong(last, None));
    }
    let answer = Answer::parse(&raw);
    let text = answer.told();
    stage.tell()(text.as_bytes());
    let mut did = Did::printed(&text, started.elapsed());
    if http.screenshot {
        let page = browser::Page { url: &url, answer: &answer, jar: &jar };
        let left = stage.deadline.saturating_sub(started.elapsed()).max(Duration::from_secs(20));
        match browser::picture(page, machine, Arc::clone(stage.pool.dial()), left).await {
            Ok(picture) => did.picture = Some(picture),
            Err(browser::NoPicture::NoBrowser) => {
                did.lacking = Some("there is no Chromium on this machine to make the picture".to_owned());
            }
            Err(error) => did = did.but_wrong(chain(&error), None),
        }
        did.outcome.took = started.elapsed();
    }
    Ok(did)
}

/// Removes the laptop's cookies.
pub(in crate::run) async fn forget(pool: &mut Pool, jar: &str) {
    if let Ok(laptop) = pool.shell(LAPTOP, None).await {
        let machine = Arc::clone(laptop.machine());
        // A file that stays in a scratch directory hurts nobody.
        let _ = output_of(&*machine, &["rm", "-f", "--", jar], b"").await;
    }
}

/// Runs a program to its end: how it ended, and what it printed, of which no more than [`MOST`] is kept.
async fn output_of(machine: &dyn Machine, argv: &[&str], input: &[u8]) -> io::Result<(Exit, Vec<u8>)> {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    let mut child = machine.spawn(Program { argv, ..Program::default() }).await?;
    let mut printed = Vec::new();
    let fed = async {
        // A program that ends early takes no more; its status says why.
        let _ = child.stdin.write_all(input).await;
        let _ = child.stdin.shutdown().await;
        drop(child.stdin);
    };
    let mut stdout = child.stdout.take(MOST);
    let (_, read) = tokio::join!(fed, stdout.read_to_end(&mut printed));
    read?;
    drop(stdout);
    Ok((child.exit.await?, printed))
}

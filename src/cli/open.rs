//! Opens a lab: its directory, the cloud behind it, and the socket of the laptop's `aws`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_types::SdkConfig;
use jiff::Timestamp;

use crate::aws::client::SOCKET as SOCKET_VARIABLE;
use crate::aws::journal::{Current, Journal};
use crate::aws::journaling::Journaling;
use crate::aws::replay::{Replay, Replayed};
use crate::aws::{Caller, Intercepted, Overheard, serve};
use crate::cli::failure::Failure;
use crate::cli::local::LocalLaptop;
use crate::cli::secrets;
use crate::event::{Event, EventKind, Sink};
use crate::private;
use crate::region::client::{Client, ClientError, LAPTOP_USER, LabAccess, Paths, Progress, is_region_name};
use crate::run::{Backdrop, CloudKind, Lab, LabState, check_name};
use crate::session::{DirectDial, LocalMachine};

/// A lab in use: everything that a verb needs to work in it. Dropping it frees the lab.
pub struct OpenLab {
    pub lab: Lab,
    pub backdrop: Backdrop,
    pub journal: Arc<Journal>,
    /// Told which block runs.
    pub current: Current,
    /// Told what a block that runs again was answered before.
    pub replay: Replay,
    /// The local region did not know the lab.
    made_anew: bool,
    /// Answers the laptop's `aws`; ends with the lab.
    _server: Server,
}

/// The task behind the laptop's `aws`, ended when dropped.
struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The socket's name in a lab's run directory.
const SOCKET: &str = "aws.sock";
/// Where a lab's run directory is on the local region's laptop.
const RUN_ON_LAPTOP: &str = "/run/lab";

/// How long a daemon that is ending may take until nobody answers.
const ENDING: Duration = Duration::from_secs(5);

/// The region of labs on the local region, unless another is asked for.
const DEFAULT_REGION: &str = "us-east-1";

/// Opens the lab `name`; `fresh` makes its state if there is none. Starts the local region when the lab is on it.
pub async fn open(name: &str, fresh: impl FnOnce() -> LabState, sink: &dyn Sink) -> Result<OpenLab, Failure> {
    let paths = Paths::from_environment()?;
    fits(name)?;
    let known = crate::run::read_state(&paths.lab(name))?.is_some();
    let mut made = Made { directory: !paths.lab(name).exists(), file: !known, on_region: false };
    let lab = Lab::open(&paths.lab(name), fresh)?;
    let mut opened = match backdrop(&paths, lab, &mut made.on_region, sink).await {
        Ok(opened) => opened,
        Err(failure) => {
            discard(&paths, name, made).await;
            return Err(failure);
        }
    };
    if !known && !opened.made_anew {
        // `lab region env` has made it, and who has its keys may have used them.
        opened.lab.state.by_hand = true;
        opened.lab.save()?;
    }
    if opened.made_anew && !opened.lab.state.progress.done.is_empty() {
        // It would be taken for the lost one the next time.
        discard(&paths, name, made).await;
        return Err(Failure::needs(format!(
            "failed to go on in lab `{name}`: the local region does not know it any more (it was reset)"
        ))
        .hint(format!("`lab down --lab {name}` clears what is left of it; then run the lesson again")));
    }
    Ok(opened)
}

/// Why there is no lab that goes on from a kept state.
pub enum Unrestored {
    /// The region has a lab of this name already.
    Known,
    /// Nothing of the new lab is left.
    Because(String),
}

/// Opens a new lab that goes on from a kept state of the local region: `fill` gives it what the runner knew then. The
/// inner error says why that state cannot be used.
pub async fn open_restored(
    name: &str,
    fresh: impl FnOnce() -> LabState,
    fill: impl FnOnce(&mut Lab) -> std::io::Result<()>,
    state: &str,
    sink: &dyn Sink,
) -> Result<Result<OpenLab, Unrestored>, Failure> {
    let paths = Paths::from_environment()?;
    fits(name)?;
    let client = start_region(&paths, sink).await?;
    if client.status().await?.labs.iter().any(|lab| lab.name == name) {
        return Ok(Err(Unrestored::Known));
    }
    if !client.is_of_this_build().await? {
        return Ok(Err(Unrestored::Because("another build of `lab` runs the local region".to_owned())));
    }
    let mut lab = Lab::open(&paths.lab(name), fresh)?;
    let filled = fill(&mut lab)
        .map_err(|error| error.to_string())
        .and_then(|()| lab.save().map_err(|error| crate::run::chain(&error)));
    let restored = match filled {
        Ok(()) => client.restore(name, state).await.map(drop).map_err(|error| crate::run::chain(&error)),
        Err(reason) => Err(reason),
    };
    if let Err(reason) = restored {
        lab.remove()?;
        return Ok(Err(Unrestored::Because(reason)));
    }
    match backdrop(&paths, lab, &mut false, sink).await {
        Ok(opened) => Ok(Ok(opened)),
        Err(failure) => {
            discard(&paths, name, Made { directory: true, file: true, on_region: true }).await;
            Err(failure)
        }
    }
}

/// Refuses what cannot be a lab's name.
pub fn fits(name: &str) -> Result<(), Failure> {
    check_name(name).map_err(|error| Failure::usage(format!("failed to {error}")))
}

/// What is known of the lab `name`, without holding it; `None` when there is none.
pub fn state(name: &str) -> Result<Option<LabState>, Failure> {
    fits(name)?;
    Ok(crate::run::read_state(&Paths::from_environment()?.lab(name))?)
}

/// Opens a lab that is there already.
pub async fn open_existing(name: &str, sink: &dyn Sink) -> Result<OpenLab, Failure> {
    let paths = Paths::from_environment()?;
    fits(name)?;
    match crate::run::read_state(&paths.lab(name))? {
        Some(state) => open(name, || state, sink).await,
        None => Err(Failure::usage(format!("failed to find a lab named `{name}`"))
            .hint("`lab run` a lesson first; `lab status` lists the labs")),
    }
}

/// Opens a lab that is to be taken away: what is gone already is no hindrance.
pub async fn open_for_teardown(name: &str, state: LabState, sink: &dyn Sink) -> Result<OpenLab, Failure> {
    let paths = Paths::from_environment()?;
    let lab = Lab::open(&paths.lab(name), || state)?;
    backdrop(&paths, lab, &mut false, sink).await
}

/// What a command has made of a lab that it opens. Whatever else there is of it was there before: `lab region env` makes
/// labs that have no file, and directories for their laptops.
#[derive(Debug, Clone, Copy)]
struct Made {
    directory: bool,
    file: bool,
    on_region: bool,
}

/// Removes what was made of a lab that could not be opened and in which nothing has happened.
async fn discard(paths: &Paths, name: &str, made: Made) {
    if made.on_region
        && let Ok(client) = Client::connect(paths).await
    {
        let _ = client.remove_lab(name).await;
    }
    if made.directory {
        let _ = std::fs::remove_dir_all(paths.lab(name));
    } else if made.file {
        let _ = crate::run::forget(&paths.lab(name));
    }
}

/// `made_anew` is set as soon as the local region has made the lab, also when the rest fails.
async fn backdrop(
    paths: &Paths,
    lab: Lab,
    made_anew: &mut bool,
    sink: &dyn Sink,
) -> Result<OpenLab, Failure> {
    let backdrop = match lab.state.cloud {
        CloudKind::Local => {
            let (backdrop, created) = local(paths, &lab, sink).await?;
            *made_anew = created;
            backdrop
        }
        CloudKind::Aws => aws(&lab).await?,
    };
    let journal = Arc::new(Journal::open(&lab.journal_path())?);
    let current = Current::default();
    let journaling = Journaling::new(
        Arc::clone(&journal),
        current.clone(),
        &lab.state.session,
        &lab.state.region,
        secrets::known(),
    );
    let call = Intercepted::new(Caller::new(&backdrop.sdk), journaling);
    let replay = Replay::default();
    let call = Replayed::new(call, replay.clone(), &lab.state.region);
    let call = Overheard::new(call, secrets::known());
    if let Some(provider) = backdrop.sdk.credentials_provider()
        && let Ok(credentials) = provider.provide_credentials().await
    {
        secrets::known().add(credentials.secret_access_key());
        credentials.session_token().iter().for_each(|token| secrets::known().add(token));
    }
    let listener = listen(&lab.run_dir().join(SOCKET))?;
    let mut users = vec![nix::unistd::Uid::effective().as_raw()];
    // On the local region the laptop's user is another than this one. What it may connect to is shown to it as its own.
    users.extend((lab.state.cloud == CloudKind::Local).then_some(LAPTOP_USER));
    let server = Server(tokio::spawn(serve(listener, users, Arc::new(call))));
    Ok(OpenLab { lab, backdrop, journal, current, replay, made_anew: *made_anew, _server: server })
}

impl OpenLab {
    /// The account's number, which also shows that the credentials work.
    pub async fn account(&self) -> Result<String, Failure> {
        let caller = Caller::new(&self.backdrop.sdk);
        let operation = crate::wire::Service::sts()
            .operation("GetCallerIdentity")
            .ok_or_else(|| Failure::internal("failed to find GetCallerIdentity in the service model"))?;
        let answer = caller.call(operation, &serde_json::json!({})).await.map_err(|error| {
            Failure::needs(format!("failed to use your AWS credentials: {error}"))
                .hint("`aws configure`, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        })?;
        Ok(answer["Account"].as_str().unwrap_or("unknown").to_owned())
    }

    /// What to say where the local region under a run has ended, which no lesson is to blame for.
    pub async fn region_ended(&self) -> Option<Failure> {
        if self.lab.state.cloud != CloudKind::Local {
            return None;
        }
        let paths = Paths::from_environment().ok()?;
        let mut answer = Client::connect(&paths).await;
        // One that is just ending may take the call and not answer it any more.
        let begun = Instant::now();
        while matches!(answer, Err(ClientError::Broken(_))) && begun.elapsed() < ENDING {
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer = Client::connect(&paths).await;
        }
        match answer {
            Err(ClientError::NotRunning { last }) => {
                let how = last.map(|last| last.sentence()).unwrap_or_default();
                let name = &self.lab.state.name;
                Some(
                    Failure::needs(format!("failed to go on in lab `{name}`: the local region does not run any more{how}"))
                        .hint("the next command starts it again: the same `lab run` goes on, `lab down` takes the lab away"),
                )
            }
            _ => None,
        }
    }

    /// Removes the lab itself, on the local region too. What it had created must be gone before.
    pub async fn remove(&mut self) -> Result<(), Failure> {
        if self.lab.state.cloud == CloudKind::Local {
            let client = Client::connect(&Paths::from_environment()?).await?;
            client.remove_lab(&self.lab.state.name).await?;
        }
        self.lab.remove()?;
        Ok(())
    }
}

/// Refuses what cannot be a region's name.
fn fits_region(name: &str) -> Result<(), Failure> {
    if is_region_name(name) {
        return Ok(());
    }
    Err(Failure::usage(format!("failed to use `{name}` as a region"))
        .hint("a region's name looks like `us-east-1` or `ap-northeast-1`"))
}

/// The region's name that a lab gets: the one asked for, else AWS's configuration or the default.
pub async fn region(cloud: CloudKind, asked: Option<&str>) -> Result<String, Failure> {
    match (cloud, asked) {
        (_, Some(region)) => fits_region(region).map(|()| region.to_owned()),
        (CloudKind::Local, None) => Ok(DEFAULT_REGION.to_owned()),
        (CloudKind::Aws, None) => match aws_sdk(None).await.region() {
            Some(region) => Ok(region.to_string()),
            None => Err(Failure::usage("failed to choose a region: AWS's configuration names none")
                .hint("--region REGION, or AWS_REGION")),
        },
    }
}

/// Binds the socket, in a directory that is the person's alone.
fn listen(socket: &Path) -> Result<tokio::net::UnixListener, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    // What a killed run left behind; the lab's lock says that nobody listens on it.
    let _ = std::fs::remove_file(socket);
    let error = |e: std::io::Error| Failure::needs(format!("failed to listen on {}: {e}", socket.display()));
    let listener = tokio::net::UnixListener::bind(socket).map_err(error)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(error)?;
    Ok(listener)
}

async fn local(paths: &Paths, lab: &Lab, sink: &dyn Sink) -> Result<(Backdrop, bool), Failure> {
    let client = start_region(paths, sink).await?;
    let access = client.ensure_lab(&lab.state.name, &lab.state.region).await?;
    let sdk = local_sdk(&access);
    let laptop = LocalLaptop::new(client, &lab.state.name);
    let backdrop = Backdrop {
        cloud: CloudKind::Local,
        region: access.region.clone(),
        sdk,
        dial: Arc::new(laptop.clone()),
        laptop: Arc::new(laptop),
        laptop_env: vec![
            (SOCKET_VARIABLE.to_owned(), format!("{RUN_ON_LAPTOP}/{SOCKET}")),
            ("AWS_REGION".to_owned(), access.region.clone()),
        ],
    };
    Ok((backdrop, access.created))
}

/// Endpoint and credentials of a lab's account on the local region. The environment has no say in it.
fn local_sdk(access: &LabAccess) -> SdkConfig {
    let credentials =
        Credentials::new(&access.access_key_id, &access.secret_access_key, None, None, "local-region");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(access.region.clone()))
        .endpoint_url(&access.endpoint_url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .time_source(aws_smithy_async::time::SharedTimeSource::new(
            aws_smithy_async::time::SystemTimeSource::new(),
        ))
        .build()
}

fn http_client() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    use aws_smithy_http_client::tls;
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}

/// Starts the local region if it does not run, telling how it goes.
pub async fn start_region(paths: &Paths, sink: &dyn Sink) -> Result<Client, Failure> {
    let started = Instant::now();
    let tell = |kind| sink.take(&Event { at: Timestamp::now(), lesson: None, block: None, kind });
    let mut worked = false;
    let client = Client::ensure_running(paths, |progress| match progress {
        Progress::WaitingForImage => {
            worked = true;
            tell(EventKind::PreparationProgressed {
                what: "waiting for another process that builds the same image".to_owned(),
                fraction: None,
            });
        }
        Progress::BuildingImage { phase, percent } => {
            worked = true;
            tell(EventKind::PreparationProgressed {
                what: format!("building the instances' image (once): {phase}"),
                fraction: Some(f64::from(percent) / 100.0),
            });
        }
        Progress::ImageReady { size_mib, built_in_s: Some(seconds) } => {
            tell(EventKind::PreparationFinished {
                what: format!("image built, {size_mib} MiB"),
                took: std::time::Duration::from_secs(seconds),
            })
        }
        Progress::ImageReady { .. } => {}
        Progress::Starting => {
            worked = true;
            tell(EventKind::PreparationProgressed {
                what: "starting the local region".to_owned(),
                fraction: None,
            });
        }
        Progress::OtherBuild => tell(EventKind::Warned {
            message: "the local region was started by another build of `lab` and goes on with it, as instances run there; \
                      `lab region stop` makes room for this one"
                .to_owned(),
        }),
        Progress::Ready => {
            tell(EventKind::PreparationFinished {
                what: "local region started".to_owned(),
                took: started.elapsed(),
            });
        }
    })
    .await?;
    Ok(client)
}

async fn aws(lab: &Lab) -> Result<Backdrop, Failure> {
    let sdk = aws_sdk(Some(&lab.state.region)).await;
    let laptop = LocalMachine::new(lab.home());
    let bin = thin_client(lab)?;
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    Ok(Backdrop {
        cloud: CloudKind::Aws,
        region: lab.state.region.clone(),
        sdk,
        dial: Arc::new(DirectDial),
        laptop: Arc::new(laptop),
        laptop_env: vec![
            (SOCKET_VARIABLE.to_owned(), lab.run_dir().join(SOCKET).display().to_string()),
            ("AWS_REGION".to_owned(), lab.state.region.clone()),
            ("PATH".to_owned(), format!("{}:{path}", bin.display())),
        ],
    })
}

/// The person's own AWS configuration (profile, environment, `AWS_ENDPOINT_URL`).
pub async fn aws_sdk(region: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}

/// A directory whose `aws` is this program.
fn thin_client(lab: &Lab) -> Result<PathBuf, Failure> {
    let bin = lab.path().join("bin");
    private::directory(&bin)?;
    let link = bin.join("aws");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(std::env::current_exe()?, &link)?;
    Ok(bin)
}

/// Access to a lab of the local region for programs outside.
pub async fn access(name: &str, region: &str, sink: &dyn Sink) -> Result<LabAccess, Failure> {
    let paths = Paths::from_environment()?;
    fits(name)?;
    fits_region(region)?;
    let client = start_region(&paths, sink).await?;
    let access = client.ensure_lab(name, region).await?;
    if crate::run::read_state(&paths.lab(name))?.is_some() {
        crate::run::note_by_hand(&paths.lab(name))?;
    }
    Ok(access)
}

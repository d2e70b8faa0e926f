//! Sockets, TLS, HTTP, identity and dispatch; the only user of hyper and rustls.

mod admin;
mod auth;
mod authority;
mod body;
pub mod ca_command;
mod dispatch;
mod faults;
mod foreign;
mod form;
mod hosts_command;
mod http;
mod http_body;
pub mod import_command;
mod listen;
mod log;
mod reply;
mod s3;
mod sts;
mod timer;
mod tls;
mod watched;

pub use self::{
    auth::CredentialsError,
    authority::AuthorityError,
    http::Service,
    http_body::{AnyBody, BodyFailure},
    tls::TlsError,
};

use self::{auth::Auth, faults::Faults, http::Admin, listen::Acceptor, tls::Certificates};
use crate::{
    api::{AdvanceError, Advertised, Api, ApiConfig, Clocks},
    clock::Clock,
    config::{Config, ImportOptions, LogFormat, S3Place},
    engine::{Engine, EngineConfig, EngineError, MagneticLocation},
    model::id::uuid,
    outbound::{
        notifications::{Notifications, SnsEndpoint},
        objects::{ObjectError, Objects},
    },
    sql::Limits,
};
use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Threads that serve sockets; queries run on their own.
const SOCKET_THREADS_MAX: usize = 4;
const MEBIBYTE: u64 = 1024 * 1024;
/// How often the memory of expired records is given back; queries do not see them anyway.
const EXPIRY_INTERVAL_NS: i64 = 60_000_000_000;

/// Why a server does not start or does not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {host}:{port}: {source}")]
    Listen {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// HTTPS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file of credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The state cannot be opened or closed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The folder of buckets cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// What DescribeEndpoints should answer is no address.
    #[error("--advertise {0}: not of the form [SCHEME://]HOST[:PORT]")]
    Advertise(String),
    /// What time should stand still at is no moment.
    #[error("--manual-clock {0}: not of the form 2026-01-01T00:00:00Z")]
    ManualClock(String),
    /// The faults to be made are none.
    #[error("--faults: {0}")]
    Faults(String),
    /// The log filter is not understood.
    #[error("--log: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// Threads or signals cannot be had from the operating system, or standard output is closed.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Makes a server, for this program and for Rust tests that embed one.
#[derive(Clone, Debug)]
pub struct Builder {
    config: Config,
    clock: Clock,
}

impl Builder {
    /// The time that the server lives in; default: the machine's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Everything else that can be configured; default: in memory on a free port of 127.0.0.1.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Keeps everything in a directory.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.config.data_dir = Some(dir.into());
        self
    }

    /// Listens on this port; 0, the default here, picks a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.config.port = port;
        self
    }

    /// The server without sockets: a service that answers requests in process.
    ///
    /// # Errors
    /// When the state or the certificates cannot be opened.
    pub async fn in_process(self) -> Result<Service, ServerError> {
        Ok(self.open().await?.0.service)
    }

    /// Opens the state and starts listening.
    ///
    /// # Errors
    /// When the state or the certificates cannot be opened, or the address cannot be listened on.
    pub async fn start(self) -> Result<Server, ServerError> {
        let (host, port) = (self.config.host.clone(), self.config.port);
        let bare_host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (acceptor, engine) = self.open().await?;
        let listening = async {
            let listener = TcpListener::bind((bare_host.as_str(), port)).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listening.await.map_err(|source| ServerError::Listen { host, port, source })?;
        let service = acceptor.service.clone();
        let (stop, stopped) = watch::channel(false);
        // A clock that the user moves brings its work with it.
        let time = service.time().clone();
        if !time.is_manual() {
            tokio::spawn(service.scheduler().clone().keep(stopped.clone()));
        }
        tokio::spawn(keep_time(engine.clone(), time, stopped.clone()));
        let serving = tokio::spawn(acceptor.serve(listener, stopped));
        Ok(Server { address, service, engine, stop, serving })
    }

    /// The time of the server's state, and the time that sockets and running queries are measured by: both the clock's,
    /// but where the user moves the first.
    fn clocks(&self) -> Result<Clocks, ServerError> {
        let machine = self.clock.clone();
        let time = match self.config.manual_clock.as_deref() {
            None => machine.clone(),
            Some(Config::MANUAL_CLOCK_NOW) => Clock::manual(machine.now_ns()),
            Some(text) => {
                let now_ns = admin::clock::parse_moment(text);
                Clock::manual(now_ns.ok_or_else(|| ServerError::ManualClock(text.to_owned()))?)
            }
        };
        Ok(Clocks { time, machine })
    }

    async fn open(self) -> Result<(Acceptor, Arc<Engine>), ServerError> {
        let clocks = self.clocks()?;
        let Self { config, clock } = self;
        let auth = Auth::open(&config)?;
        let advertised = match &config.advertise {
            Some(text) => Some(Advertised::parse(text).ok_or_else(|| ServerError::Advertise(text.clone()))?),
            None => None,
        };
        let certificates = match (&config.tls_cert, &config.tls_key) {
            (Some(certificate), Some(key)) => Certificates::from_files(certificate, key)?,
            _ => {
                let beside_data = config.data_dir.as_ref().map(|dir| dir.join("ca"));
                Certificates::own(beside_data.or(config.ca_dir), clock.clone())?
            }
        };
        let faults = config.faults.as_ref().map_or(Ok(Faults::default()), |json| Faults::parse(json.as_bytes()));
        let admin = Admin { faults: faults.map_err(ServerError::Faults)?, token: config.admin_token };
        let buckets = config.data_dir.as_ref().map(|dir| dir.join("s3"));
        let objects = Arc::new(match (&config.s3_endpoint, buckets) {
            (Some(endpoint), _) => Objects::at_endpoint(endpoint),
            (None, Some(root)) => Objects::in_folder(root)?,
            (None, None) => Objects::in_memory(),
        });
        let magnetic = magnetic_location(&objects, config.magnetic_url.as_ref())?;
        let memory_bytes_max = Some(memory_bytes_max(config.memory));
        let engine_config = EngineConfig { data_dir: config.data_dir, memory_bytes_max, magnetic };
        let engine = Engine::open(engine_config, clock.clone()).await?;
        let query_limits = Limits {
            timeout_s: config.query_timeout,
            memory_bytes_max: usize::try_from(u64::from(config.query_memory) * MEBIBYTE).unwrap_or(usize::MAX),
            documented_only: config.documented_only,
        };
        let api_config =
            ApiConfig { advertised, query_limits, lenient_scheduled_queries: config.lenient_scheduled_queries };
        let notifications = Arc::new(Notifications::new(config.sns_endpoint.map(sns_endpoint)));
        let api = Api::new(engine.clone(), objects.clone(), notifications, api_config, clocks.clone());
        let certificates = Arc::new(certificates);
        api.loader().restart();
        api.scheduler().skip_missed().await;
        let service = Service::new(api, objects, certificates.clone(), clocks, auth, admin);
        Ok((Acceptor { service, certificates, clock, max_connections: config.max_connections }, engine))
    }
}

/// A server that listens.
pub struct Server {
    address: SocketAddr,
    service: Service,
    engine: Arc<Engine>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// A server on the machine's clock, in memory, on a free port of 127.0.0.1, unless told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder { config: Config { port: 0, ..Config::default() }, clock: Clock::system() }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same server without its sockets.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service.clone()
    }

    /// The address for clients on this machine, plain HTTP; HTTPS is served on the same port.
    #[must_use]
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Moves a manual clock and does all that is due on the way; see [`Service::advance`].
    ///
    /// # Errors
    /// [`AdvanceError`].
    pub async fn advance(&self, by: Duration) -> Result<(), AdvanceError> {
        self.service.advance(by).await
    }

    /// Stops accepting, lets requests in flight finish (for a bounded time), and closes the state.
    ///
    /// # Errors
    /// When the state cannot be closed in good order.
    pub async fn shutdown(self) -> Result<(), ServerError> {
        self.stop.send_replace(true);
        // It ends by itself; only a panic in it would be an error, and that is logged.
        let _ = self.serving.await;
        Ok(self.engine.close().await?)
    }
}

/// Where the files of the magnetic store are to be, when not in the data directory.
fn magnetic_location(objects: &Objects, place: Option<&S3Place>) -> Result<Option<MagneticLocation>, ObjectError> {
    let Some(place) = place else { return Ok(None) };
    // Not from the server's clock: two with manual clocks would draw the same name.
    let (store, owner) = (objects.bucket(&place.bucket)?, uuid(Clock::system().random_bytes()));
    Ok(Some(MagneticLocation { url: place.to_string(), store, prefix: place.prefix.clone(), owner }))
}

/// Bytes of records to hold in memory: what is asked for in mebibytes, or else a quarter of the machine's.
fn memory_bytes_max(asked_mib: Option<u32>) -> usize {
    let total_kib = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
    };
    match asked_mib {
        Some(mib) => (mib as usize) << 20,
        // Where the system does not say, it is reckoned with four gibibytes.
        None => total_kib().unwrap_or(4_usize << 20) * 1_024 / 4,
    }
}

/// Where to publish, signed with the environment's credentials, or with any where there are none.
fn sns_endpoint(url: String) -> SnsEndpoint {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    SnsEndpoint {
        url,
        access_key_id: variable("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "test".to_owned()),
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "test".to_owned()),
        session_token: variable("AWS_SESSION_TOKEN"),
    }
}

/// Does the work that time brings, now and then, until the server stops.
async fn keep_time(engine: Arc<Engine>, clock: Clock, mut stop: watch::Receiver<bool>) {
    loop {
        let next_ns = clock.now_ns().saturating_add(EXPIRY_INTERVAL_NS);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = clock.sleep_until(next_ns) => {}
        }
        if let Err(error) = engine.tick(clock.now_ns()).await {
            tracing::error!(%error, "the work that time brings was not done");
        }
    }
}

/// Serves until the process is told to stop (SIGTERM, SIGINT); the `timebrook` program.
///
/// # Errors
/// When the server does not start or its state cannot be closed in good order.
pub fn run(config: Config) -> Result<(), ServerError> {
    log::start(&config.log, config.log_format)?;
    runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let has_credentials = config.credentials.is_some();
        let server = Server::builder().config(config).start().await?;
        if has_credentials {
            reload_on_hangup(server.service())?;
        }
        announce(&server.url(), has_credentials)?;
        signals.next().await;
        tracing::info!("stopping");
        let stopping = std::pin::pin!(server.shutdown());
        match futures::future::select(stopping, std::pin::pin!(signals.next())).await {
            futures::future::Either::Left((outcome, _)) => outcome,
            futures::future::Either::Right(_) => Err(ServerError::System(io::Error::other("told to stop twice"))),
        }
    })
}

/// Prints the certificate authority of the server at `url`; the `timebrook ca` program.
///
/// # Errors
/// When there is none to be had there.
pub fn print_ca(url: &str) -> Result<(), ca_command::CaError> {
    print(&fetch_ca(url)?)
}

/// Prints what leads AWS's own endpoints of `regions` to `address`, for the server at `url`; the `timebrook hosts` program.
///
/// # Errors
/// As [`print_ca`].
pub fn print_hosts(url: &str, address: IpAddr, regions: &[String]) -> Result<(), ca_command::CaError> {
    print(&hosts_command::text(address, regions, &fetch_ca(url)?))
}

fn fetch_ca(url: &str) -> Result<String, ca_command::CaError> {
    let unreached = |error| ca_command::CaError::Connect(url.to_owned(), error);
    runtime().map_err(unreached)?.block_on(ca_command::fetch(url))
}

fn print(text: &str) -> Result<(), ca_command::CaError> {
    io::stdout().write_all(text.as_bytes()).map_err(ca_command::CaError::Print)
}

/// Loads files of this machine into a table of a data directory; the `timebrook import` program.
///
/// # Errors
/// When not everything was loaded.
pub fn import(options: ImportOptions) -> Result<(), import_command::ImportError> {
    log::start("warn", LogFormat::Text).map_err(|error| io::Error::other(error.to_string()))?;
    runtime()?.block_on(import_command::import(options, memory_bytes_max(None)))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, SOCKET_THREADS_MAX);
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("sockets").enable_all().build()
}

/// Reads the credentials anew whenever the process is told to (SIGHUP).
#[cfg(unix)]
fn reload_on_hangup(service: Service) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            service.reload_credentials();
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn reload_on_hangup(_: Service) -> io::Result<()> {
    Ok(())
}

/// Says that the server is ready and what to paste into a shell to use it.
fn announce(url: &str, has_credentials: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Ready.")?;
    writeln!(out, "export AWS_ENDPOINT_URL={url}")?;
    if has_credentials {
        return out.flush();
    }
    writeln!(
        out,
        "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
    )?;
    out.flush()
}

/// What tells the process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

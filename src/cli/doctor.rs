//! `farebox doctor`: what would stop or endanger this installation, and what to do about it?

mod policies;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Serialize;
use server::accounts::Accounts;
use server::catalog::Catalog;
use server::clock::Clock;
use server::db::Db;
use server::night;
use server::orders::OrdersState;
use server::rates::Rates;
use server::secrets::{Given, KeyRing, Purpose, key_file, unused};
use server::upstreams::{AddressRule, SANDBOX_URL, UpstreamView, Upstreams};
use tokio::net::TcpStream;

use super::output::{self, line};
use crate::config::{self, Config};
use crate::database::{self, Schema};

/// How long a machine may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(4);
/// When this was written: a clock before it is wrong.
const WRITTEN_MS: i64 = 1_795_219_200_000;
const HOUR_MS: i64 = 3_600_000;
/// A night without a check, and half a day.
const UNCHECKED_HOURS: i64 = 36;
/// Clocks of two machines that differ by more make times in lists confusing.
const SKEW_MS: i64 = 2_000;

/// Look for what would stop or endanger this installation
///
/// Checks settings, data folder, key files, database, schema, clock, lock, upstreams, prices of tools, rates and locales, and says what to do
/// about each finding. Exits 0 when nothing fails (warnings are allowed), 1 otherwise. It changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object per check: {"check","state","about"}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    about: String,
}

struct Findings {
    json: bool,
    failed: bool,
}

impl Findings {
    fn tell(&mut self, check: &'static str, state: State, about: impl Into<String>) {
        self.failed |= state == State::Failed;
        let finding = Finding {
            check,
            state,
            about: about.into(),
        };
        if self.json {
            // A finding is three texts; they can always be written.
            let _ = output::json(&finding);
        } else {
            let mark = match state {
                State::Ok => "ok  ",
                State::Warning => "warn",
                State::Failed => "FAIL",
            };
            line(&format!("{mark}  {check}: {}", finding.about));
        }
    }

    fn ok(&mut self, check: &'static str, about: impl Into<String>) {
        self.tell(check, State::Ok, about);
    }

    fn warn(&mut self, check: &'static str, about: impl Into<String>) {
        self.tell(check, State::Warning, about);
    }

    fn fail(&mut self, check: &'static str, about: impl Into<String>) {
        self.tell(check, State::Failed, about);
    }
}

pub async fn run(args: Args) -> ExitCode {
    let mut found = Findings {
        json: args.json,
        failed: false,
    };
    let loaded = config::inspect();
    settings(&mut found, &loaded);
    let config = loaded.config;
    data_folder(&mut found, &config.data);
    clock(&mut found);
    if let Some(db) = database(&mut found, &config).await {
        keys(&mut found, &config, &db).await;
        upstreams(&mut found, &config, &db).await;
        tools(&mut found, &db).await;
        rates(&mut found, &config, &db).await;
        orders(&mut found, &db).await;
        books(&mut found, &config, &db).await;
        policies::policies(&mut found, &config, &db).await;
    }
    mail(&mut found, &config).await;
    public_address(&mut found, &config).await;
    lock(&mut found, &config).await;
    locales(&mut found, &config);
    if !crate::assets::embedded() {
        found.warn("bundle", "this binary was built without the browser bundle: pages have no style; build it with `make build`");
    }
    if found.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn settings(found: &mut Findings, loaded: &config::Loaded) {
    for problem in loaded
        .problems
        .iter()
        .cloned()
        .chain(loaded.config.refusal())
    {
        found.fail("settings", problem);
    }
    for note in &loaded.notes {
        found.warn("settings", note);
    }
    if loaded.problems.is_empty() && loaded.config.refusal().is_none() {
        found.ok("settings", "all can be read");
    }
}

fn data_folder(found: &mut Findings, data: &Path) {
    match std::fs::metadata(data) {
        Err(_) => found.warn(
            "data folder",
            format!("{} is not there; `farebox serve` makes it", data.display()),
        ),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            let (mode, path) = (meta.permissions().mode() & 0o777, data.display());
            found.warn(
                "data folder",
                format!(
                    "{path} can be entered by others (mode {mode:03o}): run chmod 700 '{path}'"
                ),
            );
        }
        Ok(_) => match database::lock_file(&data.join("doctor.lock")) {
            Ok(_) => found.ok(
                "data folder",
                format!("{} belongs to this user alone", data.display()),
            ),
            Err(error) => found.fail("data folder", format!("{error:#}")),
        },
    }
    // It was made only to see whether files can be.
    std::fs::remove_file(data.join("doctor.lock")).ok();
}

fn clock(found: &mut Findings) {
    if Clock::system().now_ms() < WRITTEN_MS {
        found.fail(
            "clock",
            "this machine believes to live in the past; start its time service",
        );
    } else {
        found.ok("clock", "plausible");
    }
}

async fn database(found: &mut Findings, config: &Config) -> Option<Db> {
    if let Some(file) = config.sqlite_file()
        && !file.exists()
    {
        found.warn(
            "database",
            format!("{} is not there; `farebox serve` makes it", file.display()),
        );
        return None;
    }
    let db = match database::connect(config).await {
        Ok(db) => db,
        Err(error) => {
            found.fail("database", format!("{error:#}"));
            return None;
        }
    };
    match database::schema(&db).await {
        Err(error) => found.fail("database", format!("{error:#}")),
        Ok(Schema::Current) => found.ok("database", "reachable, with the schema of this version"),
        Ok(Schema::Older(missing)) if config.sqlite_file().is_some() => {
            found.warn(
                "database",
                format!("{missing} migration(s) are missing; `farebox serve` applies them"),
            );
        }
        Ok(Schema::Older(missing)) => {
            found.fail("database", format!("{missing} migration(s) are missing: make a backup, then run `farebox migrate up`"));
        }
        Ok(Schema::Newer) => found.fail(
            "database",
            "a newer Farebox has migrated it: run that version",
        ),
    }
    if db.backend() == DbBackend::Postgres {
        skew(found, &db).await;
    }
    (database::schema(&db).await.ok()? == Schema::Current).then_some(db)
}

async fn skew(found: &mut Findings, db: &Db) {
    let sql = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT) AS now";
    let asked = db
        .read()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await;
    let Ok(Some(theirs)) = asked.map(|row| row.and_then(|row| row.try_get::<i64>("", "now").ok()))
    else {
        return;
    };
    let skew = (Clock::system().now_ms() - theirs).abs();
    if skew > SKEW_MS {
        found.warn(
            "clock",
            format!(
                "this machine and the database differ by {skew} ms; let a time service set both"
            ),
        );
    }
}

async fn keys(found: &mut Findings, config: &Config, db: &Db) {
    let unused = match unused(db).await {
        Ok(unused) => unused,
        Err(error) => {
            return found.fail("key files", format!("the database cannot be read: {error}"));
        }
    };
    if unused == Purpose::ALL && !config.data.join("keys").exists() {
        return found.warn("key files", "none yet; the first start makes them");
    }
    // The next start makes those that nothing needs yet; looking must not.
    let opened = Given::from_variables(|name| std::env::var(name).ok())
        .and_then(|given| KeyRing::look(&config.data, given, &unused));
    match opened {
        Ok(ring) => {
            let later: Vec<_> = unused
                .iter()
                .filter(|purpose| !there(config, **purpose))
                .map(|purpose| format!("{}.key", purpose.name()))
                .collect();
            if later.is_empty() {
                found.ok("key files", "all there, closed to others; keep a copy of them apart from the database's backups");
            } else {
                found.warn(
                    "key files",
                    format!(
                        "the next start makes {}; take a new copy of the key files then",
                        later.join(", ")
                    ),
                );
            }
            let accounts = Accounts::new(db.clone(), Clock::system(), ring);
            if let Ok(Some(_)) = accounts.unclaimed_admin().await {
                found.warn("first administrator", "nobody has claimed the seeded account yet: open the link that `make run` prints");
            }
        }
        Err(error) => found.fail("key files", error.to_string()),
    }
}

/// Whether a key is given from outside or has its file.
fn there(config: &Config, purpose: Purpose) -> bool {
    let given = |name: &str| std::env::var_os(name).is_some();
    given(purpose.variable())
        || given(&format!("{}_FILE", purpose.variable()))
        || key_file(&config.data, purpose).exists()
}

/// How the sources of rates did when the server asked them last; nobody is asked here.
async fn rates(found: &mut Findings, config: &Config, db: &Db) {
    let rates = Rates::new(db.clone(), Clock::system(), config.rates.clone());
    let states = match rates.sources().await {
        Ok(states) => states,
        Err(error) => return found.fail("rates", format!("the database cannot be read: {error}")),
    };
    let asked = rates.asked();
    let is_asked = |name: &str| asked.iter().any(|source| source.code() == name);
    for state in states.iter().filter(|state| is_asked(&state.source)) {
        match &state.refused {
            Some(reason) => found.warn("rates", format!("{}: {reason}", state.source)),
            None => found.ok("rates", format!("{}: taken over", state.source)),
        }
    }
}

async fn orders(found: &mut Findings, db: &Db) {
    let state = match OrdersState::read(db, Clock::system().now_ms()).await {
        Ok(state) => state,
        Err(error) => return found.fail("orders", format!("the database cannot be read: {error}")),
    };
    let OrdersState {
        attention,
        stuck_events,
        stuck_refunds,
    } = state;
    if attention > 0 {
        found.warn(
            "orders",
            format!("{attention} do not fit what their provider says; see `farebox admin order list --attention`"),
        );
    }
    if stuck_events > 0 {
        found.warn(
            "orders",
            format!("{stuck_events} webhooks wait for an answer of their provider for ten minutes or longer; see the server's log"),
        );
    }
    if stuck_refunds > 0 {
        found.warn(
            "orders",
            format!("{stuck_refunds} refunds have had no answer of their provider for an hour; see the server's log"),
        );
    }
    if (attention, stuck_events, stuck_refunds) == (0, 0, 0) {
        found.ok("orders", "nothing to look at");
    }
}

/// What the last nightly check of the books found.
async fn books(found: &mut Findings, config: &Config, db: &Db) {
    let run = match night::newest(db.read()).await {
        Ok(run) => run,
        Err(error) => return found.fail("books", format!("the database cannot be read: {error}")),
    };
    let Some(run) = run else {
        return found.ok(
            "books",
            "no night has checked them yet; `farebox ledger verify` does it now",
        );
    };
    let hours = (Clock::system().now_ms() - run.ended_at) / HOUR_MS;
    if !run.holds {
        found.fail(
            "books",
            format!("they did not hold when they were checked {hours} hours ago: stop serving and run `farebox ledger verify`"),
        );
    } else if config.verify_at.is_some() && hours > UNCHECKED_HOURS {
        found.warn(
            "books",
            format!("they were last checked {hours} hours ago, and should be every night: does `farebox serve` run?"),
        );
    } else {
        found.ok(
            "books",
            format!("they held when they were checked {hours} hours ago"),
        );
    }
}

async fn upstreams(found: &mut Findings, config: &Config, db: &Db) {
    let rule = AddressRule {
        local: config.local(),
        private_ranges: config.upstream_private_ranges.clone(),
    };
    let given = Given::from_variables(|name| std::env::var(name).ok());
    let Ok(unused) = unused(db).await else {
        return;
    };
    let Ok(ring) = given.and_then(|given| KeyRing::look(&config.data, given, &unused)) else {
        return;
    };
    let listed = match Upstreams::new(db.clone(), Clock::system(), ring, rule.clone())
        .list()
        .await
    {
        Ok(listed) => listed,
        Err(error) => {
            return found.fail("upstreams", format!("the database cannot be read: {error}"));
        }
    };
    if listed
        .iter()
        .all(|upstream| upstream.base_url == SANDBOX_URL)
    {
        found.warn(
            "upstreams",
            "there is none beside the sandbox; add one with `farebox admin upstream create`",
        );
    }
    for upstream in listed
        .iter()
        .filter(|upstream| upstream.base_url != SANDBOX_URL)
    {
        match rule.check(&upstream.base_url) {
            Err(error) => found.fail("upstreams", format!("{}: {error}", upstream.name)),
            Ok(_) => match reach(upstream).await {
                Ok(()) => found.ok(
                    "upstreams",
                    format!("{} accepts connections", upstream.name),
                ),
                Err(why) => found.warn(
                    "upstreams",
                    format!(
                        "{} at {} does not answer: {why}",
                        upstream.name, upstream.base_url
                    ),
                ),
            },
        }
    }
}

/// Whether the uses of the providers' own tools have a price at every model: calls that offer them are refused elsewhere.
async fn tools(found: &mut Findings, db: &Db) {
    let catalog = Catalog::new(db.clone(), Clock::system());
    if let Err(error) = catalog.reload().await {
        return found.fail("tools", format!("the catalogue cannot be read: {error}"));
    }
    let free = catalog.free_tools();
    let unpriced = catalog.unpriced_tools();
    if unpriced.is_empty() && free.is_empty() {
        return found.ok("tools", "every use of a provider's tool has a price");
    }
    if unpriced.is_empty() {
        let models = free.join(", ");
        return found.ok(
            "tools",
            format!("uses of the provider's tools (web_search …) cost callers nothing at {models}, and you what the provider asks"),
        );
    }
    found.warn(
        "tools",
        format!(
            "calls that offer tools of the provider (web_search …) are refused at {}: no price says what a use costs; publish one with `farebox admin price set --tool-calls-per-million` (0 gives them away)",
            unpriced.join(", ")
        ),
    );
}

/// Connects and hangs up: nothing is sent, so nothing is billed.
async fn reach(upstream: &UpstreamView) -> Result<(), String> {
    let address: http::Uri = upstream
        .base_url
        .parse()
        .map_err(|_| "its address cannot be read".to_owned())?;
    let host = address
        .host()
        .ok_or("its address has no host")?
        .trim_start_matches('[')
        .trim_end_matches(']');
    let port = address
        .port_u16()
        .unwrap_or(if address.scheme_str() == Some("https") {
            443
        } else {
            80
        });
    connect(host, port).await
}

async fn connect(host: &str, port: u16) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("nothing within {} seconds", PATIENCE.as_secs())),
    }
}

async fn mail(found: &mut Findings, config: &Config) {
    let Some(smtp) = &config.mail else {
        return if config.local() {
            found.ok(
                "mail",
                "no server is set up; this machine alone sees mails, on the page /outbox",
            );
        } else {
            found.warn("mail", "no server is set up, so sign-up stays closed and nobody gets a link or a notice: set mail.host");
        };
    };
    let place = format!("{}:{}", smtp.host, smtp.port);
    match connect(&smtp.host, smtp.port).await {
        Ok(()) => found.ok("mail", format!("{place} accepts connections")),
        Err(why) => found.fail("mail", format!("{place} does not answer: {why}")),
    }
}

async fn public_address(found: &mut Findings, config: &Config) {
    let url = config.public_url_at(config.listen);
    if url.is_loopback() {
        return found.ok("public address", format!("{url}, for this machine alone"));
    }
    let address: Option<http::Uri> = url.as_str().parse().ok();
    let host = address
        .as_ref()
        .and_then(http::Uri::host)
        .unwrap_or_default();
    let port = address
        .as_ref()
        .and_then(http::Uri::port_u16)
        .unwrap_or(443);
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(_)) => found.ok("public address", format!("{url} has an address")),
        _ => found.fail(
            "public address",
            format!(
                "the name in {url} leads nowhere: add it to your DNS, or correct FAREBOX_PUBLIC_URL"
            ),
        ),
    }
}

/// Is a server running here, and can it take calls?
async fn lock(found: &mut Findings, config: &Config) {
    let Some(file) = config.sqlite_file().filter(|file| file.exists()) else {
        return;
    };
    let lock = database::beside(&file, "lock").and_then(|path| database::lock_file(&path));
    let running = match lock {
        Ok(lock) => lock.try_lock().is_err(),
        Err(error) => return found.fail("lock", format!("{error:#}")),
    };
    if !running {
        return found.ok("lock", "no server runs on this database");
    }
    match ready(config.listen).await {
        Ok(true) => found.ok(
            "lock",
            format!("a server runs on {} and is ready", config.listen),
        ),
        Ok(false) => found.fail(
            "lock",
            format!(
                "a server runs on {} and is not ready; see its /readyz and its log",
                config.listen
            ),
        ),
        Err(_) => found.warn(
            "lock",
            format!(
                "a server holds the lock, but nothing answers on {}: does it use other settings?",
                config.listen
            ),
        ),
    }
}

async fn ready(listen: SocketAddr) -> std::io::Result<bool> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = TcpStream::connect(listen).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut status = [0_u8; 12];
        stream.read_exact(&mut status).await?;
        Ok(status.ends_with(b" 200"))
    };
    tokio::time::timeout(PATIENCE, ask)
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

fn locales(found: &mut Findings, config: &Config) {
    let Some(folder) = &config.locales else {
        return found.ok("locales", "those built in");
    };
    let report = texts::check::run(folder);
    if report.ok {
        found.ok(
            "locales",
            format!(
                "{} languages in {}",
                report.languages.len(),
                folder.display()
            ),
        );
    } else {
        found.warn(
            "locales",
            format!(
                "{} error(s) in {}: run `farebox locales check`",
                report.errors,
                folder.display()
            ),
        );
    }
}

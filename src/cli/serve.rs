//! `farebox serve`: build the handles, bind, serve, drain, exit.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use proxy::ProxyState;
use server::mail::Mail;
use server::night;
use server::orders::Orders;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::output::line;
use crate::config::{self, Config};
use crate::listen::{Counts, Loop};
use crate::metrics::Metrics;
use crate::router::{Front, router};
use crate::state::Handles;
use crate::{database, refresh, sandbox_process, telemetry, welcome};

/// Held by the one server of an embedded database; commands do not take it.
const LOCK: &str = "farebox.lock";
/// Connections that carry no call are cut this long after a stop began.
const IDLE: Duration = Duration::from_secs(30);
/// How often sessions past their end and old counts are deleted, and limits of silent keys forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Run the server: the metered endpoint under /v1, and the pages
///
/// An embedded SQLite database is made and migrated by itself; a PostgreSQL must have the schema of this version
/// (`farebox migrate up`). The sandbox upstream runs beside it, on a loopback port of its own.
///
/// SIGTERM or Ctrl-C stops it: it takes no new connections, finishes running calls, charges them, gives leased credit
/// back, and says each second what it waits for (at most drain_seconds, 600 unless set). A second signal ends it at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seed an account, a key with 5 USD of credit and the sandbox models, and print how to begin; only on loopback
    #[arg(long)]
    welcome: bool,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = Config::load()?;
    let config = if args.welcome {
        config.for_a_first_look()
    } else {
        config
    };
    telemetry::start(&config.log);
    telemetry::protect_memory();
    telemetry::raise_file_limit();
    // From here on a signal stops in order, however early it comes.
    let mut signals = Signals::new()?;
    if let Some(refusal) = config.refusal() {
        bail!(refusal);
    }
    database::make_data_folder(&config.data)?;
    let file = config.sqlite_file();
    let embedded = file.is_some();
    let _alone = match &file {
        Some(file) => Some(alone(&config, file).await?),
        None => None,
    };

    let handles = Handles::open(&config).await?;
    if embedded {
        let reclaimed = handles
            .ledger
            .reclaim_predecessors()
            .await
            .context("the leases of the last run cannot be taken back")?;
        if reclaimed > 0 {
            tracing::info!(
                reclaimed,
                "Took back the credit that the last run had leased"
            );
        }
    }
    if embedded {
        handles
            .budgets
            .reclaim_predecessors()
            .await
            .context("the parts of keys' limits that the last run had cannot be taken back")?;
    }
    if !config.key_copies {
        let destroyed = handles
            .keys
            .destroy_copies()
            .await
            .context("the copies of keys cannot be destroyed")?;
        if destroyed > 0 {
            tracing::info!(
                destroyed,
                "Destroyed the copies of keys: [keys] reveal is never"
            );
        }
    }
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let site = config::site(&config, listener.local_addr()?)?;

    let stopping = CancellationToken::new();
    let stopped = CancellationToken::new();
    sandbox_process::keep(handles.clone(), stopped.clone()).await?;
    handles.ledger.start();
    handles.budgets.start();

    let mut proxy_metrics = None;
    let metrics = Metrics::new(|registry| proxy_metrics = Some(proxy::Metrics::register(registry)));
    let texts = handles.texts.clone();
    let proxy = ProxyState::new(
        handles.keys.clone(),
        handles.ledger.clone(),
        handles.budgets.clone(),
        handles.calls.clone(),
        handles.catalog.clone(),
        handles.upstreams.clone(),
        handles.pins.clone(),
        handles.nodes.clone(),
        texts.clone(),
        handles.clock.clone(),
        proxy_metrics.expect("Metrics::new calls its argument"),
        proxy::ProxyConfig {
            site_url: site.public_url.as_str().to_owned(),
            ..config.calls.clone()
        },
    );
    let mail = handles.mail(&config, &site, texts.clone());
    handles
        .policies(&config, &site, texts.clone())
        .record()
        .await
        .context("the versions of the policies cannot be written down")?;
    let orders = handles.orders(&config, &site, mail.clone());
    if config.sandbox_payments(site.local) {
        let data = config.data.clone();
        sandbox_process::keep_payments(orders.clone(), data, stopped.clone()).await?;
    }
    let mut background = background(&handles, &proxy, &mail, &orders, &stopped);
    background.push(tokio::spawn(handles.night.clone().keep(
        night::Parts {
            ledger: handles.ledger.clone(),
            orders: orders.clone(),
            mail: mail.clone(),
        },
        config.verify_at,
        stopped.clone(),
    )));
    let counts = Counts::new(config.connections.total);
    let accepting = Loop {
        bounds: config.connections.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        counts: counts.clone(),
    };
    let hello = if args.welcome {
        Some(welcome::welcome(&handles, &config, &site).await?)
    } else {
        None
    };
    if !handles.accounts.any().await? {
        tracing::info!(
            "Nobody has an account yet; make the first with `farebox admin account create --admin`"
        );
    }
    tracing::info!(address = %listener.local_addr()?, public_url = %site.public_url, local = site.local, "Farebox is listening");
    let drain = config.drain;
    let front = Front {
        config,
        site,
        handles: handles.clone(),
        texts,
        mail,
        orders,
        metrics,
        counts: counts.clone(),
        stopping: stopping.clone(),
    };
    let serving = tokio::spawn(accepting.serve(
        listener,
        router(Arc::new(front), proxy.clone()),
        stopping.clone(),
    ));
    if let Some(hello) = hello {
        line(&hello);
    }

    signals.next().await;
    stopping.cancel();
    Drain {
        proxy: &proxy,
        counts: &counts,
        limit: drain,
    }
    .run(serving, &mut signals)
    .await;
    stopped.cancel();
    for task in background {
        // Each ends by itself within one question to the database, or a few seconds of talking to the mail server; one
        // that failed has said so.
        let _ = task.await;
    }
    // With the database away it waits for what was sent and not answered, and for what is to be written as lost; whoever
    // cannot wait says so once more.
    tokio::select! {
        () = handles.ledger.shutdown() => handles.budgets.shutdown().await,
        () = signals.next() => tracing::error!(
            "Stopped before the ledger was: leased credit goes back at the next start, calls without an answer to their commit, and those that are lost, are named above"
        ),
    }
    tracing::info!("Farebox has stopped");
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that no other server uses the embedded database, nor its data folder, until the files are dropped. The first
/// is what money rests on: whoever has it may take back the credit that a server before had leased.
async fn alone(config: &Config, database: &Path) -> anyhow::Result<[File; 2]> {
    let data = config.data.join(LOCK);
    let database_lock = database::beside(database, "lock")?;
    Ok([
        locked(&database_lock, &format!("database {}", database.display())).await?,
        locked(&data, &format!("data folder {}", config.data.display())).await?,
    ])
}

async fn locked(path: &Path, what: &str) -> anyhow::Result<File> {
    let lock = database::lock_file(path)?;
    for _ in 0..10 {
        if lock.try_lock().is_ok() {
            return Ok(lock);
        }
        // `doctor` looks at the lock for an instant, and a predecessor may be on its last breath.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("another `farebox serve` runs on the {what}; stop it first, or use another one")
}

/// What runs beside the server until it has stopped.
fn background(
    handles: &Handles,
    proxy: &ProxyState,
    mail: &Mail,
    orders: &Orders,
    stopped: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let (sweeper, proxy, stop) = (handles.sessions.clone(), proxy.clone(), stopped.clone());
    let (accounts, keys) = (handles.accounts.clone(), handles.keys.clone());
    let pins = handles.pins.clone();
    let sweep = async move {
        let mut tick = tokio::time::interval(SWEEP);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            proxy.tidy();
            if let Err(error) = sweeper.sweep().await {
                tracing::warn!(%error, "Sessions past their end could not be deleted; tried again later");
            }
            if let Err(error) = keys.sweep_shown().await {
                tracing::warn!(%error, "Secrets that are shown no more could not be deleted; tried again later");
            }
            if let Err(error) = keys.sweep_refusals().await {
                tracing::warn!(%error, "Counts of old refusals could not be deleted; tried again later");
            }
            if let Err(error) = pins.sweep().await {
                tracing::warn!(%error, "What was kept of old stored responses could not be deleted; tried again later");
            }
            if let Err(error) = accounts.sweep_links().await {
                tracing::warn!(%error, "Mailed links past their end could not be deleted; tried again later");
            }
        }
    };
    vec![
        tokio::spawn(refresh::run(handles.clone(), stopped.clone())),
        tokio::spawn(handles.keys.clone().keep_touches(stopped.clone())),
        tokio::spawn(mail.clone().run(stopped.clone())),
        tokio::spawn(mail.clone().watch_balances(stopped.clone())),
        tokio::spawn(orders.clone().keep(stopped.clone())),
        tokio::spawn(handles.keys.clone().keep_refusals(stopped.clone())),
        tokio::spawn(handles.ledger.clone().keep_lots(stopped.clone())),
        tokio::spawn(handles.nodes.clone().keep(stopped.clone())),
        tokio::spawn(handles.rates.clone().keep(stopped.clone())),
        tokio::spawn(handles.status.clone().keep(stopped.clone())),
        tokio::spawn(sweep),
    ]
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The stop: waits for calls, then for idle connections, and says what it waits for.
struct Drain<'a> {
    proxy: &'a ProxyState,
    counts: &'a Counts,
    limit: Duration,
}

impl Drain<'_> {
    async fn run(&self, mut serving: JoinHandle<()>, signals: &mut Signals) {
        let began = Instant::now();
        tracing::info!(
            calls = self.proxy.running(),
            connections = self.counts.open(),
            "Stopping: no new connections"
        );
        self.proxy.stop();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.tick().await;
        let finished = async {
            let mut closed = false;
            // Calls whose callers have left run on until they are settled.
            while !closed || self.proxy.running() > 0 {
                tokio::select! {
                    // Its end, good or bad, means that no connection is left.
                    _ = &mut serving, if !closed => closed = true,
                    _ = tick.tick() => {
                        let (calls, connections) = (self.proxy.running(), self.counts.open());
                        tracing::info!(calls, connections, seconds = began.elapsed().as_secs(), "Stopping: waiting for running calls and open connections");
                        if calls == 0 && began.elapsed() > IDLE {
                            tracing::info!(connections, "Stopping: cutting connections that carry no call");
                            break;
                        }
                    }
                }
            }
            self.proxy.drain().await;
        };
        tokio::select! {
            () = finished => {}
            () = tokio::time::sleep(self.limit) => {
                tracing::warn!(calls = self.proxy.running(), "Stopping: the time is up; running calls are cut");
            }
            () = signals.next() => {
                tracing::warn!(calls = self.proxy.running(), "Stopping at once on a second signal; running calls are cut");
            }
        }
    }
}

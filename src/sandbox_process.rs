//! The stand-ins beside the server: child processes of our own program, each on a loopback port of its own.
//!
//! The sandbox upstream always runs. The sandbox payment provider runs where Farebox is *local*, and nowhere else: whoever
//! can open its pages can "pay".

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow};
use server::orders::Orders;
use server::secrets::Secret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use crate::cli::{Announcement, SECRET_VARIABLE};
use crate::sandbox_note;
use crate::state::Handles;

/// Starting a process and binding a port takes milliseconds; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(20);
/// A stand-in that ends by itself is started again, but not in a busy loop.
const PAUSE: Duration = Duration::from_secs(1);

/// What is run, and who has to know where it listens.
enum StandIn {
    Upstream(Box<Handles>),
    Payments {
        orders: Orders,
        secret: Secret,
        /// Where commands read how to reach it.
        data: PathBuf,
    },
}

/// A running stand-in. It ends when this is dropped, and also when this process dies: its standard input closes then.
struct Running {
    child: Child,
    _stdin: ChildStdin,
    address: SocketAddr,
}

/// Starts the sandbox upstream, tells its address to the upstreams, and starts it again should it end before `stop`.
///
/// # Errors
/// When the first start fails.
pub async fn keep(handles: Handles, stop: CancellationToken) -> anyhow::Result<()> {
    keep_one(StandIn::Upstream(Box::new(handles)), stop).await
}

/// The same for the sandbox payment provider, with a new secret, and a note in the `data` folder for commands. Only to be
/// called where Farebox is local.
///
/// # Errors
/// When the first start fails, or there is no randomness for the secret.
pub async fn keep_payments(
    orders: Orders,
    data: PathBuf,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secret = Secret::random_token()?;
    let stand_in = StandIn::Payments {
        orders,
        secret,
        data,
    };
    keep_one(stand_in, stop).await
}

async fn keep_one(stand_in: StandIn, stop: CancellationToken) -> anyhow::Result<()> {
    // Asked now: an upgrade may replace the file while we run.
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let mut running = stand_in.start(&program, None).await?;
    tokio::spawn(async move {
        while stop
            .run_until_cancelled(running.child.wait())
            .await
            .is_some()
        {
            tracing::warn!("The {} ended by itself; starting it again", stand_in.name());
            running = stand_in.again(&program, running.address).await;
        }
        if let StandIn::Payments { data, .. } = &stand_in {
            sandbox_note::remove(data);
        }
    });
    Ok(())
}

impl StandIn {
    const fn name(&self) -> &'static str {
        match self {
            Self::Upstream(_) => "sandbox upstream",
            Self::Payments { .. } => "sandbox payment provider",
        }
    }

    /// Starts it until it runs: at its old address, to which somebody's browser may lead, else at any.
    async fn again(&self, program: &Path, before: SocketAddr) -> Running {
        let mut at = Some(before);
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.start(program, at.take()).await {
                Ok(again) => return again,
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "The {} cannot be started",
                    self.name()
                ),
            }
        }
    }

    async fn start(&self, program: &Path, at: Option<SocketAddr>) -> anyhow::Result<Running> {
        let name = self.name();
        let listen = at.map_or_else(|| "127.0.0.1:0".to_owned(), |at| at.to_string());
        let mut command = Command::new(program);
        // It needs no setting, and shall see no secret but its own.
        command.env_clear().arg("sandbox");
        match self {
            Self::Upstream(_) => command.arg("upstream"),
            Self::Payments { secret, .. } => command
                .arg("payments")
                .env(SECRET_VARIABLE, secret.expose()),
        };
        let mut child = command
            .args(["--listen", &listen, "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal goes to a whole group; the sandbox must outlive the calls that we still finish.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the {name} cannot be started"))?;
        let stdin = child
            .stdin
            .take()
            .with_context(|| format!("the {name} has no standard input"))?;
        let stdout = child
            .stdout
            .take()
            .with_context(|| format!("the {name} has no standard output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .with_context(|| format!("the {name} does not start in time"))??;
        let first = first.ok_or_else(|| anyhow!("the {name} ended at once"))?;
        let Announcement { listening } = serde_json::from_str(&first)
            .with_context(|| format!("the {name} said something unexpected"))?;
        self.tell(listening).await?;
        Ok(Running {
            child,
            _stdin: stdin,
            address: listening,
        })
    }

    async fn tell(&self, address: SocketAddr) -> anyhow::Result<()> {
        match self {
            Self::Upstream(handles) => {
                handles.upstreams.set_sandbox_address(address);
                handles
                    .upstreams
                    .reload()
                    .await
                    .context("the upstreams cannot be read")?;
                tracing::info!(%address, "The sandbox upstream runs");
            }
            Self::Payments {
                orders,
                secret,
                data,
            } => {
                orders.set_sandbox(address, secret.clone());
                if let Err(error) = sandbox_note::leave(data, address, secret) {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "Commands cannot reach the sandbox payment provider"
                    );
                }
                tracing::info!(%address, "The sandbox payment provider runs: no money moves there");
            }
        }
        Ok(())
    }
}

//! The sandbox upstream beside the server: a child process of our own program, on a loopback port of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use crate::cli::Announcement;
use crate::state::Handles;

/// Starting a process and binding a port takes milliseconds; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(20);
/// A sandbox that ends by itself is started again, but not in a busy loop.
const PAUSE: Duration = Duration::from_secs(1);

/// A running sandbox. It ends when this is dropped, and also when this process dies: its standard input closes then.
struct Running {
    child: Child,
    _stdin: ChildStdin,
}

/// Starts the sandbox, tells its address to the upstreams, and starts it again should it end before `stop`.
///
/// # Errors
/// When the first start fails.
pub async fn keep(handles: Handles, stop: CancellationToken) -> anyhow::Result<()> {
    // Asked now: an upgrade may replace the file while we run.
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let mut running = start(&program, &handles).await?;
    tokio::spawn(async move {
        while stop
            .run_until_cancelled(running.child.wait())
            .await
            .is_some()
        {
            tracing::warn!("The sandbox upstream ended by itself; starting it again");
            loop {
                tokio::time::sleep(PAUSE).await;
                match start(&program, &handles).await {
                    Ok(again) => break running = again,
                    Err(error) => tracing::error!(
                        error = format!("{error:#}"),
                        "The sandbox upstream cannot be started"
                    ),
                }
            }
        }
    });
    Ok(())
}

async fn start(program: &PathBuf, handles: &Handles) -> anyhow::Result<Running> {
    let mut child = Command::new(program)
        .args([
            "sandbox",
            "upstream",
            "--listen",
            "127.0.0.1:0",
            "--until-stdin-closes",
        ])
        // It needs no setting, and shall see no secret.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C in a terminal goes to a whole group; the sandbox must outlive the calls that we still finish.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("the sandbox upstream cannot be started")?;
    let stdin = child
        .stdin
        .take()
        .context("the sandbox upstream has no standard input")?;
    let stdout = child
        .stdout
        .take()
        .context("the sandbox upstream has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let first = tokio::time::timeout(PATIENCE, lines.next_line())
        .await
        .context("the sandbox upstream does not start in time")??;
    let first = first.ok_or_else(|| anyhow!("the sandbox upstream ended at once"))?;
    let Announcement { listening } =
        serde_json::from_str(&first).context("the sandbox upstream said something unexpected")?;
    tell(handles, listening).await?;
    Ok(Running {
        child,
        _stdin: stdin,
    })
}

async fn tell(handles: &Handles, address: SocketAddr) -> anyhow::Result<()> {
    handles.upstreams.set_sandbox_address(address);
    handles
        .upstreams
        .reload()
        .await
        .context("the upstreams cannot be read")?;
    tracing::info!(%address, "The sandbox upstream runs");
    Ok(())
}

//! `farebox sandbox upstream`: a model provider that costs nothing, over real HTTP.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::output;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the sandbox upstream: an OpenAI-compatible provider that computes its answers
    ///
    /// It prints one line of JSON with its address when it listens: {"listening":"127.0.0.1:9099"}. Its models are
    /// listed under /v1/models; sandbox-echo, sandbox-lorem and sandbox-reasoner behave well, the others show what goes
    /// wrong at real providers. `farebox serve` runs one of its own.
    Upstream {
        /// Address and port to listen on; port 0 takes any free one
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,
        /// End when standard input closes, so that it never outlives the server that started it
        #[arg(long, hide = true)]
        until_stdin_closes: bool,
    },
}

/// The line that is printed when it listens.
#[derive(Debug, Serialize, Deserialize)]
pub struct Announcement {
    pub listening: SocketAddr,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Upstream {
        listen,
        until_stdin_closes,
    } = command;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    output::json(&Announcement {
        listening: listener.local_addr()?,
    })?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        if until_stdin_closes {
            // The parent decides alone: Ctrl-C in a terminal reaches us too, while it still finishes calls.
            stdin_closed().await;
        } else {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    };
    sandbox::serve(listener, sandbox::Options::default(), shutdown)
        .await
        .context("the sandbox upstream stopped")?;
    Ok(ExitCode::SUCCESS)
}

/// Resolves at the end of standard input. A thread of its own reads it: reading cannot be awaited.
async fn stdin_closed() {
    let (closed, when_closed) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // An error is an end as well.
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).ok();
        drop(closed);
    });
    when_closed.await.ok();
}

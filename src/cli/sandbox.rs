//! `farebox sandbox …`: stand-ins for the outside world that cost nothing, over real HTTP: a provider of models, and one
//! of payments.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use sandbox::payments::{Language, Words};
use serde::{Deserialize, Serialize};
use server::secrets::Secret;
use texts::{Locale, Texts};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output;

/// Names the secret that the sandbox payment provider shares with Farebox.
pub const SECRET_VARIABLE: &str = "FAREBOX_SANDBOX_SECRET";
/// Shorter ones can be guessed.
const SECRET_MIN: usize = 16;

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
    /// Run the sandbox payment provider: pay pages on which no money moves, and everything that can go wrong on them
    ///
    /// It prints one line of JSON with its address when it listens. Its secret comes from the environment variable
    /// FAREBOX_SANDBOX_SECRET. Payments are kept in memory: they are forgotten when it ends. `farebox serve` runs one of
    /// its own, on this machine alone.
    Payments {
        /// Loopback address and port to listen on; port 0 takes any free one
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
    match command {
        Command::Upstream {
            listen,
            until_stdin_closes,
        } => {
            let router = sandbox::router(sandbox::Options::default());
            serve(listen, router, until_stdin_closes)
                .await
                .context("the sandbox upstream stopped")
        }
        Command::Payments {
            listen,
            until_stdin_closes,
        } => {
            if !listen.ip().is_loopback() {
                bail!(
                    "{listen} can be reached from elsewhere, and whoever reaches the sandbox payment provider can \"pay\": give a loopback address such as 127.0.0.1:0"
                );
            }
            let options = sandbox::payments::Options {
                secret: secret()?.expose().to_owned(),
                words: Box::new(PayPage(Texts::embedded())),
            };
            serve(
                listen,
                sandbox::payments::router(options),
                until_stdin_closes,
            )
            .await
            .context("the sandbox payment provider stopped")
        }
    }
}

fn secret() -> anyhow::Result<Secret> {
    let given = std::env::var(SECRET_VARIABLE).unwrap_or_default();
    if given.trim().len() < SECRET_MIN {
        bail!(
            "set {SECRET_VARIABLE} to at least {SECRET_MIN} random characters: Farebox and the provider prove themselves to each other with it"
        );
    }
    Ok(Secret::new(given))
}

async fn serve(
    listen: SocketAddr,
    router: axum::Router,
    until_stdin_closes: bool,
) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    output::json(&Announcement {
        listening: listener.local_addr()?,
    })?;
    let terminate = signal(SignalKind::terminate())?;
    sandbox::serve_router(listener, router, ended(until_stdin_closes, terminate)).await?;
    Ok(ExitCode::SUCCESS)
}

async fn ended(until_stdin_closes: bool, mut terminate: Signal) {
    if until_stdin_closes {
        // The parent decides alone: Ctrl-C in a terminal reaches us too, while it still finishes calls.
        stdin_closed().await;
    } else {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
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

/// What the pay page says comes from our own catalogue, so that it is translated with the rest.
struct PayPage(Texts);

impl PayPage {
    fn locale(&self, language: &Language) -> Locale {
        self.0.locale(&language.code).unwrap_or(Locale::EN)
    }
}

fn language(locale: Locale) -> Language {
    Language {
        code: locale.code().to_owned(),
        name: locale.autonym().to_owned(),
        dir: locale.dir(),
    }
}

impl Words for PayPage {
    fn languages(&self) -> Vec<Language> {
        self.0.locales().into_iter().map(language).collect()
    }

    fn choose(&self, asked: Option<&str>, accept: &str) -> Language {
        let asked = asked.and_then(|code| self.0.locale(code));
        language(asked.unwrap_or_else(|| texts::negotiate(accept, &self.0.locales())))
    }

    fn text(&self, language: &Language, key: &str, args: &[(&str, &str)]) -> String {
        self.0.t(self.locale(language), key, args)
    }
}

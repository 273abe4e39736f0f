//! `farebox admin account …`: people who sign in.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Subcommand;
use domain::views::AccountView;
use serde_json::{Value, json};
use server::accounts::Email;
use server::audit::Actor;
use server::mail::Mail;

use super::{account_named, import, time};
use crate::cli::output;
use crate::config::{self, Config};
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account with its own workspace and an empty wallet
    ///
    ///   echo 'a long password' | farebox admin account create --email ada@example.com --password-stdin
    #[command(verbatim_doc_comment)]
    Create {
        /// E-mail to sign in with
        #[arg(long, value_name = "E")]
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        /// The account may see and change everything
        #[arg(long)]
        admin: bool,
        /// Print {"id","email","workspace","admin"}
        #[arg(long)]
        json: bool,
    },
    /// Make accounts from a CSV file of another system, all of them or none
    ///
    /// The first line names the columns: email, name, password_hash and, if you like, verified (true, false) and
    /// created_at (2026-12-01T00:00:00Z). Hashes are bcrypt ($2a$, $2b$, $2y$) or argon2id; people keep their passwords,
    /// and each hash becomes one of Farebox's own when its owner signs in. Nobody is sent mail.
    Import {
        /// The CSV file
        file: PathBuf,
        /// Print {"imported"}
        #[arg(long)]
        json: bool,
    },
    /// Show accounts, newest first
    List {
        /// Only those whose e-mail or name contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// How many at most, up to 200
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Print one object a line: {"id","email","name","workspace","admin","verified","blocked","created_at"}
        #[arg(long)]
        json: bool,
    },
    /// Shut an account: its sessions end, its keys are refused, nobody can sign in
    ///
    /// Every server knows within five seconds. The owner is told by mail, without the reason.
    Block {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// Why, for other operators
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print the account as `list` does
        #[arg(long)]
        json: bool,
    },
    /// End the second factor of somebody who lost the app and the recovery codes
    ///
    /// Be sure that it is them who asks. All their sessions end, and they are told by mail.
    EndSecondFactor {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// Print {"email","ended"}
        #[arg(long)]
        json: bool,
    },
    /// Open a blocked account again
    Unblock {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// Print the account as `list` does
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, config: &Config, handles: &Handles) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            email,
            password_stdin: _,
            admin,
            json,
        } => create(&email, admin, json, handles).await,
        Command::Import { file, json } => import::run(&file, json, handles).await,
        Command::List {
            search,
            limit,
            json,
        } => list(&search.unwrap_or_default(), limit, json, handles).await,
        Command::Block {
            email,
            reason,
            json,
        } => block(&email, reason.trim(), json, config, handles).await,
        Command::EndSecondFactor { email, json } => {
            let account = account_named(handles, &email).await?;
            let ended = handles
                .accounts
                .end_second_factor(&mail(config, handles)?, account.id, Actor::Operator)
                .await?
                .is_some();
            ensure!(ended, "this account has no second factor");
            let object = json!({"email": account.email, "ended": ended});
            let sentence = format!("{} signs in with the password alone.", account.id);
            output::result(json, &object, &sentence)
        }
        Command::Unblock { email, json } => {
            let account = account_named(handles, &email).await?;
            ensure!(account.blocked, "this account is not blocked");
            let account = handles
                .accounts
                .unblock(&handles.audit, Actor::Operator, account.id, None)
                .await?;
            let sentence = format!("{} can sign in again, and its keys work.", account.id);
            output::result(json, &object(&account), &sentence)
        }
    }
}

async fn create(
    email: &str,
    admin: bool,
    json: bool,
    handles: &Handles,
) -> anyhow::Result<ExitCode> {
    let email = Email::parse(email)?;
    let password = output::secret_from_stdin("the password")?;
    let account = handles
        .accounts
        .create(&email, Some(password), admin)
        .await?;
    let kind = if account.admin {
        "administrator"
    } else {
        "account"
    };
    output::result(
        json,
        &account,
        &format!(
            "Made the {kind} {} with the workspace {}.",
            account.id, account.workspace
        ),
    )
}

async fn list(search: &str, limit: u32, json: bool, handles: &Handles) -> anyhow::Result<ExitCode> {
    for account in handles.accounts.search(search, None, limit).await? {
        if json {
            output::json(&object(&account))?;
        } else {
            let mut marks = String::new();
            for (mark, shown) in [
                ("  administrator", account.admin),
                ("  not verified", !account.verified),
                ("  blocked", account.blocked),
            ] {
                if shown {
                    marks.push_str(mark);
                }
            }
            output::line(&format!(
                "{}  {}  {}{marks}",
                account.id,
                time(account.created_at),
                account.email
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// For telling people what was done to their account.
fn mail(config: &Config, handles: &Handles) -> anyhow::Result<Mail> {
    let site = config::site(config, config.listen)?;
    Ok(handles.mail(config, &site, handles.texts.clone()))
}

async fn block(
    email: &str,
    reason: &str,
    json: bool,
    config: &Config,
    handles: &Handles,
) -> anyhow::Result<ExitCode> {
    ensure!(
        !reason.is_empty(),
        "--reason is empty; say why the account is blocked"
    );
    let account = account_named(handles, email).await?;
    ensure!(!account.blocked, "this account is blocked already");
    let mail = mail(config, handles)?;
    let account = handles
        .accounts
        .block(
            &mail,
            &handles.audit,
            Actor::Operator,
            account.id,
            reason,
            None,
        )
        .await?;
    let sentence = format!(
        "{} is blocked: its sessions have ended, and its keys are refused.",
        account.id
    );
    output::result(json, &object(&account), &sentence)
}

/// An account for scripts.
fn object(account: &AccountView) -> Value {
    json!({
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "workspace": account.workspace,
        "admin": account.admin,
        "verified": account.verified,
        "blocked": account.blocked,
        "created_at": time(account.created_at),
    })
}

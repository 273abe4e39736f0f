//! `farebox admin key …`: keys that call the endpoint.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use domain::ids::KeyId;
use serde_json::json;
use server::keys::NewKeyForm;

use super::account_named;
use crate::cli::output;
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key for an account's own workspace
    ///
    /// The key is printed once, here. Its owner can see it again in the browser.
    Create {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// What the key is for, up to 64 characters
        #[arg(long, value_name = "N")]
        name: String,
        /// A test key: costs nothing and reaches only the sandbox upstream
        #[arg(long)]
        test: bool,
        /// Print {"id","key"}
        #[arg(long)]
        json: bool,
    },
    /// End a key for good
    ///
    /// Every server refuses it within five seconds. Calls that run at that moment finish.
    Revoke {
        /// Id of the key, as `key create` printed it
        #[arg(long, value_name = "ID")]
        id: String,
        /// Print {"id","revoked"}
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            email,
            name,
            test,
            json,
        } => {
            let account = account_named(handles, &email).await?;
            let form = NewKeyForm {
                test,
                ..NewKeyForm::named(&name)
            };
            let key = handles.keys.create(account.workspace, &form).await?;
            let secret = key.secret.expose();
            let object = json!({"id": key.view.id, "key": secret});
            output::result(
                json,
                &object,
                &format!("Made the key {}. Keep it secret:\n{secret}", key.view.id),
            )
        }
        Command::Revoke { id, json } => {
            let id: KeyId = id.parse().context("--id")?;
            let workspace = handles.keys.workspace_of(id).await?;
            let workspace = workspace.with_context(|| format!("there is no key {id}"))?;
            handles.keys.revoke(workspace, id).await?;
            output::result(
                json,
                &json!({"id": id, "revoked": true}),
                &format!("Revoked the key {id}."),
            )
        }
    }
}

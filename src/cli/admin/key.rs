//! `farebox admin key …`: keys that call the endpoint.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::{KeyStatus, KeyView};
use serde_json::{Value, json};
use server::audit::{Act, Actor};
use server::keys::{NewKey, NewKeyForm};

use super::key_limits::LimitArgs;
use super::{account_named, time};
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
        #[command(flatten)]
        limits: LimitArgs,
        /// Print {"id","key"}
        #[arg(long)]
        json: bool,
    },
    /// Show an account's keys, newest first, without their secrets
    List {
        /// E-mail of the account
        #[arg(long, value_name = "E")]
        email: String,
        /// Print one object a line
        #[arg(long)]
        json: bool,
    },
    /// Replace all limits of a key; those that are left out are removed
    ///
    /// Every server knows within five seconds.
    Limit {
        #[command(flatten)]
        key: Named,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Switch a key off until it is enabled again
    Disable(Named),
    /// Switch a key on again
    Enable(Named),
    /// Give a key a new secret
    ///
    /// The new secret is printed once, here. The old one works for a while longer, under the same limits.
    Roll {
        #[command(flatten)]
        key: Named,
        /// Hours that the old secret still works, at most 744; 0 ends it now
        #[arg(long, value_name = "H", default_value_t = 24)]
        overlap_hours: u32,
    },
    /// End the secret from before the last roll, which still works
    EndOverlap(Named),
    /// End a key for good
    ///
    /// Every server refuses it within five seconds. Calls that run at that moment finish.
    Revoke(Named),
    /// Stop all keys of an account at once, until they are unfrozen
    Freeze(Owner),
    /// Let the keys of an account work again
    Unfreeze(Owner),
}

/// One key.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// Id of the key, as `key create` and `key list` print it
    #[arg(long, value_name = "ID")]
    id: String,
    /// Print an object with the id and what was done
    #[arg(long)]
    json: bool,
}

/// Whose keys.
#[derive(Debug, clap::Args)]
pub struct Owner {
    /// E-mail of the account
    #[arg(long, value_name = "E")]
    email: String,
    /// Print {"email","frozen"}
    #[arg(long)]
    json: bool,
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            email,
            name,
            test,
            limits,
            json,
        } => {
            let account = account_named(handles, &email).await?;
            let limits = limits.read()?;
            let form = NewKeyForm { name, test, limits };
            let key = handles.keys.create(account.workspace, &form).await?;
            note(handles, "key.create", key.view.id, json!({})).await?;
            made(&key, json, "Made the key")
        }
        Command::List { email, json } => {
            let account = account_named(handles, &email).await?;
            for key in handles.keys.list(account.workspace).await? {
                if json {
                    output::json(&key)?;
                } else {
                    output::line(&row(&key));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Limit { key, limits } => {
            let (workspace, id) = key.find(handles).await?;
            let before = handles.keys.get(workspace, id).await?;
            let before = before.with_context(|| format!("there is no key {id}"))?;
            let limits = limits.read()?;
            let after = handles
                .keys
                .update(workspace, id, &before.name, &limits)
                .await?;
            let detail = json!({"before": before.limits, "after": after.limits});
            note(handles, "key.limit", id, detail).await?;
            key.done(id, &json!({"id": id, "limits": after.limits}), "Limited")
        }
        Command::Disable(key) => {
            let (workspace, id) = key.find(handles).await?;
            handles.keys.disable(workspace, id).await?;
            note(handles, "key.disable", id, json!({})).await?;
            key.done(id, &json!({"id": id, "disabled": true}), "Switched off")
        }
        Command::Enable(key) => {
            let (workspace, id) = key.find(handles).await?;
            handles.keys.enable(workspace, id).await?;
            note(handles, "key.enable", id, json!({})).await?;
            key.done(id, &json!({"id": id, "disabled": false}), "Switched on")
        }
        Command::Roll { key, overlap_hours } => {
            let (workspace, id) = key.find(handles).await?;
            let overlap = Duration::from_secs(u64::from(overlap_hours) * 3_600);
            let new = handles.keys.roll(workspace, id, overlap).await?;
            note(
                handles,
                "key.roll",
                id,
                json!({"overlap_hours": overlap_hours}),
            )
            .await?;
            made(&new, key.json, "Gave a new secret to the key")
        }
        Command::EndOverlap(key) => {
            let (workspace, id) = key.find(handles).await?;
            handles.keys.end_overlap(workspace, id).await?;
            note(handles, "key.end_overlap", id, json!({})).await?;
            key.done(
                id,
                &json!({"id": id, "previous": null}),
                "Ended the old secret of",
            )
        }
        Command::Revoke(key) => {
            let (workspace, id) = key.find(handles).await?;
            handles.keys.revoke(workspace, id).await?;
            note(handles, "key.revoke", id, json!({})).await?;
            key.done(id, &json!({"id": id, "revoked": true}), "Revoked")
        }
        Command::Freeze(owner) => owner.set_frozen(handles, true).await,
        Command::Unfreeze(owner) => owner.set_frozen(handles, false).await,
    }
}

impl Named {
    async fn find(&self, handles: &Handles) -> anyhow::Result<(WorkspaceId, KeyId)> {
        let id: KeyId = self.id.parse().context("--id")?;
        let workspace = handles.keys.workspace_of(id).await?;
        Ok((
            workspace.with_context(|| format!("there is no key {id}"))?,
            id,
        ))
    }

    fn done(&self, id: KeyId, object: &Value, verb: &str) -> anyhow::Result<ExitCode> {
        output::result(self.json, object, &format!("{verb} the key {id}."))
    }
}

impl Owner {
    async fn set_frozen(self, handles: &Handles, frozen: bool) -> anyhow::Result<ExitCode> {
        let account = account_named(handles, &self.email).await?;
        let (action, sentence) = if frozen {
            handles.keys.freeze(account.workspace).await?;
            ("key.freeze", "Stopped all keys of this account.")
        } else {
            handles.keys.unfreeze(account.workspace).await?;
            ("key.unfreeze", "The keys of this account work again.")
        };
        let act = Act {
            actor: Actor::Operator,
            action,
            subject: Some(account.id),
            target: Some(account.workspace.to_string()),
            detail: json!({}),
            from: None,
        };
        handles.audit.note(handles.db.write(), &act).await?;
        let object = json!({"email": account.email, "frozen": frozen});
        output::result(self.json, &object, sentence)
    }
}

/// Writes down what the operator did to a key.
async fn note(
    handles: &Handles,
    action: &'static str,
    id: KeyId,
    detail: Value,
) -> anyhow::Result<()> {
    let act = Act {
        actor: Actor::Operator,
        action,
        subject: None,
        target: Some(id.to_string()),
        detail,
        from: None,
    };
    Ok(handles.audit.note(handles.db.write(), &act).await?)
}

fn made(key: &NewKey, json: bool, sentence: &str) -> anyhow::Result<ExitCode> {
    let secret = key.secret.expose();
    let object = json!({"id": key.view.id, "key": secret});
    let sentence = format!("{sentence} {}. Keep it secret:\n{secret}", key.view.id);
    output::result(json, &object, &sentence)
}

fn row(key: &KeyView) -> String {
    let status = match key.status {
        KeyStatus::Active => "active",
        KeyStatus::Disabled => "disabled",
        KeyStatus::Expired => "expired",
        KeyStatus::Revoked => "revoked",
        KeyStatus::Frozen => "frozen",
    };
    let used = key.last_used_at.map_or_else(|| "never".to_owned(), time);
    format!(
        "{}  {}  {status}  used {used}  {}",
        key.id, key.masked, key.name
    )
}

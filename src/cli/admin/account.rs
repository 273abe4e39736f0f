//! `farebox admin account …`: people who sign in.

use std::process::ExitCode;

use clap::Subcommand;
use server::accounts::Email;

use crate::cli::output;
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
}

pub async fn run(command: Command, handles: &Handles) -> anyhow::Result<ExitCode> {
    let Command::Create {
        email,
        password_stdin: _,
        admin,
        json,
    } = command;
    let email = Email::parse(&email)?;
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

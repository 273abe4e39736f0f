//! Is the schema the one of this version, and how does it become so?

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use migrations::{Migrator, MigratorTrait};

use super::output::line;
use crate::config::Config;
use crate::database;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the schema to this version
    ///
    /// An embedded database is migrated by `serve` and by the commands themselves; a PostgreSQL only by this. Make a
    /// backup first. Nodes of the old version must be stopped.
    Up,
    /// Undo the newest migrations
    ///
    /// This deletes the tables and columns that they made, with everything in them. One by which calls were charged is not
    /// undone: without it nobody could prove these charges.
    Down {
        /// How many migrations to undo
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// List the migrations of this version and whether the database has them
    ///
    /// Exits 0 when the schema is the one of this version, 1 when it is not.
    Status,
}

pub async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    database::make_data_folder(&config.data)?;
    let db = database::connect_for_migrations(config).await?;
    match command {
        Command::Up => {
            let before = database::applied(&db).await?.len();
            Migrator::up(db.write(), None)
                .await
                .context("the migration failed and was undone")?;
            let after = database::applied(&db).await?.len();
            line(&format!(
                "The schema is current: {} migration(s) applied now, {after} in all.",
                after.saturating_sub(before)
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::Down { steps } => {
            let before = database::applied(&db).await?.len();
            Migrator::down(db.write(), Some(steps))
                .await
                .context("the migration could not be undone")?;
            let after = database::applied(&db).await?.len();
            line(&format!(
                "{} migration(s) undone, {after} left.",
                before.saturating_sub(after)
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::Status => {
            let applied = database::applied(&db).await?;
            for migration in Migrator::migrations() {
                let state = if applied.iter().any(|name| name == migration.name()) {
                    "applied"
                } else {
                    "pending"
                };
                line(&format!("{state}  {}", migration.name()));
            }
            let current = database::schema(&db).await? == database::Schema::Current;
            Ok(if current {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

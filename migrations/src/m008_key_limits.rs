//! What a key may do and spend, what a node has set aside of a key's spend limit, and which calls were refused.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The columns of `api_key` before this migration.
const OLD: &str = "id, workspace_id, name, test, lookup, sealed, masked, created_at, expires_at, last_used_at, revoked_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let copy = format!("INSERT INTO api_key ({OLD}) SELECT {OLD} FROM api_key_before");
        run(
            manager,
            &[
                "DROP INDEX api_key_of_workspace",
                "ALTER TABLE api_key RENAME TO api_key_before",
                // `sealed` is NULL once revoked, and always where the operator keeps no copies. `kind`: 'key', or 'zone' for
                // the one through which a workspace tries models in the browser (nobody holds its secret).
                // Limits are NULL when there is none: `*_nusd` per UTC day, ISO week, calendar month and in all.
                // `models` and `ip_ranges` are JSON lists, `scopes` words with spaces between.
                // A key that is rolled stays the key it is and gets a new secret; the one before (`previous_*`) opens it
                // until `previous_until`.
                "CREATE TABLE api_key (
                    id TEXT PRIMARY KEY,
                    workspace_id TEXT NOT NULL REFERENCES workspace(id),
                    kind TEXT NOT NULL DEFAULT 'key',
                    name TEXT NOT NULL,
                    test BOOLEAN NOT NULL,
                    lookup TEXT NOT NULL UNIQUE,
                    sealed TEXT,
                    masked TEXT NOT NULL,
                    scopes TEXT NOT NULL DEFAULT 'chat:write responses:write models:read billing:read',
                    models TEXT,
                    ip_ranges TEXT,
                    day_nusd BIGINT CHECK (day_nusd >= 0),
                    week_nusd BIGINT CHECK (week_nusd >= 0),
                    month_nusd BIGINT CHECK (month_nusd >= 0),
                    total_nusd BIGINT CHECK (total_nusd >= 0),
                    requests_per_minute BIGINT CHECK (requests_per_minute > 0),
                    tokens_per_minute BIGINT CHECK (tokens_per_minute > 0),
                    concurrency BIGINT CHECK (concurrency > 0),
                    created_at BIGINT NOT NULL,
                    expires_at BIGINT,
                    last_used_at BIGINT,
                    disabled_at BIGINT,
                    revoked_at BIGINT,
                    previous_lookup TEXT UNIQUE,
                    previous_masked TEXT,
                    previous_until BIGINT,
                    CHECK (sealed IS NULL OR revoked_at IS NULL),
                    CHECK ((previous_lookup IS NULL) = (previous_until IS NULL)
                        AND (previous_lookup IS NULL) = (previous_masked IS NULL))
                )",
                &copy,
                "DROP TABLE api_key_before",
                "CREATE INDEX api_key_of_workspace ON api_key (workspace_id, created_at)",
                "CREATE UNIQUE INDEX api_key_zone ON api_key (workspace_id) WHERE kind = 'zone'",
                // A secret that its page shows for a few minutes after it was made or revealed, sealed; the session knows
                // the id. Deleted when the time is over, whatever becomes of the session.
                "CREATE TABLE shown_secret (
                    id TEXT PRIMARY KEY,
                    key_id TEXT NOT NULL,
                    sealed TEXT NOT NULL,
                    until BIGINT NOT NULL
                )",
                // All keys of the workspace are refused while this is set.
                "ALTER TABLE workspace ADD COLUMN frozen_at BIGINT",
                // What one node may still spend of a key's limit in one period, in memory. `spent` grows in the commit that
                // writes the calls; `held` is what running calls hold, as last reported where another node asked;
                // `recall` asks the node to give back what they do not hold. The row is the right to spend: past
                // `expires_at` anybody may delete it, and its node is told so by not finding it.
                "CREATE TABLE key_grant (
                    id TEXT PRIMARY KEY,
                    key_id TEXT NOT NULL,
                    node TEXT NOT NULL,
                    period TEXT NOT NULL,
                    period_start BIGINT NOT NULL,
                    granted BIGINT NOT NULL,
                    spent BIGINT NOT NULL DEFAULT 0,
                    held BIGINT NOT NULL DEFAULT 0,
                    recall BIGINT NOT NULL DEFAULT 0,
                    expires_at BIGINT NOT NULL,
                    CHECK (0 <= spent AND spent <= granted)
                )",
                "CREATE INDEX key_grant_of_key ON key_grant (key_id, period, period_start)",
                // The last column lets a key's spend be summed from the index alone.
                "CREATE INDEX call_of_key ON call (key_id, created_at, charge_nusd)",
                // What a limited key has spent in a period: the sum of its calls, so that nobody sums a month of them for
                // one question. Made when a limit is first looked at, and can be made again at any time.
                "CREATE TABLE key_spend (
                    key_id TEXT NOT NULL,
                    period TEXT NOT NULL,
                    period_start BIGINT NOT NULL,
                    period_end BIGINT NOT NULL,
                    spent BIGINT NOT NULL CHECK (spent >= 0),
                    PRIMARY KEY (key_id, period, period_start)
                )",
                // Calls that were refused before they cost anything, counted per hour: a flood makes a number, not rows.
                "CREATE TABLE refused_call (
                    workspace_id TEXT NOT NULL,
                    key_id TEXT NOT NULL,
                    hour BIGINT NOT NULL,
                    code TEXT NOT NULL,
                    count BIGINT NOT NULL,
                    last_at BIGINT NOT NULL,
                    PRIMARY KEY (workspace_id, key_id, hour, code)
                )",
                "CREATE INDEX refused_call_of_workspace ON refused_call (workspace_id, hour)",
                // The last column lets the operator's sums be made from the index alone.
                "CREATE INDEX refused_call_by_hour ON refused_call (hour, count)",
                // The servers that share this database and when each was last seen: limits per minute are split among
                // them. Empty where there is one server only.
                "CREATE TABLE node (
                    id TEXT PRIMARY KEY,
                    seen_at BIGINT NOT NULL
                )",
            ],
        )
        .await?;
        count_calls(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop_counting = match manager.get_database_backend() {
            DbBackend::Postgres => "DROP FUNCTION call_counts_for_key() CASCADE",
            _ => "DROP TRIGGER call_counts_for_key",
        };
        // Going back, a working key without a copy cannot be kept: the old schema knows none.
        let copy = format!(
            "INSERT INTO api_key ({OLD}) SELECT {OLD} FROM api_key_after
             WHERE kind = 'key' AND (sealed IS NULL) = (revoked_at IS NOT NULL)"
        );
        run(
            manager,
            &[
                "DROP TABLE node",
                "DROP TABLE refused_call",
                drop_counting,
                "DROP TABLE key_spend",
                "DROP INDEX call_of_key",
                "DROP TABLE key_grant",
                "ALTER TABLE workspace DROP COLUMN frozen_at",
                "DROP TABLE shown_secret",
                "DROP INDEX api_key_zone",
                "DROP INDEX api_key_of_workspace",
                "ALTER TABLE api_key RENAME TO api_key_after",
                "CREATE TABLE api_key (
                    id TEXT PRIMARY KEY,
                    workspace_id TEXT NOT NULL REFERENCES workspace(id),
                    name TEXT NOT NULL,
                    test BOOLEAN NOT NULL,
                    lookup TEXT NOT NULL UNIQUE,
                    sealed TEXT,
                    masked TEXT NOT NULL,
                    created_at BIGINT NOT NULL,
                    expires_at BIGINT,
                    last_used_at BIGINT,
                    revoked_at BIGINT,
                    CHECK ((sealed IS NULL) = (revoked_at IS NOT NULL))
                )",
                &copy,
                "DROP TABLE api_key_after",
                "CREATE INDEX api_key_of_workspace ON api_key (workspace_id, created_at)",
            ],
        )
        .await
    }
}

/// The database itself adds every call to what its key has spent, so no code path can forget to. A key without a limit
/// has no such row: one look into an empty place of the index.
async fn count_calls(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION call_counts_for_key() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                UPDATE key_spend SET spent = spent + NEW.charge_nusd
                WHERE key_id = NEW.key_id AND period_start <= NEW.created_at AND NEW.created_at < period_end;
                RETURN NEW;
             END $$",
            "CREATE TRIGGER call_counts_for_key AFTER INSERT ON call FOR EACH ROW WHEN (NEW.charge_nusd > 0)
             EXECUTE FUNCTION call_counts_for_key()",
        ],
        _ => &["CREATE TRIGGER call_counts_for_key AFTER INSERT ON call WHEN NEW.charge_nusd > 0 BEGIN
                UPDATE key_spend SET spent = spent + NEW.charge_nusd
                WHERE key_id = NEW.key_id AND period_start <= NEW.created_at AND NEW.created_at < period_end;
             END"],
    };
    run(manager, statements).await
}

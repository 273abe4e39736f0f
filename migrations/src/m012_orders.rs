//! Top-ups being paid: orders, what providers tell us about them, and refunds.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                // `amount_coins` is what was asked for, in smallest coins of `currency`; the columns up to
                // `quoted_bonus_nusd` are the quote, pinned when the order is made. `paid_…`, `credited_nusd`, `bonus_nusd`
                // and `used_…` say how it was settled: by the pinned rate, or by another when it was paid late.
                // `next_look_at` is when the provider is asked next; moving it is how a node takes that question.
                "CREATE TABLE orders (
                    id TEXT PRIMARY KEY,
                    reference TEXT NOT NULL UNIQUE,
                    workspace_id TEXT NOT NULL REFERENCES workspace(id),
                    account_id TEXT REFERENCES account(id) ON DELETE SET NULL,
                    provider TEXT NOT NULL,
                    provider_ref TEXT,
                    status TEXT NOT NULL CHECK (status IN ('created', 'pending', 'processing', 'credited',
                        'partially_refunded', 'refunded', 'disputed', 'dispute_won', 'dispute_lost',
                        'canceled', 'expired', 'failed')),
                    currency TEXT NOT NULL,
                    amount_coins BIGINT NOT NULL CHECK (amount_coins > 0),
                    rate_e9 BIGINT NOT NULL CHECK (rate_e9 > 0),
                    spread_bp BIGINT NOT NULL,
                    rate_source TEXT NOT NULL,
                    rate_date BIGINT,
                    rate_row BIGINT NOT NULL,
                    quoted_nusd BIGINT NOT NULL CHECK (quoted_nusd > 0),
                    quote_valid_until BIGINT NOT NULL,
                    quoted_bonus_nusd BIGINT NOT NULL DEFAULT 0 CHECK (quoted_bonus_nusd >= 0),
                    paid_coins BIGINT CHECK (paid_coins > 0),
                    credited_nusd BIGINT CHECK (credited_nusd > 0),
                    bonus_nusd BIGINT,
                    used_rate_e9 BIGINT,
                    used_spread_bp BIGINT,
                    used_source TEXT,
                    used_date BIGINT,
                    used_row BIGINT,
                    settled_at BIGINT,
                    refunded_coins BIGINT NOT NULL DEFAULT 0,
                    refunded_nusd BIGINT NOT NULL DEFAULT 0,
                    attention TEXT,
                    locale TEXT NOT NULL,
                    idempotency_key TEXT NOT NULL,
                    next_look_at BIGINT,
                    looks BIGINT NOT NULL DEFAULT 0,
                    looked_at BIGINT NOT NULL DEFAULT 0,
                    created_at BIGINT NOT NULL,
                    UNIQUE (provider, provider_ref),
                    UNIQUE (workspace_id, idempotency_key),
                    CHECK ((status IN ('credited', 'partially_refunded', 'refunded', 'disputed', 'dispute_won', 'dispute_lost'))
                        = (settled_at IS NOT NULL)),
                    CHECK ((settled_at IS NULL) = (credited_nusd IS NULL) AND (settled_at IS NULL) = (paid_coins IS NULL)
                        AND (settled_at IS NULL) = (bonus_nusd IS NULL) AND (settled_at IS NULL) = (used_rate_e9 IS NULL)),
                    CHECK (0 <= refunded_coins AND refunded_coins <= coalesce(paid_coins, 0)),
                    CHECK (0 <= refunded_nusd AND refunded_nusd <= coalesce(credited_nusd, 0))
                )",
                "CREATE INDEX orders_of_workspace ON orders (workspace_id, id)",
                "CREATE INDEX orders_to_look_at ON orders (next_look_at) WHERE next_look_at IS NOT NULL",
                "CREATE INDEX orders_attention ON orders (id) WHERE attention IS NOT NULL",
                // What a provider told us, once each; never the message itself. `not_before` is when a node takes it (next).
                "CREATE TABLE payment_event (
                    provider TEXT NOT NULL,
                    event_id TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    object_ref TEXT NOT NULL,
                    body_sha256 TEXT NOT NULL,
                    received_at BIGINT NOT NULL,
                    not_before BIGINT NOT NULL,
                    attempts BIGINT NOT NULL DEFAULT 0,
                    processed_at BIGINT,
                    outcome TEXT,
                    order_id TEXT REFERENCES orders(id),
                    PRIMARY KEY (provider, event_id),
                    CHECK ((processed_at IS NULL) = (outcome IS NULL))
                )",
                "CREATE INDEX payment_event_due ON payment_event (not_before) WHERE processed_at IS NULL",
                // Money of an order that goes back. `sending`: the credit is out of the wallet, and the provider is asked
                // until it says yes or no. One at a time for each order.
                "CREATE TABLE order_refund (
                    id TEXT PRIMARY KEY,
                    order_id TEXT NOT NULL REFERENCES orders(id),
                    status TEXT NOT NULL CHECK (status IN ('sending', 'done', 'failed')),
                    coins BIGINT NOT NULL CHECK (coins > 0),
                    nusd BIGINT NOT NULL CHECK (nusd > 0),
                    bonus_nusd BIGINT NOT NULL DEFAULT 0 CHECK (bonus_nusd >= 0),
                    note TEXT NOT NULL,
                    idempotency_key TEXT NOT NULL,
                    attempts BIGINT NOT NULL DEFAULT 0,
                    not_before BIGINT NOT NULL,
                    created_at BIGINT NOT NULL,
                    done_at BIGINT,
                    UNIQUE (order_id, idempotency_key),
                    CHECK ((status = 'sending') = (done_at IS NULL))
                )",
                "CREATE UNIQUE INDEX order_refund_running ON order_refund (order_id) WHERE status = 'sending'",
                "CREATE INDEX order_refund_due ON order_refund (not_before) WHERE status = 'sending'",
                // A refund takes from the lot of its own order.
                "CREATE INDEX lot_of_txn ON lot (txn_id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX lot_of_txn",
                "DROP TABLE order_refund",
                "DROP TABLE payment_event",
                "DROP TABLE orders",
            ],
        )
        .await
    }
}

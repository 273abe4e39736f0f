//! How are orders kept? One row each, read whole; what changes them stands with its reason in the other files.

use domain::fx::{Coins, Quote, Rate, Refunded, Source, Spread};
use domain::ids::{OrderId, WorkspaceId};
use domain::order::{Attention, OrderStatus, OrderView, ProviderId, Reference, Settled};
use domain::views::UnixMs;
use domain::{Amount, Currency};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use super::Orders;
use crate::db::{all, for_update, one};

/// The most orders of one list.
const PAGE_MAX: u32 = 200;

const COLUMNS: &str = "o.id, o.reference, o.workspace_id, o.account_id, o.provider, o.provider_ref, o.status, o.currency, o.amount_coins,
    o.rate_e9, o.spread_bp, o.rate_source, o.rate_date, o.rate_row, o.quoted_nusd, o.quote_valid_until, o.quoted_bonus_nusd,
    o.paid_coins, o.credited_nusd, o.bonus_nusd, o.used_rate_e9, o.used_spread_bp, o.used_source, o.used_date, o.used_row, o.settled_at,
    o.refunded_coins, o.refunded_nusd, o.attention, o.locale, o.next_look_at, o.looks, o.created_at,
    (SELECT count(*) FROM order_refund r WHERE r.order_id = o.id AND r.status = 'sending') AS refunding";

/// An order with what only the server needs.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) view: OrderView,
    /// Code of the language of receipt and mail.
    pub(super) locale: String,
    pub(super) next_look_at: Option<UnixMs>,
    pub(super) looks: i64,
}

/// Which orders an administrator looks for. Everything that is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub status: Option<OrderStatus>,
    pub provider: Option<ProviderId>,
    pub reference: Option<Reference>,
    pub workspace: Option<WorkspaceId>,
    /// Only those that somebody should look at.
    pub attention: bool,
    /// Orders that are older than this one.
    pub before: Option<OrderId>,
    /// At most so many, and two hundred.
    pub limit: u32,
}

/// An order in an administrator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    pub order: OrderView,
    /// Of who made it; `None` once that account is gone.
    pub email: Option<String>,
}

fn wrong(column: &str) -> DbErr {
    DbErr::Type(format!("orders.{column} holds something that it cannot be"))
}

impl Row {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        let text = |column: &str| row.try_get::<String>("", column);
        let number = |column: &str| row.try_get::<i64>("", column);
        let maybe = |column: &str| row.try_get::<Option<i64>>("", column);
        let amount = |column: &str| number(column).map(Amount::from_nanos);
        let currency: Currency = text("currency")?.parse().map_err(|_| wrong("currency"))?;
        let coins = |minor| Coins::new(currency, minor).map_err(|_| wrong("coins"));
        let rate = |e9| Rate::from_e9(e9).map_err(|_| wrong("rate_e9"));
        let spread = |bp: i64| {
            u16::try_from(bp)
                .ok()
                .and_then(|bp| Spread::from_bp(bp).ok())
                .ok_or_else(|| wrong("spread_bp"))
        };
        let source = |code: String| code.parse::<Source>().map_err(|_| wrong("rate_source"));
        let created_at = number("created_at")?;
        let quote = Quote {
            paid: coins(number("amount_coins")?)?,
            credited: amount("quoted_nusd")?,
            rate: rate(number("rate_e9")?)?,
            spread: spread(number("spread_bp")?)?,
            source: source(text("rate_source")?)?,
            date: maybe("rate_date")?,
            row: number("rate_row")?,
            made_at: created_at,
            valid_until: number("quote_valid_until")?,
        };
        let settled = match maybe("settled_at")? {
            None => None,
            Some(at) => Some(Settled {
                at,
                paid: coins(number("paid_coins")?)?,
                credited: amount("credited_nusd")?,
                bonus: amount("bonus_nusd")?,
                rate: rate(number("used_rate_e9")?)?,
                spread: spread(number("used_spread_bp")?)?,
                source: source(text("used_source")?)?,
                date: maybe("used_date")?,
                row: number("used_row")?,
            }),
        };
        let account: Option<String> = row.try_get("", "account_id")?;
        let attention: Option<String> = row.try_get("", "attention")?;
        let view = OrderView {
            id: text("id")?.parse().map_err(|_| wrong("id"))?,
            reference: text("reference")?.parse().map_err(|_| wrong("reference"))?,
            workspace: text("workspace_id")?
                .parse()
                .map_err(|_| wrong("workspace_id"))?,
            account: account.and_then(|id| id.parse().ok()),
            provider: text("provider")?.parse().map_err(|_| wrong("provider"))?,
            provider_ref: row.try_get("", "provider_ref")?,
            status: text("status")?.parse().map_err(|()| wrong("status"))?,
            quote,
            bonus: amount("quoted_bonus_nusd")?,
            settled,
            refunded: Refunded {
                credit: amount("refunded_nusd")?,
                coins: coins(number("refunded_coins")?)?,
            },
            refunding: number("refunding")? > 0,
            attention: attention.as_deref().and_then(Attention::from_code),
            created_at,
        };
        Ok(Self {
            view,
            locale: text("locale")?,
            next_look_at: maybe("next_look_at")?,
            looks: number("looks")?,
        })
    }
}

pub(super) async fn by_id<C: ConnectionTrait>(conn: &C, id: OrderId) -> Result<Option<Row>, DbErr> {
    where_is(conn, "o.id = $1", [id.to_string().into()], "").await
}

/// Locked until commit. The wallet is locked first, by whoever changes both.
pub(super) async fn locked<C: ConnectionTrait>(
    conn: &C,
    id: OrderId,
) -> Result<Option<Row>, DbErr> {
    // One table alone can be locked: the count of refunds beside it cannot.
    let lock = match for_update(conn) {
        "" => String::new(),
        lock => format!("{lock} OF o"),
    };
    where_is(conn, "o.id = $1", [id.to_string().into()], &lock).await
}

pub(super) async fn by_key<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    key: &str,
) -> Result<Option<Row>, DbErr> {
    let values = [workspace.to_string().into(), key.into()];
    let which = "o.workspace_id = $1 AND o.idempotency_key = $2";
    where_is(conn, which, values, "").await
}

/// The order that a provider's payment belongs to, as far as that is known.
pub(super) async fn by_object<C: ConnectionTrait>(
    conn: &C,
    provider: ProviderId,
    object: &str,
) -> Result<Option<Row>, DbErr> {
    let values = [provider.code().into(), object.into()];
    where_is(conn, "o.provider = $1 AND o.provider_ref = $2", values, "").await
}

async fn where_is<C: ConnectionTrait>(
    conn: &C,
    which: &str,
    values: impl IntoIterator<Item = Value>,
    lock: &str,
) -> Result<Option<Row>, DbErr> {
    let sql = format!("SELECT {COLUMNS} FROM orders o WHERE {which}{lock}");
    one(conn, &sql, values)
        .await?
        .as_ref()
        .map(Row::of)
        .transpose()
}

/// The providers of this version as a list of SQL; what a newer version wrote is left to it.
fn providers() -> String {
    ProviderId::ALL
        .map(|id| format!("'{}'", id.code()))
        .join(", ")
}

/// Orders whose provider has to be asked, those that wait longest first. One that cannot be read does not stop the others.
pub(super) async fn due<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    limit: i64,
) -> Result<Vec<Row>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders o WHERE o.next_look_at <= $1 AND o.provider IN ({})
         ORDER BY o.next_look_at LIMIT $2",
        providers()
    );
    let rows = all(conn, &sql, [now.into(), limit.into()]).await?;
    let readable = rows.iter().filter_map(|row| match Row::of(row) {
        Ok(row) => Some(row),
        Err(error) => {
            tracing::warn!(%error, "An order cannot be read; its provider is not asked about it");
            None
        }
    });
    Ok(readable.collect())
}

/// The orders of a provider that were made since then and credited, oldest first.
pub(super) async fn credited_since<C: ConnectionTrait>(
    conn: &C,
    provider: ProviderId,
    since: UnixMs,
) -> Result<Vec<Row>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders o WHERE o.provider = $1 AND o.created_at >= $2 AND o.settled_at IS NOT NULL
         ORDER BY o.id"
    );
    let rows = all(conn, &sql, [provider.code().into(), since.into()]).await?;
    rows.iter().map(Row::of).collect()
}

impl Orders {
    /// An order of this workspace.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: OrderId,
    ) -> Result<Option<OrderView>, DbErr> {
        let row = by_id(self.0.db.read(), id).await?;
        Ok(row
            .map(|row| row.view)
            .filter(|view| view.workspace == workspace))
    }

    /// The orders of a workspace, newest first, at most `limit`; `before` is the last of the page before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        before: Option<OrderId>,
        limit: u32,
    ) -> Result<Vec<OrderView>, DbErr> {
        let filter = OrderFilter {
            workspace: Some(workspace),
            before,
            limit,
            ..OrderFilter::default()
        };
        let rows = self.all(&filter).await?;
        Ok(rows.into_iter().map(|row| row.order).collect())
    }

    /// Orders of everybody, for administrators, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn all(&self, filter: &OrderFilter) -> Result<Vec<OrderRow>, DbErr> {
        let mut values: Vec<Value> = Vec::new();
        let mut which = Vec::new();
        let mut only = |column: &str, value: Option<String>| {
            if let Some(value) = value {
                values.push(value.into());
                which.push(format!("{column} ${}", values.len()));
            }
        };
        only("o.status =", filter.status.map(|status| status.to_string()));
        only("o.provider =", filter.provider.map(|id| id.to_string()));
        let reference = filter.reference.map(|text| text.compact().to_owned());
        only("o.reference =", reference);
        only(
            "o.workspace_id =",
            filter.workspace.map(|id| id.to_string()),
        );
        only("o.id <", filter.before.map(|id| id.to_string()));
        if filter.attention {
            which.push("o.attention IS NOT NULL".to_owned());
        }
        let which = if which.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", which.join(" AND "))
        };
        values.push(i64::from(filter.limit.min(PAGE_MAX)).into());
        let sql = format!(
            "SELECT {COLUMNS}, a.email FROM orders o LEFT JOIN account a ON a.id = o.account_id {which} ORDER BY o.id DESC LIMIT ${}",
            values.len()
        );
        let rows = all(self.0.db.read(), &sql, values).await?;
        rows.iter()
            .map(|row| {
                Ok(OrderRow {
                    order: Row::of(row)?.view,
                    email: row.try_get("", "email")?,
                })
            })
            .collect()
    }

    /// Any order, for administrators.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn any(&self, id: OrderId) -> Result<Option<OrderRow>, DbErr> {
        let sql = format!(
            "SELECT {COLUMNS}, a.email FROM orders o LEFT JOIN account a ON a.id = o.account_id WHERE o.id = $1"
        );
        let Some(row) = one(self.0.db.read(), &sql, [id.to_string().into()]).await? else {
            return Ok(None);
        };
        Ok(Some(OrderRow {
            order: Row::of(&row)?.view,
            email: row.try_get("", "email")?,
        }))
    }
}

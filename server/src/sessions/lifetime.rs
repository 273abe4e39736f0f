//! How long does a session live? Sooner over for administrators, whose session is worth more to a thief.

use domain::views::UnixMs;
use sea_orm::sea_query::Expr;

use super::table::Column;

pub(super) const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// A session that is not used ends after this (fourteen days).
pub const IDLE_MS: i64 = 14 * DAY_MS;
/// A session ends after this, used or not (thirty days).
pub const ABSOLUTE_MS: i64 = 30 * DAY_MS;
/// An administrator's session that is not used ends after this (half an hour).
pub const ADMIN_IDLE_MS: i64 = 30 * MINUTE_MS;
/// An administrator's session ends after this, used or not (twelve hours).
pub const ADMIN_ABSOLUTE_MS: i64 = 12 * HOUR_MS;
/// Sessions per account; the oldest make room.
pub const MOST_PER_ACCOUNT: u64 = 20;
/// "Last seen" is written at most this often, so that reading a page is rarely a write.
pub(super) const TOUCH_EVERY_MS: i64 = MINUTE_MS;

const fn limits(admin: bool) -> (i64, i64) {
    if admin {
        (ADMIN_IDLE_MS, ADMIN_ABSOLUTE_MS)
    } else {
        (IDLE_MS, ABSOLUTE_MS)
    }
}

/// The sooner of the idle and the absolute end.
pub(super) fn expiry(created_at: UnixMs, last_seen: UnixMs, admin: bool) -> UnixMs {
    let (idle, absolute) = limits(admin);
    (created_at + absolute).min(last_seen + idle)
}

/// The same for a row whose beginning only the database knows. (MIN and LEAST are named differently by the two.)
pub(super) fn expiry_in_sql(last_seen: UnixMs, admin: bool) -> Expr {
    use sea_orm::ExprTrait;
    let (idle, absolute) = limits(admin);
    let absolute_end = Expr::col(Column::CreatedAt).add(absolute);
    Expr::case(absolute_end.clone().lt(last_seen + idle), absolute_end)
        .finally(last_seen + idle)
        .into()
}

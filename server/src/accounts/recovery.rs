//! What if the authenticator app is lost? Ten codes on paper, each good once.
//!
//! 80 random bits each, so a keyed hash is enough to keep them: nobody guesses one, and nobody without the key can check
//! a guess against a copy of the database.

use domain::views::UnixMs;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};
use zeroize::Zeroizing;

use super::table::recovery_code::{ActiveModel, Column, Entity};
use crate::secrets::{KeyRing, Purpose, hex};

/// How many codes are made at once.
const CODES: usize = 10;
/// Letters and digits that are not mistaken for one another (Crockford's base 32): five bits each.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a code: 80 bits.
const LENGTH: usize = 16;

/// Makes new codes within the caller's transaction; the earlier ones of the account stop working. As shown to people:
/// `4d7k-20xq-…`.
pub(super) async fn renew<C: ConnectionTrait>(
    conn: &C,
    ring: &KeyRing,
    account: &str,
    now: UnixMs,
) -> Result<Vec<String>, DbErr> {
    forget(conn, account).await?;
    let mut shown = Vec::with_capacity(CODES);
    let mut rows = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = random()?;
        rows.push(ActiveModel {
            code_hash: Set(hash(ring, account, &code)),
            account_id: Set(account.to_owned()),
            used_at: Set(None),
            created_at: Set(now),
        });
        let groups: Vec<_> = (0..LENGTH).step_by(4).map(|at| &code[at..at + 4]).collect();
        shown.push(groups.join("-"));
    }
    Entity::insert_many(rows)
        .exec_without_returning(conn)
        .await?;
    Ok(shown)
}

/// Uses a code up; how many are left, or `None` when it is none of this account's or was used before.
pub(super) async fn take<C: ConnectionTrait>(
    conn: &C,
    ring: &KeyRing,
    account: &str,
    typed: &str,
    now: UnixMs,
) -> Result<Option<u64>, DbErr> {
    let Some(code) = read(typed) else {
        return Ok(None);
    };
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::CodeHash.eq(hash(ring, account, &code)))
        .filter(Column::AccountId.eq(account))
        .filter(Column::UsedAt.is_null())
        .exec(conn)
        .await?;
    if used.rows_affected != 1 {
        return Ok(None);
    }
    left(conn, account).await.map(Some)
}

/// Codes that were not used yet.
pub(super) async fn left<C: ConnectionTrait>(conn: &C, account: &str) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::UsedAt.is_null())
        .count(conn)
        .await
}

/// Deletes all codes of an account.
pub(super) async fn forget<C: ConnectionTrait>(conn: &C, account: &str) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(account))
        .exec(conn)
        .await
        .map(|_| ())
}

fn random() -> Result<Zeroizing<String>, DbErr> {
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|_| DbErr::Custom(crate::secrets::RandomnessFailed.to_string()))?;
    // Five of each byte's eight bits: all 32 characters are equally likely.
    let code = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    Ok(Zeroizing::new(code.collect()))
}

/// What was meant by what was typed: spaces, dashes and case do not matter, nor O for 0, I and L for 1.
fn read(typed: &str) -> Option<String> {
    let code: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(LENGTH + 1)
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
    (code.len() == LENGTH && code.chars().all(known)).then_some(code)
}

fn hash(ring: &KeyRing, account: &str, code: &str) -> String {
    let bound = [b"recovery\0", account.as_bytes(), b"\0", code.as_bytes()].concat();
    hex(&ring.hmac(Purpose::Token, &bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = "4d7k20xq1abc9zzv";
        for typed in ["4d7k-20xq-1abc-9zzv", " 4D7K 2OXQ IABC 9ZZV ", code] {
            assert_eq!(read(typed).as_deref(), Some(code), "{typed}");
        }
        for typed in [
            "",
            "4d7k",
            "4d7k-20xq-1abc-9zzvv",
            "4d7k-20xq-1abc-9zzü",
            "u".repeat(16).as_str(),
        ] {
            assert_eq!(read(typed), None, "{typed}");
        }
        assert_eq!(
            random()
                .ok()
                .and_then(|code| read(&code))
                .map(|code| code.len()),
            Some(LENGTH)
        );
    }
}

//! How would they like it? Name, language, currency, time zone, theme, shortcuts, and when to write about the balance.

use domain::ids::AccountId;
use domain::views::Chosen;
use domain::{Amount, Currency};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};

use super::table::account::{Column, Entity};
use super::{Accounts, LONGEST_NAME, ProfileError};

impl Accounts {
    /// Changes the name, which may be of any script.
    ///
    /// # Errors
    /// [`ProfileError::Name`], no such account, no database.
    pub async fn set_name(&self, account: AccountId, name: &str) -> Result<(), ProfileError> {
        let name = self::name(name).ok_or(ProfileError::Name)?;
        self.set(
            account,
            Entity::update_many()
                .col_expr(Column::NameKey, Expr::value(name.to_lowercase()))
                .col_expr(Column::Name, Expr::value(name)),
        )
        .await
    }

    /// Keeps what the person chose for their pages.
    ///
    /// # Errors
    /// [`ProfileError::Choice`], no such account, no database.
    pub async fn set_chosen(
        &self,
        account: AccountId,
        chosen: &Chosen,
    ) -> Result<(), ProfileError> {
        if !valid(chosen) {
            return Err(ProfileError::Choice);
        }
        let Chosen {
            locale,
            currency,
            time_zone,
            theme,
            shortcuts,
        } = chosen.clone();
        let row = Entity::update_many()
            .col_expr(Column::Locale, Expr::value(locale))
            .col_expr(Column::Currency, Expr::value(currency))
            .col_expr(Column::TimeZone, Expr::value(time_zone))
            .col_expr(Column::Theme, Expr::value(theme))
            .col_expr(Column::Shortcuts, Expr::value(shortcuts));
        self.set(account, row).await
    }

    /// Below which balance a mail is sent; `None` for never. The next crossing is told anew.
    ///
    /// # Errors
    /// [`ProfileError::Amount`], no such account, no database.
    pub async fn set_low_balance(
        &self,
        account: AccountId,
        below: Option<Amount>,
    ) -> Result<(), ProfileError> {
        if below.is_some_and(|below| below < Amount::ZERO) {
            return Err(ProfileError::Amount);
        }
        let row = Entity::update_many()
            .col_expr(
                Column::LowBalanceNusd,
                Expr::value(below.map(Amount::nanos)),
            )
            .col_expr(Column::LowBalanceToldAt, Expr::value(None::<i64>));
        self.set(account, row).await
    }

    async fn set(&self, account: AccountId, row: UpdateMany<Entity>) -> Result<(), ProfileError> {
        let changed = row
            .filter(Column::Id.eq(account.to_string()))
            .exec(self.0.db.write())
            .await?;
        if changed.rows_affected == 1 {
            Ok(())
        } else {
            Err(ProfileError::NotFound)
        }
    }
}

/// A name as it is kept: trimmed, of one line, and with nothing in it that turns the text around it.
pub(super) fn name(typed: &str) -> Option<String> {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let name = typed.trim();
    let length = name.chars().count();
    ((1..=LONGEST_NAME).contains(&length) && !name.chars().any(odd)).then(|| name.to_owned())
}

/// Languages come and go with the operator's files, so any code will do; what there is not is shown as nothing chosen.
fn valid(chosen: &Chosen) -> bool {
    let code = |text: &str| {
        (2..=35).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let none_or =
        |text: &Option<String>, good: &dyn Fn(&str) -> bool| text.as_deref().is_none_or(good);
    none_or(&chosen.locale, &code)
        && none_or(&chosen.currency, &|text| text.parse::<Currency>().is_ok())
        && none_or(&chosen.time_zone, &|text| {
            jiff::tz::TimeZone::get(text).is_ok()
        })
        && none_or(&chosen.theme, &|text| {
            matches!(text, "system" | "light" | "dark")
        })
}

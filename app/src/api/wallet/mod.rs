//! What can somebody do about their top-ups? Order one, or give it up; administrators confirm, reject and refund. Each
//! names the asker's own workspace, so an order of another one does not exist for it.

mod desk;
mod order;
#[cfg(feature = "ssr")]
mod told;

pub use desk::{admin_confirm_order, admin_refund_order, admin_reject_order, admin_seen_order};
pub use order::{cancel_order, create_order};
#[cfg(feature = "ssr")]
pub use read::{read_coins, top_up_path};
#[cfg(feature = "ssr")]
pub use told::{OrderFault, OrderField, WalletNotice};

#[cfg(feature = "ssr")]
mod read {
    use domain::Currency;
    use domain::fx::Coins;

    use crate::api::amount::typed_amount;
    use crate::pages::admin::with_query;

    /// Coins as people type them: `25`, `2,50`, `1 000`. `None` for what is no amount of that currency, and for nothing.
    pub fn read_coins(currency: Currency, text: &str) -> Option<Coins> {
        let plain = typed_amount(text)?;
        let plain = shorter(&plain, usize::from(currency.exponent()));
        Coins::parse(currency, plain)
            .ok()
            .filter(|coins| coins.minor() > 0)
    }

    /// Without zeros that are finer than the currency's coins: "1500.00" yen are 1500 yen.
    fn shorter(plain: &str, digits: usize) -> &str {
        let Some((whole, part)) = plain.split_once('.') else {
            return plain;
        };
        let finer = part.get(digits..).unwrap_or_default();
        if finer.is_empty() || finer.bytes().any(|byte| byte != b'0') {
            return plain;
        }
        let end = if digits == 0 {
            whole.len()
        } else {
            whole.len() + 1 + digits
        };
        &plain[..end]
    }

    /// The page that shows what would arrive for this.
    pub fn top_up_path(provider: &str, currency: &str, amount: &str) -> String {
        let asked = [
            ("provider", provider),
            ("currency", currency),
            ("amount", amount),
        ];
        with_query("/wallet/top-up", &asked)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn coins_are_read_as_people_type_them() {
            for (currency, typed, minor) in [
                (Currency::Eur, "25", Some(2_500)),
                (Currency::Eur, " 25,5 ", Some(2_550)),
                (Currency::Eur, "1 000.00", Some(100_000)),
                (Currency::Eur, "25.000", Some(2_500)),
                (Currency::Eur, "25.001", None),
                (Currency::Jpy, "1500.00", Some(1_500)),
                (Currency::Jpy, "1500.5", None),
                (Currency::Kwd, "1.125", Some(1_125)),
                (Currency::Kwd, "1.1250", Some(1_125)),
                (Currency::Eur, "0", None),
                (Currency::Eur, "0.00", None),
                (Currency::Eur, "", None),
                (Currency::Eur, "-5", None),
                (Currency::Eur, "5 €", None),
            ] {
                let read = read_coins(currency, typed).map(Coins::minor);
                assert_eq!(read, minor, "{typed} {currency}");
            }
        }

        #[test]
        fn an_address_asks_for_what_was_typed() {
            assert_eq!(
                top_up_path("sandbox", "EUR", "1 000,5"),
                "/wallet/top-up?provider=sandbox&currency=EUR&amount=1%20000%2C5"
            );
        }
    }
}

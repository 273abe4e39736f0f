//! How does a top-up begin, and how is it given up?

use leptos::prelude::*;

use crate::api::Refusal;

/// Writes an order down at the rate of now, and leads to it. `shown` is what the page had said would arrive, in US
/// dollars: when it would be less by now, nothing is ordered, and the page shows what it would be. `once` names this
/// filled-in form: sent twice, it makes one order.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "create_order")]
pub async fn create_order(
    provider: String,
    currency: String,
    amount: String,
    shown: String,
    once: String,
) -> Result<(), Refusal> {
    use domain::order::ProviderId;
    use domain::{Amount, Currency};
    use http::StatusCode;
    use server::orders::{Ask, NewOrder, OrderError};

    use super::{WalletNotice, read_coins, top_up_path};
    use crate::api::call::Asker;
    use crate::flash::{Flash, Notice};

    /// The longest name of a form.
    const ONCE_MAX: usize = 64;

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let back = top_up_path(&provider, &currency, &amount);
    let wanted = provider
        .parse::<ProviderId>()
        .ok()
        .zip(currency.parse::<Currency>().ok())
        .and_then(|(provider, currency)| {
            let paid = read_coins(currency, &amount)?;
            Some(Ask { provider, paid })
        })
        .zip(Amount::parse_usd(&shown).ok());
    let proper = !once.is_empty() && once.len() <= ONCE_MAX;
    // The page says what is wrong, also that the address is still to be confirmed.
    let (Some((ask, shown)), true, true) = (wanted, proper, account.verified) else {
        asker.reply.go(back);
        return Ok(());
    };
    let new = NewOrder {
        ask,
        shown,
        locale: asker.prefs.locale.code().to_owned(),
        idempotency_key: once,
    };
    let made = asker
        .services
        .orders
        .create(account.workspace, account.id, &new)
        .await;
    let told = match made {
        Ok(order) => {
            asker.reply.go(format!("/wallet/orders/{}", order.id));
            return Ok(());
        }
        Err(OrderError::Moved(_)) => WalletNotice::Moved { shown },
        Err(OrderError::KeyReused) => WalletNotice::KeyReused,
        Err(OrderError::TooMany(most)) => WalletNotice::TooMany { most },
        Err(OrderError::NoSuchMethod | OrderError::OutOfBounds(_) | OrderError::Quote(_)) => {
            asker.reply.go(back);
            return Ok(());
        }
        Err(error) => {
            tracing::error!(%error, "an order could not be made");
            asker.reply.fail(StatusCode::SERVICE_UNAVAILABLE);
            return Err(Refusal::Unavailable);
        }
    };
    asker.go_and_tell(back, &Flash::notice(Notice::Wallet(told)));
    Ok(())
}

/// Gives an order up that is not paid.
///
/// # Errors
/// [`Refusal::NotFound`] for an order of somebody else, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "cancel_order")]
pub async fn cancel_order(id: String) -> Result<(), Refusal> {
    use domain::ids::OrderId;
    use http::StatusCode;
    use server::orders::OrderError;

    use super::WalletNotice;
    use crate::api::call::Asker;
    use crate::flash::{Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let missing = || {
        asker.reply.fail(StatusCode::NOT_FOUND);
        Refusal::NotFound
    };
    let id: OrderId = id.parse().map_err(|_| missing())?;
    let told = match asker.services.orders.cancel(account.workspace, id).await {
        Ok(_) => WalletNotice::Canceled,
        Err(OrderError::Status(status)) => WalletNotice::TooLate { status },
        Err(OrderError::NotFound) => return Err(missing()),
        Err(error) => {
            tracing::error!(%error, "an order could not be given up");
            asker.reply.fail(StatusCode::SERVICE_UNAVAILABLE);
            return Err(Refusal::Unavailable);
        }
    };
    let told = Flash::notice(Notice::Wallet(told));
    asker.go_and_tell(format!("/wallet/orders/{id}"), &told);
    Ok(())
}

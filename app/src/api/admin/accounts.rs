//! What may an administrator do to an account? Give credit or take it back, block it, let it in again.

use leptos::prelude::*;

use crate::api::Refusal;

/// Gives adjustment credit, or takes it back when `direction` is `take`. `once` names this filled-in form: sent twice,
/// it moves money once.
///
/// # Errors
/// [`Refusal::NotFound`] for no account, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_adjust_credit")]
pub async fn admin_adjust_credit(
    account: String,
    direction: String,
    amount: String,
    reason: String,
    once: String,
) -> Result<(), Refusal> {
    use domain::Amount;
    use domain::ids::AccountId;
    use server::ledger::GrantError;

    use super::desk::{Desk, check_reason};
    use super::{AdminFault, AdminField, AdminNotice};
    use crate::api::amount::typed_amount;
    use crate::flash::{Fault, Field, Flash, Notice};

    let desk = Desk::current()?;
    let services = &desk.asker.services;
    let id: AccountId = desk.id(&account)?;
    let account = match services.accounts.by_id(id).await {
        Ok(Some(account)) => account,
        Ok(None) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    };
    let back = format!("/admin/accounts/{id}");
    let mut flash = Flash::default()
        .typed(Field::Admin(AdminField::Direction), &direction)
        .typed(Field::Amount, &amount)
        .typed(Field::Reason, &reason);
    let missing = amount.trim().is_empty();
    let amount = typed_amount(&amount)
        .and_then(|plain| Amount::parse_usd(&plain).ok())
        .filter(|amount| !amount.is_zero());
    if amount.is_none() {
        let fault = if missing {
            Fault::Missing
        } else {
            Fault::Malformed
        };
        flash.faults.push((Field::Amount, fault));
    }
    flash
        .faults
        .extend(check_reason(&reason).map(|fault| (Field::Reason, fault)));
    let (Some(amount), true) = (amount, flash.faults.is_empty()) else {
        desk.asker.go_and_tell(back, &flash);
        return Ok(());
    };
    let take = direction == "take";
    let signed = if take {
        Amount::ZERO.minus(amount).unwrap_or(Amount::ZERO)
    } else {
        amount
    };
    // The id that the page gave the form; people could send another one, and would only hurt themselves.
    let once: String = once.chars().take(64).collect();
    let granted = services
        .ledger
        .grant_audited(
            account.workspace,
            signed,
            reason.trim(),
            (!once.is_empty()).then_some(once.as_str()),
            desk.by,
            &services.audit,
        )
        .await;
    let fault = match granted {
        Ok(granted) => {
            let notice = match (granted.credited, take) {
                (false, _) => AdminNotice::CreditedBefore,
                (true, false) => AdminNotice::Credited { amount },
                (true, true) => AdminNotice::TakenBack { amount },
            };
            desk.asker
                .go_and_tell(back, &Flash::notice(Notice::Admin(notice)));
            return Ok(());
        }
        Err(GrantError::TooMuch { available }) => AdminFault::TooMuchBack { available },
        Err(GrantError::Overflow(_)) => AdminFault::TooMuch,
        // The same form with another amount: it was filled in anew after it had been sent.
        Err(GrantError::IdReused { .. }) => {
            let told = Flash::notice(Notice::Admin(AdminNotice::CreditedBefore));
            desk.asker.go_and_tell(back, &told);
            return Ok(());
        }
        Err(GrantError::NoWallet) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    };
    flash.faults.push((Field::Amount, Fault::Admin(fault)));
    desk.asker.go_and_tell(back, &flash);
    Ok(())
}

/// Shuts an account: its sessions end, its keys are refused.
///
/// # Errors
/// [`Refusal::NotFound`] for no account, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "admin_block_account")]
pub async fn admin_block_account(account: String, block_reason: String) -> Result<(), Refusal> {
    use domain::ids::AccountId;
    use server::audit::Actor;

    use super::desk::{Desk, check_reason};
    use super::{AdminFault, AdminField, AdminNotice};
    use crate::flash::{Fault, Field, Flash, Notice};

    let desk = Desk::current()?;
    let services = &desk.asker.services;
    let id: AccountId = desk.id(&account)?;
    match services.accounts.by_id(id).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    }
    let back = format!("/admin/accounts/{id}");
    let field = Field::Admin(AdminField::BlockReason);
    let fault = if desk.by.actor == Actor::Account(id) {
        Some(Fault::Admin(AdminFault::Yourself))
    } else {
        check_reason(&block_reason)
    };
    if let Some(fault) = fault {
        let flash = Flash::fault(field, fault).typed(field, &block_reason);
        desk.asker.go_and_tell(back, &flash);
        return Ok(());
    }
    let reason = block_reason.trim();
    let blocked = services.accounts.block(
        &services.mail,
        &services.audit,
        desk.by.actor,
        id,
        reason,
        desk.by.from,
    );
    if let Err(error) = blocked.await {
        return Err(desk.unavailable(&error));
    }
    let told = Flash::notice(Notice::Admin(AdminNotice::Blocked));
    desk.asker.go_and_tell(back, &told);
    Ok(())
}

/// Lets a blocked account in again.
///
/// # Errors
/// As [`admin_block_account`].
#[server(prefix = "/api", endpoint = "admin_unblock_account")]
pub async fn admin_unblock_account(account: String) -> Result<(), Refusal> {
    use domain::ids::AccountId;

    use super::AdminNotice;
    use super::desk::Desk;
    use crate::flash::{Flash, Notice};

    let desk = Desk::current()?;
    let services = &desk.asker.services;
    let id: AccountId = desk.id(&account)?;
    match services.accounts.by_id(id).await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(desk.missing()),
        Err(error) => return Err(desk.unavailable(&error)),
    }
    let unblocked = services
        .accounts
        .unblock(&services.audit, desk.by.actor, id, desk.by.from);
    if let Err(error) = unblocked.await {
        return Err(desk.unavailable(&error));
    }
    let told = Flash::notice(Notice::Admin(AdminNotice::Unblocked));
    desk.asker
        .go_and_tell(format!("/admin/accounts/{id}"), &told);
    Ok(())
}

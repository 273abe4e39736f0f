//! What do forms about orders say? What they did, why not, and what is wrong with what was typed.

use leptos::prelude::AnyView;

use super::status_words;
use crate::api::{OrderFault, WalletNotice};
use crate::reader::Ui;
use crate::shell::notice;

/// What the last form did.
pub fn told(ui: &Ui, done: WalletNotice) -> AnyView {
    match done {
        WalletNotice::Moved { shown } => {
            let words = t!(ui, "wallet.told.moved", amount = ui.exact(shown));
            notice(ui, "warn", words)
        }
        WalletNotice::KeyReused => notice(ui, "warn", t!(ui, "wallet.told.reused")),
        WalletNotice::TooMany { most } => {
            notice(ui, "warn", n!(ui, "wallet.told.too_many", most.into()))
        }
        WalletNotice::Canceled => notice(ui, "ok", t!(ui, "wallet.told.canceled")),
        WalletNotice::TooLate { status } => {
            let words = t!(ui, "wallet.told.too_late", state = status_words(ui, status));
            notice(ui, "warn", words)
        }
        WalletNotice::Confirmed => notice(ui, "ok", t!(ui, "wallet.told.confirmed")),
        WalletNotice::Rejected => notice(ui, "ok", t!(ui, "wallet.told.rejected")),
        WalletNotice::Seen => notice(ui, "ok", t!(ui, "wallet.told.seen")),
        WalletNotice::Refunded => notice(ui, "ok", t!(ui, "wallet.told.refunded")),
        WalletNotice::RefundUnderway => notice(ui, "warn", t!(ui, "wallet.told.refund_underway")),
        WalletNotice::RefundRefused => notice(ui, "danger", t!(ui, "wallet.told.refund_refused")),
        WalletNotice::ProviderSilent => notice(ui, "danger", t!(ui, "wallet.told.provider_silent")),
    }
}

/// What is wrong, as a sentence.
pub fn fault_words(ui: &Ui, fault: OrderFault) -> String {
    match fault {
        OrderFault::Coins => t!(ui, "wallet.faults.coins"),
        OrderFault::Differs => t!(ui, "wallet.faults.differs"),
        OrderFault::Day => t!(ui, "wallet.faults.day"),
        OrderFault::NoteMissing => t!(ui, "wallet.faults.note_missing"),
        OrderFault::NoteTooLong => t!(ui, "wallet.faults.note_too_long"),
        OrderFault::TooMuch { most } => t!(ui, "wallet.faults.too_much", most = ui.exact(most)),
        OrderFault::NoCoin => t!(ui, "wallet.faults.no_coin"),
        OrderFault::Rate => t!(ui, "wallet.faults.rate"),
    }
}

//! What are movements called, and where do their lines lead?

use domain::Amount;
use server::statement::{Line, What};

use crate::reader::Ui;

/// A movement's name. The code is the ledger's, and the same in every language.
pub fn kind(ui: &Ui, code: &str, amount: Amount) -> String {
    match code {
        "usage" => t!(ui, "statement.kind.usage"),
        "bonus" => t!(ui, "statement.kind.bonus"),
        "adjustment" if amount > Amount::ZERO => t!(ui, "statement.kind.given"),
        "adjustment" => t!(ui, "statement.kind.taken"),
        "top_up" => t!(ui, "statement.kind.top_up"),
        "refund" => t!(ui, "statement.kind.refund"),
        "refund_back" => t!(ui, "statement.kind.refund_back"),
        "bonus_void" => t!(ui, "statement.kind.bonus_void"),
        "reversal" => t!(ui, "statement.kind.reversal"),
        "bonus_back" => t!(ui, "statement.kind.bonus_back"),
        "expiry" => t!(ui, "statement.kind.expiry"),
        _ => t!(ui, "statement.kind.other", code = code),
    }
}

/// The same as plain text with what makes a line of its own: how many calls, or the operator's reason.
pub fn description(ui: &Ui, line: &Line) -> String {
    let kind = kind(ui, &line.kind, line.amount);
    match &line.what {
        What::Usage(day) => {
            let calls = n!(ui, "statement.calls", day.calls);
            t!(ui, "statement.kind.with", kind = kind, more = calls)
        }
        What::Movement {
            note: Some(note), ..
        } if !note.is_empty() => t!(ui, "statement.kind.with", kind = kind, more = note),
        What::Movement { .. } => kind,
    }
}

/// The order that a movement belongs to, if it does: its page has the receipt. Only here and in [`refund`] is known how
/// movements of orders are called.
pub fn order(txn: &str) -> Option<&str> {
    let id = txn.strip_prefix("order:")?;
    Some(id.strip_suffix(":bonus").unwrap_or(id))
}

/// The refund that a movement belongs to, if it does: which order it gave back is in its row.
pub fn refund(txn: &str) -> Option<&str> {
    let id = txn.strip_prefix("refund:")?;
    Some(id.strip_suffix(":bonus").unwrap_or(id))
}

/// A portion of credit.
pub fn lot(ui: &Ui, kind: &str) -> String {
    match kind {
        "paid" => t!(ui, "statement.lot.paid"),
        "bonus" => t!(ui, "statement.lot.bonus"),
        _ => t!(ui, "statement.lot.adjustment"),
    }
}

/// The zone whose midnights these are, and how far it is from UTC: `Europe/Berlin (UTC+1)`.
pub fn zone(ui: &Ui, at: domain::views::UnixMs) -> String {
    let (name, offset) = (ui.zone().name(), ui.zone().offset_name(at));
    if name == offset {
        name.to_owned()
    } else {
        format!("{name} ({offset})")
    }
}

/// What an amount is in the reader's currency, about; nothing when that is the wallet's own.
pub fn about(ui: &Ui, amount: Amount) -> Option<String> {
    ui.rates_date().map(|_| ui.money(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movements_of_orders_lead_to_them() {
        assert_eq!(order("order:ord_1"), Some("ord_1"));
        assert_eq!(order("order:ord_1:bonus"), Some("ord_1"));
        assert_eq!(order("grant:order:1"), None);
        assert_eq!(
            (order("refund:ref_1"), refund("refund:ref_1")),
            (None, Some("ref_1"))
        );
        assert_eq!(refund("refund:ref_1:bonus"), Some("ref_1"));
        assert_eq!(refund("order:ord_1"), None);
    }
}

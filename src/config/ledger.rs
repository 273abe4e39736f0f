//! `[ledger]`: when are the books checked? Every night, unless the operator says otherwise.

use server::night::TimeOfDay;

use super::file::LedgerTable;
use super::load::Loader;

const DEFAULT: &str = "03:30";

pub(super) fn settings(l: &mut Loader<'_>, file: LedgerTable) -> Option<TimeOfDay> {
    let raw = l.raw(Some("FAREBOX_LEDGER_VERIFY_AT"), file.verify_at, DEFAULT);
    l.read("ledger.verify_at", raw, DEFAULT, |text| match text.trim() {
        "off" => Ok(None),
        time => time.parse().map(Some),
    })
}

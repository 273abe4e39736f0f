//! Does credit end when it should, and go where it belongs? As in `verify`, each question names the rows that break its
//! rule.

use super::Check;

impl Check {
    /// The id of the one that is asked online.
    pub const ONLINE: &str = "I13";

    /// I13: what [`crate::orders::reconcile`] found. Asked only where providers are.
    #[must_use]
    pub fn online(offenders: Vec<String>) -> Self {
        Self {
            id: Self::ONLINE,
            title: "providers of payments and the books have the same payments, of the same amounts",
            holds: offenders.is_empty(),
            offenders,
        }
    }
}

/// Asked after those about orders.
///
/// A lot is overlooked when it had ended by the job's last look, and nothing kept the job from taking it: credit is free
/// now, and no lease could have had it at that moment. A wallet that is in use is the next look's.
pub(super) const QUESTIONS: [(&str, &str, &str); 2] = [
    (
        "I11",
        "no credit that has ended is left in a wallet, but what leases had at the job's last look",
        "SELECT 'lot ' || l.id || ' of ' || b.workspace_id || ': ' || l.remaining || ' left' AS offender
         FROM lot l JOIN book b ON b.id = l.book_id JOIN expiry_look e ON e.id = 1
         WHERE l.remaining > 0 AND l.open = 1 AND l.expires_at <= e.looked_at AND l.created_at <= e.looked_at AND b.posted > b.reserved
            AND NOT EXISTS (SELECT 1 FROM lease s WHERE s.book_id = b.id
                AND (s.state IN ('active', 'draining') OR s.reclaim_after > e.looked_at))",
    ),
    (
        "I11b",
        "every movement of ended credit took from one lot past its end, into the book of its kind",
        "SELECT 'transfer ' || t.txn_id || ' ' || t.seq AS offender FROM transfer t WHERE t.code = 'expiry' AND NOT EXISTS (
            SELECT 1 FROM lot_part p JOIN lot l ON l.id = p.lot_id JOIN book c ON c.id = t.credit_id
            WHERE p.transfer_id = t.id AND p.amount = t.amount AND l.book_id = t.debit_id AND l.expires_at <= t.created_at
                AND t.txn_id = 'expiry:' || l.id AND c.kind = CASE l.kind WHEN 'paid' THEN 'breakage' ELSE l.kind END)",
    ),
];

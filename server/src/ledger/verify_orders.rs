//! Does what orders say agree with the books? As in `verify`, each question names the rows that break its rule.

/// Asked after those about wallets.
pub(super) const QUESTIONS: [(&str, &str, &str); 3] = [
    (
        "I7",
        "every order that was credited has exactly one payment in the books and one lot, of its amounts; no other has any",
        "SELECT 'order ' || o.id AS offender FROM orders o WHERE o.settled_at IS NOT NULL AND (
            (SELECT count(*) FROM transfer t WHERE t.txn_id = 'order:' || o.id) <> 2
            OR NOT EXISTS (SELECT 1 FROM transfer t JOIN book d ON d.id = t.debit_id JOIN book c ON c.id = t.credit_id
                WHERE t.txn_id = 'order:' || o.id AND t.seq = 0 AND t.code = 'payment' AND t.amount = o.paid_coins
                    AND t.currency = o.currency AND d.kind = 'cash:' || o.provider AND c.kind = 'fx')
            OR NOT EXISTS (SELECT 1 FROM transfer t JOIN book d ON d.id = t.debit_id JOIN book c ON c.id = t.credit_id
                WHERE t.txn_id = 'order:' || o.id AND t.seq = 1 AND t.code = 'top_up' AND t.amount = o.credited_nusd
                    AND d.kind = 'fx_credit' AND c.kind = 'wallet' AND c.workspace_id = o.workspace_id)
            OR (SELECT count(*) FROM lot l JOIN book b ON b.id = l.book_id
                WHERE l.txn_id = 'order:' || o.id AND l.kind = 'paid' AND l.original = o.credited_nusd AND b.workspace_id = o.workspace_id) <> 1
            OR (SELECT CAST(coalesce(sum(l.original), 0) AS BIGINT) FROM lot l JOIN book b ON b.id = l.book_id
                WHERE l.txn_id = 'order:' || o.id || ':bonus' AND l.kind = 'bonus' AND b.workspace_id = o.workspace_id) <> o.bonus_nusd)
         UNION ALL SELECT 'transfer ' || t.txn_id FROM transfer t
            LEFT JOIN orders o ON o.id = substr(t.txn_id, 7, 38) AND o.settled_at IS NOT NULL
            WHERE (t.txn_id LIKE 'order:%' OR t.code IN ('payment', 'top_up')) AND o.id IS NULL
         UNION ALL SELECT 'lot ' || l.id FROM lot l LEFT JOIN orders o ON o.id = substr(l.txn_id, 7, 38) AND o.settled_at IS NOT NULL
            WHERE l.kind = 'paid' AND o.id IS NULL",
    ),
    (
        "I8",
        "every event that was believed belongs to an order of its provider and its payment, and what was credited is what was asked for, or what an administrator confirmed",
        "SELECT 'event ' || e.provider || ' ' || e.event_id AS offender FROM payment_event e LEFT JOIN orders o ON o.id = e.order_id
            WHERE e.outcome IN ('credited', 'changed', 'nothing')
                AND (o.id IS NULL OR o.provider <> e.provider OR o.provider_ref IS NULL OR o.provider_ref <> e.object_ref)
         UNION ALL SELECT 'order ' || o.id FROM orders o WHERE o.settled_at IS NOT NULL AND o.provider <> 'manual'
            AND (o.provider_ref IS NULL OR (o.paid_coins <> o.amount_coins AND NOT EXISTS
                (SELECT 1 FROM audit a WHERE a.action = 'order.confirm' AND a.target = o.id)))",
    ),
    (
        "I9",
        "no more went back of an order than was paid, each refund is in the books as far as it went, and its order says so",
        "SELECT 'order ' || o.id AS offender FROM orders o LEFT JOIN (SELECT order_id, CAST(sum(coins) AS BIGINT) AS coins,
                CAST(sum(nusd) AS BIGINT) AS nusd FROM order_refund WHERE status = 'done' GROUP BY order_id) r ON r.order_id = o.id
            WHERE o.refunded_coins <> coalesce(r.coins, 0) OR o.refunded_nusd <> coalesce(r.nusd, 0)
                OR o.refunded_coins > coalesce(o.paid_coins, 0) OR o.refunded_nusd > coalesce(o.credited_nusd, 0)
                OR (o.refunded_nusd = coalesce(o.credited_nusd, -1) AND o.refunded_coins <> o.paid_coins)
                OR (o.status = 'refunded') <> (o.refunded_nusd = coalesce(o.credited_nusd, -1))
         UNION ALL SELECT 'refund ' || r.id FROM order_refund r WHERE
            NOT EXISTS (SELECT 1 FROM transfer t WHERE t.txn_id = 'refund:' || r.id AND t.seq = 0 AND t.code = 'refund' AND t.amount = r.nusd)
            OR (r.status = 'sending') <> (NOT EXISTS (SELECT 1 FROM transfer t WHERE t.txn_id = 'refund:' || r.id AND t.seq = 1))
            OR (r.status = 'done') <> EXISTS (SELECT 1 FROM transfer t
                WHERE t.txn_id = 'refund:' || r.id AND t.seq = 1 AND t.code = 'refund_sent' AND t.amount = r.nusd)
            OR (r.status = 'done') <> EXISTS (SELECT 1 FROM transfer t
                WHERE t.txn_id = 'refund:' || r.id AND t.seq = 2 AND t.code = 'refund_paid' AND t.amount = r.coins)
            OR (r.status = 'failed') <> EXISTS (SELECT 1 FROM transfer t
                WHERE t.txn_id = 'refund:' || r.id AND t.seq = 1 AND t.code = 'refund_back' AND t.amount = r.nusd)
            OR r.bonus_nusd <> (SELECT CAST(coalesce(sum(CASE WHEN t.code = 'bonus_void' THEN t.amount ELSE -t.amount END), 0) AS BIGINT)
                FROM transfer t WHERE t.txn_id = 'refund:' || r.id AND t.code IN ('bonus_void', 'bonus_back'))
         UNION ALL SELECT 'transfer ' || t.txn_id FROM transfer t LEFT JOIN order_refund r ON r.id = substr(t.txn_id, 8, 39)
            WHERE t.txn_id LIKE 'refund:%' AND r.id IS NULL",
    ),
];

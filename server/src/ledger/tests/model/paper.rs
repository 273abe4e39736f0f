//! A wallet, and what should be in it: lots in their published order, calls that hold, refunds on their way.

use domain::fx::Coins;
use domain::ids::{OrderId, RefundId, WorkspaceId};
use domain::order::{ProviderId, Reference};
use domain::{Amount, Currency};

use super::Step;
use crate::audit::{Audit, By};
use crate::db::{all, one};
use crate::ids::NewId;
use crate::ledger::payments::{BONUS_ENDS_MS, Payment, Refund};
use crate::ledger::tests::Bank;
use crate::ledger::{GrantError, Hold, HoldError, Ledger, give_bonus, open_wallet};

/// In so many steps a portion ends that calls kept of a refunded bonus.
const SOON: i64 = 12;

/// A lot on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lot {
    kind: &'static str,
    pub(super) ends: Option<i64>,
    original: i64,
    pub(super) remaining: i64,
}

/// A top-up, with the places of its lots.
struct Order {
    payment: Payment,
    lot: usize,
    bonus: Option<usize>,
}

/// A refund that the provider has not answered yet.
struct Sent {
    refund: Refund,
    lot: usize,
    bonus: Option<usize>,
    void: i64,
    /// What of the bonus was to go as well, and could not.
    missing: i64,
}

/// A wallet, and what should be in it.
pub(super) struct Paper<'a> {
    pub(super) bank: &'a Bank,
    wallet: WorkspaceId,
    book: i64,
    /// In the order in which they were opened.
    pub(super) lots: Vec<Lot>,
    pub(super) calls: Vec<Hold>,
    orders: Vec<Order>,
    sent: Vec<Sent>,
}

impl<'a> Paper<'a> {
    pub(super) async fn open(bank: &'a Bank) -> Self {
        let wallet = WorkspaceId::new();
        open_wallet(bank.db.write(), wallet, 0).await.unwrap();
        let sql = "SELECT id FROM book WHERE workspace_id = $1";
        let row = one(bank.db.write(), sql, [wallet.to_string().into()]).await;
        Self {
            bank,
            wallet,
            book: row.unwrap().unwrap().try_get("", "id").unwrap(),
            lots: Vec::new(),
            calls: Vec::new(),
            orders: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn posted(&self) -> i64 {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    /// What neither is spent nor held by a call: leases may have it, and must give it back.
    fn unheld(&self) -> i64 {
        let held: i64 = self.calls.iter().map(|hold| hold.amount().nanos()).sum();
        self.posted() - held
    }

    /// Posted and reserved, as the database has them.
    pub(super) async fn book(&self) -> (i64, i64) {
        let sql = "SELECT posted, reserved FROM book WHERE id = $1";
        let row = one(self.bank.db.write(), sql, [self.book.into()]).await;
        let row = row.unwrap().unwrap();
        let number = |name: &str| row.try_get("", name).unwrap();
        (number("posted"), number("reserved"))
    }

    /// What no lease has.
    pub(super) async fn unleased(&self) -> i64 {
        let (posted, reserved) = self.book().await;
        posted - reserved
    }

    fn opened(&mut self, kind: &'static str, amount: i64, ends: Option<i64>) -> usize {
        self.lots.push(Lot {
            kind,
            ends,
            original: amount,
            remaining: amount,
        });
        self.lots.len() - 1
    }

    /// The published order: the earliest end first, then what was given before what was paid, then age.
    fn consume(&mut self, amount: i64) {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|place| {
            let lot = &self.lots[*place];
            (lot.ends.unwrap_or(i64::MAX), lot.kind == "paid", *place)
        });
        let mut left = amount;
        for place in order {
            let part = left.min(self.lots[place].remaining);
            self.lots[place].remaining -= part;
            left -= part;
        }
        assert_eq!(left, 0, "more was spent than there was");
    }

    pub(super) async fn step(&mut self, ledger: &Ledger, step: &Step, now: i64) {
        match *step {
            Step::Grant(amount) => {
                let given = ledger
                    .grant(self.wallet, nanos(amount), "a model", None)
                    .await;
                assert!(given.unwrap().credited);
                self.opened("adjustment", amount, None);
            }
            Step::Bonus { amount, ends_in } => {
                let (ends, txn) = (
                    ends_in.map(|steps| now + steps),
                    format!("model:{}", OrderId::new()),
                );
                let tx = self.bank.db.begin().await.unwrap();
                let given =
                    give_bonus(&tx, self.wallet, nanos(amount), &txn, "a model", ends, now).await;
                assert!(given.unwrap());
                tx.commit().await.unwrap();
                self.opened("bonus", amount, ends);
            }
            Step::TopUp { credit, bonus } => self.top_up(credit, bonus, now).await,
            Step::Take(amount) => self.take(ledger, amount).await,
            Step::Refund { order, credit } => self.refund(order, credit, now).await,
            Step::Answered { refund, went } => self.answered(refund, went, now).await,
            Step::Hold(amount) => {
                let fits = amount <= self.unheld();
                match ledger.hold(self.wallet, nanos(amount)).await {
                    Ok(hold) => {
                        assert!(fits, "more was held than there is");
                        self.calls.push(hold);
                    }
                    Err(error) => refused(&error, fits),
                }
            }
            Step::Grow { call, by } => {
                let unheld = self.unheld();
                let count = self.calls.len().max(1);
                if let Some(hold) = self.calls.get_mut(call % count) {
                    let total = hold.amount().plus(nanos(by)).unwrap();
                    match hold.grow_to(total).await {
                        Ok(()) => assert!(by <= unheld, "more was held than there is"),
                        Err(error) => refused(&error, by <= unheld),
                    }
                }
            }
            Step::Settle { call, cost } => {
                if let Some(hold) = self.pick_call(call) {
                    // A call may cost whatever the others leave; the rest is the operator's loss.
                    let most = self.unheld();
                    let mut record = self.bank.call(cost);
                    record.workspace = self.wallet;
                    let charged = hold.settle(record).await.unwrap().nanos();
                    assert_eq!(charged, cost.min(most));
                    self.consume(charged);
                }
            }
            Step::Release { call } => {
                if let Some(hold) = self.pick_call(call) {
                    hold.release();
                }
            }
        }
    }

    /// Takes the call out of those that run.
    fn pick_call(&mut self, call: usize) -> Option<Hold> {
        let count = self.calls.len();
        (count > 0).then(|| self.calls.swap_remove(call % count))
    }

    async fn top_up(&mut self, credit: i64, bonus: i64, now: i64) {
        let payment = Payment {
            workspace: self.wallet,
            order: OrderId::new(),
            reference: Reference::from_random(1),
            provider: ProviderId::Sandbox,
            paid: euro_cents(credit),
            credited: nanos(credit),
            bonus: nanos(bonus),
            now,
        };
        let tx = self.bank.db.begin().await.unwrap();
        assert!(payment.book(&tx).await.unwrap());
        // Twice is once.
        assert!(!payment.book(&tx).await.unwrap());
        tx.commit().await.unwrap();
        let lot = self.opened("paid", credit, None);
        let bonus = (bonus > 0).then(|| self.opened("bonus", bonus, None));
        self.orders.push(Order {
            payment,
            lot,
            bonus,
        });
    }

    /// An administrator takes credit back: what no lease has for certain, what a call holds never.
    async fn take(&mut self, ledger: &Ledger, amount: i64) {
        let unleased = self.unleased().await;
        let audit = Audit::new(self.bank.db.db.clone(), self.bank.clock.clone());
        let taken = ledger.grant_audited(
            self.wallet,
            nanos(-amount),
            "a model",
            None,
            By::SYSTEM,
            &audit,
        );
        match taken.await {
            Ok(_) => {
                assert!(amount <= self.unheld(), "a call lost what it holds");
                self.consume(amount);
            }
            Err(GrantError::TooMuch { .. }) => assert!(amount > unleased),
            Err(error) => panic!("{error}"),
        }
    }

    async fn refund(&mut self, order: usize, credit: i64, now: i64) {
        let count = self.orders.len().max(1);
        let Some(order) = self.orders.get(order % count) else {
            return;
        };
        let (payment, lot, bonus) = (order.payment, order.lot, order.bonus);
        let refund = Refund {
            workspace: self.wallet,
            order: payment.order,
            refund: RefundId::new(),
            reference: payment.reference,
            provider: payment.provider,
            coins: euro_cents(credit),
            credit: nanos(credit),
            now,
        };
        let unleased = self.unleased().await;
        let left = self.lots[lot].remaining;
        let bonus_left = bonus.map_or(0, |bonus| self.lots[bonus].remaining);
        let tx = self.bank.db.begin().await.unwrap();
        match refund.take(&tx, Amount::MAX).await.unwrap() {
            Some(void) => {
                tx.commit().await.unwrap();
                let void = void.nanos();
                assert!(credit <= left, "more than is left of the order");
                assert!(credit + void <= self.unheld(), "a call lost what it holds");
                assert!(void <= bonus_left && void >= bonus_left.min(unleased - credit));
                self.lots[lot].remaining -= credit;
                if let Some(bonus) = bonus {
                    self.lots[bonus].remaining -= void;
                }
                self.sent.push(Sent {
                    refund,
                    lot,
                    bonus,
                    void,
                    missing: bonus_left - void,
                });
            }
            None => {
                tx.rollback().await.unwrap();
                assert!(
                    credit > left.min(unleased),
                    "what is free was not given back"
                );
            }
        }
    }

    async fn answered(&mut self, refund: usize, went: bool, now: i64) {
        if self.sent.is_empty() {
            return;
        }
        let sent = self.sent.swap_remove(refund % self.sent.len());
        let unleased = self.unleased().await;
        let tx = self.bank.db.begin().await.unwrap();
        if went {
            let refund = Refund {
                now: now + SOON - BONUS_ENDS_MS,
                ..sent.refund
            };
            let void = refund.finish(&tx, nanos(sent.missing)).await.unwrap();
            tx.commit().await.unwrap();
            self.voided(&sent, void.nanos(), now + SOON, unleased).await;
        } else {
            sent.refund.give_back(&tx, nanos(sent.void)).await.unwrap();
            tx.commit().await.unwrap();
            self.lots[sent.lot].remaining += sent.refund.credit.nanos();
            if let Some(bonus) = sent.bonus {
                self.lots[bonus].remaining += sent.void;
            }
        }
    }

    /// So much of the bonus went late. At least what calls held of it is there again, with an end, and at most what any
    /// lease had: how much, the database says.
    async fn voided(&mut self, sent: &Sent, void: i64, ends: i64, unleased: i64) {
        let left = sent.bonus.map_or(0, |bonus| self.lots[bonus].remaining);
        assert_eq!(void, sent.missing.min(left));
        let unheld = self.unheld();
        let mut kept = 0;
        if let Some(anew) = in_database(self.bank, self.book).await.get(self.lots.len()) {
            kept = anew.original;
            assert_eq!(self.opened("bonus", kept, Some(ends)), self.lots.len() - 1);
        }
        assert!(kept <= (void - unleased).max(0));
        assert!(void - kept <= unheld, "a call lost what it holds");
        if let Some(bonus) = sent.bonus {
            self.lots[bonus].remaining -= void;
        }
    }

    /// After a look for credit that has ended: at least what no lease had before is gone of it, at most what no call
    /// holds. Which of it, the database says.
    pub(super) async fn ended(&mut self, now: i64, unleased: i64) {
        let unheld = self.unheld();
        let (mut all_of_it, mut gone) = (0, 0);
        for (lot, found) in self
            .lots
            .iter_mut()
            .zip(in_database(self.bank, self.book).await)
        {
            if lot.ends.is_some_and(|ends| ends <= now) {
                assert!(found.remaining <= lot.remaining);
                all_of_it += lot.remaining;
                gone += lot.remaining - found.remaining;
                lot.remaining = found.remaining;
            }
        }
        assert!(
            gone >= all_of_it.min(unleased),
            "ended credit that nobody has stayed"
        );
        assert!(gone <= unheld, "a call lost what it holds");
    }

    /// Is everything in the database as on paper?
    pub(super) async fn agrees(&self) {
        assert_eq!(in_database(self.bank, self.book).await, self.lots);
        let (posted, reserved) = self.book().await;
        assert_eq!(posted, self.posted());
        assert!(reserved <= posted && reserved >= self.posted() - self.unheld());
    }
}

/// A hold that was not had: never for want of credit where there is some.
fn refused(error: &HoldError, fits: bool) {
    let no_credit = matches!(error, HoldError::Insufficient { .. });
    assert!(!(no_credit && fits), "{error}");
}

async fn in_database(bank: &Bank, book: i64) -> Vec<Lot> {
    let sql =
        "SELECT kind, expires_at, original, remaining FROM lot WHERE book_id = $1 ORDER BY id";
    let rows = all(bank.db.write(), sql, [book.into()]).await.unwrap();
    let lot = |row: &sea_orm::QueryResult| Lot {
        kind: match row.try_get::<String>("", "kind").unwrap().as_str() {
            "adjustment" => "adjustment",
            "bonus" => "bonus",
            _ => "paid",
        },
        ends: row.try_get("", "expires_at").unwrap(),
        original: row.try_get("", "original").unwrap(),
        remaining: row.try_get("", "remaining").unwrap(),
    };
    rows.iter().map(lot).collect()
}

const fn nanos(nanos: i64) -> Amount {
    Amount::from_nanos(nanos)
}

fn euro_cents(cents: i64) -> Coins {
    Coins::new(Currency::Eur, cents).unwrap()
}

//! Money as an accountant writes it down: what each book held before, what every movement did to it, and what it held
//! after. Each table is carried out by the real ledger on a real database, and compared cell by cell.
//!
//! A book's number is its credits less its debits, so every column of books adds up to zero; a wallet's is what the
//! customer has. `lot …` is what remains in the wallet's lots of that kind, and stands beside the books. An empty cell is
//! zero. Only books of credit are here: those in coins of a currency count in another unit.

use std::collections::BTreeMap;

use domain::fx::Coins;
use domain::ids::{OrderId, RefundId};
use domain::order::{ProviderId, Reference};
use domain::{Amount, Currency};

use super::Bank;
use super::expiry::NOW;
use crate::db::all;
use crate::ids::NewId;
use crate::ledger::credit::{Adjustment, adjust};
use crate::ledger::payments::{Payment, Refund};
use crate::ledger::{Hold, Ledger, LedgerConfig, verify};

const TABLES: [(&str, &str); 7] = [
    (
        "bonus is spent before what was paid; a refund takes what is left of both",
        "book            | before | top-up 1000 bonus 100 | call 60 | refund 500 bonus 50 | sent | call 500 | after
         wallet          |      0 |                 +1100 |     -60 |                -540 |      |     -500 |     0
         fx_credit       |      0 |                 -1000 |         |                     | +500 |          |  -500
         bonus           |      0 |                  -100 |         |                 +40 |      |          |   -60
         refund_clearing |      0 |                       |         |                +500 | -500 |          |     0
         revenue         |      0 |                       |     +60 |                     |      |     +500 |   560
         lot paid        |      0 |                 +1000 |         |                -500 |      |     -500 |     0
         lot bonus       |      0 |                  +100 |     -60 |                 -40 |      |          |     0",
    ),
    (
        "a refund that the provider refuses leaves everything as it was, in the lots that it came from",
        "book            | before | top-up 1000 bonus 100 | call 30 | refund 800 bonus 80 | back | after
         wallet          |      0 |                 +1100 |     -30 |                -870 | +870 |  1070
         fx_credit       |      0 |                 -1000 |         |                     |      | -1000
         bonus           |      0 |                  -100 |         |                 +70 |  -70 |  -100
         refund_clearing |      0 |                       |         |                +800 | -800 |     0
         revenue         |      0 |                       |     +30 |                     |      |    30
         lot paid        |      0 |                 +1000 |         |                -800 | +800 |  1000
         lot bonus       |      0 |                  +100 |     -30 |                 -70 |  +70 |    70",
    ),
    (
        "what a refund could not take of the bonus goes when the money went, or ends a minute later where calls hold it",
        "book            | before | top-up 1000 bonus 100 | refund 500 bonus 0 | sent bonus 50 | refund 100 bonus 0 | sent bonus 10 holding 450 | end 60000 | after
         wallet          |      0 |                 +1100 |               -500 |           -50 |               -100 |                           |       -10 |   440
         fx_credit       |      0 |                 -1000 |                    |          +500 |                    |                      +100 |           |  -400
         bonus           |      0 |                  -100 |                    |           +50 |                    |                           |       +10 |   -40
         refund_clearing |      0 |                       |               +500 |          -500 |               +100 |                      -100 |           |     0
         lot paid        |      0 |                 +1000 |               -500 |               |               -100 |                           |           |   400
         lot bonus       |      0 |                  +100 |                    |           -50 |                    |                           |       -10 |    40",
    ),
    (
        "what ends first is spent first, what is left at its end goes back, and what has no end stays",
        "book            | before | grant 50 | bonus 100 until 20 | bonus 9 until 10 | call 30 | end 10 | end 20 | after
         wallet          |      0 |      +50 |               +100 |               +9 |     -30 |        |    -79 |    50
         adjustment      |      0 |      -50 |                    |                  |         |        |        |   -50
         bonus           |      0 |          |               -100 |               -9 |         |        |    +79 |   -30
         revenue         |      0 |          |                    |                  |     +30 |        |        |    30
         lot adjustment  |      0 |      +50 |                    |                  |         |        |        |    50
         lot bonus       |      0 |          |               +100 |               +9 |     -30 |        |    -79 |     0",
    ),
    (
        "what an upstream reports above what the wallet holds is the operator's",
        "book            | before | grant 100 | call 130 holding 100 | after
         wallet          |      0 |      +100 |                 -100 |     0
         adjustment      |      0 |      -100 |                      |  -100
         revenue         |      0 |           |                 +130 |   130
         operator_loss   |      0 |           |                  -30 |   -30
         lot adjustment  |      0 |      +100 |                 -100 |     0",
    ),
    (
        "a call that is settled after its lease was taken back is charged to the wallet, if that can pay",
        "book            | before | grant 100 | late 60 | after
         wallet          |      0 |      +100 |     -60 |    40
         adjustment      |      0 |      -100 |         |  -100
         revenue         |      0 |           |     +60 |    60
         lot adjustment  |      0 |      +100 |     -60 |    40",
    ),
    (
        "and to the operator, if it cannot: nothing is overdrawn",
        "book            | before | grant 100 | late 60 taken 80 | after
         wallet          |      0 |      +100 |              -80 |    20
         adjustment      |      0 |      -100 |              +80 |   -20
         revenue         |      0 |           |              +60 |    60
         operator_loss   |      0 |           |              -60 |   -60
         lot adjustment  |      0 |      +100 |              -80 |    20",
    ),
];

#[tokio::test]
async fn the_books_are_as_they_are_written_here() {
    for (title, text) in TABLES {
        let table = Table::read(title, text);
        table.must_add_up();
        let mut desk = Desk::open().await;
        let mut books = desk.books().await;
        for row in &table.rows {
            assert_eq!(
                books.get(row.book).copied().unwrap_or(0),
                row.before,
                "{title}"
            );
        }
        for (at, movement) in table.movements.iter().enumerate() {
            desk.carry_out(movement).await;
            let now = desk.books().await;
            for book in now.keys() {
                let moved = now[book] - books.get(book).copied().unwrap_or(0);
                let written = table.rows.iter().find(|row| row.book == book);
                let written = written.map_or(0, |row| row.cells[at]);
                assert_eq!(moved, written, "{title}: {book}, {movement}");
            }
            for row in &table.rows {
                let there = now.contains_key(row.book);
                assert!(there || row.cells[at] == 0, "{title}: no {}", row.book);
            }
            books = now;
            desk.proved(title).await;
        }
    }
}

struct Row<'a> {
    book: &'a str,
    before: i64,
    cells: Vec<i64>,
    after: i64,
}

struct Table<'a> {
    title: &'a str,
    movements: Vec<&'a str>,
    rows: Vec<Row<'a>>,
}

impl<'a> Table<'a> {
    fn read(title: &'a str, text: &'a str) -> Self {
        let mut lines = text.lines().map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            cells
        });
        let head = lines.next().unwrap();
        let width = head.len();
        assert_eq!(
            (head[0], head[1], head[width - 1]),
            ("book", "before", "after")
        );
        let number = |cell: &&str| match *cell {
            "" => 0,
            cell => cell.parse().unwrap(),
        };
        let rows = lines.map(|line| {
            assert_eq!(line.len(), width, "{title}: {line:?}");
            Row {
                book: line[0],
                before: number(&line[1]),
                cells: line[2..width - 1].iter().map(number).collect(),
                after: number(&line[width - 1]),
            }
        });
        Self {
            title,
            rows: rows.collect(),
            movements: head[2..width - 1].to_vec(),
        }
    }

    /// Across and, over the books, down.
    fn must_add_up(&self) {
        for row in &self.rows {
            let sum = row.before + row.cells.iter().sum::<i64>();
            assert_eq!(sum, row.after, "{}: {} across", self.title, row.book);
        }
        for (at, movement) in self.movements.iter().enumerate() {
            let books = self.rows.iter().filter(|row| !row.book.starts_with("lot "));
            let sum: i64 = books.map(|row| row.cells[at]).sum();
            assert_eq!(sum, 0, "{}: {movement} down", self.title);
        }
    }
}

/// Carries movements out.
struct Desk {
    bank: Bank,
    order: Option<Payment>,
    /// And what of the bonus went with it.
    refund: Option<(Refund, Amount)>,
}

impl Desk {
    async fn open() -> Self {
        Self {
            bank: Bank::still().await,
            order: None,
            refund: None,
        }
    }

    async fn carry_out(&mut self, movement: &str) {
        let words: Vec<&str> = movement.split(' ').collect();
        let number = |at: usize| words[at].parse::<i64>().unwrap();
        let amount = |at: usize| Amount::from_nanos(number(at));
        match (words[0], words.len()) {
            ("grant", 2) => assert!(self.bank.grant(number(1), None).await),
            ("bonus", 4) => {
                let ends = Some(NOW + number(3));
                self.bank.bonus_until(number(1), movement, ends).await;
            }
            ("top-up", 4) => self.top_up(amount(1), amount(3)).await,
            ("refund", 4) => self.refund(amount(1), amount(3)).await,
            ("back", 1) => self.came_back().await,
            ("sent", 1) => self.sent(Amount::ZERO).await,
            ("sent", 3) => self.sent(amount(2)).await,
            ("sent", 5) => {
                let (node, hold) = self.node(amount(4)).await;
                self.sent(amount(2)).await;
                drop(hold);
                node.shutdown().await;
            }
            ("call", 2) => self.call(number(1), amount(1)).await,
            ("call", 4) => self.call(number(1), amount(3)).await,
            ("late", 2) => self.late(number(1), 0).await,
            ("late", 4) => self.late(number(1), number(3)).await,
            ("end", 2) => {
                let clock = &self.bank.clock;
                clock.advance(NOW + number(1) - clock.now_ms());
                assert_eq!(self.bank.ledger.expire_lots().await.unwrap().left, 0);
            }
            _ => panic!("what is {movement}?"),
        }
    }

    async fn top_up(&mut self, credited: Amount, bonus: Amount) {
        let payment = Payment {
            workspace: self.bank.wallet,
            order: OrderId::new(),
            reference: Reference::from_random(1),
            provider: ProviderId::Sandbox,
            paid: Coins::parse(Currency::Eur, "10.00").unwrap(),
            credited,
            bonus,
            now: NOW,
        };
        let tx = self.bank.db.begin().await.unwrap();
        assert!(payment.book(&tx).await.unwrap());
        tx.commit().await.unwrap();
        self.order = Some(payment);
    }

    async fn refund(&mut self, credit: Amount, bonus: Amount) {
        let order = self.order.unwrap();
        let refund = Refund {
            workspace: order.workspace,
            order: order.order,
            refund: RefundId::new(),
            reference: order.reference,
            provider: order.provider,
            coins: Coins::parse(Currency::Eur, "5.00").unwrap(),
            credit,
            now: NOW,
        };
        let tx = self.bank.db.begin().await.unwrap();
        let void = refund.take(&tx, bonus).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        self.refund = Some((refund, void));
    }

    /// By the provider; so much of the bonus was to go and could not.
    async fn sent(&mut self, missing: Amount) {
        let (refund, _) = self.refund.take().unwrap();
        let tx = self.bank.db.begin().await.unwrap();
        assert_eq!(refund.finish(&tx, missing).await.unwrap(), missing);
        tx.commit().await.unwrap();
    }

    /// The provider refused.
    async fn came_back(&mut self) {
        let (refund, void) = self.refund.take().unwrap();
        let tx = self.bank.db.begin().await.unwrap();
        refund.give_back(&tx, void).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A node that serves one call, and what the call holds there.
    async fn node(&self, held: Amount) -> (Ledger, Hold) {
        let (db, clock) = (self.bank.db.db.clone(), self.bank.clock.clone());
        let node = Ledger::new(db, clock, LedgerConfig::default());
        node.start();
        let hold = node.hold(self.bank.wallet, held).await.unwrap();
        (node, hold)
    }

    async fn call(&self, cost: i64, held: Amount) {
        let (node, hold) = self.node(held).await;
        hold.settle(self.bank.call(cost)).await.unwrap();
        node.shutdown().await;
    }

    /// A call whose lease is taken back while it runs, and credit that is taken out of the wallet meanwhile.
    async fn late(&self, cost: i64, taken: i64) {
        let (node, hold) = self.node(Amount::from_nanos(cost)).await;
        let reclaimed = self.bank.ledger.reclaim_predecessors().await;
        assert_eq!(reclaimed.unwrap(), 1);
        if taken > 0 {
            let tx = self.bank.db.begin().await.unwrap();
            let adjustment = Adjustment {
                amount: Amount::from_nanos(-taken),
                reason: "a test",
                id: None,
            };
            let done = adjust(&tx, self.bank.wallet, adjustment, NOW).await;
            assert!(done.unwrap().credited);
            tx.commit().await.unwrap();
        }
        hold.settle(self.bank.call(cost)).await.unwrap();
        node.shutdown().await;
    }

    /// Every book of credit, and what remains in the lots of each kind.
    async fn books(&self) -> BTreeMap<String, i64> {
        let sql = "SELECT kind AS name, coalesce((SELECT sum(amount) FROM transfer WHERE credit_id = book.id), 0)
                       - coalesce((SELECT sum(amount) FROM transfer WHERE debit_id = book.id), 0) AS n FROM book WHERE exponent = 9
                   UNION ALL SELECT 'lot ' || kind, sum(remaining) FROM lot GROUP BY kind";
        let rows = all(self.bank.db.read(), sql, []).await.unwrap();
        let of = |row: &sea_orm::QueryResult| {
            let name: String = row.try_get("", "name").unwrap();
            (name, row.try_get("", "n").unwrap())
        };
        rows.iter().map(of).collect()
    }

    /// All invariants but those that compare with orders: there are none here, only their money.
    async fn proved(&self, title: &str) {
        let report = verify(&self.bank.db).await.unwrap();
        let broken = report
            .checks
            .iter()
            .filter(|check| !check.holds && !["I7", "I9"].contains(&check.id));
        assert_eq!(broken.count(), 0, "{title}: {report:#?}");
    }
}

//! The database is away for a while. Endings wait the stated time, then their callers are told and not charged; new calls
//! that no lease covers are refused; and when it is back, everything goes on by itself.

use std::time::Duration;

use domain::Amount;
use domain::ids::WorkspaceId;
use reqwest::{Response, Url};
use serde_json::json;
use server::accounts::Email;
use server::db::Db;
use server::keys::NewKeyForm;
use server::ledger::LedgerConfig;

use super::callers::{
    Got, Load, all_served_is_booked, call, charged_as_answered, eventually, number,
};
use super::relay::{Line, Relay};
use crate::app::{Caller, TestApp};
use crate::binary::{http, live_leases};
use crate::postgres::Scratch;
use crate::upstream::{FakeUpstream, Reply, Step, done, finish, piece, usage, usage_chunk};

const FIFTY_USD: i64 = 50_000_000_000;
const FIVE_USD: i64 = 5_000_000_000;
/// 100 tokens of prompt at 2.50, and 10 of answer at 10.00 dollars per million.
const A_CALL: i64 = 100 * 2_500 + 10 * 10_000;

/// A server whose line to its database is in the test's hands.
struct Away {
    app: TestApp,
    relay: Relay,
    /// The database without the relay.
    db: Db,
    fake: FakeUpstream,
    caller: Caller,
    http: reqwest::Client,
}

/// Waits short enough for a test.
fn impatient() -> LedgerConfig {
    LedgerConfig {
        idle_return: Duration::from_secs(1),
        heartbeat: Duration::from_millis(100),
        commit_wait: Duration::from_secs(1),
        outcome_wait: Duration::from_millis(1_500),
        ..LedgerConfig::default()
    }
}

impl Away {
    /// `None` where there is no PostgreSQL.
    async fn with(ledger: LedgerConfig) -> Option<Self> {
        let Some(scratch) = Scratch::create().await else {
            eprintln!("skipped: TEST_POSTGRES_URL is not set");
            return None;
        };
        let db = Db::connect(&scratch.url()).await.unwrap();
        let mut url = Url::parse(&scratch.url()).unwrap();
        let server = (url.host_str().unwrap(), url.port().unwrap_or(5432));
        let database = tokio::net::lookup_host(server).await.unwrap().next();
        let relay = Relay::to(database.unwrap()).await;
        let (host, port) = (relay.address.ip().to_string(), relay.address.port());
        url.set_host(Some(&host)).unwrap();
        url.set_port(Some(port)).unwrap();
        // The relay reads what passes.
        url.set_query(Some("sslmode=disable"));
        let app = TestApp::postgres_by(scratch, url.into(), ledger, |_| {}).await;
        let fake = FakeUpstream::start().await;
        fake.answers_as_asked(&["forty", "-two"], &usage(100, 0, 10));
        app.offer("gpt", &fake).await;
        let caller = app.caller("50").await;
        Some(Self {
            app,
            relay,
            db,
            fake,
            caller,
            http: http(),
        })
    }

    async fn ask(&self, key: &str, streamed: bool) -> Got {
        let more = json!({"stream": streamed});
        call(&self.http, &self.app.url(""), key, more).await
    }

    /// A call that must be served; its id.
    async fn served(&self) -> String {
        match self.ask(&self.caller.key, false).await {
            Got::Whole(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Asks until a call is served, as a caller does who was told to try again; its id.
    async fn served_again(&self) -> String {
        for _ in 0..200 {
            match self.ask(&self.caller.key, false).await {
                Got::Whole(id) => return id,
                Got::NotNow(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                other => panic!("{other:?}"),
            }
        }
        panic!("no call is served any more");
    }

    /// A stream that has begun, and waits for its ending; the call's id.
    async fn begun(&self) -> (String, Response) {
        self.fake.then(Reply::Stream(vec![
            piece("forty"),
            Step::Gate,
            piece("-two"),
            finish(),
            usage_chunk(usage(100, 0, 10)),
            done(),
        ]));
        let streamed = json!({"stream": true});
        let mut response = self.app.chat(&self.caller.key, "gpt", streamed).await;
        assert_eq!(response.status(), 200);
        let id = response.headers()["x-request-id"].to_str().unwrap();
        let id = id.to_owned();
        let first = response.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("forty"));
        (id, response)
    }

    /// The upstream goes on, to the end of that stream; what its caller gets.
    async fn ends(&self, begun: Response) -> Got {
        self.fake.go_on();
        Got::of(Ok(begun)).await
    }

    /// Everything that was answered is charged, nothing else is, and the wallet says the same.
    async fn finish(self, answered: &[String]) {
        let Self {
            app,
            db,
            caller,
            fake,
            ..
        } = self;
        app.quiet().await;
        let spent = i64::try_from(answered.len()).unwrap() * A_CALL;
        // What was given up on goes back with a later commit.
        eventually("the wallet lost what was answered", async || {
            posted(&app, caller.account.workspace).await == FIFTY_USD - spent
        })
        .await;
        let charged = charged_as_answered(&db, answered, A_CALL).await;
        assert_eq!(charged, answered.len());
        all_served_is_booked(&db, fake.seen().len(), charged, A_CALL).await;
        // Also a lease whose grant was not heard of: nobody beats for it, so it ends.
        eventually("idle credit goes back by itself", async || {
            live_leases(&db).await == 0
        })
        .await;
        app.finish().await;
    }
}

fn not_settled() -> String {
    "settlement_failed".to_owned()
}

async fn posted(app: &TestApp, workspace: WorkspaceId) -> i64 {
    let balance = app.handles.ledger.balance(workspace).await.unwrap();
    balance.unwrap().posted.nanos()
}

/// Somebody else, with money and a key, and no lease.
async fn stranger(app: &TestApp) -> (WorkspaceId, String) {
    let email = Email::parse("stranger@example.com").unwrap();
    let account = app.handles.accounts.create(&email, None, false).await;
    let workspace = account.unwrap().workspace;
    let five = Amount::from_nanos(FIVE_USD);
    let ledger = &app.handles.ledger;
    ledger.grant(workspace, five, "test", None).await.unwrap();
    let form = NewKeyForm::named("test");
    let key = app.handles.keys.create(workspace, &form).await.unwrap();
    (workspace, key.secret.expose().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_cut_off_endings_fail_and_cost_nothing() {
    let Some(away) = Away::with(impatient()).await else {
        return;
    };
    let first = away.served().await;
    let (workspace, cold) = stranger(&away.app).await;
    // The key is known; only the money is not at hand.
    let models = away.http.get(away.app.url("/v1/models"));
    let models = models.bearer_auth(&cold).send().await.unwrap();
    assert_eq!(models.status(), 200);
    let (_, begun) = away.begun().await;

    away.relay.set(Line::Cut);
    let upstream = away.fake.seen().len();
    for streamed in [false, true] {
        let got = away.ask(&cold, streamed).await;
        assert_eq!(got, Got::NotNow("service_unavailable".to_owned()));
    }
    assert_eq!(
        away.fake.seen().len(),
        upstream,
        "no upstream call without money"
    );
    assert_eq!(away.ends(begun).await, Got::BrokenOff(not_settled()));
    // Whom a lease covers reaches the upstream; its ending has the same trouble.
    let got = away.ask(&away.caller.key, false).await;
    assert!(matches!(got, Got::NotNow(_)), "{got:?}");
    let losses = "SELECT count(*) AS n FROM transfer WHERE code = 'unbilled'";
    assert_eq!(number(&away.db, losses).await, 0);

    away.relay.set(Line::Open);
    let second = away.served_again().await;
    assert_eq!(posted(&away.app, workspace).await, FIVE_USD);
    let sql = format!("SELECT count(*) AS n FROM call WHERE workspace_id = '{workspace}'");
    assert_eq!(number(&away.db, &sql).await, 0);
    away.finish(&[first, second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_silent_endings_fail_and_cost_nothing() {
    let Some(away) = Away::with(impatient()).await else {
        return;
    };
    let first = away.served().await;
    let (_, begun) = away.begun().await;
    away.relay.set(Line::Stalled);
    assert_eq!(away.ends(begun).await, Got::BrokenOff(not_settled()));
    away.relay.set(Line::Open);
    let second = away.served_again().await;
    away.finish(&[first, second]).await;
}

/// The charge is in the database, or will be, when its caller is told that there is none: it goes back.
async fn the_outcome_of_a_commit_is_not_known(line: Line) {
    let Some(away) = Away::with(impatient()).await else {
        return;
    };
    let first = away.served().await;
    let (given_up, begun) = away.begun().await;
    away.relay.set(line);
    let (got, ()) = tokio::join!(away.ends(begun), away.relay.has_lost());
    assert_eq!(got, Got::BrokenOff(not_settled()));

    away.relay.set(Line::Open);
    let second = away.served_again().await;
    let reversed = format!(
        "SELECT count(*) AS n FROM call WHERE id = '{given_up}' AND charge_nusd = 0 AND reversed_nusd = {A_CALL}"
    );
    eventually("the charge that was given up on is reversed", async || {
        number(&away.db, &reversed).await == 1
    })
    .await;
    let reversal = format!(
        "SELECT count(*) AS n FROM transfer t JOIN book d ON d.id = t.debit_id JOIN book c ON c.id = t.credit_id
         WHERE t.code = 'reversal' AND t.amount = {A_CALL} AND d.kind = 'operator_loss' AND c.kind = 'wallet'"
    );
    assert_eq!(number(&away.db, &reversal).await, 1);
    let usage = "SELECT CAST(sum(amount) AS BIGINT) AS n FROM transfer WHERE code = 'usage'";
    assert_eq!(
        number(&away.db, usage).await,
        3 * A_CALL,
        "it was charged once"
    );
    away.finish(&[first, second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_whose_commit_was_not_answered_is_reversed() {
    the_outcome_of_a_commit_is_not_known(Line::LosesAnswers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_whose_commit_did_not_arrive_is_made_and_reversed() {
    the_outcome_of_a_commit_is_not_known(Line::LosesCommits).await;
}

/// A firewall between the two forgot the connections, in the middle of whatever was being said, and nobody was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute: make it ONLY='--ignored forgotten'"]
async fn connections_that_were_forgotten_are_given_up() {
    let Some(away) = Away::with(impatient()).await else {
        return;
    };
    let first = away.served().await;
    away.relay.set(Line::Stalled);
    // Long enough for everything that speaks to the database by itself to be waiting for an answer.
    tokio::time::sleep(Duration::from_millis(500)).await;
    away.relay.set(Line::Forgets);
    let second = away.served_again().await;
    let third = away.served_again().await;
    away.finish(&[first, second, third]).await;
}

/// Many callers, while the line is cut and then silent for so long.
async fn under_load(ledger: LedgerConfig, away_for: Duration) {
    let Some(away) = Away::with(ledger).await else {
        return;
    };
    let mut load = Load::start(&[away.app.url("")], &away.caller.key, 12);
    for line in [Line::Cut, Line::Stalled] {
        load.more(30).await;
        away.relay.set(line);
        // The time is what is tested.
        tokio::time::sleep(away_for).await;
        away.relay.set(Line::Open);
    }
    load.more(30).await;
    let answered = load.end().await;
    away.finish(&answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn away_for_two_seconds_under_load() {
    under_load(impatient(), Duration::from_secs(2)).await;
}

/// With the waits of production. Takes a minute, nearly all of it asleep.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn away_for_thirty_seconds_under_load() {
    under_load(LedgerConfig::default(), Duration::from_secs(30)).await;
}

//! What did the callers get, and what do the books say about it? Only who had a whole answer can say what has to be
//! charged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde_json::{Value, json};
use server::db::Db;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app;

/// How a call ended for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// A whole answer; the call's id.
    Whole(String),
    /// 429, and not worth another try: the wallet cannot cover it.
    OutOfCredit,
    /// 503 with the time after which to try again; the code.
    NotNow(String),
    /// Part of a stream, and then the dialect's error event; its code.
    BrokenOff(String),
    /// What the upstream refused; the status.
    Refused(u16),
    /// The connection ended before the answer did.
    Lost,
}

impl Got {
    /// Reads what was sent to its end, and demands of each ending what its callers rely on.
    pub async fn of(sent: reqwest::Result<Response>) -> Self {
        let Ok(response) = sent else {
            return Self::Lost;
        };
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (id, retry_after) = (header("x-request-id"), header("retry-after"));
        let (should_retry, kind) = (header("x-should-retry"), header("content-type"));
        let streamed = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let Ok(text) = response.text().await else {
            return Self::Lost;
        };
        match status {
            200 if streamed => Self::stream(&text, id),
            200 => {
                let answer: Value = serde_json::from_str(&text).unwrap();
                assert!(answer["choices"][0]["message"].is_object(), "{text}");
                Self::Whole(id.expect("every answer has an id"))
            }
            429 => {
                assert_eq!(code(&text), "insufficient_quota", "{text}");
                assert_eq!(should_retry.as_deref(), Some("false"), "{text}");
                Self::OutOfCredit
            }
            503 => {
                let seconds = retry_after.and_then(|wait| wait.parse::<u64>().ok());
                assert!(seconds >= Some(1), "503 without Retry-After: {text}");
                Self::NotNow(code(&text))
            }
            400 => Self::Refused(status),
            _ => panic!("{status}: {text}"),
        }
    }

    fn stream(text: &str, id: Option<String>) -> Self {
        let last = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("data: "));
        match last {
            Some("[DONE]") => Self::Whole(id.expect("every answer has an id")),
            Some(event) if event.contains("\"error\"") => Self::BrokenOff(code(event)),
            _ => panic!("the stream ended without an ending: {text}"),
        }
    }
}

fn code(envelope: &str) -> String {
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    envelope["error"]["code"].as_str().unwrap().to_owned()
}

/// One call of the model `gpt`, at the server with this address.
pub async fn call(http: &Client, url: &str, key: &str, more: Value) -> Got {
    let request = http
        .post(format!("{url}/v1/chat/completions"))
        .bearer_auth(key)
        .header("content-type", "application/json");
    Got::of(
        request
            .body(app::body("gpt", more).to_string())
            .send()
            .await,
    )
    .await
}

/// Callers that call again and again, every other one for a stream, at each server in turn.
pub struct Load {
    whole: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
    stop: CancellationToken,
    callers: JoinSet<()>,
}

impl Load {
    pub fn start(urls: &[String], key: &str, callers: usize) -> Self {
        let (http, stop) = (crate::binary::http(), CancellationToken::new());
        let (counter, count) = watch::channel(0);
        let whole = Arc::<Mutex<Vec<String>>>::default();
        let callers = (0..callers).map(|number| {
            let (urls, key, http) = (urls.to_vec(), key.to_owned(), http.clone());
            let (whole, counter, stop) = (whole.clone(), counter.clone(), stop.clone());
            async move {
                let more = json!({"stream": number % 2 == 0});
                for url in urls.iter().cycle().skip(number) {
                    if stop.is_cancelled() {
                        return;
                    }
                    if let Got::Whole(id) = call(&http, url, &key, more.clone()).await {
                        whole.lock().unwrap().push(id);
                        counter.send_modify(|count| *count += 1);
                    } else {
                        // Nobody insists without a breath.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        });
        Self {
            callers: callers.collect(),
            whole,
            count,
            stop,
        }
    }

    /// Waits for so many more whole answers.
    pub async fn more(&mut self, answers: usize) {
        let wanted = *self.count.borrow() + answers;
        let enough = self.count.wait_for(|count| *count >= wanted);
        let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
        assert!(
            waited.is_ok_and(|enough| enough.is_ok()),
            "the callers get no answers"
        );
    }

    /// Lets every caller finish its last call; the ids of the calls that were answered to the end.
    pub async fn end(self) -> Vec<String> {
        self.stop.cancel();
        self.callers.join_all().await;
        std::mem::take(&mut *self.whole.lock().unwrap())
    }
}

/// Demands that every call that was answered to its end is charged `cost`, and no call anything else. Answers how many
/// are charged. A charge that went back is none.
pub async fn charged_as_answered(db: &Db, answered: &[String], cost: i64) -> usize {
    let charges = charges(db).await;
    for id in answered {
        assert_eq!(charges.get(id), Some(&cost), "{id} was answered");
    }
    let charged: Vec<_> = charges.iter().filter(|(_, charge)| **charge != 0).collect();
    assert!(
        charged.iter().all(|(_, charge)| **charge == cost),
        "{charged:?}"
    );
    charged.len()
}

/// Every call that an upstream served has its row: what callers were not charged for is the operator's loss, in the books
/// as on the calls.
pub async fn all_served_is_booked(db: &Db, served: usize, charged: usize, cost: i64) {
    let calls = "SELECT count(*) AS n FROM call";
    eventually("every call that was served is written", async || {
        usize::try_from(number(db, calls).await).unwrap() == served
    })
    .await;
    let lost =
        "SELECT CAST(coalesce(sum(unbilled_nusd + reversed_nusd), 0) AS BIGINT) AS n FROM call";
    let booked = "SELECT CAST(coalesce(sum(t.amount), 0) AS BIGINT) AS n FROM transfer t
                  JOIN book b ON b.id = t.debit_id WHERE b.kind = 'operator_loss'";
    let expected = i64::try_from(served - charged).unwrap() * cost;
    eventually("losses are booked", async || {
        (number(db, lost).await, number(db, booked).await) == (expected, expected)
    })
    .await;
}

/// What each call is charged, by its id.
async fn charges(db: &Db) -> HashMap<String, i64> {
    let rows = rows(db, "SELECT id, charge_nusd FROM call").await;
    let read = |row: &QueryResult| {
        (
            row.try_get("", "id").unwrap(),
            row.try_get("", "charge_nusd").unwrap(),
        )
    };
    rows.iter().map(read).collect()
}

async fn rows(db: &Db, sql: &str) -> Vec<QueryResult> {
    let ask = Statement::from_string(db.backend(), sql);
    db.read().query_all_raw(ask).await.unwrap()
}

/// The only number that a question answers, as `n`.
pub async fn number(db: &Db, sql: &str) -> i64 {
    rows(db, sql).await[0].try_get("", "n").unwrap()
}

/// The only text that a question answers, as `t`.
pub async fn text(db: &Db, sql: &str) -> String {
    rows(db, sql).await[0].try_get("", "t").unwrap()
}

/// Changes rows behind everybody's back.
pub async fn change(db: &Db, sql: &str) {
    db.write().execute_unprepared(sql).await.unwrap();
}

/// What the only wallet, or all of them together, has and has reserved.
pub async fn posted_and_reserved(db: &Db) -> (i64, i64) {
    let sum = async |column: &str| {
        let sql =
            format!("SELECT CAST(sum({column}) AS BIGINT) AS n FROM book WHERE kind = 'wallet'");
        number(db, &sql).await
    };
    (sum("posted").await, sum("reserved").await)
}

/// Asks until the answer is yes. `what` says what is missing when it never is.
pub async fn eventually(what: &str, ask: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !ask().await {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

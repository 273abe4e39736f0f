//! Every way in which a call can end, each with what the caller gets and what it costs. [`table`] is what to read.
//!
//! Each line has an upstream, a wallet and a key of its own, and all are played at once; then each row is compared with
//! its line, and the ledger must hold.

mod guard;
mod table;

use std::time::Duration;

use domain::Speaks;
use domain::{Amount, Ending, Rule};
use futures::future::join_all;
use serde_json::{Value, json};
use server::accounts::Email;
use server::audit::By;
use server::catalog::NewRoute;
use server::keys::NewKeyForm;
use server::upstreams::NewUpstream;

use crate::app::{Caller, PRICE, TestApp, on_both};
use crate::upstream::{FakeUpstream, Reply};

/// One line of the table.
pub struct Case {
    pub name: &'static str,
    pub upstream: Upstream,
    pub caller: Does,
    pub gets: Gets,
    pub ending: Ending,
    pub rule: Rule,
    /// What is charged: tokens of input, cached input and output.
    pub tokens: [i64; 3],
    /// How each attempt at an upstream went.
    pub attempts: &'static str,
}

/// What is at the other end.
pub enum Upstream {
    Says(Reply),
    /// Nobody listens there.
    Deaf,
    /// The first says this, and the next in line that.
    Two(Reply, Reply),
    /// The sandbox, asked with a test key.
    Sandbox(Reply),
}

impl From<Reply> for Upstream {
    fn from(reply: Reply) -> Self {
        Self::Says(reply)
    }
}

/// What the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Asks for a plain answer, and waits for it.
    Plain,
    /// Asks for a stream, and reads it to its end.
    Stream,
    /// Asks for a stream of two answers.
    StreamOfTwo,
    /// Asks for a stream with [`POOR`] in the wallet.
    PoorStream,
    /// Reads up to the first word, freezes the keys, lets the upstream go on, and reads to the end.
    FreezeMeanwhile,
    /// Leaves when the upstream has the request and has not answered.
    LeavePlain,
    LeaveStream,
    /// Leaves a stream after having read this.
    LeaveAfter(&'static str),
}

/// What reaches the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gets {
    /// A whole answer, which ends as its dialect demands.
    Whole,
    /// A proper ending because no more could be spent.
    Length,
    /// An error of this status and code instead of an answer.
    Refused(u16, &'static str),
    /// A stream that ends with an error event of this code, and has no end marker.
    Broken(&'static str),
    /// Nothing more: the caller left. The row says this status.
    Left(u16),
}

const RICH: &str = "5";
/// For the prompt (24 tokens are set aside) and forty tokens of answer.
const POOR: &str = "0.00046";
/// [`PRICE`] in nano-dollars a token.
const NANOS_A_TOKEN: [i64; 3] = [2_500, 1_250, 10_000];

/// A case and whom it is played by.
struct Cast {
    case: Case,
    model: String,
    fake: FakeUpstream,
    caller: Caller,
    money: Amount,
}

on_both! {
    async fn every_ending_costs_what_the_table_says(app) {
        let mut casts = Vec::new();
        for (number, case) in table::cases().into_iter().enumerate() {
            casts.push(cast(&app, number, case).await);
        }
        assert!(casts.len() >= 50, "{} endings", casts.len());
        join_all(casts.iter().map(|cast| play(&app, cast))).await;
        for cast in &casts {
            settled(&app, cast).await;
        }
        app.finish().await;
    }
}

async fn cast(app: &TestApp, number: usize, case: Case) -> Cast {
    let name = format!("case-{number}");
    let is_sandbox = matches!(case.upstream, Upstream::Sandbox(_));
    let model = if is_sandbox {
        "sandbox-case".to_owned()
    } else {
        name.clone()
    };
    let fake = match case.upstream {
        Upstream::Deaf => FakeUpstream::deaf(),
        _ => FakeUpstream::start().await,
    };
    if let Upstream::Says(reply) | Upstream::Two(reply, _) | Upstream::Sandbox(reply) =
        &case.upstream
    {
        fake.always(reply.clone());
    }
    if is_sandbox {
        let base_url = fake.base_url();
        let address = base_url
            .trim_start_matches("http://")
            .trim_end_matches("/v1");
        let upstreams = &app.handles.upstreams;
        upstreams.set_sandbox_address(address.parse().unwrap());
    } else {
        app.offer_at(&model, &fake, PRICE).await;
    }
    if let Upstream::Two(_, reply) = &case.upstream {
        next_in_line(app, &model, reply.clone()).await;
    }
    let money = Amount::parse_usd(if case.caller == Does::PoorStream {
        POOR
    } else {
        RICH
    });
    let money = money.unwrap();
    let mut caller = caller(app, &name, money).await;
    if is_sandbox {
        let form = NewKeyForm::test("test");
        let made = app.handles.keys.create(caller.account.workspace, &form);
        caller.key = made.await.unwrap().secret.expose().to_owned();
    }
    Cast {
        case,
        model,
        fake,
        caller,
        money,
    }
}

/// A workspace of its own with so much money, and a key.
async fn caller(app: &TestApp, name: &str, money: Amount) -> Caller {
    let email = Email::parse(&format!("{name}@example.com")).unwrap();
    let accounts = &app.handles.accounts;
    let account = accounts.create(&email, None, false).await.unwrap();
    let (workspace, ledger) = (account.workspace, &app.handles.ledger);
    ledger.grant(workspace, money, "test", None).await.unwrap();
    let form = NewKeyForm::named("test");
    let key = app.handles.keys.create(workspace, &form).await.unwrap();
    Caller {
        account,
        key: key.secret.expose().to_owned(),
    }
}

/// Another upstream of the model, for when the first one fails.
async fn next_in_line(app: &TestApp, model: &str, reply: Reply) {
    let fake = FakeUpstream::start().await;
    fake.always(reply);
    let new = NewUpstream {
        name: format!("second-{model}"),
        dialect: Speaks::OpenAi,
        base_url: fake.base_url(),
        api_key: None,
    };
    let second = app.handles.upstreams.create(new).await.unwrap();
    let route = NewRoute {
        upstream: second.id,
        upstream_model: model.to_owned(),
        priority: 900,
        weight: 1,
    };
    let desk = app.handles.catalog.acting(By::OPERATOR);
    desk.put_route(model, route).await.unwrap();
}

/// Does what the caller does, and demands what the caller gets.
async fn play(app: &TestApp, cast: &Cast) {
    let Cast { case, .. } = cast;
    let asked = match case.caller {
        Does::Plain | Does::LeavePlain => json!({}),
        Does::StreamOfTwo => json!({"stream": true, "n": 2}),
        _ => json!({"stream": true}),
    };
    if matches!(case.caller, Does::LeavePlain | Does::LeaveStream) {
        return leave_unanswered(app, cast, asked).await;
    }
    let answering = app.chat(&cast.caller.key, &cast.model, asked.clone());
    let mut response = answering.await;
    let status = response.status().as_u16();
    let cost = response.headers().get("x-cost-nusd").cloned();
    let mut text = String::new();
    match case.caller {
        Does::LeaveAfter(words) => return read_up_to(&mut response, &mut text, words).await,
        Does::FreezeMeanwhile => {
            read_up_to(&mut response, &mut text, "one").await;
            let workspace = cast.caller.account.workspace;
            app.handles.keys.freeze(workspace).await.unwrap();
            let refused = app.chat(&cast.caller.key, &cast.model, asked).await;
            assert_eq!(refused.status(), 403, "{}", case.name);
            cast.fake.go_on();
        }
        _ => {}
    }
    text.push_str(&response.text().await.unwrap());
    got(case, status, &text);
    if case.caller == Does::Plain && case.gets == Gets::Whole {
        let told = cost.map(|cost| cost.to_str().unwrap().to_owned());
        assert_eq!(told, Some(charge(case).to_string()), "{}", case.name);
    }
}

/// Hangs up when the upstream has been asked.
async fn leave_unanswered(app: &TestApp, cast: &Cast, asked: Value) {
    let was_asked = async {
        while cast.fake.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        answered = app.chat(&cast.caller.key, &cast.model, asked) => {
            panic!("{}: answered {}", cast.case.name, answered.status());
        }
        () = was_asked => {}
    }
}

async fn read_up_to(response: &mut reqwest::Response, text: &mut String, words: &str) {
    while !text.contains(words) {
        let more = response.chunk().await.unwrap();
        let more = more.unwrap_or_else(|| panic!("{words:?} never came: {text}"));
        text.push_str(&String::from_utf8_lossy(&more));
    }
}

/// Demands that the answer is what the case says.
fn got(case: &Case, status: u16, text: &str) {
    let name = case.name;
    let events: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    let last = events.last().copied().unwrap_or(text);
    let code = |json: &str| {
        let json: Value = serde_json::from_str(json).unwrap_or_default();
        assert!(json["error"]["message"].is_string(), "{name}: {text}");
        json["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    match case.gets {
        Gets::Refused(wanted, problem) => {
            assert_eq!((status, code(text).as_str()), (wanted, problem), "{name}");
        }
        Gets::Broken(problem) => {
            assert_eq!((status, code(last).as_str()), (200, problem), "{name}");
            assert!(!text.contains("[DONE]"), "{name}: {text}");
        }
        Gets::Whole if case.caller == Does::Plain => {
            let json: Value = serde_json::from_str(text).unwrap();
            assert!(
                status == 200 && json["choices"][0].is_object(),
                "{name}: {text}"
            );
        }
        Gets::Whole | Gets::Length => {
            assert_eq!((status, last), (200, "[DONE]"), "{name}: {text}");
            assert!(!text.contains("\"error\""), "{name}: {text}");
            if case.gets == Gets::Length {
                assert!(
                    text.contains("\"finish_reason\":\"length\""),
                    "{name}: {text}"
                );
            }
        }
        Gets::Left(_) => panic!("{name}: nobody is there to read"),
    }
}

/// Tokens × price, worked out here.
fn charge(case: &Case) -> i64 {
    let parts = case.tokens.iter().zip(NANOS_A_TOKEN);
    parts.map(|(tokens, nanos)| tokens * nanos).sum()
}

/// Demands one row that says what the table says, and a wallet that paid no more.
async fn settled(app: &TestApp, cast: &Cast) {
    let (case, due) = (&cast.case, charge(&cast.case));
    let calls = app.calls(&cast.caller).await;
    let [call] = calls.as_slice() else {
        panic!("{}: one row, found {calls:?}", case.name);
    };
    let status = match case.gets {
        Gets::Refused(status, _) | Gets::Left(status) => status,
        _ => 200,
    };
    let outcomes = call.attempts.iter().map(|attempt| attempt.outcome.as_str());
    let attempts: Vec<_> = outcomes.collect();
    assert_eq!(
        (
            call.ending.as_str(),
            call.rule.as_str(),
            call.charge_nusd.nanos(),
            call.status,
            attempts.join(", ").as_str()
        ),
        (
            case.ending.id(),
            case.rule.id(),
            due,
            i64::from(status),
            case.attempts
        ),
        "{}: {call:?}",
        case.name
    );
    if case.rule.charges() {
        let tokens = [
            call.input_tokens,
            call.cached_input_tokens,
            call.output_tokens,
        ];
        assert_eq!(tokens, case.tokens, "{}", case.name);
    }
    assert_eq!(
        call.estimated,
        case.rule == Rule::Estimated,
        "{}",
        case.name
    );
    assert!(call.unbilled_nusd.is_zero(), "{}: {call:?}", case.name);
    let left = cast.money.nanos() - due;
    assert_eq!(app.posted(&cast.caller).await, left, "{}", case.name);
}

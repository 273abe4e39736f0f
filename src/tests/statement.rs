//! Does a statement add up, whoever computes it? A random workload, exported through the real pages, and computed again
//! by a script that knows nothing but the files: `end2end/statement/recompute.py`.
//!
//! `STATEMENT_SEED` repeats a workload, `STATEMENT_CALLS` makes it larger.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::ids::{CallId, KeyId, UpstreamId};
use domain::price::More;
use domain::{Amount, Ending, Price, PricePerMtok, Rule, Unit, Usage};
use futures::future::join_all;
use http::header;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use server::accounts::Email;
use server::calls::{Attempt, CallRecord, Outcome};
use server::catalog::NewPrice;
use server::clock::Clock;
use server::ids::NewId;
use server::keys::NewKeyForm;
use server::ledger::{GrantError, HoldError, Ledger, LedgerConfig};
use server::secrets::Secret;
use tempfile::TempDir;
use texts::format::Zone;

use crate::app::{Caller, TestApp, on_both};
use crate::upstream::{FakeUpstream, answer, usage};

const DAY: i64 = 86_400_000;
/// Days that the workload lies back, and today.
const DAYS: i64 = 6;
const MODELS: [&str; 3] = ["small", "large", "odd"];
const PASSWORD: &str = "correct horse battery";

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    fn nanos(&mut self, end: i64) -> Amount {
        let end = u64::try_from(end).unwrap();
        Amount::from_nanos(i64::try_from(self.below(end)).unwrap() + 1)
    }

    fn price(&mut self) -> PricePerMtok {
        // From a ten-thousandth of a cent to twenty dollars per million: most charges have to be rounded.
        let micro_usd = [1, 333, 2_500, 1_234_567, 20_000_001];
        let at = usize::try_from(self.below(5)).unwrap();
        PricePerMtok::from_micro_usd(micro_usd[at]).unwrap()
    }

    fn new_price(&mut self) -> NewPrice {
        NewPrice {
            input: self.price(),
            cached_input: Some(self.price()),
            output: self.price(),
            more: More {
                cache_write: Some(self.price()),
                cache_write_1h: Some(self.price()),
                audio_input: Some(self.price()),
                reasoning: Some(self.price()),
                image_output: Some(self.price()),
                tool_calls: Some(self.price()),
                units: Some(self.price()),
                call: Some(self.price()),
                unit: Some(Unit::Image),
                ..More::default()
            },
            ..NewPrice::default()
        }
    }

    fn usage(&mut self) -> Usage {
        let output = self.below(1_500);
        Usage {
            input: self.below(3_000),
            cached_input: self.below(2) * self.below(5_000),
            cache_write: self.below(2) * self.below(500),
            cache_write_1h: self.below(2) * self.below(500),
            audio_input: self.below(2) * self.below(500),
            image_input: self.below(2) * self.below(500),
            output,
            reasoning: self.below(output + 1),
            audio_output: self.below(2) * self.below(500),
            image_output: self.below(2) * self.below(500),
            tool_calls: self.below(3),
            units: self.below(3),
            ..Usage::default()
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A wallet with a history of several days, written by the ledger itself.
struct Workload {
    app: TestApp,
    caller: Caller,
    key: KeyId,
    dice: Dice,
    /// The first moment of the first day in UTC.
    begins: i64,
}

impl Workload {
    async fn over(app: TestApp) -> Self {
        let seed =
            number("STATEMENT_SEED").unwrap_or_else(|| Clock::system().now_ms().unsigned_abs());
        eprintln!("STATEMENT_SEED={seed}");
        let email = Email::parse("reader@example.com").unwrap();
        let password = Some(Secret::new(PASSWORD.to_owned()));
        let accounts = &app.handles.accounts;
        let account = accounts.create(&email, password, false).await.unwrap();
        let named = NewKeyForm::named("=1+1, \"the robot\"");
        let keys = &app.handles.keys;
        let key = keys.create(account.workspace, &named).await.unwrap();
        let now = Clock::system().now_ms();
        Self {
            caller: Caller {
                account,
                key: key.secret.expose().to_owned(),
            },
            key: key.view.id,
            dice: Dice(seed),
            begins: now - now.rem_euclid(DAY) - DAYS * DAY,
            app,
        }
    }

    /// Days that are over: calls of several at once, credit given and taken, bonuses, new prices.
    async fn past(&mut self, calls: u64) {
        for model in MODELS {
            let price = self.dice.new_price();
            let set = self.app.handles.catalog.set_price(model, price, None);
            set.await.unwrap();
        }
        let clock = Clock::fixed(self.begins + 3_600_000);
        let workspace = self.caller.account.workspace;
        let rounds = 40;
        for round in 0..rounds {
            let ledger = Ledger::new(
                self.app.handles.db.clone(),
                clock.clone(),
                LedgerConfig::default(),
            );
            match self.dice.below(6) {
                0 => self.bonus(clock.now_ms()).await,
                1 => {
                    let back = Amount::ZERO.minus(self.dice.nanos(2_000_000)).unwrap();
                    let audit = &self.app.handles.audit;
                    let by = server::audit::By::SYSTEM;
                    let taken = ledger
                        .grant_audited(workspace, back, "=taken, \"back\"", None, by, audit)
                        .await;
                    assert!(
                        matches!(taken, Ok(_) | Err(GrantError::TooMuch { .. })),
                        "{taken:?}"
                    );
                }
                2 => {
                    let model = MODELS[usize::try_from(self.dice.below(3)).unwrap()];
                    let price = self.dice.new_price();
                    let set = self.app.handles.catalog.set_price(model, price, None);
                    set.await.unwrap();
                }
                _ => {
                    let given = self.dice.nanos(300_000_000);
                    ledger
                        .grant(workspace, given, "+given", None)
                        .await
                        .unwrap();
                }
            }
            ledger.start();
            let made = (0..calls / rounds + 1).map(|_| self.record(&clock));
            let made: Vec<CallRecord> = made.collect();
            join_all(made.into_iter().map(|record| settle(&ledger, record))).await;
            ledger.shutdown().await;
            let step = self
                .dice
                .below(u64::try_from(2 * DAYS * DAY).unwrap() / rounds);
            let step = i64::try_from(step).unwrap();
            clock.advance(step.min(self.begins + DAYS * DAY - clock.now_ms()));
            if clock.now_ms() >= self.begins + DAYS * DAY - 1 {
                eprintln!("the days are full after {round} rounds");
                break;
            }
        }
    }

    fn record(&mut self, clock: &Clock) -> CallRecord {
        let models = self.app.handles.catalog.models();
        let at = usize::try_from(self.dice.below(3)).unwrap();
        let model = models.iter().find(|model| model.id == MODELS[at]).unwrap();
        let rule = [
            Rule::Reported,
            Rule::Reported,
            Rule::Estimated,
            Rule::NothingDelivered,
        ];
        let rule = rule[usize::try_from(self.dice.below(4)).unwrap()];
        let usage = self.dice.usage();
        let cost = |price: &Price| price.charge(&usage).unwrap();
        CallRecord {
            id: CallId::new(),
            workspace: self.caller.account.workspace,
            key: self.key,
            model: model.id.clone(),
            price: model.price_version,
            ending: Ending::Finished,
            rule,
            status: 200,
            streamed: false,
            usage,
            cost: if rule.charges() {
                cost(&model.price)
            } else {
                Amount::ZERO
            },
            first_byte_ms: None,
            duration_ms: 5,
            // A call begins before it is booked: some of them on the day before.
            created_at: clock.now_ms() - i64::try_from(self.dice.below(600_000)).unwrap(),
            attempts: vec![Attempt {
                upstream: UpstreamId::new(),
                outcome: Outcome::Answered,
                status: Some(200),
                duration_ms: 5,
            }],
        }
    }

    /// As the ledger gives it: only signing up and topping up do.
    async fn bonus(&mut self, at: i64) {
        let (nanos, txn) = (self.dice.nanos(9_000_000).nanos(), CallId::new());
        let workspace = self.caller.account.workspace;
        let wallet = format!("(SELECT id FROM book WHERE workspace_id = '{workspace}')");
        let db = &self.app.handles.db;
        for sql in [
            format!(
                "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, note, created_at)
                 VALUES ('bonus:{txn}', 0, (SELECT id FROM book WHERE kind = 'bonus'), {wallet}, 'USD', {nanos}, 'bonus', 'welcome', {at})"
            ),
            format!(
                "INSERT INTO lot (book_id, kind, original, remaining, txn_id, created_at)
                 VALUES ({wallet}, 'bonus', {nanos}, {nanos}, 'bonus:{txn}', {at})"
            ),
        ] {
            db.write().execute_unprepared(&sql).await.unwrap();
        }
    }

    /// Today: calls over the wire, and one that the wallet cannot pay in full.
    async fn today(&mut self, fake: &FakeUpstream) {
        let ledger = &self.app.handles.ledger;
        let workspace = self.caller.account.workspace;
        let some = Amount::parse_usd("2").unwrap();
        ledger.grant(workspace, some, "today", None).await.unwrap();
        for at in 0..12 {
            let tokens = self.dice.below(2_000);
            fake.then(answer("x", Some(usage(tokens + 10, tokens / 3, at))));
            let model = MODELS[usize::try_from(at).unwrap() % 3];
            let answered = self
                .app
                .chat(&self.caller.key, model, json!({"max_tokens": 50}));
            assert_eq!(answered.await.status(), 200);
        }
        let dear = NewPrice {
            input: PricePerMtok::parse_usd("3").unwrap(),
            output: PricePerMtok::parse_usd("10").unwrap(),
            ..NewPrice::default()
        };
        self.app
            .handles
            .catalog
            .set_price("odd", dear, None)
            .await
            .unwrap();
        fake.then(answer("42", Some(usage(10, 0, 1_000_000))));
        let answered = self
            .app
            .chat(&self.caller.key, "odd", json!({"max_tokens": 1_000}));
        assert_eq!(answered.await.status(), 200);
        self.app.quiet().await;
        let newest = &self.app.calls(&self.caller).await[0];
        assert!(newest.unbilled_nusd > Amount::ZERO, "{newest:?}");
        ledger
            .grant(workspace, some, "after that", None)
            .await
            .unwrap();
    }

    /// A browser that is signed in, in a language, currency and zone.
    async fn reader(&self, prefs: &str) -> Reader {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let form = format!(
            "email=reader%40example.com&password={}",
            PASSWORD.replace(' ', "+")
        );
        let entered = http
            .post(self.app.url("/api/sign_in"))
            .header(header::ORIGIN, self.app.url(""))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap();
        assert_eq!(entered.headers()[header::LOCATION], "/overview");
        let mut cookies = vec![format!("prefs={prefs}")];
        cookies.extend(
            entered
                .headers()
                .get_all(header::SET_COOKIE)
                .iter()
                .map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned()),
        );
        Reader {
            http,
            base: self.app.url(""),
            cookies: cookies.join("; "),
            folder: tempfile::tempdir().unwrap(),
        }
    }
}

/// Holds some of what it costs, more or less, and settles. A wallet without the money makes no call.
async fn settle(ledger: &Ledger, record: CallRecord) {
    let some = Amount::from_nanos(record.cost.nanos() * 3 / 4);
    // What holds nothing is not charged.
    let hold = some.max(record.cost.min(Amount::from_nanos(1)));
    match ledger.hold(record.workspace, hold).await {
        Ok(hold) => {
            hold.settle(record).await.unwrap();
        }
        Err(HoldError::Insufficient { .. } | HoldError::Elsewhere) => {}
        Err(other) => panic!("{other:?}"),
    }
}

struct Reader {
    http: reqwest::Client,
    base: String,
    cookies: String,
    folder: TempDir,
}

impl Reader {
    async fn get(&self, path: &str) -> reqwest::Response {
        let asked = self.http.get(format!("{}{path}", self.base));
        let answered = asked.header(header::COOKIE, &self.cookies).send().await;
        let answered = answered.unwrap();
        assert_eq!(answered.status(), 200, "{path}");
        answered
    }

    /// Both files of some days, as they come.
    async fn export(&self, from: &str, to: &str) -> [PathBuf; 2] {
        let mut files = Vec::new();
        for format in ["json", "csv"] {
            let path =
                format!("/wallet/statement/export/{format}?from={from}&to={to}&detail=calls");
            let answered = self.get(&path).await;
            let name = answered.headers()[header::CONTENT_DISPOSITION]
                .to_str()
                .unwrap();
            assert!(
                name.contains(&format!("statement-calls-{from}-{to}.{format}")),
                "{name}"
            );
            let file = self.folder.path().join(format!("{from}-{to}.{format}"));
            std::fs::write(&file, answered.bytes().await.unwrap()).unwrap();
            files.push(file);
        }
        files.try_into().unwrap()
    }
}

/// Runs the script over files, with what the wallet must hold in the end.
fn recompute(files: &[PathBuf], balance: i64) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("end2end/statement/recompute.py");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let ran = Command::new(&python)
        .arg(script)
        .args(files)
        .args(["--balance", &balance.to_string()])
        .output();
    ran.unwrap_or_else(|error| panic!("{python:?} is needed to compute statements again: {error}"))
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

on_both! {
    async fn a_script_that_knows_only_the_files_comes_to_the_same_balance(app) {
        let fake = FakeUpstream::start().await;
        for model in MODELS {
            app.offer(model, &fake).await;
        }
        let mut work = Workload::over(app).await;
        work.past(number("STATEMENT_CALLS").unwrap_or(400)).await;
        work.today(&fake).await;
        let posted = work.app.posted(&work.caller).await;

        // Two readers whose days differ, each with the whole and with the same days in two halves.
        for (prefs, zone) in [("en.USD.-.UTC", "UTC"), ("ru.RUB.-.Pacific/Kiritimati", "Pacific/Kiritimati")] {
            let reader = work.reader(prefs).await;
            let zone = Zone::named(zone).unwrap();
            let (first, last) = (zone.day_start(work.begins), Clock::system().now_ms() + DAY);
            let middle = zone.plus_days(first, 3);
            let day = |at| zone.iso_day(at);
            let whole = reader.export(&day(first), &day(last)).await;
            let ran = recompute(&whole, posted);
            assert!(ran.status.success(), "{prefs}: {}", words(&ran));
            let halves = [
                reader.export(&day(first), &day(middle)).await,
                reader.export(&day(zone.next_day(middle)), &day(last)).await,
            ].concat();
            let ran = recompute(&halves, posted);
            assert!(ran.status.success(), "{prefs}: {}", words(&ran));
            // A day less in between is a gap.
            let ran = recompute(&[&halves[2..], &halves[..2]].concat(), posted);
            assert_eq!(ran.status.code(), Some(1), "{}", words(&ran));
            altered(&whole, posted);
            pages(&reader, &day(first), &day(last), &whole[0]).await;
        }
        work.app.finish().await;
    }
}

/// A nano-dollar more, in both of its exact forms.
fn one_more(money: &mut Value) {
    let nanos: i64 = money["nusd"].as_str().unwrap().parse().unwrap();
    let amount = Amount::from_nanos(nanos + 1);
    money["nusd"] = json!(amount.nanos().to_string());
    money["usd"] = json!(amount.to_usd_string());
}

/// One nano-dollar, some tokens or a call are others, and the script says so.
fn altered(files: &[PathBuf; 2], posted: i64) {
    let folder = files[0].parent().unwrap();
    let good: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    let ran = recompute(files, posted + 1);
    assert_eq!(
        ran.status.code(),
        Some(1),
        "another balance: {}",
        words(&ran)
    );
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("a charge", |all| one_more(&mut all["calls"][3]["charge"])),
        ("what was not charged", |all| {
            one_more(&mut all["calls"][3]["unbilled"]);
        }),
        ("tokens", |all| {
            let call = &mut all["calls"][3];
            let prices = call["micro_usd_per_million"].as_object().unwrap();
            let dearest = prices
                .iter()
                .filter(|(bucket, _)| {
                    ["input", "cached_input", "output"].contains(&bucket.as_str())
                })
                .max_by_key(|(_, price)| price.as_str().unwrap().parse::<u64>().unwrap());
            let bucket = dearest.unwrap().0.clone();
            let tokens = &mut call["tokens"][bucket];
            *tokens = json!(tokens.as_i64().unwrap() + 1_000);
        }),
        ("an amount", |all| one_more(&mut all["lines"][0]["amount"])),
        ("a balance", |all| one_more(&mut all["lines"][0]["balance"])),
        ("the closing balance", |all| one_more(&mut all["closing"])),
        ("the opening balance", |all| one_more(&mut all["opening"])),
        ("a total", |all| one_more(&mut all["totals"][0]["amount"])),
        ("a call that is gone", |all| {
            all["calls"].as_array_mut().unwrap().pop();
        }),
    ];
    for (what, change) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        let file = folder.join("changed.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        let ran = recompute(&[file, files[1].clone()], posted);
        let told = words(&ran);
        assert_eq!(ran.status.code(), Some(1), "{what}: {told}");
        assert!(told.contains("changed.json"), "{what}: {told}");
    }

    // The same in the other file, whose columns are apart.
    let text = std::fs::read_to_string(&files[1]).unwrap();
    let line = &good["lines"][0]["balance"];
    let old = (
        line["usd"].as_str().unwrap(),
        line["nusd"].as_str().unwrap(),
    );
    let amount = Amount::from_nanos(old.1.parse::<i64>().unwrap() + 1);
    let new = (amount.to_usd_string(), amount.nanos().to_string());
    let other = text
        .replacen(&format!(",{},", old.0), &format!(",{},", new.0), 1)
        .replacen(&format!(",{},", old.1), &format!(",{},", new.1), 1);
    assert_ne!(other, text);
    let file = folder.join("changed.csv");
    std::fs::write(&file, other).unwrap();
    let ran = recompute(&[files[0].clone(), file], posted);
    assert_eq!(
        ran.status.code(),
        Some(1),
        "a balance in the CSV: {}",
        words(&ran)
    );
}

/// The page of the same days, and that of each day with calls, tell the same as the file.
async fn pages(reader: &Reader, from: &str, to: &str, file: &Path) {
    let whole: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let shown = reader
        .get(&format!("/wallet/statement?from={from}&to={to}"))
        .await;
    let shown = shown.text().await.unwrap();
    for line in whole["lines"].as_array().unwrap() {
        if line["kind"] != "usage" {
            continue;
        }
        let day = line["date"].as_str().unwrap();
        assert!(shown.contains(&format!("/wallet/statement/{day}")), "{day}");
        let of_day = reader.get(&format!("/wallet/statement/{day}")).await;
        let of_day = of_day.text().await.unwrap();
        let calls = whole["calls"].as_array().unwrap();
        let first = calls.iter().find(|call| call["date"] == day).unwrap();
        assert!(of_day.contains(first["id"].as_str().unwrap()), "{day}");
    }
}

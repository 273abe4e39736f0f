//! Top-ups against the real program: a customer in a browser without a script, the sandbox payment provider in a process
//! of its own, and everything between them over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::binary::{Installation, Server, http};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// A browser that follows nothing by itself.
struct Browser<'a> {
    server: &'a Server,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// What came back.
struct Answer {
    status: u16,
    location: String,
    body: String,
}

impl<'a> Browser<'a> {
    /// Signed in with an account of its own, which has no money.
    async fn signed_in(farebox: &Installation, server: &'a Server) -> Self {
        let create = ["admin", "account", "create", "--email", EMAIL];
        farebox.one(
            &[&create[..], &["--password-stdin", "--json"]].concat(),
            &format!("{PASSWORD}\n"),
        );
        // Makes the process's provider of encryption, which a client wants although it speaks plain HTTP here.
        drop(http());
        let policy = reqwest::redirect::Policy::none();
        let mut browser = Self {
            server,
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(policy)
                .build()
                .unwrap(),
            cookies: BTreeMap::new(),
        };
        let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
        let answer = browser.post(&server.url("/api/sign_in"), &form).await;
        assert_eq!(answer.location, "/overview", "{}", answer.body);
        browser
    }

    async fn get(&mut self, path: &str) -> Answer {
        let request = self.http.get(self.server.url(path));
        self.send(request).await
    }

    /// To any address: the pay page is another's.
    async fn post(&mut self, url: &str, form: &str) -> Answer {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(form.to_owned());
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let line: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header("accept", "text/html")
            .header("cookie", line.join("; "));
        let response = request.send().await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let header = |name: &str| {
            let found = response.headers().get(name);
            found.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        Answer {
            status: response.status().as_u16(),
            location: header("location"),
            body: response.text().await.unwrap(),
        }
    }

    /// Orders so many dollars on the sandbox; the order's address and that of its pay page.
    async fn ordered(&mut self, dollars: &str) -> (String, String) {
        let page = self
            .get(&format!("/wallet/top-up?provider=sandbox&amount={dollars}"))
            .await;
        let hidden = |name: &str| {
            let field = format!("name=\"{name}\" value=\"");
            let (_, rest) = page.body.split_once(&field).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let form = format!(
            "provider=sandbox&currency=USD&amount={dollars}&shown={}&once={}",
            hidden("shown"),
            hidden("once")
        );
        let made = self
            .post(&self.server.url("/api/create_order"), &form)
            .await;
        assert_eq!(made.status, 303, "{}", made.body);
        let order = self.get(&made.location).await;
        let at = order.body.find("/pay/pay_").unwrap();
        let begins = order.body[..at].rfind('"').unwrap() + 1;
        let pay = order.body[begins..].split('"').next().unwrap();
        (made.location, pay.to_owned())
    }
}

fn balance(farebox: &Installation) -> String {
    let arguments = ["admin", "balance", "--email", EMAIL, "--json"];
    let found = farebox.one(&arguments, "");
    found["posted_nusd"]
        .to_string()
        .trim_matches('"')
        .to_owned()
}

/// Waits at most ten seconds for so many nano-dollars.
async fn holds(farebox: &Installation, nanos: &str) {
    let begun = Instant::now();
    while balance(farebox) != nanos {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the wallet holds {}, not {nanos}",
            balance(farebox)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where the sandbox payment provider listens, as the log says it last.
fn provider(server: &Server) -> Option<SocketAddr> {
    let log = server.log();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| {
            let said = event["message"].as_str().unwrap_or_default();
            said.starts_with("The sandbox payment provider runs")
        })
        .filter_map(|event| event["address"].as_str()?.parse().ok())
        .next_back()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_on_the_sandboxes_page_is_credited_once_however_the_news_comes() {
    let farebox = Installation::sqlite();
    let server = farebox.serve(&[]);
    let mut browser = Browser::signed_in(&farebox, &server).await;
    let mut sum = 0_u64;
    for (webhook, comes_back) in [
        // Nobody returns: the webhook alone.
        ("normal", false),
        ("repeated", true),
        ("reordered", true),
        ("early", true),
        // The return page alone.
        ("lost", true),
        ("forged", true),
        ("stale", true),
    ] {
        let (order, pay) = browser.ordered("25.00").await;
        let paid = browser
            .post(&pay, &format!("action=pay&webhook={webhook}"))
            .await;
        assert_eq!(paid.status, 303, "{webhook}: {}", paid.body);
        assert_eq!(paid.location, server.url(&format!("{order}/return")));
        sum += 25_000_000_000;
        if comes_back {
            let back = browser.get(&format!("{order}/return")).await;
            assert_eq!(back.location, order, "{webhook}");
        }
        holds(&farebox, &sum.to_string()).await;
        let page = browser.get(&order).await;
        assert!(
            !page.body.contains(&pay),
            "{webhook}: it is still to be paid"
        );
    }
    // Whatever is still underway changes nothing.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(balance(&farebox), sum.to_string());
    let verified = farebox.run(&["ledger", "verify"], "");
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert_eq!(verified.status.code(), Some(0), "{said}");
}

/// `ledger verify --online`: what it exits with, and what it says about the providers.
fn online(farebox: &Installation) -> (Option<i32>, Value) {
    let output = farebox.run(&["ledger", "verify", "--online", "--json"], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().last().unwrap();
    (output.status.code(), serde_json::from_str(last).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_has_the_same_payments_or_the_difference_is_named() {
    let farebox = Installation::sqlite();
    let mut server = farebox.serve(&[]);
    let db = farebox.db().await;
    {
        let mut browser = Browser::signed_in(&farebox, &server).await;
        let (order, pay) = browser.ordered("25.00").await;
        browser.post(&pay, "action=pay&webhook=lost").await;
        browser.get(&format!("{order}/return")).await;
        holds(&farebox, "25000000000").await;
        let (exit, said) = online(&farebox);
        assert_eq!(exit, Some(0), "{said}");
        assert_eq!((&said["id"], &said["compared"]), (&json!("I13"), &json!(1)));

        // Paid a moment ago, and nobody has told us.
        let (order, pay) = browser.ordered("25.00").await;
        browser.post(&pay, "action=pay&webhook=lost").await;
        let (exit, said) = online(&farebox);
        assert_eq!(exit, Some(0), "{said}");
        assert_eq!(said["waiting"].as_array().unwrap().len(), 1, "{said}");
        browser.get(&format!("{order}/return")).await;
        holds(&farebox, "50000000000").await;
    }

    // An amount that is no longer the one that was paid.
    let sql =
        "UPDATE orders SET paid_coins = paid_coins + 1 WHERE id = (SELECT max(id) FROM orders)";
    db.write().execute_unprepared(sql).await.unwrap();
    let (exit, said) = online(&farebox);
    assert_eq!(exit, Some(1), "{said}");
    let offenders = said["offenders"].as_array().unwrap();
    assert_eq!(offenders.len(), 1, "{said}");
    assert!(offenders[0].as_str().unwrap().contains("25.01"), "{said}");
    let sql = sql.replace("+ 1", "- 1");
    db.write().execute_unprepared(&sql).await.unwrap();

    // Nobody is there to ask.
    server.terminate();
    assert!(server.ended(Duration::from_secs(40)).success());
    let (exit, said) = online(&farebox);
    assert_eq!(exit, Some(2), "{said}");
    assert_eq!(said["unasked"].as_array().unwrap().len(), 1, "{said}");

    // The sandbox forgot its payments, which is no difference.
    let server = farebox.serve(&[]);
    let (exit, said) = online(&farebox);
    assert_eq!((exit, &said["compared"]), (Some(0), &json!(0)), "{said}");
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_or_is_not_signed_credits_nothing() {
    let farebox = Installation::sqlite();
    let server = farebox.serve(&[]);
    let mut browser = Browser::signed_in(&farebox, &server).await;
    for object in ["wrong_amount", "wrong_currency", "live"] {
        let (order, pay) = browser.ordered("25.00").await;
        let form = format!("action=pay&webhook=lost&object={object}");
        browser.post(&pay, &form).await;
        browser.get(&format!("{order}/return")).await;
        assert_eq!(balance(&farebox), "0", "{object}");
    }
    let (order, pay) = browser.ordered("25.00").await;
    let payment = pay.rsplit('/').next().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let event = json!({"id": "evt_1", "type": "payment.paid", "object": payment}).to_string();
    let guessed = sandbox::payments::signature("a guessed secret", now, event.as_bytes());
    for header in [format!("t={now},v1={guessed}"), String::new()] {
        let answer = http()
            .post(server.url("/hooks/sandbox"))
            .header("content-type", "application/json")
            .header("sandbox-signature", &header)
            .body(event.clone())
            .send();
        let status = answer.await.unwrap().status();
        assert_eq!(status.as_u16(), 400, "{header}");
    }
    browser.get(&format!("{order}/return")).await;
    assert_eq!(balance(&farebox), "0");
    let page = browser.get(&order).await;
    assert!(page.body.contains(&pay), "it can still be paid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_comes_back_where_it_was_and_ends_with_its_server() {
    let farebox = Installation::sqlite();
    let server = farebox.serve(&[]);
    let address = provider(&server).unwrap();
    let child = child_with("sandbox payments", server.id());
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    let again = format!("http://{address}/style.css");
    let begun = Instant::now();
    while http().get(&again).send().await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not come back: {}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(server);
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it outlives its server"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The child of a process whose command line has these words.
fn child_with(words: &str, parent: u32) -> rustix::process::Pid {
    let parent = parent.to_string();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let folder = entry.unwrap().path();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let line = read("cmdline").replace('\0', " ");
        let status = read("status");
        let is_child = status
            .lines()
            .any(|line| line.split_whitespace().eq(["PPid:", parent.as_str()]));
        if is_child && line.contains(words) {
            let id: i32 = folder
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            return rustix::process::Pid::from_raw(id).unwrap();
        }
    }
    panic!("no child of {parent} runs {words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn play_money_is_for_this_machine_alone() {
    let farebox = Installation::sqlite().with("FAREBOX_PUBLIC_URL", "https://pay.example.com");
    let server = farebox.serve(&[]);
    assert_eq!(provider(&server), None, "{}", server.log());
    drop(server);

    let open = farebox.run(&["sandbox", "payments", "--listen", "0.0.0.0:0"], "");
    assert_eq!(open.status.code(), Some(1));
    let listen = ["sandbox", "payments", "--listen", "127.0.0.1:0"];
    let keyless = farebox.run(&listen, "");
    assert_eq!(keyless.status.code(), Some(1));
    let said = String::from_utf8_lossy(&keyless.stderr).into_owned();
    assert!(said.contains("FAREBOX_SANDBOX_SECRET"), "{said}");
}

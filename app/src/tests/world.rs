//! What do these tests share? A small installation over an embedded database, and a browser without a script.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use domain::ids::{AccountId, CallId};
use domain::views::AccountView;
use domain::{Amount, Currency, PricePerMtok, Problem, Usage};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use migrations::{Migrator, MigratorTrait};
use server::accounts::{Accounts, Email};
use server::audit::Audit;
use server::calls::Calls;
use server::catalog::{Catalog, NewModel, NewPrice};
use server::clock::Clock;
use server::db::Db;
use server::figures::Figures;
use server::keys::{Keys, NewKeyForm};
use server::ledger::{Ledger, LedgerConfig};
use server::mail::{Mail, MailConfig};
use server::orders::{ManualConfig, Orders, OrdersParts, PaymentsConfig};
use server::policies::{Installation, Policies};
use server::rates::{Rates, RatesConfig};
use server::receipts::{Receipts, Seller, SellerFacts};
use server::secrets::{Given, KeyRing, Purpose, Secret};
use server::sessions::Sessions;
use server::statement::Statements;
use server::status::Status;
use server::trial::{TrialAnswer, TrialRequest, Trials};
use server::upstreams::{AddressRule, NewUpstream, Upstreams};
use tempfile::TempDir;
use texts::Texts;
use totp_rs::Totp;
use tower::ServiceExt;

use crate::services::{Assets, Limits, Services, SiteConfig};

/// 2026-11-21 15:04 UTC.
pub const NOW: i64 = 1_795_273_440_000;
pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "correct horse battery";
pub const ORIGIN: &str = "https://pay.example";

/// Fresh keys that vanish with the test.
pub fn ring() -> KeyRing {
    let folder = tempfile::tempdir().unwrap();
    KeyRing::open(folder.path(), Given::none(), &Purpose::ALL).unwrap()
}

/// A model that says what it was asked, for one nano-dollar.
struct Echo;

impl Trials for Echo {
    fn run(
        &self,
        request: TrialRequest,
    ) -> Pin<Box<dyn Future<Output = Result<TrialAnswer, Problem>> + Send + '_>> {
        Box::pin(async move {
            if request.model != "sandbox-echo" {
                return Err(Problem::ModelNotFound {
                    model: request.model,
                });
            }
            Ok(TrialAnswer {
                call: CallId::from_uuid(uuid::Uuid::nil()),
                text: request.prompt.0,
                usage: Usage::default(),
                cost: Amount::from_nanos(1),
                duration_ms: 5,
            })
        })
    }
}

pub struct World {
    pub services: Services,
    pub db: Db,
    pub account: AccountView,
    router: Router,
    _folder: TempDir,
}

impl World {
    /// The same installation with another face or address.
    pub fn with_site(mut self, change: impl FnOnce(SiteConfig) -> SiteConfig) -> Self {
        self.services.site = Arc::new(change(SiteConfig::clone(&self.services.site)));
        self.router = crate::router(self.services.clone());
        self
    }
}

/// People pay by bank transfer, in dollars or euros.
fn transfers() -> PaymentsConfig {
    let account = vec!["IBAN DE02 1203 0000 0000 2020 51".to_owned()];
    PaymentsConfig {
        manual: Some(ManualConfig {
            holder: "Farebox Ltd".to_owned(),
            accounts: [Currency::Usd, Currency::Eur]
                .map(|currency| (currency, account.clone()))
                .into(),
        }),
        ..PaymentsConfig::default()
    }
}

/// An installation with one administrator (who can sign in), five dollars, two keys and one model.
pub async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::connect(&format!(
        "sqlite:{}",
        folder.path().join("test.db").display()
    ))
    .await
    .unwrap();
    Migrator::up(db.write(), None).await.unwrap();
    let (clock, ring) = (Clock::fixed(NOW), ring());
    let accounts = Accounts::new(db.clone(), clock.clone(), ring.clone());
    let keys = Keys::new(db.clone(), clock.clone(), ring.clone());
    let ledger = Ledger::new(db.clone(), clock.clone(), LedgerConfig::default());
    let catalog = Catalog::new(db.clone(), clock.clone());
    let account = accounts
        .create(
            &Email::parse(EMAIL).unwrap(),
            Some(Secret::new(PASSWORD.to_owned())),
            true,
        )
        .await
        .unwrap();
    ledger
        .grant(
            account.workspace,
            Amount::parse_usd("5.00").unwrap(),
            "welcome",
            None,
        )
        .await
        .unwrap();
    let laptop = NewKeyForm::named("laptop \"><svg onload=alert(1)>");
    keys.create(account.workspace, &laptop).await.unwrap();
    let gone = keys
        .create(account.workspace, &NewKeyForm::test("old-bot"))
        .await
        .unwrap();
    keys.revoke(account.workspace, gone.view.id).await.unwrap();
    let upstreams = Upstreams::new(
        db.clone(),
        clock.clone(),
        ring.clone(),
        AddressRule {
            local: true,
            private_ranges: Vec::new(),
        },
    );
    upstreams
        .create(NewUpstream {
            name: "sandbox".to_owned(),
            dialect: domain::Speaks::OpenAi,
            base_url: "http://127.0.0.1:9/v1".to_owned(),
            api_key: None,
        })
        .await
        .unwrap();
    let price = NewPrice {
        input: PricePerMtok::parse_usd("2.50").unwrap(),
        output: PricePerMtok::parse_usd("10.00").unwrap(),
        ..NewPrice::default()
    };
    catalog
        .create_model(NewModel {
            id: "sandbox-echo".to_owned(),
            upstream: "sandbox".to_owned(),
            upstream_model: None,
            price,
            context: 128_000,
        })
        .await
        .unwrap();
    let rates = Rates::new(db.clone(), clock.clone(), RatesConfig::default());
    let mail = Mail::new(
        db.clone(),
        clock.clone(),
        ring.clone(),
        Texts::embedded(),
        MailConfig {
            public_url: ORIGIN.to_owned(),
            brand: "Farebox".to_owned(),
            local: true,
            ..MailConfig::default()
        },
    );
    let orders = Orders::new(OrdersParts {
        db: db.clone(),
        clock: clock.clone(),
        rates: rates.clone(),
        mail: mail.clone(),
        seller: Seller::new(SellerFacts::named("Farebox"), Texts::embedded()),
        config: transfers(),
        public_url: ORIGIN.to_owned(),
    });
    let status = Status::new(db.clone(), clock.clone(), ledger.clone(), catalog.clone());
    let installation = Installation {
        brand: "Farebox".to_owned(),
        site: ORIGIN.to_owned(),
        contact: Some("help@pay.example".to_owned()),
        answer_days: 30,
        outbox: true,
        key_copies: true,
        cookies: crate::reader::cookies(true),
        ..Installation::default()
    };
    let services = Services {
        status,
        policies: Policies::new(
            db.clone(),
            clock.clone(),
            Texts::embedded().with_pseudo(true),
            upstreams.clone(),
            installation,
        )
        .with_translated(crate::pages::is_public),
        accounts,
        sessions: Sessions::new(db.clone(), clock.clone()),
        keys,
        budgets: server::budgets::Budgets::new(db.clone(), clock.clone(), ledger.node()),
        ledger,
        calls: Calls::new(db.clone(), clock.clone()),
        statements: Statements::new(db.clone()),
        catalog,
        upstreams,
        rates,
        orders,
        receipts: Receipts::new(db.clone()),
        mail,
        figures: Figures::new(db.clone(), clock.clone()),
        audit: Audit::new(db.clone(), clock.clone()),
        trials: Arc::new(Echo),
        texts: Texts::embedded().with_pseudo(true),
        ring,
        site: Arc::new(SiteConfig {
            brand: "Farebox".to_owned(),
            public_url: ORIGIN.to_owned(),
            local: false,
            support: Some("help@pay.example".to_owned()),
        }),
        limits: Limits {
            body_max_mib: 32,
            requests_per_minute: Some(600),
            ..Limits::default()
        },
        assets: Assets::default(),
        clock,
    };
    World {
        router: crate::router(services.clone()),
        services,
        db,
        account,
        _folder: folder,
    }
}

impl World {
    /// What an authenticator app shows now for an account whose second factor is being set up.
    pub async fn app_code(&self, account: AccountId) -> String {
        let begun = self
            .services
            .accounts
            .begin_second_factor(account, "Farebox")
            .await;
        let app = Totp::from_url(begun.unwrap().otpauth).unwrap();
        let seconds = self.services.clock.now_ms() / 1_000;
        app.generate(seconds.unsigned_abs()).to_string()
    }

    /// The link in the newest mail to an address: its path.
    pub async fn mailed_link(&self, to: &str) -> String {
        let mails = self.services.mail.newest(50).await.unwrap();
        let mail = mails.into_iter().find(|mail| mail.to == to).unwrap();
        let text = mail.content.unwrap().text;
        let at = text.find(ORIGIN).unwrap() + ORIGIN.len();
        text[at..].split_whitespace().next().unwrap().to_owned()
    }
}

impl World {
    /// Uses the link that a sign-up was mailed.
    pub async fn prove_address(&self, email: &str) {
        let link = self.mailed_link(email).await;
        let token = link.rsplit('/').next().unwrap();
        self.services.accounts.verify(token).await.unwrap();
    }
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A browser without scripts: keeps cookies, sends what browsers send.
#[derive(Clone, Default)]
pub struct Browser {
    pub cookies: std::collections::BTreeMap<String, String>,
    pub accept_language: Option<&'static str>,
}

impl Browser {
    pub async fn get(&mut self, world: &World, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        self.send(world, request).await
    }

    pub async fn post(&mut self, world: &World, path: &str, form: &str) -> Answer {
        let request = self
            .request("POST", path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::REFERER, "https://evil.example/")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(world, request).await
    }

    pub async fn sign_in(&mut self, world: &World) {
        let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
        let answer = self.post(world, "/api/sign_in", &form).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/overview"),
            "{}",
            answer.body
        );
    }

    /// The password once more: for ten minutes nothing asks for it.
    pub async fn confirm(&mut self, world: &World) {
        let form = format!("password={}", PASSWORD.replace(' ', "+"));
        let answer = self.post(world, "/api/confirm", &form).await;
        assert_eq!(answer.location(), "/overview", "{}", answer.body);
    }

    /// Signs in and sets up the second factor, without which the administration does not open.
    pub async fn sign_in_admin(&mut self, world: &World) {
        self.sign_in(world).await;
        self.confirm(world).await;
        let form = format!("code={}", world.app_code(world.account.id).await);
        let answer = self.post(world, "/api/finish_second_factor", &form).await;
        assert_eq!(
            answer.location(),
            "/settings/recovery-codes",
            "{}",
            answer.body
        );
    }

    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "pay.example")
            .header(header::ACCEPT, "text/html");
        if let Some(languages) = self.accept_language {
            request = request.header(header::ACCEPT_LANGUAGE, languages);
        }
        if !self.cookies.is_empty() {
            let line: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, line.join("; "));
        }
        request
    }

    /// A file, as its bytes.
    pub async fn fetch(&mut self, world: &World, path: &str) -> (http::HeaderMap, Vec<u8>) {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.headers, bytes.to_vec())
    }

    pub async fn send(&mut self, world: &World, request: Request<Body>) -> Answer {
        let response = world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned())
            };
        }
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

/// The words that people see or hear on a page, without what is marked as not to be translated.
pub fn visible(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let (mut out, mut rest, mut silent): (String, &str, Vec<String>) =
        (String::new(), body, Vec::new());
    while let Some((text, after)) = rest.split_once('<') {
        if silent.is_empty() {
            out.push_str(text);
            out.push(' ');
        }
        let (tag, next) = after.split_once('>').unwrap();
        rest = next;
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let void = tag.ends_with('/')
            || ["input", "meta", "link", "br"].contains(&name.as_str())
            || tag.starts_with('!');
        if tag.starts_with('/') {
            if silent.last() == Some(&name) {
                silent.pop();
            }
        } else if !void && (tag.contains("translate=\"no\"") || silent.last() == Some(&name)) {
            silent.push(name);
        } else if silent.is_empty() {
            for attribute in ["aria-label=\"", "title=\"", "content=\""] {
                if let Some((_, value)) = tag.split_once(attribute) {
                    out.push_str(value.split('"').next().unwrap());
                    out.push(' ');
                }
            }
        }
    }
    out.replace("&amp;", "&")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#x27;", "'")
}

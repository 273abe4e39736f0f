//! `TestApp`: a whole Farebox in this process, on a port of its own, with a database of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::Speaks;
use domain::views::AccountView;
use domain::{Amount, PricePerMtok};
use farebox::config::{Brand, Config, Connections, Log, LogFormat, site};
use farebox::listen::{Counts, Loop};
use farebox::metrics::Metrics;
use farebox::router::{Front, router};
use farebox::state::Handles;
use proxy::{ProxyConfig, ProxyState};
use serde_json::{Value, json};
use server::accounts::Email;
use server::calls::CallRow;
use server::catalog::{NewModel, NewPrice};
use server::clock::Clock;
use server::keys::NewKeyForm;
use server::ledger::LedgerConfig;
use server::upstreams::NewUpstream;
use tempfile::TempDir;
use texts::Texts;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::postgres::Scratch;
use crate::upstream::FakeUpstream;

/// Makes two tests of one async function that takes a `TestApp`: on SQLite, and on PostgreSQL where there is one.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)*) => {
        $(
            $(#[$doc])*
            async fn $name($app: $crate::app::TestApp) $body

            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    super::$name($crate::app::TestApp::sqlite().await).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    match $crate::app::TestApp::postgres().await {
                        Some(app) => super::$name(app).await,
                        None => eprintln!("skipped: TEST_POSTGRES_URL is not set"),
                    }
                }
            }
        )*
    };
}
pub(crate) use on_both;

/// Prices of the models that tests offer, in US dollars per million tokens: input, cached input, output.
pub const PRICE: (&str, &str, &str) = ("2.50", "1.25", "10.00");

/// Times short enough to wait for in a test.
pub fn quick_proxy() -> ProxyConfig {
    ProxyConfig {
        connect: Duration::from_secs(2),
        first_byte: Duration::from_millis(1500),
        pause: Duration::from_millis(1500),
        ..ProxyConfig::default()
    }
}

pub struct TestApp {
    pub address: SocketAddr,
    pub handles: Handles,
    pub config: Config,
    pub metrics: Metrics,
    pub front: Arc<Front>,
    pub proxy: ProxyState,
    http: reqwest::Client,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    // Dropped last: the folder and the database outlive the connections.
    _data: TempDir,
    _postgres: Option<Scratch>,
}

/// An account with money and a key.
pub struct Caller {
    pub account: AccountView,
    pub key: String,
}

impl TestApp {
    pub async fn sqlite() -> Self {
        let data = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", data.path().join("farebox.db").display());
        Self::over(data, url, None, LedgerConfig::default(), |_| {}).await
    }

    /// With settings of its own.
    pub async fn set(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", data.path().join("farebox.db").display());
        Self::over(data, url, None, LedgerConfig::default(), change).await
    }

    pub async fn postgres() -> Option<Self> {
        let scratch = Scratch::create().await?;
        let (data, url) = (tempfile::tempdir().unwrap(), scratch.url());
        Some(Self::over(data, url, Some(scratch), LedgerConfig::default(), |_| {}).await)
    }

    pub async fn with_ledger(ledger: LedgerConfig) -> Self {
        let data = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", data.path().join("farebox.db").display());
        Self::over(data, url, None, ledger, |_| {}).await
    }

    /// On this PostgreSQL database, reached by this address, with these times and settings.
    pub async fn postgres_by(
        scratch: Scratch,
        url: String,
        ledger: LedgerConfig,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::over(data, url, Some(scratch), ledger, change).await
    }

    async fn over(
        data: TempDir,
        database_url: String,
        postgres: Option<Scratch>,
        ledger: LedgerConfig,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        // Only the first test of the process installs it.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut config = config(data.path(), database_url);
        change(&mut config);
        let db = farebox::database::connect(&config).await.unwrap();
        <::migrations::Migrator as ::migrations::MigratorTrait>::up(db.write(), None)
            .await
            .unwrap();
        let handles = Handles::over(&config, db, Clock::system(), ledger)
            .await
            .unwrap();
        handles.ledger.start();
        handles.budgets.start();

        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut proxy_metrics = None;
        let metrics =
            Metrics::new(|registry| proxy_metrics = Some(proxy::Metrics::register(registry)));
        let texts = Texts::embedded();
        let proxy = ProxyState::new(
            handles.keys.clone(),
            handles.ledger.clone(),
            handles.budgets.clone(),
            handles.calls.clone(),
            handles.catalog.clone(),
            handles.upstreams.clone(),
            handles.pins.clone(),
            handles.nodes.clone(),
            texts.clone(),
            handles.clock.clone(),
            proxy_metrics.unwrap(),
            ProxyConfig {
                site_url: site(&config, address)
                    .unwrap()
                    .public_url
                    .as_str()
                    .to_owned(),
                ..config.calls.clone()
            },
        );
        let (stop, counts) = (CancellationToken::new(), Counts::new(1000));
        let site = site(&config, address).unwrap();
        let mail = handles.mail(&config, &site, texts.clone());
        let front = Arc::new(Front {
            orders: handles.orders(&config, &site, mail.clone()),
            site,
            config: config.clone(),
            handles: handles.clone(),
            mail,
            texts,
            metrics: metrics.clone(),
            counts: counts.clone(),
            stopping: stop.clone(),
        });
        let accepting = Loop {
            bounds: Connections::default(),
            trusted_proxies: Vec::new(),
            counts,
        };
        let serving = tokio::spawn(accepting.serve(
            listener,
            router(front.clone(), proxy.clone()),
            stop.clone(),
        ));
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self {
            address,
            handles,
            config,
            metrics,
            front,
            proxy,
            http,
            stop,
            serving,
            _data: data,
            _postgres: postgres,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// An account with so many US dollars and a live key.
    pub async fn caller(&self, usd: &str) -> Caller {
        let email = Email::parse("caller@example.com").unwrap();
        let account = self
            .handles
            .accounts
            .create(&email, None, false)
            .await
            .unwrap();
        let amount = Amount::parse_usd(usd).unwrap();
        if !amount.is_zero() {
            self.handles
                .ledger
                .grant(account.workspace, amount, "test", None)
                .await
                .unwrap();
        }
        let key = self
            .handles
            .keys
            .create(account.workspace, &NewKeyForm::named("test"))
            .await
            .unwrap();
        Caller {
            account,
            key: key.secret.expose().to_owned(),
        }
    }

    /// A second key of the same workspace.
    pub async fn another_key(&self, caller: &Caller) -> String {
        let key = self
            .handles
            .keys
            .create(caller.account.workspace, &NewKeyForm::named("another"))
            .await;
        key.unwrap().secret.expose().to_owned()
    }

    /// Offers a model of this name at [`PRICE`], served by the fake.
    pub async fn offer(&self, model: &str, upstream: &FakeUpstream) {
        self.offer_at(model, upstream, PRICE).await;
    }

    pub async fn offer_at(&self, model: &str, upstream: &FakeUpstream, price: (&str, &str, &str)) {
        let name = format!("fake-{model}");
        let new = NewUpstream {
            name: name.clone(),
            dialect: Speaks::OpenAi,
            base_url: upstream.base_url(),
            api_key: Some("sk-upstream-secret".to_owned().into()),
        };
        self.handles.upstreams.create(new).await.unwrap();
        let usd = |text| PricePerMtok::parse_usd(text).unwrap();
        let price = NewPrice {
            input: usd(price.0),
            cached_input: Some(usd(price.1)),
            output: usd(price.2),
            ..NewPrice::default()
        };
        let model = NewModel {
            id: model.to_owned(),
            upstream: name,
            upstream_model: None,
            price,
            context: 128_000,
        };
        self.handles.catalog.create_model(model).await.unwrap();
    }

    /// `POST /v1/chat/completions` with one user message, and `more` merged into the body.
    pub async fn chat(&self, key: &str, model: &str, more: Value) -> reqwest::Response {
        self.post(key, body(model, more).to_string()).await
    }

    pub async fn post(&self, key: &str, body: String) -> reqwest::Response {
        self.http
            .post(self.url("/v1/chat/completions"))
            .bearer_auth(key)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// The calls of the caller, newest first, once all that run have been written.
    pub async fn calls(&self, caller: &Caller) -> Vec<CallRow> {
        self.quiet().await;
        self.handles
            .calls
            .list(caller.account.workspace, 1000)
            .await
            .unwrap()
    }

    pub async fn posted(&self, caller: &Caller) -> i64 {
        self.quiet().await;
        self.handles
            .ledger
            .balance(caller.account.workspace)
            .await
            .unwrap()
            .unwrap()
            .posted
            .nanos()
    }

    /// Waits until no call runs any more, and every row is written.
    pub async fn quiet(&self) {
        for _ in 0..400 {
            if self.proxy.running() == 0 && self.proxy.unsettled() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "{} call(s) are still running or unsettled after ten seconds",
            self.proxy.unsettled()
        );
    }

    /// Another server of the same database, with the same keys and the same patience.
    pub async fn beside(&self) -> Self {
        use std::os::unix::fs::DirBuilderExt;

        let data = tempfile::tempdir().unwrap();
        for file in crate::binary::files(&self.config.data) {
            let copy = data
                .path()
                .join(file.strip_prefix(&self.config.data).unwrap());
            // Keys are not used from a folder that others can read.
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(copy.parent().unwrap())
                .unwrap();
            std::fs::copy(&file, copy).unwrap();
        }
        let (url, calls) = (self.config.database_url.clone(), self.config.calls.clone());
        Self::over(data, url, None, LedgerConfig::default(), |config| {
            config.calls = calls;
        })
        .await
    }

    /// Stops as `serve` does, and demands that the ledger holds and no credit is left leased.
    pub async fn finish(self) {
        let db = self.handles.db.clone();
        // Outlives the connections.
        let _postgres = self.stop().await;
        let report = server::ledger::verify(&db).await.unwrap();
        assert!(report.holds(), "the ledger is violated: {report:#?}");
        assert_eq!(
            crate::binary::live_leases(&db).await,
            0,
            "a lease was not given back"
        );
        assert_eq!(
            crate::binary::grants(&db).await,
            0,
            "a part of a key's limit was not given back"
        );
    }

    /// Stops as `serve` does, beside other servers of the database.
    pub async fn stop(self) -> (TempDir, Option<Scratch>) {
        self.quiet().await;
        self.stop.cancel();
        self.proxy.stop();
        tokio::time::timeout(Duration::from_secs(20), self.serving)
            .await
            .expect("connections end")
            .unwrap();
        self.proxy.drain().await;
        self.handles.ledger.shutdown().await;
        self.handles.budgets.shutdown().await;
        (self._data, self._postgres)
    }
}

/// Settings of a local Farebox on any free port.
pub fn config(data: &std::path::Path, database_url: String) -> Config {
    Config {
        data: data.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        database_url,
        locales: None,
        log: Log {
            filter: "info".to_owned(),
            format: LogFormat::Pretty,
        },
        brand: Brand {
            name: "Farebox".to_owned(),
            support: None,
        },
        upstream_private_ranges: Vec::new(),
        trusted_proxies: Vec::new(),
        metrics_token: None,
        mail: None,
        key_copies: true,
        welcome: farebox::config::Welcome {
            credit: None,
            per_network_per_day: 3,
        },
        sayings: farebox::config::Sayings::default(),
        verify_at: None,
        rates: server::rates::RatesConfig::default(),
        seller: server::receipts::SellerFacts::named("Farebox"),
        payments: farebox::config::Payments {
            min: Amount::parse_usd("1").unwrap(),
            max: Amount::parse_usd("10000").unwrap(),
            bonus: Vec::new(),
            manual: None,
            sandbox: None,
        },
        connections: Connections::default(),
        calls: quick_proxy(),
        drain: Duration::from_secs(30),
    }
}

/// A chat request with one user message.
pub fn body(model: &str, more: Value) -> Value {
    let mut body =
        json!({"model": model, "messages": [{"role": "user", "content": "What is 6*7?"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

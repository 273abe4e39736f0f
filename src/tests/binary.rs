//! The real program in real processes: commands, and a server that is stopped with a signal.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use server::db::Db;
use tempfile::TempDir;

/// A data folder, and how to run the program on it.
pub struct Installation {
    folder: TempDir,
    database_url: String,
    variables: Vec<(&'static str, String)>,
}

impl Installation {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("data/farebox.db").display());
        Self {
            folder,
            database_url,
            variables: Vec::new(),
        }
    }

    pub fn postgres(url: String) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database_url: url,
            variables: Vec::new(),
        }
    }

    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub async fn db(&self) -> Db {
        Db::connect(&self.database_url).await.unwrap()
    }

    /// The program in an environment of its own: nothing of the developer's settings reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("FAREBOX_DATA", self.data())
            .env("DATABASE_URL", &self.database_url)
            // Tests ask nobody outside for rates.
            .env("FAREBOX_RATES_SOURCES", "none")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed, and reads the objects it printed.
    pub fn json(&self, arguments: &[&str], input: &str) -> Vec<Value> {
        let output = self.run(arguments, input);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{arguments:?} failed: {out}{err}");
        out.lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|_| panic!("{arguments:?} printed {line:?}"))
            })
            .collect()
    }

    /// The only object that a command printed.
    pub fn one(&self, arguments: &[&str], input: &str) -> Value {
        let mut objects = self.json(arguments, input);
        assert_eq!(objects.len(), 1, "{arguments:?}: {objects:?}");
        objects.remove(0)
    }

    /// An account with this e-mail and so many US dollars; answers a live key.
    pub fn caller(&self, email: &str, usd: &str) -> Value {
        self.one(
            &[
                "admin",
                "account",
                "create",
                "--email",
                email,
                "--password-stdin",
                "--json",
            ],
            "correct horse battery staple\n",
        );
        if usd != "0" {
            self.one(
                &[
                    "admin", "credit", "grant", "--email", email, "--amount", usd, "--reason",
                    "test", "--json",
                ],
                "",
            );
        }
        self.one(
            &[
                "admin", "key", "create", "--email", email, "--name", "test", "--json",
            ],
            "",
        )
    }

    /// A model `gpt` at 2.50/10.00, served by the address given.
    pub fn offer(&self, base_url: &str) {
        let upstream = [
            "admin",
            "upstream",
            "create",
            "--name",
            "fake",
            "--dialect",
            "openai",
            "--base-url",
            base_url,
            "--api-key-stdin",
            "--json",
        ];
        self.one(&upstream, "sk-upstream-secret\n");
        let model = [
            "admin",
            "model",
            "create",
            "--id",
            "gpt",
            "--upstream",
            "fake",
            "--input-per-mtok",
            "2.50",
            "--output-per-mtok",
            "10.00",
            "--context",
            "128000",
            "--json",
        ];
        self.one(&model, "");
    }

    /// Starts `serve` on a free port and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(&[&["serve"], arguments].concat());
        command
            .env("FAREBOX_LISTEN", "127.0.0.1:0")
            .env("FAREBOX_LOG_FORMAT", "json");
        Server::start(command)
    }
}

/// A running `farebox serve`. Dropping it kills it.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = std::sync::mpsc::channel();
        let readers: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stderr.take().unwrap()),
            Box::new(child.stdout.take().unwrap()),
        ];
        for reader in readers {
            let (log, found) = (log.clone(), found.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    if let Some(address) = listening(&line) {
                        found.send(address).ok();
                    }
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        match address.recv_timeout(Duration::from_secs(30)) {
            Ok(address) => Self {
                child,
                address,
                log,
            },
            Err(_) => {
                child.kill().ok();
                panic!("the server does not start: {}", log.lock().unwrap());
            }
        }
    }

    /// Everything it wrote so far, on both of its outputs.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                began.elapsed() < within,
                "the server does not end: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The address in the line with which the server says that it listens.
fn listening(line: &str) -> Option<SocketAddr> {
    let event: Value = serde_json::from_str(line).ok()?;
    if event["message"] != "Farebox is listening" {
        return None;
    }
    event["address"].as_str()?.parse().ok()
}

/// A client that needs no certificates.
pub fn http() -> reqwest::Client {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// `POST /v1/chat/completions` at a running server.
pub async fn chat(server: &Server, key: &str, model: &str, more: Value) -> reqwest::Response {
    let body = crate::app::body(model, more).to_string();
    let request = http()
        .post(server.url("/v1/chat/completions"))
        .bearer_auth(key)
        .header("content-type", "application/json");
    request.body(body).send().await.unwrap()
}

/// Leases that still reserve credit.
pub async fn live_leases(db: &Db) -> i64 {
    count(
        db,
        "SELECT count(*) AS n FROM lease WHERE state IN ('active', 'draining')",
    )
    .await
}

/// Parts of keys' limits that servers have.
pub async fn grants(db: &Db) -> i64 {
    count(db, "SELECT count(*) AS n FROM key_grant").await
}

async fn count(db: &Db, sql: &str) -> i64 {
    let row = db
        .read()
        .query_one_raw(Statement::from_string(db.backend(), sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get("", "n").unwrap()
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()))
        } else {
            found.push(entry.path())
        }
    }
    found
}

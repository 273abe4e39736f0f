//! A mail server of a few lines, on loopback: keeps what it is given, and refuses what a test tells it to.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone)]
pub struct FakeServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    greeting: &'static str,
    recipient: &'static str,
    mails: Vec<String>,
}

impl FakeServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::new(Mutex::new(State {
                greeting: "220 fake",
                recipient: "250 ok",
                mails: Vec::new(),
            })),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A client that hangs up ends the conversation, and only that.
                tokio::spawn(async move { serving.talk(stream).await.ok() });
            }
        });
        server
    }

    /// What it says when somebody connects; `220 …` lets them in.
    pub fn greet_with(&self, line: &'static str) {
        self.state.lock().greeting = line;
    }

    /// What it says to a recipient; `250 …` takes the mail.
    pub fn answer_recipients_with(&self, line: &'static str) {
        self.state.lock().recipient = line;
    }

    /// Every mail it took charge of, as it came.
    pub fn mails(&self) -> Vec<String> {
        self.state.lock().mails.clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let greeting = self.state.lock().greeting;
        write
            .write_all(format!("{greeting}\r\n").as_bytes())
            .await?;
        while let Some(line) = lines.next_line().await? {
            let answer = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-fake\r\n250 8BITMIME",
                "RCPT" => self.state.lock().recipient,
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    self.state.lock().mails.push(mail);
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

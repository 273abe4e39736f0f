//! What if the line between a server and its database breaks? A relay of bytes in the middle, which can be cut, which
//! can hold everything back, and which can lose what matters most: a COMMIT, or the answer to one.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Open,
    /// Every connection is closed, and so is every new one.
    Cut,
    /// Nothing gets through, and nothing is lost: it comes when the line is open again.
    Stalled,
    /// A COMMIT reaches the database, and its answer nobody.
    LosesAnswers,
    /// A COMMIT does not reach the database.
    LosesCommits,
}

/// As drivers end a transaction: a simple query of the protocol.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Runs until the test's runtime ends.
pub struct Relay {
    pub address: SocketAddr,
    line: watch::Sender<Line>,
    /// COMMITs that were lost, or whose answers were.
    lost: watch::Sender<usize>,
}

impl Relay {
    pub async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            line: watch::Sender::new(Line::Open),
            lost: watch::Sender::new(0),
        };
        let (line, lost) = (relay.line.clone(), relay.lost.clone());
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                let (line, lost) = (line.subscribe(), lost.clone());
                // Its end is the end of the connection.
                tokio::spawn(carry(server, database, line, lost));
            }
        });
        relay
    }

    /// A connection that lost something is closed by the next change.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Waits until a COMMIT or its answer was lost.
    pub async fn has_lost(&self) {
        let mut lost = self.lost.subscribe();
        lost.wait_for(|count| *count > 0).await.unwrap();
    }
}

async fn carry(
    server: TcpStream,
    database: SocketAddr,
    line: watch::Receiver<Line>,
    lost: watch::Sender<usize>,
) {
    if *line.borrow() == Line::Cut {
        return;
    }
    let Ok(database) = TcpStream::connect(database).await else {
        return;
    };
    // Small messages at once, as without a relay.
    server.set_nodelay(true).ok();
    database.set_nodelay(true).ok();
    let (from_server, to_server) = server.into_split();
    let (from_database, to_database) = database.into_split();
    let deaf = watch::Sender::new(false);
    let up = Up {
        line: line.clone(),
        deaf: deaf.clone(),
        lost,
    };
    tokio::select! {
        _ = up.pass(from_server, to_database) => {}
        _ = down(from_database, to_server, line.clone(), deaf.subscribe()) => {}
        () = ended(line, deaf.subscribe()) => {}
    }
}

/// From the server to the database.
struct Up {
    line: watch::Receiver<Line>,
    /// Set when this connection lost something: from then on it is silent both ways.
    deaf: watch::Sender<bool>,
    lost: watch::Sender<usize>,
}

impl Up {
    async fn pass(
        mut self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) -> std::io::Result<()> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return Ok(());
            }
            let line = flowing(&mut self.line).await;
            let commits = bytes[..length]
                .windows(COMMIT.len())
                .any(|part| part == COMMIT);
            let loses = commits && matches!(line, Line::LosesAnswers | Line::LosesCommits);
            if loses {
                // Before the database can answer.
                self.deaf.send_replace(true);
            }
            if !loses || line == Line::LosesAnswers {
                to.write_all(&bytes[..length]).await?;
            }
            if loses {
                self.lost.send_modify(|count| *count += 1);
            }
        }
    }
}

async fn down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    deaf: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        flowing(&mut line).await;
        if !*deaf.borrow() {
            to.write_all(&bytes[..length]).await?;
        }
    }
}

/// Waits while the line is stalled; what it does then.
async fn flowing(line: &mut watch::Receiver<Line>) -> Line {
    match line.wait_for(|line| *line != Line::Stalled).await {
        Ok(line) => *line,
        // The test is over.
        Err(_) => Line::Cut,
    }
}

/// Waits until the connection must be closed.
async fn ended(mut line: watch::Receiver<Line>, deaf: watch::Receiver<bool>) {
    loop {
        let now = *line.borrow_and_update();
        let loses = matches!(now, Line::LosesAnswers | Line::LosesCommits);
        if now == Line::Cut || (!loses && *deaf.borrow()) {
            return;
        }
        if line.changed().await.is_err() {
            return;
        }
    }
}

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
    /// The connections of before are silent for ever, and nobody is told; new ones work. So do firewalls that forget.
    Forgets,
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
    // A connection that is made while the line forgets is a new one.
    let forgettable = *line.borrow() != Line::Forgets;
    let way = Way {
        forgettable,
        line,
        deaf: watch::Sender::new(false),
        lost,
    };
    tokio::select! {
        _ = way.clone().up(from_server, to_database) => {}
        _ = way.clone().down(from_database, to_server) => {}
        () = way.ended() => {}
    }
}

/// One connection.
#[derive(Clone)]
struct Way {
    line: watch::Receiver<Line>,
    forgettable: bool,
    /// Set when this connection lost something or was forgotten: from then on it is silent both ways.
    deaf: watch::Sender<bool>,
    lost: watch::Sender<usize>,
}

impl Way {
    /// From the server to the database.
    async fn up(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return Ok(());
            }
            let line = self.flowing().await;
            if self.is_deaf() {
                continue;
            }
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

    /// From the database to the server.
    async fn down(
        mut self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) -> std::io::Result<()> {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let length = from.read(&mut bytes).await.unwrap_or(0);
            self.flowing().await;
            if self.is_deaf() {
                if length == 0 {
                    // The database gave it up; the server is not told.
                    return std::future::pending().await;
                }
                continue;
            }
            if length == 0 {
                return Ok(());
            }
            to.write_all(&bytes[..length]).await?;
        }
    }

    fn is_deaf(&self) -> bool {
        *self.deaf.borrow()
    }

    /// Waits while the line is stalled; what it does then.
    async fn flowing(&mut self) -> Line {
        let line = match self.line.wait_for(|line| *line != Line::Stalled).await {
            Ok(line) => *line,
            // The test is over.
            Err(_) => Line::Cut,
        };
        if line == Line::Forgets && self.forgettable {
            self.deaf.send_replace(true);
        }
        line
    }

    /// Waits until the connection must be closed.
    async fn ended(mut self) {
        while self.line.changed().await.is_ok() {
            let line = *self.line.borrow_and_update();
            match line {
                Line::Cut => return,
                Line::Open | Line::Stalled if self.is_deaf() => return,
                _ => {}
            }
        }
    }
}

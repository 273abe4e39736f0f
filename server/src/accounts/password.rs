//! Is this a good password, and is it the right one? The rules, and argon2id without letting sign-ins eat the machine.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::common::COMMON;
use super::email::Email;
use crate::secrets::Secret;

/// The shortest password, in characters.
pub const SHORTEST: usize = 8;
/// The longest password, in characters.
pub const LONGEST: usize = 128;
/// What is longer than this, in bytes, is not even compared.
pub(super) const LONGEST_BYTES: usize = 1024;

/// Memory per hash in KiB. 19 MiB, two passes, one lane: OWASP's choice, about 0.1 s on a small machine.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many may wait for a core; more than this is an attack or an outage, and both are answered "busy".
const QUEUE: usize = 64;

/// What an unknown e-mail's password is checked against, so that the answer takes as long. A random password nobody kept.
pub(super) const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$V7n1K5m0oY3cM0w1sXz3dg$Bqf2yJr7rW6mJr0u1m0m7sT0bq1f8m2r5uXw9yZ3a4c";

/// A password against the rules. Passwords are taken verbatim: spaces, case and every script count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    #[error("this password is among the first that anybody would try")]
    Common,
    #[error("a password must not be the e-mail")]
    IsEmail,
    /// What somebody who knows the person would find within a million tries.
    #[error("this password is easily guessed")]
    Weak,
}

/// Applies the rules for a new password that cost nothing to check. [`Hasher::weak`] is the other one.
pub(super) fn check(password: &Secret, email: &Email) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.len() > LONGEST_BYTES || text.chars().count() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    if text.chars().count() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    let lower = zeroize::Zeroizing::new(text.trim().to_lowercase());
    if lower.as_str() == email.key() || Some(lower.as_str()) == email.key().split('@').next() {
        return Err(PasswordError::IsEmail);
    }
    if COMMON.contains(&lower.as_str()) || one_character(&lower) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// `aaaaaaaa` and its like are not worth listing one by one.
fn one_character(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_none_or(|first| characters.all(|c| c == first))
}

/// Hashing could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashError {
    /// The queue is full.
    Busy,
    /// The worker died, or the operating system gave no salt.
    Failed,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with other parameters than today's: hash it again.
    Outdated,
}

/// Hashes on blocking threads, at most one per core, with a bounded queue: each takes 19 MiB, and whoever sends a
/// thousand sign-ins at once must not get a thousand times that.
pub(super) struct Hasher {
    queue: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

/// A place in the queue. Having one means that the check will be done.
pub(super) struct Place {
    _held: OwnedSemaphorePermit,
}

impl Hasher {
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            queue: Arc::new(Semaphore::new(cores + QUEUE)),
            cores: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Takes a place in the queue, or says at once that there is none.
    pub(super) fn place(&self) -> Result<Place, HashError> {
        Arc::clone(&self.queue)
            .try_acquire_owned()
            .map(|held| Place { _held: held })
            .map_err(|_| HashError::Busy)
    }

    /// A new PHC string (`$argon2id$…`) with a random salt.
    pub(super) async fn hash(&self, password: Secret) -> Result<String, HashError> {
        let place = self.place()?;
        self.on_a_core(place, move || {
            let hash: Result<PasswordHash, _> =
                argon2().hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|_| HashError::Failed)
        })
        .await?
    }

    /// Whether a password would be found within a million guesses (zxcvbn's scores 0 and 1), by somebody who
    /// knows `hints` about the person. Long passwords take a while to look at, so this has a place in the queue too.
    pub(super) async fn weak(
        &self,
        password: &Secret,
        hints: Vec<String>,
    ) -> Result<bool, HashError> {
        let (place, password) = (self.place()?, password.clone());
        self.on_a_core(place, move || {
            let hints: Vec<&str> = hints.iter().map(String::as_str).collect();
            zxcvbn::zxcvbn(password.expose(), &hints).score() < zxcvbn::Score::Two
        })
        .await
    }

    /// Compares with a stored PHC string, or with a bcrypt hash that another system left. One that cannot be read counts as wrong (and is logged: it is a defect).
    pub(super) async fn verify(
        &self,
        place: Place,
        password: Secret,
        stored: String,
    ) -> Result<Verdict, HashError> {
        self.on_a_core(place, move || {
            if stored.starts_with("$2") {
                return match bcrypt::verify(password.expose().as_bytes(), &stored) {
                    Ok(true) => Verdict::Outdated,
                    _ => Verdict::Wrong,
                };
            }
            let Ok(hash) = PasswordHash::new(&stored) else {
                tracing::error!("a stored password hash cannot be read");
                return Verdict::Wrong;
            };
            match argon2().verify_password(password.expose().as_bytes(), &hash) {
                Err(_) => Verdict::Wrong,
                Ok(()) if current(&hash) => Verdict::Right,
                Ok(()) => Verdict::Outdated,
            }
        })
        .await
    }

    /// Runs `work` on a blocking thread. The permits travel with it: when the caller gives up, the core stays taken
    /// until the work is done.
    async fn on_a_core<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let core = Arc::clone(&self.cores)
            .acquire_owned()
            .await
            .map_err(|_| HashError::Failed)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop((core, place));
            done
        })
        .await
        .map_err(|_| HashError::Failed)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("the constants are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether a hash was made as we would make it today.
pub(super) fn current(hash: &PasswordHash) -> bool {
    let is = |name, value| hash.params.get_decimal(name) == Some(value);
    hash.algorithm == Algorithm::Argon2id.ident()
        && is("m", MEMORY_KIB)
        && is("t", PASSES)
        && is("p", LANES)
}

/// Whether a hash that another system made can be checked here, at a bearable price: bcrypt (`$2a$`, `$2b$`, `$2y$`) or
/// argon2id.
pub(super) fn importable(stored: &str) -> bool {
    // Checking it must not outlast the beat of wrong passwords (`beat`): about half a second on a slow core.
    const DEAREST_BCRYPT: u8 = 13;
    const DEAREST_ARGON2: u32 = 192 * 1_024;
    if let Some(rest) = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .find_map(|version| stored.strip_prefix(version))
    {
        let letters = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'/');
        return rest.split_once('$').is_some_and(|(cost, hash)| {
            cost.len() == 2
                && cost
                    .parse()
                    .is_ok_and(|cost: u8| (4..=DEAREST_BCRYPT).contains(&cost))
                && hash.len() == 53
                && hash.bytes().all(letters)
        });
    }
    let Ok(hash) = PasswordHash::new(stored) else {
        return false;
    };
    let at_most = |name, most| {
        hash.params
            .get_decimal(name)
            .is_some_and(|value| (1..=most).contains(&value))
    };
    hash.algorithm == Algorithm::Argon2id.ident()
        && hash.salt.is_some()
        && hash.hash.is_some()
        && at_most("m", DEAREST_ARGON2)
        && at_most("t", 16)
        && at_most("p", 16)
        && work(&hash) <= DEAREST_ARGON2
}

/// KiB that argon2 goes through in all its passes.
fn work(hash: &PasswordHash) -> u32 {
    let number = |name| hash.params.get_decimal(name).unwrap_or(u32::MAX);
    number("m").saturating_mul(number("t"))
}

#[cfg(test)]
pub(super) fn weak_hash_for_tests(password: &str) -> String {
    let params = Params::new(8, 1, 1, None).expect("the smallest there is");
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .expect("the system gives a salt");
    hash.to_string()
}

impl super::Accounts {
    /// All rules for a new password of the person with this address and name.
    pub(super) async fn judge(
        &self,
        password: &Secret,
        email: &Email,
        name: &str,
    ) -> Result<Result<(), PasswordError>, HashError> {
        if let Err(error) = check(password, email) {
            return Ok(Err(error));
        }
        let words = [email.key(), name, &self.0.brand];
        let parts = words.iter().flat_map(|text| {
            text.split(|c: char| !c.is_alphanumeric())
                .filter(|part| part.chars().count() > 2)
        });
        let hints = words.into_iter().chain(parts).map(str::to_owned).collect();
        let weak = self.0.hasher.weak(password, hints).await?;
        Ok(if weak {
            Err(PasswordError::Weak)
        } else {
            Ok(())
        })
    }
}

//! Is this a browser that this account's owner has signed in with? A signed cookie says so.
//!
//! Whoever guesses at an account from elsewhere makes its sign-ins wait; a browser that its owner used before has a
//! delay of its own, so that guessing keeps nobody out of their account. The cookie opens nothing: the password is
//! asked for all the same.

use crate::secrets::{KeyRing, Purpose, RandomnessFailed, Secret, hex};

/// A cookie for a browser in which the password of `account` was just right.
pub(super) fn issue(ring: &KeyRing, account: &str, epoch: i64) -> Result<String, RandomnessFailed> {
    let name = Secret::random_token()?;
    let name = name.expose();
    Ok(format!("{name}.{}", signature(ring, account, epoch, name)))
}

/// The browser's random name, when the cookie is ours, for this account and of its present epoch: whoever knew an earlier
/// password is a stranger.
pub(super) fn known<'a>(
    ring: &KeyRing,
    account: &str,
    epoch: i64,
    cookie: &'a str,
) -> Option<&'a str> {
    let (name, signed) = cookie.split_once('.')?;
    let right = signature(ring, account, epoch, name);
    let differ = right.len() != signed.len()
        || right
            .bytes()
            .zip(signed.bytes())
            .fold(0, |differ, (a, b)| differ | (a ^ b))
            != 0;
    (!differ).then_some(name)
}

fn signature(ring: &KeyRing, account: &str, epoch: i64, name: &str) -> String {
    let bound = format!("device\0{account}\0{epoch}\0{name}");
    hex(&ring.hmac(Purpose::Session, bound.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_one_account_and_cannot_be_made_up() {
        let ring = KeyRing::for_tests();
        let cookie = issue(&ring, "acc_1", 3).expect("the system gives randomness");
        let name = known(&ring, "acc_1", 3, &cookie).expect("ours");
        assert_eq!(known(&ring, "acc_2", 3, &cookie), None, "another account");
        assert_eq!(known(&ring, "acc_1", 4, &cookie), None, "a new password");
        let signed = &cookie[name.len()..];
        for forged in [
            format!("other{signed}"),
            format!("{name}."),
            name.to_owned(),
            format!("{cookie}0"),
            cookie.to_uppercase(),
            String::new(),
        ] {
            assert_eq!(known(&ring, "acc_1", 3, &forged), None, "{forged}");
        }
    }
}

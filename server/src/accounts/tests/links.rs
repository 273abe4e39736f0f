//! Forgotten passwords, other addresses, and what the mailed links do.

use super::*;

impl House {
    pub(super) async fn reset_link(&self) -> String {
        self.clock.advance(5 * MINUTE);
        let asked = self
            .accounts
            .ask_reset(&self.mail, " ANN@example.com", HOME);
        asked.await.unwrap();
        self.token("/reset").await
    }

    pub(super) async fn reset(
        &self,
        token: &str,
        password: &str,
    ) -> Result<AccountView, ResetError> {
        self.accounts
            .reset(&self.mail, token, secret(password))
            .await
    }

    async fn change_link(&self, account: AccountId, new: &str) -> String {
        self.clock.advance(5 * MINUTE);
        let asked = self.accounts.ask_email_change(&self.mail, account, new);
        asked.await.unwrap();
        self.token("/email/confirm").await
    }
}

#[tokio::test]
async fn a_reset_works_once_within_half_an_hour_and_ends_every_session() {
    let house = house().await;
    let ann = house.ann().await;
    house.run("UPDATE account SET verified_at = NULL").await;
    house.session("thief", ann.id).await;
    let (old, token) = (house.reset_link().await, house.reset_link().await);
    assert_eq!(
        house.reset(&old, BETTER).await,
        Err(ResetError::Closed),
        "replaced"
    );
    let open = house.accounts.link_open(LinkPurpose::Reset, &token);
    assert_eq!(open.await, Ok(true));
    let other = house.accounts.link_open(LinkPurpose::Verify, &token);
    assert_eq!(other.await, Ok(false), "a link is for one thing");
    assert_eq!(
        house.reset(&token, "12345678").await,
        Err(ResetError::Password(PasswordError::Common)),
        "and can be tried again"
    );
    house.clock.advance(30 * MINUTE - 1);
    let view = house.reset(&token, BETTER).await.unwrap();
    assert!(view.verified, "whoever has the link reads the mail");
    assert!(!house.alive("thief").await);
    assert_eq!(house.kinds().await.last().unwrap(), "password_changed");
    assert_eq!(
        house.sign_in("ann@example.com", GOOD).await,
        Err(SignInError::Wrong)
    );
    assert_eq!(house.sign_in("ann@example.com", BETTER).await, Ok(view));
    assert_eq!(
        house.reset(&token, GOOD).await,
        Err(ResetError::Closed),
        "once"
    );

    let late = house.reset_link().await;
    house.clock.advance(30 * MINUTE);
    assert_eq!(house.reset(&late, GOOD).await, Err(ResetError::Closed));
    let rows = format!("SELECT count(*) FROM account_link WHERE token_hash = '{late}'");
    assert_eq!(house.count(&rows).await, 0, "tokens are stored as hashes");
}

#[tokio::test]
async fn no_link_for_the_blocked_nor_for_an_address_that_is_no_longer_theirs() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let token = house.reset_link().await;
    house.run("UPDATE account SET blocked_at = 1").await;
    assert_eq!(house.reset(&token, BETTER).await, Err(ResetError::Closed));
    let before = house.kinds().await.len();
    house.clock.advance(5 * MINUTE);
    let asked = house
        .accounts
        .ask_reset(&house.mail, "ann@example.com", HOME);
    assert_eq!(asked.await, Ok(()));
    assert_eq!(house.kinds().await.len(), before, "and no word about it");
    house.run("UPDATE account SET blocked_at = NULL, email = 'new@example.com', email_key = 'new@example.com'").await;
    assert_eq!(house.reset(&token, BETTER).await, Err(ResetError::Closed));
    assert_eq!(
        house.accounts.by_id(ann.id).await.unwrap().unwrap().email,
        "new@example.com"
    );
}

#[tokio::test]
async fn a_new_address_is_proved_and_the_old_one_can_take_it_back() {
    let house = house().await;
    let ann = house.quick("ann@example.com").await;
    let same = house
        .accounts
        .ask_email_change(&house.mail, ann.id, "ann@example.com")
        .await;
    assert_eq!(same, Err(EmailChangeError::Same));
    let pending_reset = house.reset_link().await;
    let token = house.change_link(ann.id, "New@example.com").await;
    let mailed = house.mails().await.pop().unwrap();
    assert_eq!(
        mailed,
        ("confirm_email".to_owned(), "New@example.com".to_owned())
    );
    assert_eq!(
        house.accounts.by_id(ann.id).await.unwrap().unwrap().email,
        "ann@example.com",
        "not yet"
    );

    let changed = house
        .accounts
        .confirm_email_change(&house.mail, &token)
        .await
        .unwrap();
    assert_eq!(
        (changed.email.as_str(), changed.verified),
        ("New@example.com", true)
    );
    let told = house.mails().await.pop().unwrap();
    assert_eq!(
        told,
        ("email_changed".to_owned(), "ann@example.com".to_owned())
    );
    let again = house
        .accounts
        .confirm_email_change(&house.mail, &token)
        .await;
    assert_eq!(again, Err(LinkError::Closed));
    assert_eq!(
        house.reset(&pending_reset, BETTER).await,
        Err(ResetError::Closed),
        "asked for by the old address"
    );

    // A thief changes it once more; the owner's link still leads home.
    let undo = house.token("/email/undo").await;
    let further = house.change_link(ann.id, "thief@example.com").await;
    house
        .accounts
        .confirm_email_change(&house.mail, &further)
        .await
        .unwrap();
    let thiefs = house.token("/email/undo").await;
    assert_ne!(thiefs, undo);
    house.session("thief", ann.id).await;
    house.clock.advance(72 * HOUR - 5 * MINUTE - 1);
    let back = house
        .accounts
        .undo_email_change(&house.mail, &undo)
        .await
        .unwrap();
    assert_eq!(back.email, "ann@example.com");
    assert!(!house.alive("thief").await);
    let told = house.mails().await;
    for address in ["ann@example.com", "thief@example.com"] {
        let mail = ("email_change_undone".to_owned(), address.to_owned());
        assert!(told[told.len() - 2..].contains(&mail), "{told:?}");
    }
    // The way back that the thief was mailed leads nowhere any more.
    let again = house.accounts.undo_email_change(&house.mail, &thiefs).await;
    assert_eq!(again, Err(LinkError::Closed));
}

#[tokio::test]
async fn an_address_that_nobody_proved_gets_no_way_back() {
    let house = house().await;
    let ann = house.quick("stranger@example.com").await;
    house.run("UPDATE account SET verified_at = NULL").await;
    let token = house.change_link(ann.id, "ann@example.com").await;
    house
        .accounts
        .confirm_email_change(&house.mail, &token)
        .await
        .unwrap();
    assert_eq!(house.kinds().await, ["confirm_email"]);
}

#[tokio::test]
async fn a_taken_address_is_told_only_to_its_reader() {
    let house = house().await;
    let (ann, bob) = (
        house.quick("ann@example.com").await,
        house.quick("bob@example.com").await,
    );
    let token = house.change_link(ann.id, "Bob@example.com").await;
    let taken = house
        .accounts
        .confirm_email_change(&house.mail, &token)
        .await;
    assert_eq!(taken, Err(LinkError::EmailTaken));
    assert_eq!(house.accounts.by_id(bob.id).await.unwrap(), Some(bob));
    assert_eq!(house.accounts.by_id(ann.id).await.unwrap(), Some(ann));
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_guessing_at_it_waits() {
    let house = house().await;
    let ann = house.ann().await;
    house.session("here", ann.id).await;
    house.session("there", ann.id).await;
    let change = async |current: &str, new: &str| {
        house
            .accounts
            .change_password(&house.mail, ann.id, secret(current), secret(new))
            .await
    };
    assert_eq!(
        change("wrong password", BETTER).await,
        Err(ChangePasswordError::Wrong)
    );
    assert_eq!(
        change(GOOD, "ann@example.com").await,
        Err(ChangePasswordError::Password(PasswordError::IsEmail))
    );
    assert!(house.alive("there").await);
    assert_eq!(change(GOOD, BETTER).await, Ok(ann.epoch + 1));
    for ended in ["here", "there"] {
        assert!(!house.alive(ended).await, "{ended}");
    }
    assert_eq!(house.kinds().await, ["password_changed"]);
    for _ in 0..5 {
        let tried = house.accounts.confirm(ann.id, secret(GOOD)).await;
        assert_eq!(tried, Err(ConfirmError::Wrong));
    }
    let told = ConfirmError::TooMany {
        retry_after: Duration::from_secs(2),
    };
    assert_eq!(
        house.accounts.confirm(ann.id, secret(BETTER)).await,
        Err(told)
    );
    assert!(
        house.sign_in("ann@example.com", BETTER).await.is_ok(),
        "the sign-in form has its own count"
    );
    house.clock.advance(2_000);
    assert_eq!(house.accounts.confirm(ann.id, secret(BETTER)).await, Ok(()));
}

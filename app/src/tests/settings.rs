//! Is what the settings save in force at once, in every browser, and only for who saved it?

use http::StatusCode;

use super::world::{Browser, EMAIL, PASSWORD, World, world};

async fn signed_in(world: &World) -> Browser {
    let mut browser = Browser::default();
    browser.sign_in(world).await;
    browser
}

#[tokio::test]
async fn the_look_goes_with_the_account() {
    let world = world().await;
    let mut here = signed_in(&world).await;
    let form = "locale=ru&currency=EUR&time_zone=Asia%2FKolkata&theme=dark&shortcuts=true";
    let answer = here.post(&world, "/api/set_look", form).await;
    assert_eq!(answer.location(), "/settings");
    assert_eq!(here.cookies["__Host-prefs"], "ru.EUR.dark.Asia/Kolkata");

    // Another browser, without the cookie, and one whose cookie says otherwise.
    for cookie in [None, Some("en.RUB.light.UTC")] {
        let mut there = Browser::default();
        if let Some(cookie) = cookie {
            there
                .cookies
                .insert("__Host-prefs".to_owned(), cookie.to_owned());
        }
        there.sign_in(&world).await;
        let page = there.get(&world, "/settings").await.body;
        assert!(
            page.contains("<html lang=\"ru\"") && page.contains("data-theme=\"dark\""),
            "{cookie:?}"
        );
        assert!(
            page.contains("value=\"Asia/Kolkata\" selected"),
            "{cookie:?}"
        );
        assert!(page.contains("UTC+5:30"));
    }
    // The menus of the header write into the account too.
    here.post(&world, "/api/set_prefs", "theme=light&back=%2Fsettings")
        .await;
    let chosen = world
        .services
        .accounts
        .by_id(world.account.id)
        .await
        .unwrap()
        .unwrap()
        .chosen;
    assert_eq!(chosen.theme.as_deref(), Some("light"));
    assert_eq!(chosen.time_zone.as_deref(), Some("Asia/Kolkata"));
    for wrong in [
        "locale=xx&currency=EUR&time_zone=UTC&theme=dark",
        "locale=ru&currency=BTC&time_zone=UTC&theme=dark",
        "locale=ru&currency=EUR&time_zone=Mars%2FBase&theme=dark",
        "locale=ru&currency=EUR&time_zone=UTC&theme=neon",
    ] {
        let answer = here.post(&world, "/api/set_look", wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn what_was_chosen_before_goes_into_a_new_account() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.cookies.insert(
        "__Host-prefs".to_owned(),
        "-.RUB.dark.Europe/Berlin".to_owned(),
    );
    browser.sign_in(&world).await;
    let page = signed_in(&world).await.get(&world, "/settings").await.body;
    assert!(page.contains("data-theme=\"dark\"") && page.contains("value=\"RUB\" selected"));
    assert!(page.contains("value=\"Europe/Berlin\" selected"));
}

#[tokio::test]
async fn shortcuts_can_be_turned_off() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let island = "data-go=\"u\"";
    assert!(browser.get(&world, "/settings").await.body.contains(island));
    let form = "locale=en&currency=USD&time_zone=UTC&theme=system";
    browser.post(&world, "/api/set_look", form).await;
    let page = browser.get(&world, "/settings").await.body;
    assert!(!page.contains(island) && page.contains("Saved."), "{page}");
}

#[tokio::test]
async fn a_name_and_a_threshold_are_kept_and_wrong_ones_come_back() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    for (path, good, shown, bad) in [
        (
            "/api/set_name",
            "name=Ada+L%22%3E",
            "value=\"Ada L&quot;&gt;\"",
            "name=",
        ),
        (
            "/api/set_low_balance",
            "amount=2%2C50",
            "value=\"2.50",
            "amount=lots",
        ),
    ] {
        browser.post(&world, path, good).await;
        let page = browser.get(&world, "/settings").await.body;
        assert!(page.contains("Saved.") && page.contains(shown), "{page}");
        browser.post(&world, path, bad).await;
        let page = browser.get(&world, "/settings").await.body;
        assert!(page.contains("-wrong\""), "{path}\n{page}");
    }
    browser
        .post(&world, "/api/set_low_balance", "amount=")
        .await;
    let account = world.services.accounts.by_id(world.account.id).await;
    assert_eq!(account.unwrap().unwrap().low_balance, None);
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_answers_and_the_old_one_can_undo_it() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    browser.confirm(&world).await;
    let answer = browser
        .post(&world, "/api/change_email", "email=ada%40example.com")
        .await;
    assert_eq!(answer.location(), "/settings/email");
    let answer = browser
        .post(&world, "/api/change_email", "email=new%40example.com")
        .await;
    assert_eq!(answer.location(), "/settings");
    let page = browser.get(&world, "/settings").await.body;
    assert!(page.contains(EMAIL) && !page.contains("new@example.com"));

    let confirm = world.mailed_link("new@example.com").await;
    assert!(confirm.starts_with("/email/confirm/"), "{confirm}");
    let form = format!("token={}", confirm.rsplit('/').next().unwrap());
    assert_eq!(
        browser
            .post(&world, "/api/undo_email", &form)
            .await
            .location(),
        confirm.replace("confirm", "undo"),
        "a link does only what it is for"
    );
    let answer = browser.post(&world, "/api/confirm_email", &form).await;
    assert_eq!(answer.location(), "/settings");
    assert!(
        browser
            .get(&world, "/settings")
            .await
            .body
            .contains("new@example.com")
    );

    let undo = world.mailed_link(EMAIL).await;
    assert!(undo.starts_with("/email/undo/"), "{undo}");
    let form = format!("token={}", undo.rsplit('/').next().unwrap());
    let answer = Browser::default()
        .post(&world, "/api/undo_email", &form)
        .await;
    assert_eq!(answer.location(), "/login");
    assert_eq!(
        browser.get(&world, "/settings").await.status,
        StatusCode::SEE_OTHER,
        "sessions end with the undoing"
    );
    browser.sign_in(&world).await;
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let world = world().await;
    let (mut here, mut there) = (signed_in(&world).await, signed_in(&world).await);
    let old = PASSWORD.replace(' ', "+");
    let answer = here
        .post(
            &world,
            "/api/change_password",
            "password=wrong&new_password=another+horse+battery",
        )
        .await;
    let page = here.get(&world, answer.location()).await.body;
    assert!(page.contains("password-wrong"), "{page}");
    let form = format!("password={old}&new_password=another+horse+battery");
    let mut copy = here.clone();
    here.post(&world, "/api/change_password", &form).await;
    let stolen = copy.get(&world, "/overview").await;
    assert_eq!(stolen.location(), "/login", "a copied cookie");
    let page = here.get(&world, "/settings/security").await;
    assert!(page.body.contains("Your new password is set."));
    assert_eq!(
        there.get(&world, "/overview").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn sessions_of_others_are_none() {
    let world = world().await;
    let (mut here, mut there) = (signed_in(&world).await, signed_in(&world).await);
    let page = here.get(&world, "/settings/sessions").await.body;
    assert_eq!(page.matches("name=\"handle\"").count(), 1, "{page}");
    assert!(page.contains("This browser"));
    let handle = page.split("name=\"handle\" value=\"").nth(1).unwrap();
    let handle = handle[..handle.find('"').unwrap()].to_owned();

    let form = "name=Grace&email=grace%40example.com&password=correct+horse+battery+9&terms=true&consent=true";
    let mut grace = Browser::default();
    grace.post(&world, "/api/sign_up", form).await;
    world.prove_address("grace@example.com").await;
    let form = "email=grace%40example.com&password=correct+horse+battery+9";
    grace.post(&world, "/api/sign_in", form).await;
    for foreign in [handle.as_str(), "nonsense", ""] {
        let answer = grace
            .post(&world, "/api/end_session", &format!("handle={foreign}"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{foreign}");
    }
    assert_eq!(there.get(&world, "/overview").await.status, StatusCode::OK);

    let form = format!("handle={handle}");
    let answer = here.post(&world, "/api/end_session", &form).await;
    assert_eq!(answer.location(), "/settings/sessions");
    assert_eq!(
        there.get(&world, "/overview").await.status,
        StatusCode::SEE_OTHER
    );

    let mut third = signed_in(&world).await;
    here.confirm(&world).await;
    here.post(&world, "/api/end_other_sessions", "").await;
    assert_eq!(here.get(&world, "/overview").await.status, StatusCode::OK);
    assert_eq!(
        third.get(&world, "/overview").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn who_was_in_before_the_second_factor_is_out_and_who_set_it_up_stays() {
    let world = world().await;
    let mut before = signed_in(&world).await;
    before.confirm(&world).await;
    let mut here = Browser::default();
    here.sign_in_admin(&world).await;
    for path in ["/api/new_recovery_codes", "/api/end_second_factor"] {
        let answer = before.post(&world, path, "").await;
        assert_eq!(answer.location(), "/login", "{path}");
    }
    let account = world.account.id;
    let factor = world.services.accounts.second_factor(account).await;
    assert!(factor.unwrap().on);
    assert_eq!(here.get(&world, "/admin").await.status, StatusCode::OK);

    // Half-way in is in no list, and out when everybody is.
    let mut half_way = Browser::default();
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    half_way.post(&world, "/api/sign_in", &form).await;
    let code = half_way.get(&world, "/login/code").await;
    assert_eq!(code.status, StatusCode::OK);
    let sessions = &world.services.sessions;
    assert_eq!(sessions.list_of(account).await.unwrap().len(), 1);
    sessions.delete_all_of(account).await.unwrap();
    for browser in [&mut half_way, &mut here] {
        let answer = browser.get(&world, "/login/code").await;
        assert_eq!(answer.location(), "/login");
    }
}

#[tokio::test]
async fn recovery_codes_are_shown_for_ten_minutes_to_the_session_that_made_them() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in_admin(&world).await;
    for _ in 0..2 {
        let page = browser.get(&world, "/settings/recovery-codes").await;
        assert!(page.body.contains("class=\"codes\""), "{}", page.body);
        assert_eq!(page.headers["cache-control"], "no-store");
    }
    world.services.clock.advance(9 * 60 * 1_000);
    browser.confirm(&world).await;
    world.services.clock.advance(2 * 60 * 1_000);
    let late = browser.get(&world, "/settings/recovery-codes").await;
    assert_eq!(late.location(), "/settings/second-factor");

    let page = browser.get(&world, "/settings/second-factor").await.body;
    assert!(page.contains("10 recovery codes left"), "{page}");
    browser.post(&world, "/api/end_second_factor", "").await;
    let page = browser.get(&world, "/settings/second-factor").await.body;
    assert!(page.contains("class=\"qr\""), "{page}");
}

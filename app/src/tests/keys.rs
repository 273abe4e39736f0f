//! Can somebody make a key, limit it, see it, and take it back, without a script? And who sees its secret, and how long?

use domain::Scope;
use http::{StatusCode, header};
use sea_orm::ConnectionTrait;
use server::accounts::Email;
use server::keys::NewKeyForm;

use super::world::{Answer, Browser, PASSWORD, World, visible, world};
const TEN_MINUTES: i64 = 10 * 60 * 1_000;

/// All scopes ticked, as the form has them at first.
fn scopes() -> String {
    let ticks = Scope::ALL.map(|scope| format!("scopes%5B%5D={}", scope.id().replace(':', "%3A")));
    ticks.join("&")
}

/// A key made with the form, and the page that its maker is led to.
async fn make(world: &World, browser: &mut Browser, more: &str) -> (String, Answer) {
    let form = format!("name=ci&kind=live&{}&{more}", scopes());
    let answer = browser.post(world, "/api/create_key", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let to = answer.location().to_owned();
    let id = to
        .strip_prefix("/keys/")
        .and_then(|rest| rest.strip_suffix("/secret"))
        .unwrap_or_else(|| panic!("the key was not made: {to}"))
        .to_owned();
    let page = browser.get(world, &to).await;
    assert_eq!(page.status, StatusCode::OK);
    (id, page)
}

/// The secret on a page.
fn secret(page: &str) -> Option<&str> {
    let at = page.find("sk-fb_live_")?;
    let word = page[at..]
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .next()?;
    (word.len() == server::keys::LENGTH).then_some(word)
}

async fn password_again(world: &World, browser: &mut Browser, next: &str) {
    let form = format!("password={}&next={next}", PASSWORD.replace(' ', "+"));
    let answer = browser.post(world, "/api/confirm", &form).await;
    assert_eq!(answer.location(), next);
}

#[tokio::test]
async fn a_key_with_limits_is_made_shown_and_works() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let more = "month=%2425%2C50&requests_per_minute=60&models%5B%5D=sandbox-echo\
                &ip_ranges=192.0.2.0%2F24%0D%0A2001%3Adb8%3A%3A1&expires_on=2026-12-31";
    let (id, page) = make(&world, &mut browser, more).await;

    let shown = secret(&page.body).unwrap();
    assert!(world.services.keys.authenticate(shown).await.is_ok());
    assert!(
        page.body.contains(&format!("Bearer {shown}")),
        "no example is filled in"
    );
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");

    let file = browser.get(&world, &format!("/keys/{id}/env")).await;
    assert_eq!(
        file.body,
        format!("OPENAI_API_KEY={shown}\nOPENAI_BASE_URL=https://pay.example/v1\n")
    );
    assert_eq!(file.headers[header::CACHE_CONTROL], "no-store");

    let workspace = world.account.workspace;
    let key = world
        .services
        .keys
        .get(workspace, id.parse().unwrap())
        .await;
    let limits = key.unwrap().unwrap().limits;
    assert_eq!(limits.month.unwrap().to_usd_string(), "25.50");
    assert_eq!((limits.day, limits.requests_per_minute), (None, Some(60)));
    assert_eq!(limits.models, ["sandbox-echo"]);
    assert_eq!(limits.ip_ranges, ["192.0.2.0/24", "2001:db8::1/128"]);
    // Midnight UTC after the last day.
    assert_eq!(limits.expires_at, Some(1_798_761_600_000));

    let list = browser.get(&world, "/keys").await;
    assert!(list.body.contains("of $25.50 this month"), "{}", list.body);
    assert!(!list.body.contains(shown));
}

#[tokio::test]
async fn what_is_wrong_is_told_and_what_was_typed_stays() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let before = world
        .services
        .keys
        .list(world.account.workspace)
        .await
        .unwrap()
        .len();
    let cases = [
        ("name=&day=1", "Give the key a name."),
        ("name=ci&day=lots", "Write an amount in US dollars"),
        ("name=ci&concurrency=0", "Write a whole number above zero"),
        (
            "name=ci&expires_on=2020-01-01",
            "Choose a day that is not over yet.",
        ),
        (
            "name=ci&ip_ranges=here",
            "One of these is not an address or a range.",
        ),
    ];
    for (typed, told) in cases {
        let form = format!(
            "kind=test&total=7.25&models%5B%5D=sandbox-echo&{typed}&{}",
            scopes()
        );
        let answer = browser.post(&world, "/api/create_key", &form).await;
        assert_eq!(answer.location(), "/keys/new", "{typed}");
        let page = browser.get(&world, "/keys/new").await.body;
        assert!(page.contains(told), "{typed}: {page}");
        assert!(
            page.contains("value=\"7.25\""),
            "{typed}: the amount is gone"
        );
        for ticked in ["value=\"test\" checked", "value=\"sandbox-echo\" checked"] {
            assert!(page.contains(ticked), "{typed}: {ticked} is gone");
        }
        let (_, value) = typed.rsplit_once('=').unwrap();
        assert!(page.contains(value), "{typed}: {value} is gone");
    }
    let none = browser
        .post(&world, "/api/create_key", "name=ci&kind=live")
        .await;
    assert_eq!(none.location(), "/keys/new");
    let page = browser.get(&world, "/keys/new").await.body;
    assert!(page.contains("Tick at least one permission."));
    let after = world
        .services
        .keys
        .list(world.account.workspace)
        .await
        .unwrap()
        .len();
    assert_eq!(before, after, "a form that was refused made a key");
}

#[tokio::test]
async fn only_the_session_that_made_it_sees_a_key_and_only_for_ten_minutes() {
    let world = world().await;
    let (mut maker, mut other) = (Browser::default(), Browser::default());
    maker.sign_in(&world).await;
    other.sign_in(&world).await;
    let (id, page) = make(&world, &mut maker, "").await;
    let shown = secret(&page.body).unwrap().to_owned();
    let address = format!("/keys/{id}/secret");

    let stranger = other.get(&world, &address).await;
    assert_eq!(stranger.status, StatusCode::OK);
    assert!(
        !stranger.body.contains(&shown),
        "another session sees the key"
    );
    assert!(stranger.body.contains(&format!("/keys/{id}/reveal")));
    let file = other.get(&world, &format!("/keys/{id}/env")).await;
    assert_eq!(file.status, StatusCode::GONE);

    world.services.clock.advance(TEN_MINUTES - 1);
    assert!(maker.get(&world, &address).await.body.contains(&shown));
    world.services.clock.advance(1);
    let late = maker.get(&world, &address).await;
    assert!(
        !late.body.contains(&shown),
        "shown for longer than ten minutes"
    );
    assert!(late.body.contains("no longer shown here"));
}

#[tokio::test]
async fn seeing_a_key_again_needs_the_password_and_is_told() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let keys = &world.services.keys;
    let made = keys
        .create(world.account.workspace, &NewKeyForm::named("old"))
        .await
        .unwrap();
    let (id, secret) = (made.view.id, made.secret.expose().to_owned());
    let (page, form) = (format!("/keys/{id}/reveal"), format!("id={id}"));

    let asked = browser.get(&world, &page).await;
    assert!(
        asked.location().starts_with("/confirm?next="),
        "{}",
        asked.location()
    );
    let forced = browser.post(&world, "/api/reveal_key", &form).await;
    assert!(
        forced.location().starts_with("/confirm"),
        "{}",
        forced.location()
    );

    password_again(&world, &mut browser, &page).await;
    assert_eq!(browser.get(&world, &page).await.status, StatusCode::OK);
    let revealed = browser.post(&world, "/api/reveal_key", &form).await;
    assert_eq!(revealed.location(), format!("/keys/{id}/secret"));
    let shown = browser.get(&world, revealed.location()).await;
    assert!(shown.body.contains(&secret));
    let written = world.services.mail.newest(10).await.unwrap();
    assert!(!written.is_empty(), "nobody was told by mail");
}

#[tokio::test]
async fn switching_off_is_undone_with_one_button() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let (id, page) = make(&world, &mut browser, "").await;
    let secret = secret(&page.body).unwrap().to_owned();
    let off = || async {
        let key = world.services.keys.authenticate(&secret).await.unwrap();
        key.disabled
    };
    let form = format!("id={id}");

    let answer = browser.post(&world, "/api/disable_key", &form).await;
    let page = browser.get(&world, answer.location()).await.body;
    assert!(off().await);
    let note = page.split_once("The key is off.").unwrap().1;
    let note = note.split_once("</form>").unwrap().0;
    assert!(
        note.contains("action=\"/api/enable_key\"") && note.contains(&id),
        "no way back beside the notice: {note}"
    );
    browser.post(&world, "/api/enable_key", &form).await;
    assert!(!off().await);

    let update = format!("{form}&name=renamed&{}", scopes());
    let answer = browser.post(&world, "/api/update_key", &update).await;
    let page = browser.get(&world, answer.location()).await.body;
    assert!(page.contains("action=\"/api/rename_key\"") && page.contains("value=\"ci\""));
    assert!(
        page.contains("value=\"renamed\""),
        "the form shows what is saved"
    );
}

#[tokio::test]
async fn rolling_gives_a_new_secret_and_revoking_ends_a_key() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let (id, page) = make(&world, &mut browser, "day=3").await;
    let old = secret(&page.body).unwrap().to_owned();
    let keys = &world.services.keys;

    let form = format!("id={id}&overlap=3600");
    let answer = browser.post(&world, "/api/roll_key", &form).await;
    let next = answer.location().to_owned();
    let page = browser.get(&world, &next).await;
    let new = secret(&page.body).unwrap();
    assert_ne!(old, new);
    let limits = keys.authenticate(new).await.unwrap().limits.clone();
    assert_eq!(limits.day.unwrap().to_usd_string(), "3.00");
    assert_eq!(next, format!("/keys/{id}/secret"), "it is the same key");
    let was = async |secret: &str| keys.authenticate(secret).await.map(|key| key.expires_at);
    assert!(was(&old).await.unwrap().is_some());
    let page = browser.get(&world, &format!("/keys/{id}")).await;
    assert!(page.body.contains("This key was rolled."));
    let ask = browser.get(&world, &format!("/keys/{id}/roll")).await;
    assert!(visible(&ask.body).contains("stops both at once"));
    assert!(!ask.body.contains("value=\"3600\""));
    let answer = browser.post(&world, "/api/roll_key", &form).await;
    assert_eq!(answer.location(), format!("/keys/{id}"), "sent twice");
    assert_eq!(was(new).await, Ok(None));
    let this = format!("id={id}");
    browser.post(&world, "/api/end_key_overlap", &this).await;
    let page = browser.get(&world, &format!("/keys/{id}")).await;
    assert!(page.body.contains("The old key works no more."));
    assert!(!page.body.contains("/api/end_key_overlap"));
    assert!(was(&old).await.is_err());

    let ask = browser.get(&world, &format!("/keys/{id}/revoke")).await;
    assert_eq!(ask.status, StatusCode::OK);
    let gone = browser
        .post(&world, "/api/revoke_key", &format!("id={id}"))
        .await;
    assert_eq!(gone.location(), "/keys");
    assert!(was(new).await.is_err());
    let page = browser.get(&world, &format!("/keys/{id}")).await;
    assert!(page.body.contains("This key was revoked"));
    assert!(!page.body.contains("/api/update_key"));
}

#[tokio::test]
async fn all_keys_stop_and_work_again() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let ask = browser.get(&world, "/keys/freeze").await;
    assert!(ask.body.contains("action=\"/api/freeze_keys\""));
    browser.post(&world, "/api/freeze_keys", "").await;
    let workspace = world.account.workspace;
    assert!(world.services.keys.frozen(workspace).await.unwrap());
    let page = browser.get(&world, "/keys").await;
    assert!(page.body.contains("All keys are stopped."));
    browser.post(&world, "/api/unfreeze_keys", "").await;
    assert!(!world.services.keys.frozen(workspace).await.unwrap());
}

#[tokio::test]
async fn the_test_zone_answers_with_the_page_and_keeps_nothing() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let asked = "model=sandbox-echo&prompt=two+%3Cwords%3E&max_tokens=32";
    let answer = browser.post(&world, "/try", asked).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let shown = answer.body.split_once("class=\"answer\"").unwrap().1;
    assert!(shown.contains("two &lt;words&gt;"), "{shown}");
    assert!(shown.contains("$0.000000001"), "{shown}");
    assert!(shown.contains("/usage/calls/call_"));
    assert!(!browser.get(&world, "/try").await.body.contains("two &lt;"));

    let wrong = [
        (
            "model=sandbox-echo&prompt=+",
            422,
            "Write something to ask.",
        ),
        (
            "model=sandbox-echo&prompt=a&max_tokens=0",
            422,
            "Write a whole number",
        ),
        ("model=nothing&prompt=a", 404, "There is no model"),
    ];
    for (form, status, told) in wrong {
        let answer = browser.post(&world, "/try", form).await;
        assert_eq!(answer.status.as_u16(), status, "{form}");
        assert!(answer.body.contains(told), "{form}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_first_steps_lead_to_the_first_call() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    let page = browser.get(&world, "/overview").await.body;
    assert!(page.contains("id=\"first-run\""));
    let answer = browser
        .post(&world, "/api/send_test", "back=%2Foverview")
        .await;
    let page = browser.get(&world, answer.location()).await.body;
    assert!(
        page.contains("It works: status 200 after 5 ms, exactly $0.000000001."),
        "{page}"
    );
}

#[tokio::test]
async fn whoever_has_not_shown_their_address_makes_no_keys_and_tries_nothing() {
    let world = world().await;
    let mut browser = Browser::default();
    let person = "email=eve%40example.com&password=correct+horse+battery+9";
    let form = format!("name=Eve&terms=true&consent=true&{person}");
    browser.post(&world, "/api/sign_up", &form).await;
    world.prove_address("eve@example.com").await;
    let answer = browser.post(&world, "/api/sign_in", person).await;
    assert_eq!(answer.location(), "/overview");
    // As somebody who was moved in from another system, which had not asked for it.
    let unproved = "UPDATE account SET verified_at = NULL, terms_at = NULL WHERE email_key = 'eve@example.com'";
    world.db.write().execute_unprepared(unproved).await.unwrap();
    let email = Email::parse("eve@example.com").unwrap();
    let account = world.services.accounts.by_email(&email).await.unwrap();
    let workspace = account.unwrap().workspace;
    // One from before, which could be rolled.
    let keys = &world.services.keys;
    let old = keys
        .create(workspace, &NewKeyForm::named("old"))
        .await
        .unwrap();

    let create = format!("name=ci&kind=live&{}", scopes());
    let roll = format!("id={}&overlap=0", old.view.id);
    let functions = [
        ("/api/create_key", create.as_str()),
        ("/api/roll_key", roll.as_str()),
        ("/api/send_test", "back=%2Fkeys"),
    ];
    for (path, form) in functions {
        let answer = browser.post(&world, path, form).await;
        assert_eq!(answer.location(), "/overview", "{path}");
        let page = browser.get(&world, "/overview").await.body;
        assert!(!page.contains("It works"), "{path}");
    }
    let tried = browser
        .post(&world, "/try", "model=sandbox-echo&prompt=two+words")
        .await;
    assert_eq!(tried.status, StatusCode::FORBIDDEN);
    assert!(!tried.body.contains("class=\"answer\""), "{}", tried.body);
    let new = browser.get(&world, "/keys/new").await.body;
    assert!(new.contains("Confirm your e-mail address first."));
    assert_eq!(keys.list(workspace).await.unwrap(), [old.view]);
}

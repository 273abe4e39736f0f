//! Is everything found that is the reader's, and nothing else? The search as a page and as the palette's list; and the
//! line about a low balance above every page.

use domain::Amount;
use http::{StatusCode, header};
use server::accounts::Email;
use server::keys::NewKeyForm;
use server::secrets::Secret;

use super::world::{Browser, PASSWORD, World, visible, world};

const BOB: &str = "bob@example.com";

/// Somebody else, with a key of a telling name; signed in.
async fn bob(world: &World) -> Browser {
    let accounts = &world.services.accounts;
    let password = Some(Secret::new(PASSWORD.to_owned()));
    let email = Email::parse(BOB).unwrap();
    let account = accounts.create(&email, password, false).await.unwrap();
    let form = NewKeyForm::named("secret laptop of bob");
    let keys = &world.services.keys;
    keys.create(account.workspace, &form).await.unwrap();
    let mut browser = Browser::default();
    let form = format!("email={BOB}&password={}", PASSWORD.replace(' ', "+"));
    browser.post(world, "/api/sign_in", &form).await;
    browser
}

/// The words of the options, and what each leads to.
fn options(html: &str) -> Vec<String> {
    let parts = html.split("role=\"option\"").skip(1);
    parts
        .map(|part| {
            let tag = part.split('>').next().unwrap();
            let of = |name: &str| {
                let found = tag.split_once(&format!(" {name}=\""));
                found.map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
            };
            let posts = || {
                Some(format!(
                    "{} {}={}",
                    of("formaction")?,
                    of("name")?,
                    of("value")?
                ))
            };
            of("href")
                .or_else(posts)
                .or_else(|| of("data-copy-text"))
                .or_else(|| of("formaction"))
                .unwrap()
        })
        .collect()
}

#[tokio::test]
async fn the_list_has_the_readers_own_keys_pages_models_and_switches() {
    let world = world().await;
    let mut stranger = Browser::default();
    let mut bob = bob(&world).await;
    let mut ada = Browser::default();
    ada.sign_in(&world).await;

    let found = |html: &str| options(html).join(" ");
    let list = bob.get(&world, "/search/results?q=laptop").await;
    assert_eq!(list.status, StatusCode::OK);
    assert_eq!(list.headers[header::CACHE_CONTROL], "no-store");
    assert!(!list.body.contains("<html") && !list.body.contains("<script"));
    assert!(list.body.contains("secret laptop of bob"), "{}", list.body);
    assert_eq!(options(&list.body).len(), 1, "{}", list.body);
    let hers = ada.get(&world, "/search/results?q=laptop").await.body;
    assert!(!hers.contains("bob") && options(&hers).len() == 1, "{hers}");
    assert!(!hers.contains("<svg onload"), "a key's name became markup");
    let hers = ada.get(&world, "/search/results?q=old-bot").await.body;
    assert!(options(&hers).is_empty(), "revoked: {hers}");
    let none = stranger.get(&world, "/search/results?q=laptop").await.body;
    assert!(
        options(&none).is_empty() && none.contains("laptop"),
        "{none}"
    );

    // (query, something that is found by everybody)
    for (query, wanted) in [
        ("echo", "/prices/sandbox-echo"),
        ("dark", "/api/set_prefs theme=dark"),
        ("eur", "/api/set_prefs currency=EUR"),
        ("%D1%80%D1%83%D1%81", "/api/set_prefs locale=ru"),
        ("base+url", "https://pay.example/v1"),
        ("pric", "/prices"),
        ("insufficient_quota", "/docs/errors#insufficient_quota"),
        ("", "/docs"),
    ] {
        let address = format!("/search/results?q={query}");
        let list = stranger.get(&world, &address).await.body;
        let shown = found(&list);
        assert!(shown.contains(wanted), "{query}: {shown}");
    }
    // What only some can reach is found by them alone.
    for (query, wanted, admins_only) in [
        ("usage", "/usage", false),
        ("top+up", "/wallet/top-up", false),
        ("sign+out", "/api/sign_out", false),
        ("exchange", "/admin/rates", true),
    ] {
        let address = format!("/search/results?q={query}");
        let shown = found(&stranger.get(&world, &address).await.body);
        assert!(!shown.contains(wanted), "a stranger: {shown}");
        let shown = found(&bob.get(&world, &address).await.body);
        assert_eq!(shown.contains(wanted), !admins_only, "a customer: {shown}");
        let shown = found(&ada.get(&world, &address).await.body);
        assert!(shown.contains(wanted), "an administrator: {shown}");
    }
}

#[tokio::test]
async fn the_page_finds_the_same_without_a_script() {
    let world = world().await;
    let mut stranger = Browser::default();
    let page = stranger
        .get(&world, "/ru/search?q=%D1%86%D0%B5%D0%BD")
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("lang=\"ru\"") && page.body.contains("href=\"/ru/prices\""));
    assert!(!page.body.contains("<script") && page.body.contains("noindex"));
    // A switch is a button that comes back here.
    let page = stranger.get(&world, "/search?q=dark").await.body;
    assert!(page.contains("formaction=\"/api/set_prefs\"") && page.contains("value=\"dark\""));
    assert!(
        page.contains("name=\"back\" value=\"/search?q=dark\""),
        "{page}"
    );
    let form = "back=%2Fsearch%3Fq%3Ddark&theme=dark";
    let answer = stranger.post(&world, "/api/set_prefs", form).await;
    assert_eq!(answer.location(), "/search?q=dark");
    let page = stranger.get(&world, "/search?q=dark").await.body;
    assert!(page.contains("data-theme=\"dark\""));
    // What was typed is there again, as text.
    let page = stranger
        .get(&world, "/search?q=%22%3E%3Cb%3Enothing")
        .await
        .body;
    assert!(
        !page.contains("<b>nothing") && page.contains("nothing"),
        "{page}"
    );
    assert!(visible(&page).contains("Nothing is called"), "{page}");
}

#[tokio::test]
async fn who_turns_shortcuts_off_has_no_key_left_but_the_magnifier() {
    let world = world().await;
    let mut ada = Browser::default();
    ada.sign_in(&world).await;
    let page = ada.get(&world, "/overview").await.body;
    assert!(page.contains(" data-keys=\"\"") && page.contains("aria-keyshortcuts"));
    let form = "locale=en&currency=USD&time_zone=UTC&theme=system";
    ada.post(&world, "/api/set_look", form).await;
    let page = ada.get(&world, "/overview").await.body;
    assert!(!page.contains(" data-keys=") && !page.contains("aria-keyshortcuts"));
    assert!(page.contains("data-palette"), "{page}");
    let list = ada.get(&world, "/shortcuts").await.body;
    assert!(
        visible(&list).contains("You have turned them off"),
        "{list}"
    );
    let list = Browser::default().get(&world, "/shortcuts").await.body;
    assert!(visible(&list).contains("after signing in"), "{list}");
}

#[tokio::test]
async fn a_low_balance_is_said_above_every_page_until_it_is_put_away() {
    let world = world().await;
    let workspace = world.account.workspace;
    let mut ada = Browser::default();
    ada.sign_in(&world).await;
    let hide = "action=\"/api/hide_low_balance\"";
    let says = async |browser: &mut Browser, what: &str| {
        let page = browser.get(&world, "/keys").await.body;
        if what.is_empty() {
            assert!(!page.contains(hide), "{page}");
        } else {
            assert!(
                page.contains(hide) && visible(&page).contains(what),
                "{page}"
            );
        }
    };
    says(&mut ada, "").await;
    ada.post(&world, "/api/set_low_balance", "amount=5.00")
        .await;
    says(&mut ada, "").await;
    ada.post(&world, "/api/set_low_balance", "amount=6.00")
        .await;
    says(&mut ada, "less than $6.00").await;
    says(&mut ada, "HTTP 429, code insufficient_quota").await;

    // Put away by a plain form, in this browser and of this workspace only.
    let wrong = ada
        .post(&world, "/api/hide_low_balance", "what=low.w")
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let form = format!("what=low.{workspace}&back=%2Fkeys");
    let answer = ada.post(&world, "/api/hide_low_balance", &form).await;
    assert_eq!(answer.location(), "/keys");
    let lines = answer.headers.get_all(header::SET_COOKIE).into_iter();
    let for_a_day = |line: &str| {
        line.starts_with("__Host-low=")
            && line.contains("Max-Age=86400")
            && line.contains("HttpOnly")
    };
    assert!(lines.map(|line| line.to_str().unwrap()).any(for_a_day));
    says(&mut ada, "").await;
    let mut elsewhere = Browser::default();
    elsewhere.sign_in(&world).await;
    says(&mut elsewhere, "less than $6.00").await;

    // What is worse is said all the same, and that is red.
    let all = Amount::from_nanos(-5_000_000_000);
    let audit = &world.services.audit;
    let by = server::audit::By::SYSTEM;
    let ledger = &world.services.ledger;
    ledger
        .grant_audited(workspace, all, "test", None, by, audit)
        .await
        .unwrap();
    says(&mut ada, "Your balance is used up").await;
    let page = ada.get(&world, "/overview").await.body;
    assert!(page.contains("note danger low"), "{page}");
    assert_eq!(page.matches("Your balance is used up").count(), 1);
    // Who never had anything sees the first steps, and no alarm.
    says(&mut bob(&world).await, "").await;
}

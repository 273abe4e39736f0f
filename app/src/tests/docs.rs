//! Is the documentation whole: every page in every language, every link that leads somewhere, every code with its
//! anchor? And do errors and the status come without a database?

use std::collections::{BTreeMap, BTreeSet};

use domain::{Ending, Problem, Rule};
use http::{StatusCode, header};
use server::status::{DAYS, HOURS};

use super::world::{Browser, ORIGIN, world};
use crate::pages::PUBLIC;
use crate::pages::docs::{address, pages};

/// What stands between the quotes of an attribute, everywhere in the page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn every_link_of_every_public_page_leads_somewhere() {
    let world = world().await;
    let mut browser = Browser::default();
    // The answer to each address that is linked to: its ids, or nothing when it is no page.
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    for prefix in ["", "/ru"] {
        open.extend(PUBLIC.iter().map(|path| format!("{prefix}{path}")));
        open.extend(pages().map(|page| format!("{prefix}{}", address(page))));
    }
    let mut anchors: Vec<(String, String, String)> = Vec::new();
    while let Some(path) = open.pop() {
        if seen.contains_key(&path) {
            continue;
        }
        let answer = browser.get(&world, &path).await;
        let behind_the_door =
            answer.status == StatusCode::SEE_OTHER && answer.location().contains("/login");
        assert!(
            answer.status == StatusCode::OK || behind_the_door,
            "{path}: {}",
            answer.status
        );
        let ids = values(&answer.body, "id").into_iter().map(str::to_owned);
        seen.insert(path.clone(), ids.collect());
        for href in values(&answer.body, "href") {
            let href = href.strip_prefix(ORIGIN).unwrap_or(href);
            let (to, anchor) = href.split_once('#').unwrap_or((href, ""));
            let to = if to.is_empty() { path.as_str() } else { to };
            // Files of the bundle, other sites, and searches of a page for itself.
            // The API is not of this router.
            if ["/assets/", "/v1/"]
                .iter()
                .any(|not_here| to.starts_with(not_here))
                || !to.starts_with('/')
                || to.contains('?')
            {
                continue;
            }
            anchors.push((path.clone(), to.to_owned(), anchor.to_owned()));
            open.push(to.to_owned());
        }
    }
    for (from, to, anchor) in anchors {
        assert!(
            anchor.is_empty() || seen[&to].contains(&anchor),
            "{from} links to {to}#{anchor}, which has no such heading"
        );
    }
    assert!(seen.len() > 2 * pages().count(), "{}", seen.len());
}

#[tokio::test]
async fn every_error_code_has_its_place_on_the_page_that_errors_link_to() {
    let world = world().await;
    for prefix in ["", "/ru"] {
        for problem in Problem::one_of_each() {
            let (path, anchor) = problem
                .docs_path()
                .split_once('#')
                .map(|(p, a)| (p.to_owned(), a.to_owned()))
                .unwrap();
            let page = Browser::default()
                .get(&world, &format!("{prefix}{path}"))
                .await;
            assert_eq!(page.status, StatusCode::OK);
            let heading = format!("<h3 id=\"{anchor}\">{anchor}</h3>");
            let (_, section) = page.body.split_once(&heading).unwrap();
            let section = section.split("<h3").next().unwrap();
            if !matches!(
                problem,
                Problem::CallerLeft | Problem::UpstreamRefused { .. }
            ) {
                let status = format!("HTTP {}", problem.status());
                assert!(section.contains(&status), "{anchor}: {section}");
            }
        }
    }
}

#[tokio::test]
async fn pages_say_this_installations_own_facts_and_nothing_of_the_reader() {
    let world = world().await;
    let mut signed_in = Browser::default();
    signed_in.sign_in(&world).await;
    for page in pages() {
        for prefix in ["", "/ru"] {
            let path = format!("{prefix}{}", address(page));
            let shown = signed_in.get(&world, &path).await;
            assert_eq!(shown.status, StatusCode::OK, "{path}");
            assert!(
                !shown.body.contains("{{") && !shown.body.contains("{%"),
                "{path}"
            );
            // An example of a masked key is none.
            let keys = shown.body.replace("sk-fb_live_Ab…9xYz", "");
            assert!(!keys.contains("sk-fb_live"), "{path}");
            assert_eq!(shown.body.matches("<h1").count(), 1, "{path}");
            assert_eq!(
                shown.headers[header::CONTENT_LANGUAGE],
                if prefix.is_empty() { "en" } else { "ru" }
            );
            let plain = Browser::default().get(&world, &format!("{path}.md")).await;
            assert_eq!(plain.status, StatusCode::OK, "{path}.md");
            assert!(plain.body.starts_with("# "), "{path}.md");
            assert!(
                plain.headers[header::CACHE_CONTROL]
                    .to_str()
                    .unwrap()
                    .starts_with("public")
            );
        }
    }
    let curl = Browser::default()
        .get(&world, "/docs/quickstart/curl.md")
        .await;
    assert!(
        curl.body
            .contains("curl https://pay.example/v1/chat/completions"),
        "{}",
        curl.body
    );
    let limits = Browser::default().get(&world, "/docs/limits").await;
    assert!(
        limits.body.contains("at most 600 requests per minute"),
        "{}",
        limits.body
    );
    assert_eq!(
        Browser::default().get(&world, "/docs/nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_published_table_of_charges_is_the_one_that_calls_are_charged_by() {
    let world = world().await;
    for (prefix, yes, no) in [("", "yes", "no"), ("/ru", "да", "нет")] {
        let page = Browser::default()
            .get(&world, &format!("{prefix}/docs/billing"))
            .await
            .body;
        let yes_no = |is: bool| if is { yes } else { no };
        let mut rest = page.as_str();
        for ending in Ending::ALL {
            for (reported, delivered) in
                [(true, true), (true, false), (false, true), (false, false)]
            {
                let rule = Rule::choose(ending, reported, delivered);
                let line = format!(
                    "<td>{}</td><td>{}</td><td><a href=\"#rule-{id}\"><code translate=\"no\">{id}</code></a></td><td>{}</td></tr>",
                    yes_no(reported),
                    yes_no(delivered),
                    yes_no(rule.charges()),
                    id = rule.id(),
                );
                let (_, after) = rest.split_once(&line).unwrap_or_else(|| {
                    panic!("{prefix} {ending:?} reported={reported} delivered={delivered}: {rest}")
                });
                rest = after;
            }
        }
        for rule in Rule::ALL {
            let (path, anchor) = rule
                .docs_path()
                .split_once('#')
                .map(|(path, anchor)| (path.to_owned(), anchor.to_owned()))
                .unwrap();
            assert_eq!(path, "/docs/billing");
            let heading = format!("<h3 id=\"{anchor}\">{}</h3>", rule.id());
            assert!(page.contains(&heading), "{prefix} {heading}");
        }
    }
}

#[tokio::test]
async fn programs_find_their_files() {
    let world = world().await;
    let mut browser = Browser::default();
    let llms = browser.get(&world, "/llms.txt").await.body;
    assert!(llms.starts_with("# Farebox\n\n> "), "{llms}");
    for page in pages() {
        let line = format!("]({ORIGIN}{}.md): ", address(page));
        assert!(llms.contains(&line), "{line}");
    }
    let robots = browser.get(&world, "/robots.txt").await.body;
    assert!(
        robots.contains("Disallow: /keys\n")
            && robots.contains(&format!("Sitemap: {ORIGIN}/sitemap.xml"))
    );
    let map = browser.get(&world, "/sitemap.xml").await.body;
    for place in [
        "/docs/limits",
        "/ru/docs/limits",
        "/prices/sandbox-echo",
        "/ru/status",
        "/",
    ] {
        assert!(
            map.contains(&format!("<loc>{ORIGIN}{place}</loc>")),
            "{place}: {map}"
        );
    }
    let openapi = browser.get(&world, "/openapi.json").await;
    assert_eq!(openapi.headers[header::CONTENT_TYPE], "application/json");
    let openapi: serde_json::Value = serde_json::from_str(&openapi.body).unwrap();
    assert_eq!(openapi["servers"][0]["url"], ORIGIN);
    let codes = openapi["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(codes.len(), Problem::CODES.len());
    let words = |name: &str| &openapi["components"]["schemas"]["Call"]["properties"][name]["enum"];
    assert_eq!(words("rule"), &serde_json::json!(Rule::ALL.map(Rule::id)));
    assert_eq!(
        words("status"),
        &serde_json::json!(Ending::ALL.map(Ending::id))
    );
}

#[tokio::test]
async fn the_status_is_told_in_words_and_as_json() {
    let world = world().await;
    let mut browser = Browser::default();
    let before = browser.get(&world, "/status").await;
    assert!(
        before.body.contains("There are no figures yet."),
        "{}",
        before.body
    );
    assert!(before.body.contains("No calls yet."), "{}", before.body);
    world.services.status.look().await.unwrap();
    let page = browser.get(&world, "/status").await;
    assert!(page.body.contains("Everything works."), "{}", page.body);
    assert!(
        page.body.contains("Last 90 days. No failures."),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("127.0.0.1"),
        "no address of an upstream"
    );
    let json = browser.get(&world, "/status.json").await;
    let json: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(
        (json["status"].as_str(), json["parts"][0]["status"].as_str()),
        (Some("works"), Some("works"))
    );
    assert_eq!(json["models"][0]["id"], "sandbox");
    // A visitor may learn how it went, and not how much there is.
    assert_eq!(json["models"][0]["unit"], "basis_points");
    for span in ["hours", "days"] {
        let bars = json["models"][0][span].as_array().unwrap();
        assert!(
            bars.iter().all(|bar| bar.is_null() || bar.is_i64()),
            "{bars:?}"
        );
    }
    let length = |name: &str| json["parts"][0][name].as_array().unwrap().len();
    assert_eq!(
        (length("hours"), length("days")),
        (HOURS as usize, DAYS as usize)
    );
}

#[tokio::test]
async fn without_a_database_every_page_still_answers() {
    let world = world().await;
    let mut browser = Browser::default();
    browser.sign_in(&world).await;
    world.services.status.look().await.unwrap();
    world.db.write().close_by_ref().await.unwrap();
    world.db.read().close_by_ref().await.unwrap();
    assert!(world.services.status.look().await.is_err());

    // For everybody: as to somebody who is not signed in.
    for path in [
        "/",
        "/prices",
        "/docs",
        "/docs/errors",
        "/status",
        "/ru/status",
        "/login",
        "/llms.txt",
    ] {
        let page = browser.get(&world, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        assert!(!page.body.contains("ada@example.com"), "{path}");
    }
    let status = browser.get(&world, "/status").await.body;
    assert!(
        status.contains("A part of the service is down."),
        "{status}"
    );

    // Behind the door: what happened, and the request's number.
    for (path, code, words) in [
        ("/overview", 503, "Back in a moment"),
        ("/keys", 503, "Back in a moment"),
        ("/usage", 503, "Back in a moment"),
        ("/nothing", 404, "Page not found"),
    ] {
        let page = browser.get(&world, path).await;
        assert_eq!(page.status.as_u16(), code, "{path}");
        let number = page.headers["x-request-id"].to_str().unwrap();
        assert!(
            number.starts_with("req_") && page.body.contains(number),
            "{path}: {}",
            page.body
        );
        assert!(page.body.contains(words), "{path}: {}", page.body);
    }
    let answer = browser
        .post(&world, "/api/sign_in", "email=a%40example.com&password=x")
        .await;
    assert!(
        answer.status.is_server_error() || answer.status.is_redirection(),
        "{}",
        answer.status
    );

    // Programs get what the API answers.
    let request = browser.request("GET", "/v2/models");
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    request
        .headers_mut()
        .insert(header::ACCEPT, "application/json".parse().unwrap());
    let answer = browser.send(&world, request).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["error"]["code"], "path_not_found");
    assert_eq!(
        json["error"]["docs_url"],
        format!("{ORIGIN}/docs/errors#path_not_found")
    );
}

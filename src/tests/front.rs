//! What answers beside pages and calls: probes, figures, files; and in which shape it says no.

use serde_json::Value;

use crate::app::{TestApp, on_both};

on_both! {
    async fn probes_say_what_is_true(app) {
        assert_eq!(app.get("/healthz").await.status(), 200);
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status(), 200);
        let body: Value = ready.json().await.unwrap();
        assert_eq!((&body["ready"], &body["database"], &body["migrations"], &body["ledger"]), (&true.into(), &"ok".into(), &"ok".into(), &"ok".into()));
        app.finish().await;
    }

    async fn a_schema_of_another_version_is_not_ready(app) {
        use migrations::{Migrator, MigratorTrait};
        let db = app.handles.db.clone();
        Migrator::down(db.write(), Some(1)).await.unwrap();
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status(), 503);
        assert_eq!(app.get("/healthz").await.status(), 200, "a restart would not help");
        Migrator::up(db.write(), None).await.unwrap();
        assert_eq!(app.get("/readyz").await.status(), 200);
        app.finish().await;
    }
}

#[tokio::test]
async fn figures_are_there_and_name_nobody() {
    let app = TestApp::sqlite().await;
    let caller = app.caller("5").await;
    let response = app.get("/metrics").await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    for bucket in domain::Bucket::ALL {
        let line = format!("farebox_usage_total{{bucket=\"{}\"}} 0\n", bucket.id());
        assert!(text.contains(&line), "{line} is missing in {text}");
    }
    for name in [
        "farebox_build_info",
        "farebox_connections_open",
        "farebox_calls_running",
        "farebox_fx_rate_age_seconds{currency=\"EUR\"}",
    ] {
        assert!(text.contains(name), "{name} is missing in {text}");
    }
    for secret in [
        caller.key.as_str(),
        "caller@example.com",
        &caller.account.workspace.to_string(),
    ] {
        assert!(!text.contains(secret));
    }
    app.finish().await;
}

#[tokio::test]
async fn what_there_is_not_is_said_in_the_right_shape() {
    let app = TestApp::sqlite().await;
    let api = app.get("/v1/no/such/thing").await;
    assert_eq!(api.status(), 404);
    let body: Value = api.json().await.unwrap();
    assert_eq!(body["error"]["code"], "path_not_found");
    let page = reqwest::Client::new()
        .get(app.url("/no/such/page"))
        .header("accept", "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 404);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(app.get("/assets/no-such-file.js").await.status(), 404);
    assert_eq!(app.get("/assets/../manifest.json").await.status(), 404);
    app.finish().await;
}

#[tokio::test]
async fn the_front_page_answers_head() {
    let app = TestApp::sqlite().await;
    let response = reqwest::Client::new()
        .head(app.url("/"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "");
    app.finish().await;
}

/// Runs only where the bundle was made before the build, as `make it` does.
#[tokio::test]
async fn files_of_the_bundle_are_compressed_and_cached_for_ever() {
    if !farebox::assets::embedded() {
        eprintln!("skipped: this build has no browser bundle");
        return;
    }
    let app = TestApp::sqlite().await;
    let path = farebox::assets::for_pages().path("app.css");
    let ask = |encoding: &'static str| {
        reqwest::Client::new()
            .get(app.url(&path))
            .header("accept-encoding", encoding)
            .send()
    };
    let plain = ask("identity").await.unwrap();
    assert_eq!(plain.status(), 200);
    assert_eq!(plain.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(
        plain.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert!(!plain.headers().contains_key("content-encoding"));
    let tag = plain.headers()["etag"].clone();
    let length = plain.bytes().await.unwrap().len();
    for (offer, encoding) in [("gzip, br", "br"), ("gzip", "gzip")] {
        let packed = ask(offer).await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], encoding);
        assert_ne!(
            packed.headers()["etag"],
            tag,
            "another representation has another tag"
        );
        assert!(packed.bytes().await.unwrap().len() < length);
    }
    let again = reqwest::Client::new()
        .get(app.url(&path))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    app.finish().await;
}

#[tokio::test]
async fn elsewhere_the_figures_need_their_token() {
    let app = TestApp::set(|config| {
        config.public_url = Some("https://ai.example.com".parse().unwrap());
        config.metrics_token = Some("figures".to_owned().into());
    })
    .await;
    assert_eq!(
        app.get("/metrics").await.status(),
        404,
        "behind a proxy on this machine everybody is loopback"
    );
    let ask = |token: &str| {
        reqwest::Client::new()
            .get(app.url("/metrics"))
            .bearer_auth(token)
            .send()
    };
    assert_eq!(ask("guess").await.unwrap().status(), 404);
    assert_eq!(ask("figures").await.unwrap().status(), 200);
    assert_eq!(app.get("/healthz").await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn http_2_is_spoken_without_being_asked_first() {
    let app = TestApp::sqlite().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let response = client.get(app.url("/v1/models")).send().await.unwrap();
    assert_eq!(
        (response.version(), response.status().as_u16()),
        (reqwest::Version::HTTP_2, 401)
    );
    app.finish().await;
}

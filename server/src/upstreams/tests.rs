//! Facts about which addresses may be called, and what becomes of credentials.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::Speaks;
use domain::ids::UpstreamId;

use super::{AddressRule, Credential, EditUpstream, NewUpstream, UpstreamError, Upstreams};
use crate::audit::{Audit, AuditFilter, By};
use crate::changes::{Seen, Topic};
use crate::clock::Clock;
use crate::ids::NewId;
use crate::secrets::{Given, KeyRing, Purpose, Secret};

#[test]
fn only_public_https_addresses_are_allowed_by_default() {
    let rule = AddressRule::default();
    for good in [
        "https://api.openai.com/v1",
        "https://8.8.8.8/v1/",
        "https://[2606:4700::1111]/v1",
        "https://example.com:8443",
    ] {
        assert!(rule.check(good).is_ok(), "{good} was refused");
    }
    for bad in [
        "http://api.openai.com/v1",
        "ftp://example.com",
        "file:///etc/passwd",
        "example.com/v1",
        "https://user:pw@example.com",
        "https://example.com/?key=1",
        "https://example.com/#x",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://localhost/",
        "https://localhost./",
        "https://a.localhost/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://198.18.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[fd12::1]/",
        "https://[ff02::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:db8::1]/",
    ] {
        assert!(rule.check(bad).is_err(), "{bad} was allowed");
    }
}

#[test]
fn loopback_is_for_local_installations_and_private_ranges_for_those_who_name_them() {
    let local = AddressRule {
        local: true,
        private_ranges: Vec::new(),
    };
    assert!(local.check("http://127.0.0.1:9099/v1").is_ok());
    assert!(local.check("http://[::1]:9099").is_ok());
    assert!(local.check("http://10.0.0.1/").is_err());
    let private = AddressRule {
        local: false,
        private_ranges: vec!["10.0.5.0/24".parse().unwrap()],
    };
    assert!(private.check("http://10.0.5.7:8000/v1").is_ok());
    assert!(private.check("http://10.0.6.7:8000/v1").is_err());
    assert!(private.check("http://127.0.0.1/").is_err());
}

#[test]
fn an_endpoint_is_below_the_base_whatever_its_end() {
    let rule = AddressRule::default();
    for base in [
        "https://a.example/v1",
        "https://a.example/v1/",
        "https://a.example/v1//",
    ] {
        assert_eq!(
            rule.check(base).unwrap().endpoint("chat/completions"),
            "https://a.example/v1/chat/completions"
        );
    }
    assert_eq!(
        rule.check("https://a.example").unwrap().endpoint("models"),
        "https://a.example/models"
    );
}

struct Bench {
    db: crate::testing::TestDb,
    upstreams: Upstreams,
    clock: Clock,
    _folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyRing::open(folder.path(), Given::none(), &Purpose::ALL).unwrap();
    Bench {
        upstreams: Upstreams::new(db.db.clone(), clock.clone(), ring, AddressRule::default()),
        db,
        clock,
        _folder: folder,
    }
}

fn new(name: &str, key: Option<&str>) -> NewUpstream {
    NewUpstream {
        name: name.into(),
        dialect: Speaks::OpenAi,
        base_url: "https://api.example.com/v1".into(),
        api_key: key.map(|key| Secret::new(key.into())),
    }
}

fn edit(name: &str, base_url: &str, credential: Credential) -> EditUpstream {
    EditUpstream {
        name: name.into(),
        base_url: base_url.into(),
        credential,
    }
}

#[tokio::test]
async fn another_address_never_gets_the_old_credential() {
    let bench = bench().await;
    let desk = bench.upstreams.acting(By::OPERATOR);
    let here = "https://api.example.com/v1";
    let there = "https://evil.example/v1";
    let id = desk.create(new("u", Some("old"))).await.unwrap().id;
    let key = || {
        let upstream = bench.upstreams.get(id).unwrap();
        let key = upstream.api_key.as_ref();
        (
            upstream.base.as_str().to_owned(),
            key.map(|key| key.expose().to_owned()),
        )
    };
    let kept = desk.edit(id, edit("u2", here, Credential::Keep)).await;
    assert_eq!(kept.unwrap().name, "u2");
    assert_eq!(key(), (here.to_owned(), Some("old".to_owned())));
    let moved = desk.edit(id, edit("u2", there, Credential::Keep)).await;
    assert!(matches!(moved, Err(UpstreamError::CredentialNeeded)));
    assert_eq!(key().0, here);
    let private = "https://10.0.0.1/v1";
    let refused = desk.edit(id, edit("u2", private, Credential::Remove)).await;
    assert!(matches!(refused, Err(UpstreamError::Address(_))));
    let fresh = Credential::Set(Secret::new("new".into()));
    desk.edit(id, edit("u2", there, fresh)).await.unwrap();
    assert_eq!(key(), (there.to_owned(), Some("new".to_owned())));
    let bare = desk.edit(id, edit("u2", here, Credential::Remove)).await;
    assert!(!bare.unwrap().has_api_key);
    assert_eq!(key(), (here.to_owned(), None));
    // Without a credential there is nothing to protect.
    desk.edit(id, edit("u2", there, Credential::Keep))
        .await
        .unwrap();
    let taken = desk.create(new("u2", None)).await;
    assert!(matches!(taken, Err(UpstreamError::NameTaken(_))));
    let audit = Audit::new(bench.db.db.clone(), bench.clock.clone());
    let acts = audit.page(&AuditFilter::default(), None, 50).await.unwrap();
    assert_eq!(acts.len(), 5);
    for act in acts {
        let detail = act.detail.to_string();
        assert!(
            !detail.contains("\"old\"") && !detail.contains("\"new\""),
            "a credential is in the log: {detail}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_is_off_is_not_called() {
    let bench = bench().await;
    let desk = bench.upstreams.acting(By::OPERATOR);
    let id = desk.create(new("u", None)).await.unwrap().id;
    let mut seen = Seen::default();
    seen.changed(&bench.db).await.unwrap();
    desk.switch(id, false).await.unwrap();
    assert!(bench.upstreams.get(id).is_none());
    assert_eq!(seen.changed(&bench.db).await.unwrap(), [Topic::Catalog]);
    desk.switch(id, false).await.unwrap();
    assert!(seen.changed(&bench.db).await.unwrap().is_empty());
    let rows = bench.upstreams.rows().await.unwrap();
    assert!(rows[0].view.disabled_at.is_some() && rows[0].usable);
    desk.switch(id, true).await.unwrap();
    assert!(bench.upstreams.get(id).is_some());
    let nobody = desk.switch(UpstreamId::new(), false).await;
    assert!(matches!(nobody, Err(UpstreamError::NotFound)));
}

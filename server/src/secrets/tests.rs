#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use tempfile::tempdir;

use super::*;
use crate::testing;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_one_private_file_per_purpose() {
    let data = tempdir().unwrap();
    KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    assert_eq!(mode(&data.path().join("keys")), 0o700);
    let mut texts = std::collections::BTreeSet::new();
    for purpose in Purpose::ALL {
        let path = key_file(data.path(), purpose);
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        texts.insert(fs::read_to_string(path).unwrap());
    }
    assert_eq!(
        texts.len(),
        Purpose::ALL.len(),
        "no two purposes share a key"
    );
    assert_eq!(
        fs::read_dir(data.path().join("keys")).unwrap().count(),
        Purpose::ALL.len(),
        "no draft stays behind"
    );
}

#[test]
fn the_next_start_uses_the_same_keys() {
    let data = tempdir().unwrap();
    let first = KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    let next = KeyRing::open(data.path(), Given::none(), &[]).unwrap();
    let sealed = first.seal(Purpose::ApiKeyAead, b"row", b"secret").unwrap();
    assert_eq!(
        next.unseal(Purpose::ApiKeyAead, b"row", &sealed)
            .unwrap()
            .as_slice(),
        b"secret"
    );
}

#[test]
fn a_missing_file_stops_a_later_start_and_is_named() {
    for purpose in Purpose::ALL {
        let data = tempdir().unwrap();
        KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
        let path = key_file(data.path(), purpose);
        fs::remove_file(&path).unwrap();
        let said = KeyRing::open(data.path(), Given::none(), &[])
            .unwrap_err()
            .to_string();
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(
            said.contains("backup") && said.contains(purpose.protects()),
            "{said}"
        );
        assert!(!path.exists(), "a new key would open nothing");
    }
}

#[test]
fn a_given_key_needs_no_file() {
    let data = tempdir().unwrap();
    KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    fs::remove_file(key_file(data.path(), Purpose::Token)).unwrap();
    let hexadecimal = "0a".repeat(32);
    let given =
        Given::from_variables(|name| (name == "FAREBOX_KEY_TOKEN").then(|| hexadecimal.clone()))
            .unwrap();
    let ring = KeyRing::open(data.path(), given, &[]).unwrap();
    let same = KeyRing::open(
        data.path(),
        Given::none().with(Purpose::Token, [10; 32]),
        &[],
    )
    .unwrap();
    assert_eq!(
        ring.hmac(Purpose::Token, b"x"),
        same.hmac(Purpose::Token, b"x")
    );
}

#[test]
fn a_key_can_be_given_as_the_path_of_a_file() {
    let (data, outside) = (tempdir().unwrap(), tempdir().unwrap());
    KeyRing::open(outside.path(), Given::none(), &Purpose::ALL).unwrap();
    let path = key_file(outside.path(), Purpose::Session);
    let given = Given::from_variables(|name| {
        (name == "FAREBOX_KEY_SESSION_FILE").then(|| path.display().to_string())
    })
    .unwrap();
    KeyRing::open(data.path(), given, &Purpose::ALL).unwrap();
    assert!(!key_file(data.path(), Purpose::Session).exists());
}

#[test]
fn files_and_folders_open_to_others_are_refused() {
    let data = tempdir().unwrap();
    KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    let path = key_file(data.path(), Purpose::Session);
    for bad in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(bad)).unwrap();
        let said = KeyRing::open(data.path(), Given::none(), &[])
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("chmod 600") && said.contains(&path.display().to_string()),
            "{said}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    KeyRing::open(data.path(), Given::none(), &[]).unwrap();
    fs::set_permissions(data.path().join("keys"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = KeyRing::open(data.path(), Given::none(), &[])
        .unwrap_err()
        .to_string();
    assert!(said.contains("chmod 700"), "{said}");
}

#[test]
fn a_damaged_key_is_refused_without_showing_it() {
    let data = tempdir().unwrap();
    KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    let path = key_file(data.path(), Purpose::ApiKeyHmac);
    for damage in [
        "",
        "canary-text",
        "QUJD",
        &"A".repeat(5_000),
        "\u{fffd}".repeat(32).as_str(),
    ] {
        fs::write(&path, damage).unwrap();
        let said = KeyRing::open(data.path(), Given::none(), &[])
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("32 bytes") && !said.contains("canary"),
            "{said}"
        );
    }
    let given =
        Given::from_variables(|name| (name == "FAREBOX_KEY_TOKEN").then(|| "canary".to_owned()));
    assert!(!given.err().unwrap().to_string().contains("canary"));
}

#[test]
fn two_processes_that_start_first_at_once_agree() {
    let data = tempdir().unwrap();
    let rings: Vec<KeyRing> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap())
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for purpose in Purpose::ALL {
        assert!(
            rings
                .iter()
                .all(|ring| ring.hmac(purpose, b"x") == rings[0].hmac(purpose, b"x"))
        );
    }
}

#[tokio::test]
async fn keys_may_be_made_only_while_nothing_needs_them() {
    let db = testing::db().await;
    let run = async |sql| {
        crate::db::exec(db.write(), sql, []).await.unwrap();
        unused(&db).await.unwrap()
    };
    let upstream = "INSERT INTO upstream (id, name, dialect, base_url, sealed_key, created_at) VALUES ('up_1', 'one', 'openai', 'x', NULL, 0)";
    assert_eq!(
        run(upstream).await,
        Purpose::ALL,
        "an upstream without a credential needs no key"
    );
    let later = [Purpose::SecondFactor, Purpose::Mail];
    assert_eq!(
        run("UPDATE upstream SET sealed_key = 'AQ=='").await,
        later,
        "an installation from before these purposes makes their keys"
    );
    run("INSERT INTO workspace (id, created_at) VALUES ('w', 0)").await;
    run("INSERT INTO account (id, workspace_id, email, email_key, admin, created_at) VALUES ('a', 'w', 'e', 'e', FALSE, 0)").await;
    assert_eq!(
        run("INSERT INTO second_factor (account_id, sealed, created_at) VALUES ('a', 'AQ==', 0)")
            .await,
        [Purpose::Mail]
    );
    let mail = "INSERT INTO mail (id, address, kind, locale, sealed, due_at, created_at) VALUES ('m', 'e', 'reset', 'en', NULL, 0, 0)";
    assert_eq!(run(mail).await, [Purpose::Mail], "sent mails are gone");
    assert_eq!(run("UPDATE mail SET sealed = 'AQ=='").await, []);
}

#[test]
fn an_upgrade_makes_the_key_it_needs_and_a_look_makes_none() {
    let data = tempdir().unwrap();
    KeyRing::open(data.path(), Given::none(), &Purpose::ALL).unwrap();
    let path = key_file(data.path(), Purpose::SecondFactor);
    fs::remove_file(&path).unwrap();
    let later = [Purpose::SecondFactor];
    KeyRing::look(data.path(), Given::none(), &later).unwrap();
    assert!(!path.exists());
    KeyRing::look(data.path(), Given::none(), &[]).unwrap_err();
    KeyRing::open(data.path(), Given::none(), &later).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn each_sealing_differs_and_none_shows_the_text() {
    let ring = KeyRing::for_tests();
    let one = ring.seal(Purpose::ApiKeyAead, b"row", b"secret").unwrap();
    let two = ring.seal(Purpose::ApiKeyAead, b"row", b"secret").unwrap();
    assert_ne!(one, two);
    assert_eq!((one[0], one.len()), (1, 1 + 24 + 6 + 16));
    assert!(!one.windows(6).any(|window| window == b"secret"));
}

#[test]
fn an_unknown_generation_of_key_is_refused() {
    let ring = KeyRing::for_tests();
    let mut sealed = ring.seal(Purpose::ApiKeyAead, b"row", b"secret").unwrap();
    sealed[0] = 2;
    assert_eq!(
        ring.unseal(Purpose::ApiKeyAead, b"row", &sealed).err(),
        Some(CannotOpen)
    );
}

proptest! {
    #[test]
    fn sealed_text_opens_only_whole_for_its_row_and_purpose(plain: Vec<u8>, aad: Vec<u8>, place: prop::sample::Index, bit in 0..8) {
        let ring = KeyRing::for_tests();
        let sealed = ring.seal(Purpose::UpstreamCredentials, &aad, &plain).unwrap();
        let opened = ring.unseal(Purpose::UpstreamCredentials, &aad, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
        prop_assert!(ring.unseal(Purpose::ApiKeyAead, &aad, &sealed).is_err(), "another purpose");
        prop_assert!(ring.unseal(Purpose::UpstreamCredentials, &[aad.as_slice(), b"x"].concat(), &sealed).is_err(), "another row");
        prop_assert!(ring.unseal(Purpose::UpstreamCredentials, &aad, &sealed[..sealed.len() - 1]).is_err(), "cut");
        let mut changed = sealed.clone();
        let at = place.index(changed.len());
        changed[at] ^= 1_u8 << bit;
        prop_assert!(ring.unseal(Purpose::UpstreamCredentials, &aad, &changed).is_err(), "one bit changed");
    }

    #[test]
    fn junk_never_opens_or_panics(junk: Vec<u8>) {
        prop_assert!(KeyRing::for_tests().unseal(Purpose::ApiKeyAead, b"", &junk).is_err());
    }
}

#[test]
fn the_hmac_is_the_standard_one() {
    // RFC 4231's algorithm with our fixed test key (32 bytes of 1), computed with Python's hmac module.
    let ring = KeyRing::for_tests();
    assert_eq!(
        hex(&ring.hmac(Purpose::ApiKeyHmac, b"farebox")),
        "d2767ab231dfbf02138f94b52c29d560db23dfead2be0ab5553d348da7de4dd7"
    );
    assert_ne!(
        ring.hmac(Purpose::Token, b"farebox"),
        ring.hmac(Purpose::ApiKeyHmac, b"farebox")
    );
}

#[test]
fn nothing_prints_a_secret() {
    let secret = Secret::new("canary".into());
    assert_eq!(
        format!("{secret} {secret:?} {:?}", KeyRing::for_tests()),
        "*** *** KeyRing(***)"
    );
    assert_eq!(secret.expose(), "canary");
}

#[test]
fn a_token_is_43_letters_and_digits_and_never_the_same() {
    let (one, two) = (
        Secret::random_token().unwrap(),
        Secret::random_token().unwrap(),
    );
    assert_eq!(one.expose().len(), 43);
    assert!(
        one.expose()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
    );
    assert_ne!(one.expose(), two.expose());
}

#[test]
fn numbers_in_base62_have_one_length() {
    assert_eq!(&base62_u32(0), b"000000");
    assert_eq!(&base62_u32(61), b"00000z");
    assert_eq!(&base62_u32(62), b"000010");
    assert_eq!(&base62_u32(u32::MAX), b"4gfFC3");
}

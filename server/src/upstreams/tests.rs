//! Facts about which addresses may be called.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::AddressRule;

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

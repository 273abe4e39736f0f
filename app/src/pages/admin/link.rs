//! How is an address written? Names of models and what was searched for, so that they mean themselves in it.

use std::fmt::Write;

/// The page of a model: its name may have slashes and anything else but spaces.
pub fn model_path(model: &str) -> String {
    format!("/admin/models/{}", encoded(model, b"/"))
}

/// `path` with the filters that are not empty.
pub fn with_query(path: &str, filters: &[(&str, &str)]) -> String {
    let query: Vec<String> = filters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value, b"")))
        .collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

/// Letters, digits and a few signs (and those of `kept`) as they are, everything else as `%41`.
pub fn encoded(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_an_address_means_itself() {
        assert_eq!(
            model_path("a/b:c?#%é"),
            "/admin/models/a/b%3Ac%3F%23%25%C3%A9"
        );
        assert_eq!(
            with_query("/x", &[("q", "a&b=c d"), ("none", ""), ("z", "1")]),
            "/x?q=a%26b%3Dc%20d&z=1"
        );
        assert_eq!(with_query("/x", &[("q", "")]), "/x");
    }
}

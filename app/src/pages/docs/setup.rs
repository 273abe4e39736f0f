//! Which scripts set a tool up for this installation? Text to be read and run, with the address filled in.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::machine::KEPT;
use crate::pages::first_model;
use crate::services::Services;

const CODEX: &str = include_str!("setup/codex.sh");
const CLAUDE_CODE: &str = include_str!("setup/claude-code.sh");

/// `GET /setup/codex.sh`
pub async fn codex(State(services): State<Services>) -> Response {
    answer(&services, CODEX)
}

/// `GET /setup/claude-code.sh`
pub async fn claude_code(State(services): State<Services>) -> Response {
    answer(&services, CLAUDE_CODE)
}

fn answer(services: &Services, script: &str) -> Response {
    let models = services.catalog.models();
    let model = first_model(&models).map_or("", |model| model.id.as_str());
    let site = &services.site;
    // As plain text, so that a browser shows it.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, KEPT),
    ];
    let text = filled_in(script, &site.brand, &site.public_url, model);
    (headers, text).into_response()
}

/// The values stand inside a shell's quotes: one that could leave them is left out.
fn filled_in(script: &str, brand: &str, public_url: &str, model: &str) -> String {
    let plain = |text: &str, also: &str, otherwise: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || also.contains(c);
        let kept = if text.chars().all(is_plain) {
            text
        } else {
            otherwise
        };
        kept.to_owned()
    };
    script
        .replace("@BRAND@", &plain(brand, " ._-", "this site"))
        .replace("@BASE@", &format!("{public_url}/v1"))
        .replace("@SITE@", public_url)
        .replace("@MODEL@", &plain(model, "._:/@-", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_cannot_leave_its_quotes() {
        for script in [CODEX, CLAUDE_CODE] {
            let odd = filled_in(script, "A'; rm -rf / #", "https://x.test", "m'$(id)");
            assert!(!odd.contains("rm -rf /") && !odd.contains("$(id)"));
            assert!(odd.contains("site='https://x.test'") && odd.contains("for this site"));
            assert!(odd.contains("model=${FAREBOX_MODEL:-''}"));
            let plain = filled_in(script, "Farebox", "https://x.test", "openai/gpt-5.1");
            assert!(plain.contains("model=${FAREBOX_MODEL:-'openai/gpt-5.1'}"));
            for mark in ["@SITE@", "@BASE@", "@MODEL@", "@BRAND@"] {
                assert!(!plain.contains(mark), "{mark}");
            }
        }
    }
}

//! How is a caller spoken to? In the dialect of the path, in the language of the key's owner.

use axum::http::HeaderMap;
use domain::{Dialect, Problem};
use server::keys::KeyRecord;
use texts::{Locale, Texts};
use wire::error::Fault;

/// Everything that the words of an error depend on. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    pub(crate) dialect: Dialect,
    pub(crate) locale: Locale,
    pub(crate) request_id: String,
}

impl Voice {
    /// Nobody is known yet: the dialect of the path, in English.
    pub(crate) fn of_path(path: &str, headers: &HeaderMap, request_id: String) -> Self {
        Self {
            dialect: dialect_of(path, headers),
            locale: Locale::EN,
            request_id,
        }
    }

    /// The same for somebody who is known.
    pub(crate) fn to(self, key: &KeyRecord, texts: &Texts) -> Self {
        let chosen = key.locale.as_deref().and_then(|code| texts.locale(code));
        Self {
            locale: chosen.unwrap_or(self.locale),
            ..self
        }
    }

    /// What the caller is told.
    pub(crate) fn fault(&self, texts: &Texts, site_url: &str, problem: &Problem) -> Fault {
        let docs_url = format!("{site_url}{}", problem.docs_path());
        let status = problem.status_for(self.dialect);
        if let Problem::UpstreamRefused {
            message,
            kind,
            param,
            code,
            ..
        } = problem
        {
            // The provider's own words about the caller's request.
            let or = |default: &str| kind.clone().unwrap_or_else(|| default.to_owned());
            return Fault {
                message: message.clone(),
                status,
                openai_type: or(problem.openai_type()),
                anthropic_type: problem.anthropic_type().to_owned(),
                param: param.clone(),
                code: code.clone(),
                docs_url,
                request_id: self.request_id.clone(),
            };
        }
        let args = problem.args();
        let args: Vec<(&str, &str)> = args
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let text = |key: &str| texts.t(self.locale, key, &args);
        let message = format!(
            "{} {}",
            text(&format!("problems.{}", problem.text())),
            text(&format!("problems.{}_action", problem.text()))
        );
        let param = match problem {
            Problem::InvalidBody { param, .. } => *param,
            Problem::ModelNotFound { .. } | Problem::ModelNotAllowed { .. } => Some("model"),
            Problem::PreviousResponseNotFound => Some("previous_response_id"),
            Problem::ToolNotPriced { .. } => Some("tools"),
            _ => None,
        };
        Fault {
            message,
            status,
            openai_type: problem.openai_type().to_owned(),
            anthropic_type: problem.anthropic_type().to_owned(),
            param: param.map(ToOwned::to_owned),
            code: Some(problem.sent_code().to_owned()),
            docs_url,
            request_id: self.request_id.clone(),
        }
    }
}

/// Which dialect's SDKs ask here. Both know `/models`; Anthropic's send their version everywhere.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    if path.contains("/v1beta/") {
        Dialect::Gemini
    } else if path.contains("/messages")
        || (path.contains("/models") && headers.contains_key("anthropic-version"))
    {
        Dialect::Messages
    } else if path.contains("/responses") {
        Dialect::Responses
    } else {
        Dialect::Chat
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_error_says_its_code_and_where_it_is_explained_in_every_language() {
        let texts = Texts::embedded();
        for locale in texts.locales() {
            let voice = Voice {
                dialect: Dialect::Chat,
                locale,
                request_id: "call_1".to_owned(),
            };
            for problem in Problem::one_of_each() {
                let fault = voice.fault(&texts, "https://pay.example", &problem);
                let json: serde_json::Value =
                    serde_json::from_str(&fault.json(Dialect::Chat)).unwrap();
                let error = &json["error"];
                let wanted = format!("https://pay.example/docs/errors#{}", problem.code());
                assert_eq!(error["docs_url"], wanted);
                assert!(!error["message"].as_str().unwrap().is_empty());
                // What the provider refused carries its own code.
                if !matches!(problem, Problem::UpstreamRefused { .. }) {
                    assert_eq!(error["code"], problem.sent_code());
                }
            }
        }
    }

    #[test]
    fn the_path_tells_the_dialect() {
        let mut headers = HeaderMap::new();
        for (path, dialect) in [
            ("/v1/chat/completions", Dialect::Chat),
            ("/v1/models", Dialect::Chat),
            ("/v1/responses/resp_1", Dialect::Responses),
            ("/v1/v1/messages", Dialect::Messages),
            ("/v1beta/models/m:generateContent", Dialect::Gemini),
        ] {
            assert_eq!(dialect_of(path, &headers), dialect, "{path}");
        }
        headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
        assert_eq!(dialect_of("/v1/models", &headers), Dialect::Messages);
    }
}

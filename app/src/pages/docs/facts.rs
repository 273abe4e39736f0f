//! What do the pages know about this installation? Its name and address, its limits, its codes; nothing of the reader.

use texts::{Facts, Locale, format};

use super::tables;
use crate::pages::snippets::KEY_PLACEHOLDER;
use crate::pages::{FALLBACK_MODEL, first_model, is_public};
use crate::services::Services;

pub fn facts(services: &Services, locale: Locale) -> Facts {
    let (site, limits) = (&services.site, &services.limits);
    let number = |count: u64| format::number(locale, count);
    let models = services.catalog.models();
    let model = first_model(&models).map_or(FALLBACK_MODEL, |model| model.id.as_str());
    Facts::default()
        .translated(is_public)
        .plain("brand", site.brand.clone())
        .text("site_url", site.public_url.clone())
        .text("base_url", site.api_base())
        .text("key", KEY_PLACEHOLDER)
        .text("model", model)
        .text("body_max", number(limits.body_max_mib))
        .text("body_pause_seconds", number(limits.body_pause_s))
        .text("first_byte_seconds", number(limits.first_byte_s))
        .text("pause_seconds", number(limits.pause_s))
        .text("keep_alive_seconds", number(limits.keep_alive_s))
        .text("stall_seconds", number(limits.stall_s))
        .text("concurrent_calls", number(limits.concurrent_calls))
        .flag(
            "has_requests_per_minute",
            limits.requests_per_minute.is_some(),
        )
        .text(
            "requests_per_minute",
            number(limits.requests_per_minute.unwrap_or(0)),
        )
        .flag("has_tokens_per_minute", limits.tokens_per_minute.is_some())
        .text(
            "tokens_per_minute",
            number(limits.tokens_per_minute.unwrap_or(0)),
        )
        .text("readings", number(limits.readings))
        .text("step_tokens", number(limits.step_tokens))
        .text("plain_tokens", number(limits.plain_tokens))
        .text("believed_tokens", number(limits.believed_tokens))
        .text("believed_uses", number(limits.believed_uses))
        .text("attachment_tokens", number(limits.attachment_tokens))
        .text("tool_uses", number(limits.tool_uses))
        .flag("key_copies", limits.key_copies)
        .text(
            "error_table",
            tables::errors(&services.texts, locale, limits),
        )
        .text(
            "settlement_table",
            tables::settlement(&services.texts, locale),
        )
}

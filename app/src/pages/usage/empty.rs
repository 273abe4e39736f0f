//! What if there is nothing to show? The first call as a command, or the way to a wider range.

use leptos::prelude::*;

use super::Asking;
use super::query::Span;
use crate::pages::landing::first_model;
use crate::shell::copy_button;

/// No call: none yet (and the command that makes one), or none that matches.
pub(super) fn nothing(asking: &Asking, never: bool) -> AnyView {
    let (ui, query) = (&asking.ui, &asking.query);
    if !never {
        let wider = query
            .without_filters()
            .over(Span::Days90, ui.prefs().now)
            .at("/usage");
        return view! {
            <div class="empty">
                <h2>{t!(ui, "usage.empty.range_title")}</h2>
                <p>{t!(ui, "usage.empty.range_body")}</p>
                <a class="btn" href=wider>{t!(ui, "usage.empty.wider")}</a>
            </div>
        }
        .into_any();
    }
    let models = asking.services.catalog.models();
    let model =
        first_model(&models).map_or_else(|| "sandbox-echo".to_owned(), |model| model.id.clone());
    let body = format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}",
        t!(ui, "quickstart.prompt").replace(['"', '\'', '\\'], " ")
    );
    let command = format!(
        "curl {}/chat/completions \\\n  -H \"Authorization: Bearer $API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'",
        ui.site().api_base()
    );
    view! {
        <div class="empty" data-copyable="">
            <h2>{t!(ui, "usage.empty.title")}</h2>
            <p>{t!(ui, "usage.empty.body")}</p>
            <pre dir="ltr" tabindex="0" translate="no"><code data-copy="">{command}</code></pre>
            {copy_button(ui, t!(ui, "copy.copy_command"))}
        </div>
    }
    .into_any()
}

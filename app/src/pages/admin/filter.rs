//! How is a list narrowed? A form that asks with its address, so that what was found can be sent to a colleague.

use leptos::prelude::*;

use crate::reader::Ui;

/// A line to type into.
pub fn text(name: &'static str, label: String, value: &str, hint: Option<String>) -> AnyView {
    let hint_id = format!("{name}-hint");
    let described = hint.is_some().then(|| hint_id.clone());
    let hint = hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> });
    view! {
        <div class="item">
            <label for=name>{label}</label>
            <input class="field" id=name name=name type="text" value=value.to_owned() autocomplete="off" autocapitalize="none"
                spellcheck="false" aria-describedby=described/>
            {hint}
        </div>
    }
    .into_any()
}

/// A day to choose.
pub fn day(name: &'static str, label: String, value: &str) -> AnyView {
    view! {
        <div class="item">
            <label for=name>{label}</label>
            <input class="field" id=name name=name type="date" dir="ltr" value=value.to_owned()/>
        </div>
    }
    .into_any()
}

/// The form around them.
pub fn form(ui: &Ui, action: &'static str, fields: AnyView, narrowed: bool) -> AnyView {
    let all =
        narrowed.then(|| view! { <a class="quiet" href=action>{t!(ui, "admin.filter.all")}</a> });
    view! {
        <form class="form admin-filter" method="get" action=action role="search">
            {fields}
            <div class="row">
                <button class="btn" type="submit">{t!(ui, "admin.filter.submit")}</button>
                {all}
            </div>
        </form>
    }
    .into_any()
}

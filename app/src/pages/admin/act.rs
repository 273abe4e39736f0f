//! How is an entry of the audit log read? What was done in words, to whom, and the values that changed.

use domain::Amount;
use leptos::prelude::*;
use serde_json::Value;
use server::audit::{Actor, AuditRow};

use crate::reader::Ui;

/// What was done; the log's own word where we have no better one.
pub fn action_words(ui: &Ui, action: &str) -> String {
    match action.split_once('.').unwrap_or((action, "")) {
        ("account", "block") => t!(ui, "admin.acts.account_block"),
        ("account", "unblock") => t!(ui, "admin.acts.account_unblock"),
        ("account", "import") => t!(ui, "admin.acts.account_import"),
        ("account", "claim") => t!(ui, "admin.acts.account_claim"),
        ("account", "create_admin") => t!(ui, "admin.acts.account_create_admin"),
        ("password", "change") => t!(ui, "admin.acts.password_change"),
        ("password", "reset") => t!(ui, "admin.acts.password_reset"),
        ("email", "change") => t!(ui, "admin.acts.email_change"),
        ("email", "undo") => t!(ui, "admin.acts.email_undo"),
        ("second_factor", "on") => t!(ui, "admin.acts.second_factor_on"),
        ("second_factor", "off") => t!(ui, "admin.acts.second_factor_off"),
        ("key", "end_overlap") => t!(ui, "admin.acts.key_end_overlap"),
        ("key", "create") => t!(ui, "admin.acts.key_create"),
        ("key", "disable") => t!(ui, "admin.acts.key_disable"),
        ("key", "enable") => t!(ui, "admin.acts.key_enable"),
        ("key", "freeze") => t!(ui, "admin.acts.key_freeze"),
        ("key", "unfreeze") => t!(ui, "admin.acts.key_unfreeze"),
        ("key", "limit") => t!(ui, "admin.acts.key_limit"),
        ("key", "roll") => t!(ui, "admin.acts.key_roll"),
        ("key", "reveal") => t!(ui, "admin.acts.key_reveal"),
        ("key", "revoke") => t!(ui, "admin.acts.key_revoke"),
        ("credit", "grant") => t!(ui, "admin.acts.credit_grant"),
        ("credit", "bonus") => t!(ui, "admin.acts.credit_bonus"),
        ("credit", "take") => t!(ui, "admin.acts.credit_take"),
        ("order", "confirm") => t!(ui, "admin.acts.order_confirm"),
        ("order", "reject") => t!(ui, "admin.acts.order_reject"),
        ("order", "seen") => t!(ui, "admin.acts.order_seen"),
        ("order", "refund") => t!(ui, "admin.acts.order_refund"),
        ("model", "create") => t!(ui, "admin.acts.model_create"),
        ("model", "enable") => t!(ui, "admin.acts.model_enable"),
        ("model", "disable") => t!(ui, "admin.acts.model_disable"),
        ("model", "context") => t!(ui, "admin.acts.model_context"),
        ("price", "publish") => t!(ui, "admin.acts.price_publish"),
        ("route", "set") => t!(ui, "admin.acts.route_set"),
        ("route", "remove") => t!(ui, "admin.acts.route_remove"),
        ("rate", "set") => t!(ui, "admin.rates.acts.set"),
        ("rate", "clear") => t!(ui, "admin.rates.acts.clear"),
        ("rate", "fetch") => t!(ui, "admin.rates.acts.fetch"),
        ("upstream", "create") => t!(ui, "admin.acts.upstream_create"),
        ("upstream", "edit") => t!(ui, "admin.acts.upstream_edit"),
        ("upstream", "enable") => t!(ui, "admin.acts.upstream_enable"),
        ("upstream", "disable") => t!(ui, "admin.acts.upstream_disable"),
        _ => action.to_owned(),
    }
}

/// One entry of a list.
pub fn line(ui: &Ui, row: &AuditRow) -> AnyView {
    let actor = match row.actor {
        Actor::Operator => view! { {t!(ui, "admin.audit.operator")} }.into_any(),
        Actor::System => view! { {t!(ui, "admin.audit.system")} }.into_any(),
        Actor::Account(id) => person(&id.to_string(), row.actor_email.as_deref()),
    };
    let subject = row
        .subject
        .map(|id| person(&id.to_string(), row.subject_email.as_deref()));
    let target = row
        .target
        .clone()
        .map(|target| view! { <bdi class="under mono" translate="no">{target}</bdi> });
    let network = (!row.network.is_empty())
        .then(|| view! { <bdi class="under mono" translate="no">{row.network.clone()}</bdi> });
    view! {
        <tr>
            <td class="when">{ui.date_time(row.at)}</td>
            <td>{actor}{network}</td>
            <th scope="row">{action_words(ui, &row.action)}{target}</th>
            <td>{subject}</td>
            <td>{values(ui, &row.detail)}</td>
        </tr>
    }
    .into_any()
}

pub fn head(ui: &Ui) -> AnyView {
    view! {
        <th scope="col">{t!(ui, "admin.audit.when")}</th>
        <th scope="col">{t!(ui, "admin.audit.who")}</th>
        <th scope="col">{t!(ui, "admin.audit.what")}</th>
        <th scope="col">{t!(ui, "admin.audit.whom")}</th>
        <th scope="col">{t!(ui, "admin.audit.values")}</th>
    }
    .into_any()
}

fn person(id: &str, email: Option<&str>) -> AnyView {
    let name = email.unwrap_or(id).to_owned();
    view! { <a href=format!("/admin/accounts/{id}")><bdi translate="no">{name}</bdi></a> }
        .into_any()
}

/// The values of an entry under the names that the log gives them; folded when there are many.
fn values(ui: &Ui, detail: &Value) -> Option<AnyView> {
    let mut pairs = Vec::new();
    flatten("", detail, &mut pairs);
    if pairs.is_empty() {
        return None;
    }
    let many = pairs.len() > 3;
    let count = u64::try_from(pairs.len()).unwrap_or(u64::MAX);
    let lines: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| {
            let (name, value) = in_dollars(ui, name, value);
            view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> }
        })
        .collect();
    let list = view! { <dl class="values" translate="no">{lines}</dl> };
    Some(if many {
        view! { <details class="more"><summary>{n!(ui, "admin.audit.value_count", count)}</summary>{list}</details> }.into_any()
    } else {
        list.into_any()
    })
}

/// Whole nano-dollars are for machines.
fn in_dollars(ui: &Ui, name: String, value: String) -> (String, String) {
    let amount = name
        .strip_suffix(" nusd")
        .and_then(|short| Some((short.to_owned(), value.parse().ok()?)));
    match amount {
        Some((short, nanos)) => (short, ui.exact(Amount::from_nanos(nanos))),
        None => (name, value),
    }
}

/// `{"before": {"name": "x"}}` as `before name` and `x`; what is nothing is left out.
fn flatten(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('_', " ");
                let name = if name.is_empty() {
                    key
                } else {
                    format!("{name} {key}")
                };
                flatten(&name, value, pairs);
            }
        }
        Value::String(text) => pairs.push((name.to_owned(), text.clone())),
        other => pairs.push((name.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_an_entry_are_named_by_their_path() {
        let detail =
            serde_json::json!({"before": {"base_url": "a", "key": null}, "n": 3, "on": true});
        let mut pairs = Vec::new();
        flatten("", &detail, &mut pairs);
        let read: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(read, ["before base url=a", "n=3", "on=true"]);
    }
}

//! What are things called on these pages? Statuses, rules, outcomes, keys, and why something was refused.

use std::collections::BTreeMap;

use leptos::prelude::*;
use server::calls::{Group, KeyName};

use crate::reader::Ui;

/// The names of the workspace's keys by their ids.
pub type Names = BTreeMap<String, KeyName>;

pub fn status(ui: &Ui, ending: &str) -> String {
    match ending {
        "finished" => t!(ui, "usage.status.finished"),
        "upstream_failed" => t!(ui, "usage.status.upstream_failed"),
        "caller_gone" => t!(ui, "usage.status.caller_gone"),
        _ => t!(ui, "usage.status.stopped"),
    }
}

/// A status as a pill.
pub fn status_pill(ui: &Ui, ending: &str) -> AnyView {
    let class = match ending {
        "finished" => "pill",
        "caller_gone" => "pill off",
        _ => "pill bad",
    };
    view! { <span class=class>{status(ui, ending)}</span> }.into_any()
}

/// The settlement rule, and what it means.
pub fn rule(ui: &Ui, rule: &str) -> (String, String) {
    match rule {
        "reported" => (
            t!(ui, "usage.rule.reported"),
            t!(ui, "usage.rule.reported_hint"),
        ),
        "estimated" => (
            t!(ui, "usage.rule.estimated"),
            t!(ui, "usage.rule.estimated_hint"),
        ),
        "test_key" => (
            t!(ui, "usage.rule.test_key"),
            t!(ui, "usage.rule.test_key_hint"),
        ),
        _ => (
            t!(ui, "usage.rule.nothing_delivered"),
            t!(ui, "usage.rule.nothing_delivered_hint"),
        ),
    }
}

pub fn outcome(ui: &Ui, outcome: &str) -> String {
    match outcome {
        "answered" => t!(ui, "usage.outcome.answered"),
        "unreachable" => t!(ui, "usage.outcome.unreachable"),
        "refused" => t!(ui, "usage.outcome.refused"),
        "timed_out" => t!(ui, "usage.outcome.timed_out"),
        "cancelled" => t!(ui, "usage.outcome.cancelled"),
        _ => t!(ui, "usage.outcome.broken"),
    }
}

/// What a key is called, as plain text.
pub fn key(ui: &Ui, names: &Names, id: &str) -> String {
    match names.get(id) {
        None => t!(ui, "usage.key.gone"),
        Some(key) if key.zone => t!(ui, "usage.key.zone"),
        Some(key) if key.name.is_empty() => key.masked.clone(),
        Some(key) => key.name.clone(),
    }
}

/// What a group is called, and whether that is a name (not to be translated).
pub fn group(ui: &Ui, by: Group, names: &Names, id: &str) -> (String, bool) {
    match by {
        Group::Key => (
            key(ui, names, id),
            names.get(id).is_some_and(|key| !key.zone),
        ),
        Group::Status => (status(ui, id), false),
        Group::Model | Group::Day => (id.to_owned(), true),
    }
}

/// A word of ours, or a name that somebody gave: those keep their direction and are not translated.
pub fn named((words, is_name): (String, bool)) -> AnyView {
    if is_name {
        view! { <bdi translate="no">{words}</bdi> }.into_any()
    } else {
        words.into_any()
    }
}

/// A duration: milliseconds below ten seconds, then seconds.
pub fn duration(ui: &Ui, ms: i64) -> String {
    let ms = u64::try_from(ms).unwrap_or_default();
    if ms < 10_000 {
        t!(ui, "usage.ms", n = ui.number(ms))
    } else {
        t!(ui, "usage.seconds", n = ui.number((ms + 500) / 1_000))
    }
}

/// Why calls were refused, and what to do about it.
pub fn refused(ui: &Ui, code: &str) -> (String, String) {
    macro_rules! pair {
        ($what:literal, $todo:literal) => {
            (t!(ui, $what), t!(ui, $todo))
        };
    }
    match code {
        "insufficient_quota" => pair!(
            "problems.insufficient_quota",
            "problems.insufficient_quota_action"
        ),
        "credit_busy" => pair!("problems.credit_busy", "problems.credit_busy_action"),
        "key_limit_reached" => pair!(
            "problems.key_limit_reached",
            "problems.key_limit_reached_action"
        ),
        "api_key_expired" => pair!(
            "problems.api_key_expired",
            "problems.api_key_expired_action"
        ),
        "api_key_disabled" => pair!(
            "problems.api_key_disabled",
            "problems.api_key_disabled_action"
        ),
        "keys_frozen" => pair!("problems.keys_frozen", "problems.keys_frozen_action"),
        "account_blocked" => pair!(
            "problems.account_blocked",
            "problems.account_blocked_action"
        ),
        "address_not_allowed" => pair!(
            "problems.address_not_allowed",
            "problems.address_not_allowed_action"
        ),
        "unsupported_encoding" => pair!(
            "problems.unsupported_encoding",
            "problems.unsupported_encoding_action"
        ),
        "service_unavailable" => pair!(
            "problems.service_unavailable",
            "problems.service_unavailable_action"
        ),
        "previous_response_not_found" => pair!(
            "problems.previous_response_not_found",
            "problems.previous_response_not_found_action"
        ),
        "tool_not_priced" => pair!(
            "usage.refused.tool_not_priced",
            "usage.refused.tool_not_priced_todo"
        ),
        "model_not_allowed" => pair!(
            "usage.refused.model_not_allowed",
            "usage.refused.model_not_allowed_todo"
        ),
        "scope_missing" => pair!(
            "usage.refused.scope_missing",
            "usage.refused.scope_missing_todo"
        ),
        "model_not_found" => pair!(
            "usage.refused.model_not_found",
            "usage.refused.model_not_found_todo"
        ),
        "invalid_request" => pair!(
            "usage.refused.invalid_request",
            "usage.refused.invalid_request_todo"
        ),
        "request_too_large" => pair!(
            "usage.refused.request_too_large",
            "usage.refused.request_too_large_todo"
        ),
        "rate_limit_exceeded" => pair!(
            "usage.refused.rate_limit_exceeded",
            "usage.refused.rate_limit_exceeded_todo"
        ),
        "too_many_concurrent_calls" => pair!(
            "usage.refused.too_many_concurrent_calls",
            "usage.refused.too_many_concurrent_calls_todo"
        ),
        _ => (
            t!(ui, "usage.refused.other"),
            t!(ui, "usage.refused.other_todo", code = code),
        ),
    }
}

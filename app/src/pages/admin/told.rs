//! What do administrators' forms say? What they did, and what is wrong with what was typed.

use leptos::prelude::AnyView;

use crate::api::{AdminFault, AdminNotice};
use crate::reader::Ui;
use crate::shell::notice;

/// What the last form did.
pub fn admin_told(ui: &Ui, done: AdminNotice) -> AnyView {
    let words = match done {
        AdminNotice::Credited { amount } => {
            t!(ui, "admin.told.credited", amount = ui.exact(amount))
        }
        AdminNotice::TakenBack { amount } => {
            t!(ui, "admin.told.taken_back", amount = ui.exact(amount))
        }
        AdminNotice::CreditedBefore => {
            return notice(ui, "warn", t!(ui, "admin.told.credited_before"));
        }
        AdminNotice::Blocked => t!(ui, "admin.told.blocked"),
        AdminNotice::Unblocked => t!(ui, "admin.told.unblocked"),
        AdminNotice::KeyRevoked => t!(ui, "admin.told.key_revoked"),
        AdminNotice::UpstreamAdded => t!(ui, "admin.told.upstream_added"),
        AdminNotice::UpstreamSaved => t!(ui, "admin.told.upstream_saved"),
        AdminNotice::UpstreamOff => t!(ui, "admin.told.upstream_off"),
        AdminNotice::UpstreamOn => t!(ui, "admin.told.upstream_on"),
        AdminNotice::ModelAdded => t!(ui, "admin.told.model_added"),
        AdminNotice::ModelOff => t!(ui, "admin.told.model_off"),
        AdminNotice::ModelOn => t!(ui, "admin.told.model_on"),
        AdminNotice::ContextSaved => t!(ui, "admin.told.context_saved"),
        AdminNotice::PricePublished => t!(ui, "admin.told.price_published"),
        AdminNotice::RouteSaved => t!(ui, "admin.told.route_saved"),
        AdminNotice::RouteRemoved => t!(ui, "admin.told.route_removed"),
        AdminNotice::RateSet => t!(ui, "admin.rates.told.set"),
        AdminNotice::RateCleared => t!(ui, "admin.rates.told.cleared"),
        AdminNotice::RateNotSet => {
            return notice(ui, "warn", t!(ui, "admin.rates.told.not_set"));
        }
        AdminNotice::RatesFetched { stored } => n!(ui, "admin.rates.told.fetched", stored),
        AdminNotice::RatesKept { stored } => {
            return notice(ui, "warn", n!(ui, "admin.rates.told.kept", stored));
        }
        AdminNotice::RatesRefused => {
            return notice(ui, "danger", t!(ui, "admin.rates.told.refused"));
        }
        AdminNotice::RatesBusy => return notice(ui, "warn", t!(ui, "admin.rates.told.busy")),
    };
    notice(ui, "ok", words)
}

/// What is wrong, as a sentence.
pub fn admin_fault_words(ui: &Ui, fault: AdminFault) -> String {
    match fault {
        AdminFault::ReasonTooLong => t!(ui, "admin.faults.reason_too_long"),
        AdminFault::TooMuchBack { available } => t!(
            ui,
            "admin.faults.too_much_back",
            available = ui.exact(available)
        ),
        AdminFault::TooMuch => t!(ui, "admin.faults.too_much"),
        AdminFault::Yourself => t!(ui, "admin.faults.yourself"),
        AdminFault::Name => t!(ui, "admin.faults.name"),
        AdminFault::NameTaken => t!(ui, "admin.faults.name_taken"),
        AdminFault::Address => t!(ui, "admin.faults.address"),
        AdminFault::AddressExtras => t!(ui, "admin.faults.address_extras"),
        AdminFault::PlainHttp => t!(ui, "admin.faults.plain_http"),
        AdminFault::NotPublic => t!(ui, "admin.faults.not_public"),
        AdminFault::CredentialNeeded => t!(ui, "admin.faults.credential_needed"),
        AdminFault::NoUpstream => t!(ui, "admin.faults.no_upstream"),
        AdminFault::ModelId => t!(ui, "admin.faults.model_id"),
        AdminFault::ModelTaken => t!(ui, "admin.faults.model_taken"),
        AdminFault::Context => t!(ui, "admin.faults.context"),
        AdminFault::Price => t!(ui, "admin.faults.price"),
        AdminFault::Percent => t!(ui, "admin.faults.percent"),
        AdminFault::OutOfRange => t!(ui, "admin.faults.out_of_range"),
        AdminFault::Start => t!(ui, "admin.faults.start"),
        AdminFault::Past => t!(ui, "admin.faults.past"),
        AdminFault::Priority => t!(ui, "admin.faults.priority"),
        AdminFault::Weight => t!(ui, "admin.faults.weight"),
        AdminFault::LastRoute => t!(ui, "admin.faults.last_route"),
        AdminFault::Rate => t!(ui, "admin.rates.faults.rate"),
        AdminFault::RateDay => t!(ui, "admin.rates.faults.day"),
        AdminFault::RateFar => t!(ui, "admin.rates.faults.far"),
    }
}

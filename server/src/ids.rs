//! Where do new ids come from? UUIDv7: sortable by age, unguessable.

use domain::ids::{
    AccountId, AuditId, CallId, GrantId, KeyId, LeaseId, MailId, OrderId, PriceId, RefundId,
    UpstreamId, WorkspaceId,
};
use uuid::Uuid;

/// A new number of a request for a page: what somebody tells support when it failed. Nothing is kept under it.
#[must_use]
pub fn request_number() -> String {
    format!("req_{}", Uuid::now_v7().as_simple())
}

/// A new id of any noun.
pub trait NewId {
    fn new() -> Self;
}

macro_rules! new_id {
    ($($name:ident),*) => {
        $(impl NewId for $name {
            fn new() -> Self {
                Self::from_uuid(Uuid::now_v7())
            }
        })*
    };
}

new_id!(
    AccountId,
    AuditId,
    CallId,
    GrantId,
    KeyId,
    LeaseId,
    MailId,
    OrderId,
    PriceId,
    RefundId,
    UpstreamId,
    WorkspaceId
);

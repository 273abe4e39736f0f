//! Where do new ids come from? UUIDv7: sortable by age, unguessable.

use domain::ids::{
    AccountId, AuditId, CallId, GrantId, KeyId, LeaseId, MailId, OrderId, PriceId, RefundId,
    UpstreamId, WorkspaceId,
};
use uuid::Uuid;

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

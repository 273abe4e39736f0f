//! What does a call need to know of its key?

use std::sync::Arc;

use domain::KeyLimits;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::UnixMs;
use ipnet::IpNet;

/// A key as the data plane sees it. Whoever serves a call looks at its clock and at everything here: a key that was
/// found is not yet one that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub id: KeyId,
    pub workspace: WorkspaceId,
    /// Test keys spend nothing and reach only the sandbox.
    pub test: bool,
    pub name: String,
    /// From this time on calls are refused.
    pub expires_at: Option<UnixMs>,
    pub limits: Arc<KeyLimits>,
    /// `limits.ip_ranges`, read; empty means anywhere.
    pub ip_ranges: Vec<IpNet>,
    pub disabled: bool,
    /// All keys of the workspace are stopped.
    pub frozen: bool,
    /// The account of the workspace is blocked.
    pub blocked: bool,
    /// The one through which the workspace tries models in the browser.
    pub zone: bool,
    /// The code of the language that its owner chose, in which errors are told.
    pub locale: Option<Arc<str>>,
}

#[cfg(test)]
impl KeyRecord {
    /// A live key that may do everything.
    pub(crate) fn for_tests(id: KeyId, workspace: WorkspaceId) -> Self {
        Self {
            id,
            workspace,
            test: false,
            name: "laptop".to_owned(),
            expires_at: None,
            limits: Arc::default(),
            ip_ranges: Vec::new(),
            disabled: false,
            frozen: false,
            blocked: false,
            zone: false,
            locale: None,
        }
    }
}

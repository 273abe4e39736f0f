//! How does a page call a model? Through this trait: the data plane implements it, the binary hands it to the pages.
//!
//! A trial is a metered call like any other: it needs credit, has a row, and is charged to the workspace.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use domain::ids::{CallId, WorkspaceId};
use domain::views::UnixMs;
use domain::{Amount, Problem, Usage};

/// What a signed-in person typed. Never printed, never kept.
pub struct Prompt(pub String);

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prompt(***)")
    }
}

/// One try of a model from the browser.
#[derive(Debug)]
pub struct TrialRequest {
    pub workspace: WorkspaceId,
    pub model: String,
    pub prompt: Prompt,
    /// The most answer tokens.
    pub max_tokens: u32,
}

/// What came back.
pub struct TrialAnswer {
    pub call: CallId,
    pub text: String,
    pub usage: Usage,
    pub cost: Amount,
    pub duration_ms: UnixMs,
}

impl fmt::Debug for TrialAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrialAnswer({})", self.call)
    }
}

/// What serves trials.
pub trait Trials: Send + Sync {
    /// # Errors
    /// As for every call: a [`Problem`] means that nothing was charged.
    fn run(
        &self,
        request: TrialRequest,
    ) -> Pin<Box<dyn Future<Output = Result<TrialAnswer, Problem>> + Send + '_>>;
}

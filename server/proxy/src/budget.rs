//! How much money is set aside for a call? A bounded amount: agents ask for 128,000 answer tokens and use 500, so
//! holding the most a call could cost would lock small wallets out.
//!
//! A stream holds its prompt and one step of answer, and holds more as it runs. A plain answer cannot be stopped half
//! way, so it holds its whole ceiling; if the wallet cannot cover that, `max_tokens` is lowered to what it can.

use domain::ids::WorkspaceId;
use domain::{Amount, Price, Problem};
use server::catalog::Model;
use server::ledger::{Hold, HoldError, Ledger};
use wire::openai::request::ChatRequest;

/// Answer tokens that a stream holds ahead of what it delivered.
const STEP: u64 = 1_024;
/// Answer tokens that a plain answer holds when the caller names no maximum. Longer ones are covered when they settle.
const PLAIN_UNSTATED: u64 = 16_384;
/// Prompt tokens per attachment; high, because the report corrects it downwards.
const PER_ATTACHMENT: u64 = 2_000;
/// A shorter answer helps nobody: better to say that the wallet is empty.
const ANSWER_MIN: u64 = 16;

/// What a call may cost as far as is known before and while it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    price: Price,
    prompt_tokens: u64,
    /// The most answer tokens that may come.
    answer_max: u64,
    choices: u64,
}

/// Money set aside, and the `max_tokens` that makes it enough if the wallet is nearly empty.
pub(crate) struct Covered {
    pub(crate) hold: Hold,
    pub(crate) lowered_max_tokens: Option<u64>,
}

impl Budget {
    pub(crate) fn of(request: &ChatRequest, model: &Model, price: Price) -> Self {
        // Half a token a byte is above every real text but random characters; the report settles what it was.
        let prompt_tokens =
            request.size.text_bytes.div_ceil(2) + request.size.attachments * PER_ATTACHMENT + 16;
        let context_left = model.context.saturating_sub(prompt_tokens).max(1);
        let answer_max = request.max_tokens.unwrap_or(u64::MAX).min(context_left);
        Self {
            price,
            prompt_tokens,
            answer_max,
            choices: request.choices,
        }
    }

    /// Sets money aside.
    ///
    /// # Errors
    /// [`Problem::OutOfCredit`] when the wallet cannot cover even a short answer, [`Problem::CreditBusy`],
    /// [`Problem::Unavailable`].
    pub(crate) async fn cover(
        &self,
        ledger: &Ledger,
        workspace: WorkspaceId,
        stream: bool,
        stated: bool,
    ) -> Result<Covered, Problem> {
        let answer = match (stream, stated) {
            (true, _) => self.answer_max.min(STEP),
            (false, true) => self.answer_max,
            (false, false) => self.answer_max.min(PLAIN_UNSTATED),
        };
        let available = match ledger.hold(workspace, self.ceiling(answer)?).await {
            Ok(hold) => {
                return Ok(Covered {
                    hold,
                    lowered_max_tokens: None,
                });
            }
            Err(HoldError::Insufficient { available }) => available,
            Err(other) => return Err(problem(&other)),
        };
        let affordable = self
            .price
            .affordable_answer(self.prompt_tokens, available)
            .unwrap_or(0)
            / self.choices.max(1);
        // A hold released meanwhile may make it more than was asked for.
        let affordable = affordable.min(answer);
        if affordable < ANSWER_MIN.min(self.answer_max) {
            return Err(Problem::OutOfCredit);
        }
        let hold = ledger
            .hold(workspace, self.ceiling(affordable)?)
            .await
            .map_err(|error| problem(&error))?;
        Ok(Covered {
            hold,
            lowered_max_tokens: Some(affordable),
        })
    }

    /// What the call has cost so far at most, with a step of answer to come.
    pub(crate) fn with_step(&self, delivered_tokens: u64) -> Result<Amount, Problem> {
        self.bare(delivered_tokens.saturating_add(STEP))
    }

    /// What the call has cost so far at most, with half a step to come: below it, more is held.
    pub(crate) fn with_half_step(&self, delivered_tokens: u64) -> Result<Amount, Problem> {
        self.bare(delivered_tokens.saturating_add(STEP / 2))
    }

    /// What the call has cost so far at most.
    pub(crate) fn bare(&self, delivered_tokens: u64) -> Result<Amount, Problem> {
        self.price
            .ceiling(self.prompt_tokens, delivered_tokens)
            .map_err(|_| Problem::Internal)
    }

    fn ceiling(&self, answer_tokens: u64) -> Result<Amount, Problem> {
        self.price
            .ceiling(
                self.prompt_tokens,
                answer_tokens.saturating_mul(self.choices),
            )
            .map_err(|_| Problem::InvalidBody {
                detail: "the answer could cost more than any wallet holds; lower max_tokens"
                    .to_owned(),
                param: Some("max_tokens"),
            })
    }
}

/// What a caller is told when no money could be set aside.
pub(crate) fn problem(error: &HoldError) -> Problem {
    match error {
        HoldError::Insufficient { .. } => Problem::OutOfCredit,
        HoldError::Elsewhere => Problem::CreditBusy,
        HoldError::Unavailable(source) => {
            tracing::error!(
                error = source.as_ref().map(tracing::field::display),
                "No credit can be leased"
            );
            Problem::Unavailable
        }
    }
}

//! How much money is set aside for a call? A bounded amount: agents ask for 128,000 answer tokens and use 500, so
//! holding the most a call could cost would lock small wallets out.
//!
//! A stream holds its prompt and one step of answer, and holds more as it runs: no piece is passed on before it is held
//! for, however large it is. So what is counted here never costs more than was held, but for a prompt that counts to more
//! than half a token a byte; only a report that comes with the ending can be above it. A plain answer cannot be stopped half
//! way, so it holds its whole ceiling; if the wallet or a spend limit of the key cannot cover that, `max_tokens` is
//! lowered to what it can.

use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use domain::{Amount, MoneyError, Price, Problem};
use server::budgets::{BudgetError, Budgets, KeyHold};
use server::catalog::{Model, PriceVersion};
use server::keys::KeyRecord;
use server::ledger::{Hold, HoldError, Ledger};
use wire::hosted::Hosted;
use wire::request::Request;

use crate::state::ProxyState;

/// Answer tokens that a stream holds ahead of what it delivered.
pub const STEP: u64 = 1_024;
/// Answer tokens that a plain answer holds when the caller names no maximum. Longer ones are covered when they settle.
pub const PLAIN_UNSTATED: u64 = 16_384;
/// Prompt tokens per attachment; high, because the report corrects it downwards.
pub const PER_ATTACHMENT: u64 = 2_000;
/// Uses of tools that a call holds when it offers tools that the provider runs and charges for, and names no maximum of
/// uses; a stream that names more holds more as it uses them.
pub const TOOL_USES: u64 = 4;
/// Prompt tokens beside the text: roles and delimiters.
const PER_PROMPT: u64 = 16;
/// A shorter answer helps nobody: better to say that the wallet is empty.
const ANSWER_MIN: u64 = 16;
/// How often an answer is lowered to what a key's limits have left, while other calls take of it.
const LOWERED_MAX: u32 = 4;

/// What a call may cost as far as is known before and while it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Enough however the call comes to be served.
    price: Price,
    prompt_tokens: u64,
    /// The most answer tokens that may come.
    answer_max: u64,
    choices: u64,
    tools: Tools,
}

/// Uses of tools that the provider runs.
#[derive(Debug, Clone, Copy, Default)]
struct Tools {
    /// That are held from the beginning.
    first: u64,
    /// The most there may be.
    most: u64,
}

impl Tools {
    fn of(hosted: Option<Hosted>, stream: bool) -> Self {
        let Some(hosted) = hosted else {
            return Self::default();
        };
        let first = match (hosted.most, stream) {
            (None, _) => TOOL_USES,
            (Some(most), true) => most.min(TOOL_USES),
            (Some(most), false) => most,
        };
        Self {
            first,
            most: hosted.most.unwrap_or(u64::MAX),
        }
    }

    /// How many are held for after so many, with another one to come if the call goes on.
    fn so_far(self, used: u64, goes_on: bool) -> u64 {
        let next = used.saturating_add(u64::from(goes_on));
        // Without a tool there is none to come.
        self.first.max(used).max(next.min(self.most))
    }
}

/// Money set aside, and the `max_tokens` that makes it enough if the wallet is nearly empty, or a limit nearly reached.
pub(crate) struct Covered {
    pub(crate) hold: Hold,
    pub(crate) lowered_max_tokens: Option<u64>,
}

impl Budget {
    /// `kept`: tokens of the prompt that its provider has already. `hosted`: what its provider may run.
    pub(crate) fn of(
        request: &Request,
        model: &Model,
        version: &PriceVersion,
        kept: u64,
        hosted: Option<Hosted>,
    ) -> Self {
        // Half a token a byte is above every real text but random characters; the report settles what it was.
        let prompt_tokens = request.size.text_bytes.div_ceil(2)
            + request.size.attachments * PER_ATTACHMENT
            + PER_PROMPT;
        let prompt_tokens = prompt_tokens.saturating_add(kept);
        let context_left = model.context.saturating_sub(prompt_tokens).max(1);
        let answer_max = request.max_tokens.unwrap_or(u64::MAX).min(context_left);
        Self {
            price: version
                .dearest(request.asked, prompt_tokens)
                .of_text(request.size.attachments == 0, !request.wants_media()),
            prompt_tokens,
            answer_max,
            choices: request.choices,
            tools: Tools::of(hosted, request.stream),
        }
    }

    /// Sets money aside, and as much of each spend limit of the key. `created_at` is when the call began: the periods of
    /// the limits are those around it, and the call's row says the same.
    ///
    /// # Errors
    /// [`Problem::OutOfCredit`] when the wallet, [`Problem::KeyLimitReached`] when a limit cannot cover even a short
    /// answer, [`Problem::CreditBusy`], [`Problem::Unavailable`].
    pub(crate) async fn cover(
        &self,
        state: &ProxyState,
        key: &KeyRecord,
        created_at: UnixMs,
        request: &Request,
    ) -> Result<Covered, Problem> {
        let wanted = self.first_answer(request);
        let (of_key, answer) = self
            .cover_by_key(&state.budgets, key, created_at, request, wanted)
            .await?;
        let (hold, answer) = self
            .cover_by_wallet(&state.ledger, key.workspace, request, answer)
            .await?;
        Ok(Covered {
            hold: hold.within(of_key),
            lowered_max_tokens: (answer < wanted).then_some(answer),
        })
    }

    /// Answer tokens that are held at first.
    fn first_answer(&self, request: &Request) -> u64 {
        match (request.stream, request.max_tokens) {
            (true, _) => self.answer_max.min(STEP),
            (false, Some(_)) => self.answer_max,
            (false, None) => self.answer_max.min(PLAIN_UNSTATED),
        }
    }

    /// The answer as long as is expected, but no longer than the context and `max_tokens` let it be.
    pub(crate) fn at_most(&self, answer_tokens: u64) -> u64 {
        answer_tokens.min(self.answer_max)
    }

    /// What is set aside when the call begins, if wallet and limits cover it.
    ///
    /// # Errors
    /// [`Problem::InvalidBody`] when that is more than any wallet holds.
    pub(crate) fn first_hold(&self, request: &Request) -> Result<Amount, Problem> {
        self.ceiling(self.first_answer(request))
    }

    /// A hold of the key's limits, for an answer of so many tokens or as many as they can cover.
    async fn cover_by_key(
        &self,
        budgets: &Budgets,
        key: &KeyRecord,
        created_at: UnixMs,
        request: &Request,
        wanted: u64,
    ) -> Result<(KeyHold, u64), Problem> {
        let mut answer = wanted;
        for _ in 0..LOWERED_MAX {
            match budgets.hold(key, self.ceiling(answer)?, created_at).await {
                Ok(hold) => return Ok((hold, answer)),
                Err(BudgetError::Reached {
                    period, available, ..
                }) => {
                    answer = self
                        .affordable(request, available, answer)
                        .ok_or(Problem::KeyLimitReached { period })?;
                }
                Err(other) => return Err(problem(&other.into())),
            }
        }
        // Other calls of the key take what there is, faster than this one can ask.
        Err(Problem::CreditBusy)
    }

    /// A hold of the wallet, for an answer of so many tokens or as many as it can cover.
    async fn cover_by_wallet(
        &self,
        ledger: &Ledger,
        workspace: WorkspaceId,
        request: &Request,
        wanted: u64,
    ) -> Result<(Hold, u64), Problem> {
        let mut answer = wanted;
        for _ in 0..LOWERED_MAX {
            match ledger.hold(workspace, self.ceiling(answer)?).await {
                Ok(hold) => return Ok((hold, answer)),
                Err(HoldError::Insufficient { available }) => {
                    answer = self
                        .affordable(request, available, answer)
                        .ok_or(Problem::OutOfCredit)?;
                }
                Err(other) => return Err(problem(&other)),
            }
        }
        // Other calls of the wallet take what there is, faster than this one can ask.
        Err(Problem::CreditBusy)
    }

    /// How many answer tokens so much money covers; `None` when the answer would be too short to be of use, or for its
    /// provider to think before it.
    fn affordable(&self, request: &Request, available: Amount, wanted: u64) -> Option<u64> {
        let available = available
            .minus(self.price.of_tools(self.tools.first).ok()?)
            .ok()?;
        let tokens = self
            .price
            .affordable_answer(self.prompt_tokens, available)
            .unwrap_or(0)
            / self.choices.max(1);
        // A hold released meanwhile may make it more than was asked for.
        let tokens = tokens.min(wanted);
        let least = request.thought_min() + ANSWER_MIN;
        // Of a call that wants none, the prompt is what is not covered.
        (wanted > 0 && tokens >= least.min(wanted)).then_some(tokens)
    }

    /// How many tokens the call is expected to use at first: its prompt and one step of answer.
    pub(crate) fn first_tokens(&self) -> u64 {
        let answer = self.answer_max.min(STEP).saturating_mul(self.choices);
        self.prompt_tokens.saturating_add(answer)
    }

    /// What the call has cost at most when so much of it was delivered or reported and tools were used so often, with
    /// `ahead` more answer tokens and another use to come, but no more than it may have. What was set aside for the prompt
    /// and for tools stays set aside.
    ///
    /// # Errors
    /// [`Problem::Internal`] when that is more than any wallet holds.
    pub(crate) fn so_far(
        &self,
        prompt: u64,
        answer: u64,
        used: u64,
        ahead: u64,
    ) -> Result<Amount, Problem> {
        let answer_max = self.answer_max.saturating_mul(self.choices);
        let expected = answer.saturating_add(ahead).min(answer_max);
        let tokens = self
            .price
            .ceiling(self.prompt_tokens.max(prompt), answer.max(expected));
        let tools = self.price.of_tools(self.tools.so_far(used, ahead > 0));
        both(tokens, tools).map_err(|_| Problem::Internal)
    }

    fn ceiling(&self, answer_tokens: u64) -> Result<Amount, Problem> {
        let tokens = self.price.ceiling(
            self.prompt_tokens,
            answer_tokens.saturating_mul(self.choices),
        );
        both(tokens, self.price.of_tools(self.tools.first)).map_err(|_| Problem::InvalidBody {
            detail: "the answer could cost more than any wallet holds; lower max_tokens".to_owned(),
            param: Some("max_tokens"),
        })
    }
}

fn both(
    one: Result<Amount, MoneyError>,
    other: Result<Amount, MoneyError>,
) -> Result<Amount, MoneyError> {
    one?.plus(other?)
}

/// About what is set aside for a plain answer of at most so many tokens to a prompt that counts to so many: text has
/// about four bytes a token, so half a token a byte is twice what it counts to. `None` when no wallet holds as much.
pub(crate) fn hold_of_tokens(price: &Price, prompt: u64, answer: u64) -> Option<Amount> {
    price
        .ceiling(prompt.saturating_mul(2).saturating_add(PER_PROMPT), answer)
        .ok()
}

/// What a caller is told when no money could be set aside.
pub(crate) fn problem(error: &HoldError) -> Problem {
    match error {
        HoldError::Insufficient { .. } => Problem::OutOfCredit,
        HoldError::KeyLimit { period, .. } => Problem::KeyLimitReached { period: *period },
        HoldError::Elsewhere => Problem::CreditBusy,
        HoldError::Unavailable(source) => {
            tracing::error!(
                error = source.as_ref().map(tracing::field::display),
                "No credit can be leased"
            );
            Problem::Unavailable
        }
        // The estimate cannot be negative; if it ever is, no call is made with it.
        HoldError::Negative => {
            tracing::error!("The most a call can cost came out negative");
            Problem::Unavailable
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::PricePerMtok;

    use super::*;

    #[test]
    fn a_stream_is_expected_to_go_on_but_not_beyond_its_maximum() {
        let usd = |text| PricePerMtok::parse_usd(text).unwrap();
        let budget = Budget {
            price: Price::of(usd("1"), usd("1"), usd("10")),
            prompt_tokens: 100,
            answer_max: 50,
            choices: 2,
            tools: Tools::default(),
        };
        // Reported prompt, answer so far, answer to come: tokens of prompt and answer that are due.
        for (prompt, answer, ahead, due) in [
            (0, 0, 0, (100, 0)),
            (0, 0, STEP, (100, 100)),
            (0, 40, 10, (100, 50)),
            (0, 40, STEP, (100, 100)),
            // More came than may: it is due, and no more is expected.
            (0, 500, STEP, (100, 500)),
            (300, 40, 10, (300, 50)),
            (60, 40, 10, (100, 50)),
        ] {
            let nanos = due.0 * 1_000 + due.1 * 10_000;
            let found = budget.so_far(prompt, answer, 0, ahead).unwrap();
            assert_eq!(found.nanos(), nanos, "{prompt} {answer} {ahead}");
        }
    }

    #[test]
    fn an_answer_is_not_lowered_below_what_is_of_use() {
        let usd = |text| PricePerMtok::parse_usd(text).unwrap();
        let budget = Budget {
            price: Price::of(usd("1"), usd("1"), usd("10")),
            prompt_tokens: 100,
            answer_max: 9_000,
            choices: 1,
            tools: Tools::default(),
        };
        let request = |thinking: &str| {
            let body = format!(
                r#"{{"model":"m","messages":[{{}}],"max_tokens":9000,"thinking":{thinking}}}"#
            );
            Request::read(domain::Dialect::Messages, body.into()).unwrap()
        };
        let freely = request(r#"{"type":"adaptive"}"#);
        let by_budget = request(r#"{"type":"enabled","budget_tokens":4000}"#);
        // Tokens that the money covers and that are wanted, and those that are lowered to, without and with a budget.
        for (covered, wanted, free, budgeted) in [
            (5_000, 9_000, Some(5_000), Some(5_000)),
            (1_039, 9_000, Some(1_039), None),
            (1_024, 1_024, Some(1_024), Some(1_024)),
            (16, 9_000, Some(16), None),
            (15, 9_000, None, None),
            (9, 9, Some(9), Some(9)),
            (0, 0, None, None),
        ] {
            let money = Amount::from_nanos(100 * 1_000 + covered * 10_000);
            let found = |request| budget.affordable(request, money, wanted);
            assert_eq!(
                (found(&freely), found(&by_budget)),
                (free, budgeted),
                "{covered} {wanted}"
            );
        }
    }

    #[test]
    fn uses_of_tools_are_held_for_before_they_come() {
        let tool = PricePerMtok::parse_usd("10000").unwrap(); // a cent each
        let price = Price {
            tool_calls: tool,
            ..Price::default()
        };
        // The most that the request names, whether it is streamed, how many were used: those held for now, and to go on.
        for (most, stream, used, now, goes_on) in [
            (None, true, 0, 4, 4),
            (None, true, 4, 4, 5),
            (None, true, 9, 9, 10),
            (None, false, 0, 4, 4),
            (Some(2), true, 0, 2, 2),
            (Some(2), true, 2, 2, 2),
            (Some(9), true, 4, 4, 5),
            (Some(9), true, 9, 9, 9),
            (Some(9), false, 0, 9, 9),
            // More came than may.
            (Some(2), true, 3, 3, 3),
        ] {
            let hosted = Hosted {
                name: "web_search",
                most,
            };
            let budget = Budget {
                price,
                prompt_tokens: 0,
                answer_max: 0,
                choices: 1,
                tools: Tools::of(Some(hosted), stream),
            };
            for (ahead, held) in [(0, now), (STEP, goes_on)] {
                let found = budget.so_far(0, 0, used, ahead).unwrap();
                assert_eq!(
                    found.nanos(),
                    held * 10_000_000,
                    "{most:?} {stream} {used} {ahead}"
                );
            }
        }
        assert_eq!(Tools::default().so_far(0, true), 0, "no tool, no use");
    }
}

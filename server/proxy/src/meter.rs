//! What has a call used so far, and what will be written about it? One meter per call; it ends exactly once.

use std::time::Instant;

use domain::ids::CallId;
use domain::price_rule::Tier;
use domain::views::UnixMs;
use domain::{Amount, Dialect, Ending, Problem, Rule, Usage};
use server::calls::{Attempt, CallRecord, Outcome};
use server::catalog::PriceVersion;
use server::keys::KeyRecord;
use std::sync::Arc;
use wire::hosted::Uses;
use wire::media::Media;
use wire::relay::Whole;
use wire::request::Request;
use wire::said::Beside;

use axum::http::HeaderMap;

use crate::attempt::{Place, Reply};
use crate::budget::Budget;
use crate::gauge::{Gauge, Mark};
use crate::media;
use crate::pinned::Goal;
use crate::serve::Inbound;
use crate::tokens;
use crate::voice::Voice;

/// More tokens than twice the model's context and this are not believed, whoever counted them: a report is broken, not a
/// bill, and an answer did not come from the model.
pub const BELIEVED_BEYOND: u64 = 1_000_000;

/// More uses of tools than this are not believed either.
pub const BELIEVED_USES: u64 = 1_000;

/// Counts one call. No `Debug`: it holds the answer's text until the call is settled, to be counted if need be.
pub(crate) struct Meter {
    pub(crate) call: CallId,
    pub(crate) request: Request,
    /// What is asked for, where it is no conversation.
    pub(crate) media: Option<Media>,
    pub(crate) voice: Voice,
    /// Headers for an upstream that speaks the same dialect.
    pub(crate) forward: HeaderMap,
    pub(crate) goal: Goal,
    pub(crate) budget: Budget,
    pub(crate) key: Arc<KeyRecord>,
    version: PriceVersion,
    context: u64,
    created_at: UnixMs,
    began: Instant,
    first_byte: Option<Instant>,
    reported: Option<Usage>,
    /// What was reported of the prompt alone.
    prompt: Option<Usage>,
    /// How the upstream says that it serves the call.
    served: Option<Tier>,
    /// A report was absurd: it was corrected, or taken for none.
    flagged: bool,
    answer: Gauge,
    /// Uses of the provider's tools that its stream told of.
    uses: Uses,
    /// Something of the answer was handed to the caller's connection, or is about to be, once the charge is committed.
    pub(crate) has_delivered: bool,
}

/// A moment to go back to when a piece is not passed on.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    answer: Mark,
    reported: Option<Usage>,
}

/// What a call is charged by.
pub(crate) struct Terms {
    pub(crate) key: Arc<KeyRecord>,
    pub(crate) version: PriceVersion,
    pub(crate) context: u64,
}

/// How the last attempt went.
pub(crate) struct Answered {
    upstream: domain::ids::UpstreamId,
    sent_at: Instant,
    status: u16,
    earlier: Vec<Attempt>,
}

impl Answered {
    pub(crate) fn of(reply: &mut Reply) -> Self {
        Self {
            upstream: reply.upstream,
            sent_at: reply.sent_at,
            status: reply.response.status().as_u16(),
            earlier: std::mem::take(&mut reply.earlier),
        }
    }

    /// All attempts, with this outcome for the last one.
    pub(crate) fn attempts(self, outcome: Outcome) -> Vec<Attempt> {
        let mut attempts = self.earlier;
        let duration_ms = millis(self.sent_at.elapsed());
        attempts.push(Attempt {
            upstream: self.upstream,
            outcome,
            status: Some(self.status),
            duration_ms,
        });
        attempts
    }
}

impl Meter {
    pub(crate) fn new(
        call: CallId,
        inbound: Inbound,
        budget: Budget,
        terms: Terms,
        created_at: UnixMs,
        began: Instant,
    ) -> Self {
        Self {
            call,
            request: inbound.request,
            media: inbound.media,
            voice: inbound.voice,
            forward: inbound.forward,
            goal: inbound.goal,
            budget,
            key: terms.key,
            version: terms.version,
            context: terms.context,
            created_at,
            began,
            first_byte: None,
            reported: None,
            prompt: None,
            served: None,
            flagged: false,
            answer: Gauge::default(),
            uses: Uses::default(),
            has_delivered: false,
        }
    }

    /// When the call came in, in seconds since 1970 UTC.
    pub(crate) const fn created(&self) -> i64 {
        self.created_at.div_euclid(1_000)
    }

    /// What the upstream says beside its count, in an answer or an event of any dialect. It holds until something else is
    /// said, whether or not it was passed on.
    pub(crate) fn beside(&mut self, said: Beside) {
        self.served = said.served.or(self.served);
        self.flagged |= said.absurd;
    }

    /// In which dialect the call is sent to a place; what is no conversation is never translated.
    pub(crate) fn dialect_at(&self, place: &Place) -> Dialect {
        match self.media {
            Some(_) => self.request.dialect,
            None => place.dialect(&self.request),
        }
    }

    /// Whether an upstream of this dialect was told of tools that it runs.
    pub(crate) fn runs_tools(&self, dialect: Dialect) -> bool {
        self.media.is_none() && dialect == self.request.dialect && self.request.hosted.is_some()
    }

    /// What the upstream says while it runs: what it counted of the prompt, and how it serves.
    pub(crate) fn told(&mut self, prompt: Option<Usage>, tier: Option<Tier>) {
        let believable = self.believable();
        self.prompt = prompt
            .filter(|prompt| prompt.prompt() <= believable)
            .or(self.prompt);
        self.served = tier.or(self.served);
    }

    /// The upstream's own count. A later report replaces an earlier one: they are running totals.
    pub(crate) fn reported(&mut self, usage: Usage) {
        let served = usage.served.or(self.served);
        let usage = Usage { served, ..usage };
        let (_, price) = self.version.for_call(self.request.asked, &usage);
        let believed = usage.total() <= self.believable() && usage.tool_calls <= BELIEVED_USES;
        if believed && price.charge(&usage).is_ok() {
            self.reported = Some(usage);
        } else {
            self.flagged = true;
            tracing::warn!(call.id = %self.call, "An upstream reported an absurd usage; it is not believed");
        }
    }

    fn believable(&self) -> u64 {
        self.context
            .saturating_mul(2)
            .saturating_add(BELIEVED_BEYOND)
    }

    /// A piece of the answer came from the upstream.
    pub(crate) fn piece(&mut self, text: &str) {
        self.answer.push(text);
    }

    /// The provider uses a tool, or has used it: it charges for that, whatever becomes of the answer.
    pub(crate) fn used(&mut self, uses: Uses) {
        self.uses.begun = self.uses.begun.saturating_add(uses.begun);
        self.uses.ended = self.uses.ended.saturating_add(uses.ended);
    }

    /// This moment, to [`Self::rewind`] to.
    pub(crate) fn before(&self) -> Before {
        Before {
            answer: self.answer.mark(),
            reported: self.reported,
        }
    }

    /// Forgets what came since: it was not passed on, so it is not charged.
    pub(crate) fn rewind(&mut self, to: Before) {
        self.answer.rewind(to.answer);
        self.reported = to.reported;
    }

    /// Forgets the answer's text since then, but not what was reported about it.
    pub(crate) fn rewind_text(&mut self, to: Before) {
        self.answer.rewind(to.answer);
    }

    /// Something arrived, whatever it is.
    pub(crate) fn first_byte(&mut self) {
        self.first_byte.get_or_insert_with(Instant::now);
    }

    /// Milliseconds since the call came in.
    pub(crate) fn age_ms(&self) -> i64 {
        millis(self.began.elapsed())
    }

    /// What the call has cost so far at most, with so many answer tokens to come. For the hold, never for the charge.
    ///
    /// # Errors
    /// [`Problem::Internal`] when that is more than any wallet holds.
    pub(crate) fn due(&self, ahead: u64) -> Result<Amount, Problem> {
        let reported = self.reported.unwrap_or_default();
        let answer = self.answer.at_most().max(reported.answer());
        let told = self.prompt.map_or(0, |prompt| prompt.prompt());
        let prompt = reported.prompt().max(told);
        let used = self.uses.begun.max(reported.tool_calls);
        self.budget.so_far(prompt, answer, used, ahead)
    }

    /// Makes [`Self::due`] exact by counting the text.
    ///
    /// # Errors
    /// See [`Gauge::look`].
    pub(crate) async fn look(&mut self) -> Result<(), Problem> {
        self.answer.look().await
    }

    /// What the call costs by the settlement table, with the row that says so.
    ///
    /// `status` is what the caller got; `answer` a plain answer, if that is what was delivered.
    pub(crate) async fn settle(
        self,
        ending: Ending,
        status: u16,
        attempts: Vec<Attempt>,
        answer: Option<Arc<Whole>>,
    ) -> Result<CallRecord, Problem> {
        let media = self.media.clone().filter(|media| !media.is_text());
        let whole = answer.clone();
        // A report of what this model has no price for is none.
        let reported = self.reported.filter(|usage| {
            let (_, price) = self.version.for_call(self.request.asked, usage);
            media.is_none() || !media::is_unpriced(usage, price)
        });
        let rule = match Rule::choose(ending, reported.is_some(), self.has_delivered) {
            rule if self.key.test && rule.charges() => Rule::TestKey,
            rule => rule,
        };
        let duration_ms = millis(self.began.elapsed());
        let first_byte_ms = self
            .first_byte
            .map(|at| millis(at.saturating_duration_since(self.began)));
        let (model, streamed) = (self.request.model.clone(), self.request.stream);
        let asked = self.request.asked;
        let mut usage = match (rule, reported) {
            (Rule::Reported, Some(usage)) => usage,
            (Rule::TestKey | Rule::NothingDelivered, reported) => reported.unwrap_or_default(),
            (Rule::Reported | Rule::Estimated, _) => {
                let believable = self.believable();
                let (request, delivered) = (self.request, self.answer.into_text());
                let (media, prompt) = (self.media, self.prompt);
                // A stream's were held for one by one.
                let tool_calls = match answer {
                    Some(_) => self.uses.ended.min(BELIEVED_USES),
                    None => self.uses.ended,
                };
                // Of a report that nothing is charged by.
                let heard = self.reported.map(|usage| usage.units);
                // A long text takes milliseconds to count: not on a thread that serves others.
                tokio::task::spawn_blocking(move || {
                    if let Some(media) = media.as_ref().filter(|media| !media.is_text()) {
                        let body = answer.as_ref().map(|whole| whole.body(&Usage::ZERO));
                        return media.estimate(&request, body.as_deref(), heard, &tokens::count);
                    }
                    let output = answer
                        .as_ref()
                        .map_or_else(|| tokens::count(&delivered), |whole| tokens::answer(whole));
                    let counted = || Usage {
                        input: tokens::prompt(&request) + media.map_or(0, |media| media.numbers),
                        ..Usage::ZERO
                    };
                    Usage {
                        output: output.min(believable),
                        tool_calls,
                        // What the provider's cache answered for is cheap: its own count of the prompt, where it came.
                        ..prompt.unwrap_or_else(counted)
                    }
                })
                .await
                .map_err(|_| Problem::Internal)?
            }
        };
        if let Some(media) = media.filter(|_| matches!(rule, Rule::Reported | Rule::Estimated)) {
            let body = whole.map(|whole| whole.body(&Usage::ZERO));
            let (_, price) = self.version.for_call(asked, &usage);
            usage = media::once(&media, usage, price, body.as_deref());
        }
        usage.flagged |= self.flagged;
        usage.served = usage.served.or(self.served);
        if usage.tool_calls > 0 && !self.version.prices_tools() {
            // Some models search without being offered a tool.
            tracing::warn!(call.id = %self.call, %model, "A provider ran tools that the model has no price for; their uses cost the caller nothing");
        }
        // Chosen here and only here: by what was asked for, and what the upstream says about it.
        let (price, sheet) = self.version.for_call(asked, &usage);
        let cost = if rule.charges() {
            sheet.charge(&usage)
        } else {
            Ok(Amount::ZERO)
        };
        let cost = cost.map_err(|_| Problem::Internal)?;
        Ok(CallRecord {
            id: self.call,
            workspace: self.key.workspace,
            key: self.key.id,
            model,
            price,
            ending,
            rule,
            status,
            streamed,
            usage,
            cost,
            first_byte_ms,
            duration_ms,
            created_at: self.created_at,
            attempts,
        })
    }
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

//! How does a stream reach its caller? A tracked task reads the upstream, meters, and passes the bytes on through a
//! bounded channel. No piece is passed on before money is held for it. From the chunk with the finish reason on,
//! everything waits for the committed charge.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use domain::{Amount, Dialect, Ending, Problem};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use server::calls::{Attempt, Outcome};
use server::ledger::{Hold, HoldError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use wire::relay::{Relay, keep_alive};
use wire::sse::{Event, Parser};
use wire::{hosted, said};

use crate::admit::Permit;
use crate::attempt::{self, Place, Reply};
use crate::budget::{self, Covered, STEP};
use crate::meter::{Answered, Before, Meter};
use crate::pinned::Keep;
use crate::refuse;
use crate::serve::Running;
use crate::settle::{self, Charged};
use crate::state::ProxyState;

/// Pieces on their way to the caller. A slow reader fills it, and then the upstream waits.
const PIPE: usize = 16;
/// What may be withheld while the charge is committed. Only the end of a stream is, so this is far above any real one.
const WITHHELD_MAX: usize = 8 << 20;

type Pipe = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Calls the upstream and starts pumping. Answers the caller when the upstream has begun, or, so that nothing between
/// us gives up waiting, after the keep-alive time.
///
/// # Errors
/// When the upstream refused before the first byte; nothing was charged.
pub(crate) async fn start(
    state: &ProxyState,
    meter: Meter,
    covered: Covered,
    places: Vec<Place>,
    permit: Permit,
) -> Result<Response<Body>, Problem> {
    let (pipe, receiver) = mpsc::channel(PIPE);
    let (head, began) = oneshot::channel();
    let task = state.clone();
    state.tasks.spawn(async move {
        let _running = Running::new(&task, permit);
        call_and_pump(&task, meter, covered, places, head, pipe).await;
    });
    match timeout(state.config.keep_alive, began).await {
        Ok(Ok(Ok(()))) | Err(_) => Ok(streaming(receiver)),
        Ok(Ok(Err(problem))) => Err(problem),
        Ok(Err(_)) => Err(Problem::Internal),
    }
}

fn streaming(receiver: mpsc::Receiver<Result<Bytes, std::io::Error>>) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would otherwise gather the stream before passing it on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

async fn call_and_pump(
    state: &ProxyState,
    meter: Meter,
    covered: Covered,
    places: Vec<Place>,
    head: oneshot::Sender<Result<(), Problem>>,
    pipe: Pipe,
) {
    let first = places.first().map(|place| place.upstream.id);
    let answered = {
        let attempt =
            attempt::first_that_answers(state, &meter, places, covered.lowered_max_tokens);
        tokio::pin!(attempt);
        loop {
            tokio::select! {
                // The caller left: dropping the attempt cancels the upstream.
                () = pipe.closed() => break None,
                () = tokio::time::sleep(state.config.keep_alive) => {
                    // Ignored until the caller has been answered; then it shows that somebody is still there.
                    let _ = pipe.try_send(Ok(keep_alive(meter.voice.dialect)));
                }
                answered = &mut attempt => break Some(answered),
            }
        }
    };
    match answered {
        None => {
            let cancelled = first.map(|upstream| Attempt::cancelled(upstream, meter.age_ms()));
            settle::caller_left(state, meter, covered.hold, cancelled.into_iter().collect());
        }
        Some(Ok(mut reply)) => {
            let answered = Answered::of(&mut reply);
            let (from, created) = (reply.dialect, meter.created());
            let tools = meter.runs_tools(from);
            let relay = meter.request.relay(from, &meter.call.to_string(), created);
            let _ = head.send(Ok(()));
            let pump = Pump {
                state,
                keep: Keep::of(&meter, &reply),
                meter,
                hold: covered.hold,
                pipe,
                parser: Parser::default(),
                withheld: Vec::new(),
                withheld_len: 0,
                withheld_text: None,
                relay,
                tools: tools.then_some(from),
                dry: false,
            };
            pump.run(reply, answered).await;
        }
        Some(Err(refused)) => {
            let problem = refused.problem.clone();
            let voice = meter.voice.clone();
            settle::quietly(
                state,
                meter,
                covered.hold,
                Ending::UpstreamFailed,
                &problem,
                refused.attempts,
            );
            // Too late for a status when the caller has been answered already: then it is an event.
            if head.send(Err(refused.problem)).is_err() {
                let event = refuse::first_event(state, &voice, &problem);
                let _ = pipe.send(Ok(event)).await;
            }
        }
    }
}

struct Pump<'a> {
    state: &'a ProxyState,
    /// Of an answer that its upstream stores.
    keep: Option<Keep>,
    meter: Meter,
    hold: Hold,
    pipe: Pipe,
    parser: Parser,
    /// The ending: released after the commit.
    withheld: Vec<Bytes>,
    withheld_len: usize,
    /// The moment before the first withheld piece of text: what is not released is not charged.
    withheld_text: Option<Before>,
    /// Between the upstream's dialect and the caller's.
    relay: Box<dyn Relay>,
    /// The upstream's dialect, where it runs tools that it charges for.
    tools: Option<Dialect>,
    /// There was no more to hold when it was last asked for; it is asked for again when the next piece needs it.
    dry: bool,
}

/// Why the pump stopped reading.
enum Stop {
    /// The upstream gave a whole answer.
    Whole,
    /// The upstream broke off, sent an error, or sent what is no stream; or, with an outcome of `Cancelled`, trouble of
    /// ours ends it.
    Broken(Outcome, Problem),
    CallerGone,
    /// The wallet is empty, or a limit of the key is reached: the answer ends here, properly.
    OutOfCredit,
}

impl Pump<'_> {
    async fn run(mut self, reply: Reply, answered: Answered) {
        let stop = self.read(reply.response.into_body()).await;
        match stop {
            Stop::Whole => self.end_whole(answered.attempts(Outcome::Answered)).await,
            Stop::OutOfCredit => self.end_own(answered.attempts(Outcome::Cancelled)).await,
            Stop::CallerGone => {
                self.forget_withheld();
                let attempts = answered.attempts(Outcome::Cancelled);
                let ending = Ending::CallerGone;
                // Nobody waits for an ending, so a charge that fails has said so in the log.
                let _ =
                    settle::charge(self.state, self.meter, self.hold, ending, attempts, None).await;
            }
            Stop::Broken(outcome, problem) => {
                self.forget_withheld();
                let (voice, relay) = (&self.meter.voice, self.relay.as_mut());
                let event = refuse::event(self.state, voice, relay, &problem);
                let attempts = answered.attempts(outcome);
                let ending = match outcome {
                    Outcome::Cancelled => Ending::Stopped,
                    _ => Ending::UpstreamFailed,
                };
                let (state, pipe) = (self.state, self.pipe);
                // The event is no clean end, whether or not what was delivered could be charged.
                let _ = settle::charge(state, self.meter, self.hold, ending, attempts, None).await;
                let _ = timeout(state.config.write_stall, pipe.send(Ok(event))).await;
            }
        }
    }

    /// Reads until the stream is over, one way or another.
    async fn read(&mut self, mut body: Incoming) -> Stop {
        loop {
            let frame = tokio::select! {
                () = self.pipe.closed() => return Stop::CallerGone,
                frame = self.next_frame(&mut body) => frame,
            };
            let data = match frame {
                Next::Data(data) => data,
                Next::End => {
                    // A last event without its blank line.
                    if let Some(event) = self.parser.finish()
                        && let Err(stop) = self.take(event).await
                    {
                        return stop;
                    }
                    return self.over(Stop::Broken(Outcome::Broken, Problem::UpstreamFailed));
                }
                Next::Broken => {
                    return self.over(Stop::Broken(Outcome::Broken, Problem::UpstreamFailed));
                }
                Next::Late => {
                    return self.over(Stop::Broken(Outcome::TimedOut, Problem::UpstreamTimeout));
                }
            };
            self.meter.first_byte();
            if self.parser.push(&data).is_err() {
                return Stop::Broken(Outcome::Broken, Problem::UpstreamFailed);
            }
            while let Some(event) = self.parser.next_event() {
                if let Err(stop) = self.take(event).await {
                    return stop;
                }
            }
            if !self.relay.is_whole() {
                self.hold_ahead().await;
            }
        }
    }

    /// The upstream says no more. With the whole answer in hand that takes nothing away.
    fn over(&self, otherwise: Stop) -> Stop {
        if self.relay.is_whole() {
            Stop::Whole
        } else {
            otherwise
        }
    }

    /// One event: read, metered, passed on or withheld.
    ///
    /// # Errors
    /// With the reason, when nothing more is to be read.
    async fn take(&mut self, event: Event) -> Result<(), Stop> {
        let before = self.meter.before();
        let data = event.data.clone();
        if let (Some(keep), Some(data)) = (&mut self.keep, &event.data) {
            keep.event(data);
        }
        let meter = &mut self.meter;
        let uses = match (self.tools, &data) {
            (Some(dialect), Some(data)) => hosted::uses(dialect, data),
            _ => hosted::Uses::default(),
        };
        meter.used(uses);
        let Ok(facts) = self.relay.read(event, &mut |text| meter.piece(text)) else {
            return Err(Stop::Broken(Outcome::Broken, Problem::UpstreamFailed));
        };
        if (facts.usage.is_some() || facts.sealed)
            && let Some(data) = data
        {
            self.meter.beside(said::beside(&data));
        }
        self.meter.told(facts.prompt, facts.tier);
        if let Some(said) = facts.failed {
            self.meter.rewind(before);
            // What it took to fail is reported by some; who got something of it pays for it.
            facts
                .usage
                .into_iter()
                .for_each(|used| self.meter.reported(used));
            return Err(Stop::Broken(Outcome::Broken, attempt::broke_off(said)));
        }
        if let Some(usage) = facts.usage {
            self.meter.reported(usage);
        }
        if (facts.delivers || uses.begun > 0)
            && let Err(stop) = self.hold_for_piece().await
        {
            self.meter.rewind(before);
            return Err(self.over(stop));
        }
        let mut out = Vec::new();
        self.relay.pass(&mut out);
        if facts.sealed {
            if facts.delivers {
                self.withheld_text.get_or_insert(before);
            }
            out.into_iter().try_for_each(|bytes| self.withhold(bytes))?;
        } else {
            for bytes in out {
                if let Err(stop) = self.pass(bytes).await {
                    self.meter.rewind(before);
                    return Err(stop);
                }
            }
            // What a finished search found is a piece of the answer, too.
            self.meter.has_delivered |= facts.delivers || uses.ended > 0;
        }
        match facts.over {
            true => Err(Stop::Whole),
            false => Ok(()),
        }
    }

    async fn next_frame(&self, body: &mut Incoming) -> Next {
        let mut silent = Duration::ZERO;
        loop {
            let wait = self
                .state
                .config
                .keep_alive
                .min(self.state.config.pause.saturating_sub(silent));
            match timeout(wait, body.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => return Next::Data(data),
                    Err(_) => continue,
                },
                Ok(Some(Err(_))) => return Next::Broken,
                Ok(None) => return Next::End,
                Err(_) => {
                    silent += wait;
                    if silent >= self.state.config.pause {
                        return Next::Late;
                    }
                    let _ = self.pipe.try_send(Ok(self.relay.keep_alive()));
                }
            }
        }
    }

    /// Makes sure that what came so far is held for, before it is passed on.
    ///
    /// # Errors
    /// With the reason to stop, when it cannot be held.
    async fn hold_for_piece(&mut self) -> Result<(), Stop> {
        let ours = |problem| Stop::Broken(Outcome::Cancelled, problem);
        if self.meter.due(0).map_err(ours)? <= self.hold.amount() {
            return Ok(());
        }
        // At most, that is. How much is it really?
        self.meter.look().await.map_err(ours)?;
        let due = self.meter.due(0).map_err(ours)?;
        if due <= self.hold.amount() {
            return Ok(());
        }
        let wanted = self.meter.due(STEP).map_err(ours)?;
        let Err(refused) = self.hold.grow_to(wanted).await else {
            self.dry = false;
            return Ok(());
        };
        let Some(rest) = self.rest(&refused) else {
            // The wallet may have more, but it cannot be had now: not the caller's fault, so no proper ending.
            return Err(ours(budget::problem(&refused)));
        };
        // Less than a step, or this piece alone, is better than nothing.
        let mut refused = refused;
        for less in [rest.min(wanted), due] {
            if less < due {
                continue;
            }
            match self.hold.grow_to(less).await {
                Ok(()) => return Ok(()),
                Err(again) => refused = again,
            }
        }
        // What was in sight may lie elsewhere: that is not the wallet's end.
        Err(match self.rest(&refused) {
            Some(_) => Stop::OutOfCredit,
            None => ours(budget::problem(&refused)),
        })
    }

    /// Holds another step before the running stream outgrows what is held, so that its next pieces need not wait. What
    /// cannot be held now is asked for again when a piece needs it.
    async fn hold_ahead(&mut self) {
        if self.dry || self.covers(STEP / 2) || self.meter.look().await.is_err() {
            return;
        }
        // An eighth more than what brought us here, or the next few pieces would bring us here again.
        if self.covers(STEP / 2 + STEP / 8) {
            return;
        }
        let Ok(wanted) = self.meter.due(STEP) else {
            return;
        };
        if let Err(refused) = self.hold.grow_to(wanted).await {
            // Whatever it is, the pieces that are held for do not wait for it again.
            self.dry = true;
            if let Some(rest) = self.rest(&refused) {
                // Less than a step is better than nothing.
                let _ = self.hold.grow_to(rest.min(wanted)).await;
            }
        }
    }

    /// Whether what is held covers what came so far and so many answer tokens more.
    fn covers(&self, ahead: u64) -> bool {
        let due = self.meter.due(ahead);
        due.is_ok_and(|due| due <= self.hold.amount())
    }

    /// All that wallet and key can still cover, with what is held; `None` when that is not what was wrong.
    fn rest(&self, refused: &HoldError) -> Option<Amount> {
        match refused {
            HoldError::Insufficient { available } | HoldError::KeyLimit { available, .. } => {
                self.hold.amount().plus(*available).ok()
            }
            _ => None,
        }
    }

    async fn pass(&self, bytes: Bytes) -> Result<(), Stop> {
        match timeout(self.state.config.write_stall, self.pipe.send(Ok(bytes))).await {
            Ok(Ok(())) => Ok(()),
            // Gone, or there but not reading: either way nobody is listening.
            Ok(Err(_)) | Err(_) => Err(Stop::CallerGone),
        }
    }

    fn withhold(&mut self, bytes: Bytes) -> Result<(), Stop> {
        self.withheld_len += bytes.len();
        if self.withheld_len > WITHHELD_MAX {
            return Err(Stop::Broken(Outcome::Broken, Problem::UpstreamFailed));
        }
        self.withheld.push(bytes);
        Ok(())
    }

    async fn end_whole(self, attempts: Vec<Attempt>) {
        self.settle(Ending::Finished, attempts, |relay, charged, out| {
            relay.finish(&charged.usage, out);
        })
        .await;
    }

    /// There is no more money to spend: the answer ends like one that reached its maximum. What was withheld was held
    /// for, so it goes out.
    async fn end_own(self, attempts: Vec<Attempt>) {
        self.settle(Ending::Stopped, attempts, |relay, charged, out| {
            relay.cut(&charged.usage, out);
        })
        .await;
    }

    /// Commits the charge, then releases what was withheld, with what `end` adds to it.
    async fn settle(
        mut self,
        ending: Ending,
        attempts: Vec<Attempt>,
        end: impl FnOnce(&mut dyn Relay, &Charged, &mut Vec<Bytes>),
    ) {
        // It is about to be delivered.
        self.meter.has_delivered |= self.withheld_text.is_some();
        let (state, pipe) = (self.state, self.pipe);
        let (mut relay, voice) = (self.relay, self.meter.voice.clone());
        let keep = self.keep;
        let charged = settle::charge(state, self.meter, self.hold, ending, attempts, None).await;
        let last = match charged {
            Ok(charged) => {
                // What was not paid for to its end cannot be fetched by its name.
                if let Some(keep) = keep.filter(|_| ending == Ending::Finished) {
                    keep.write(state, charged.usage.total()).await;
                }
                end(relay.as_mut(), &charged, &mut self.withheld);
                Bytes::from(self.withheld.concat())
            }
            Err(problem) => refuse::event(state, &voice, relay.as_mut(), &problem),
        };
        let _ = timeout(state.config.write_stall, pipe.send(Ok(last))).await;
    }

    /// What was withheld stays here, so its text is not charged by our own count. A report is of the whole.
    fn forget_withheld(&mut self) {
        if let Some(before) = self.withheld_text.take() {
            self.meter.rewind_text(before);
        }
    }
}

enum Next {
    Data(Bytes),
    End,
    Broken,
    Late,
}

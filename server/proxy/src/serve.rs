//! The story of a metered call, top to bottom. The file to read first.
//!
//! key → limits → body → pinned price → hold → upstream → pump → durable charge → ending

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response};
use domain::ids::{CallId, PriceId};
use domain::{Dialect, Price, Problem, Scope};
use server::catalog::{Model, PriceVersion};
use server::keys::KeyRecord;
use wire::count::Family;
use wire::hosted::Hosted;
use wire::media::Media;
use wire::request::{BadRequest, Request};

use crate::admit::{self, Permit};
use crate::attempt::Place;
use crate::budget::Budget;
use crate::meter::{Meter, Terms};
use crate::pinned::Goal;
use crate::state::ProxyState;
use crate::voice::Voice;
use crate::{body, forward, media, pinned, plain, pump, refuse};

/// A conversation in one dialect: `POST /v1/chat/completions`, `/v1/responses`, `/v1/messages`.
pub(crate) async fn converse(
    dialect: Dialect,
    goal: Goal,
    State(state): State<ProxyState>,
    Extension(call): Extension<CallId>,
    request: axum::extract::Request,
) -> Response<Body> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let served = serve(&state, (dialect, goal), call, began, &parts, body).await;
    answered(&state, dialect, began, served)
}

/// The answer, or what went wrong; on OpenAI's paths with how long it took, as their SDKs expect.
pub(crate) fn answered(
    state: &ProxyState,
    dialect: Dialect,
    began: Instant,
    served: Result<Response<Body>, Problem>,
) -> Response<Body> {
    let mut response = served.unwrap_or_else(|problem| refuse::answer(state, &problem));
    if matches!(dialect, Dialect::Chat | Dialect::Responses) {
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let headers = response.headers_mut();
        headers.insert("openai-processing-ms", HeaderValue::from(took));
    }
    response
}

/// Serves one metered call. Everything that can cost money happens here, in this order.
///
/// # Errors
/// When a [`Problem`] is returned, no money has moved and no hold is left behind.
///
/// # Cancellation
/// Until money is held, this runs in the caller's future and leaves nothing behind. The call itself runs in a task of
/// its own that notices when the caller leaves, cancels the upstream and settles.
async fn serve(
    state: &ProxyState,
    (dialect, goal): (Dialect, Goal),
    call: CallId,
    began: Instant,
    parts: &Parts,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let (key, permit) = match admit(state, dialect, parts).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let body = body::read(&state.config, &parts.headers, body).await?;
    let request = Request::read(dialect, body).map_err(malformed)?;
    let voice = Voice::of_path(parts.uri.path(), &parts.headers, call.to_string());
    let inbound = Inbound {
        request,
        media: None,
        voice: voice.to(&key, &state.texts),
        forward: forward::headers(dialect, &parts.headers),
        goal,
    };
    metered(state, call, began, key, permit, inbound).await
}

/// A request with what of its surroundings matters to the upstream and to its answer.
pub(crate) struct Inbound {
    pub(crate) request: Request,
    /// What is asked for, where it is no conversation.
    pub(crate) media: Option<Media>,
    pub(crate) voice: Voice,
    /// For an upstream that speaks the same dialect.
    pub(crate) forward: HeaderMap,
    pub(crate) goal: Goal,
}

/// What is wrong with a body, as a problem.
pub(crate) fn malformed(bad: BadRequest) -> Problem {
    Problem::InvalidBody {
        detail: bad.detail,
        param: bad.param,
    }
}

/// The rest of the story, for whoever was let in: a caller with a key, or a signed-in person's try in the browser.
///
/// # Errors
/// As [`serve`].
pub(crate) async fn metered(
    state: &ProxyState,
    call: CallId,
    began: Instant,
    key: Arc<KeyRecord>,
    permit: Permit,
    inbound: Inbound,
) -> Result<Response<Body>, Problem> {
    let request = &inbound.request;
    admit::may_call(&key, &request.model)?;
    let mut offer = offer(state, &key, &request.model)?; // where, and at which price? Pinned from here on.
    let mut kept = 0;
    let mut hosted = None;
    offer.places = match inbound.media {
        Some(_) => media::places(offer.places)?,
        None => {
            let (goal, places) = (inbound.goal, offer.places);
            let (places, tokens) = pinned::places(state, &key, goal, request, places).await?;
            kept = tokens;
            // A conversation is made shorter without them.
            hosted = request.hosted.filter(|_| goal == Goal::Answer);
            let places = priced(request, hosted, &offer.version, places)?;
            let places = sayable(request, places)?;
            hosted = hosted.filter(|_| is_told(&places, request));
            places
        }
    };
    let budget = Budget::of(request, &offer.model, &offer.version, kept, hosted);
    let permit = permit.with_tokens(state, &key, call, budget.first_tokens())?;
    let created_at = state.clock.now_ms(); // counts in the day and month around this moment, whenever it ends
    let covered = match &inbound.media {
        Some(media) if !media.is_text() => {
            let prompt = budget.first_hold(request)?;
            media::cover(state, &key, created_at, prompt, &offer.version.price, media).await?
        }
        _ => budget.cover(state, &key, created_at, request).await?,
    };

    let terms = Terms {
        key,
        version: offer.version,
        context: offer.model.context,
    };
    let meter = Meter::new(call, inbound, budget, terms, created_at, began);
    if meter.request.stream {
        return pump::start(state, meter, covered, offer.places, permit).await;
    }
    plain::start(state, meter, covered, offer.places, permit).await
}

/// The places where nothing runs that the operator pays for and nobody else: where tools would run that a provider
/// charges for each use of, the model must have a price for them, even if it is zero. Other dialects are not told of them.
///
/// # Errors
/// [`Problem::ToolNotPriced`] when no place is left.
fn priced(
    request: &Request,
    hosted: Option<Hosted>,
    version: &PriceVersion,
    mut places: Vec<Place>,
) -> Result<Vec<Place>, Problem> {
    let Some(hosted) = hosted.filter(|_| !version.prices_tools()) else {
        return Ok(places);
    };
    places.retain(|place| !runs_tools(place, request) || place.upstream.is_sandbox());
    match places.is_empty() {
        true => Err(Problem::ToolNotPriced {
            tool: hosted.name,
            model: shown(&request.model),
        }),
        false => Ok(places),
    }
}

/// Whether a place is told of the tools that it would run: who gets the caller's own bytes is.
fn runs_tools(place: &Place, request: &Request) -> bool {
    place.dialect(request) == request.dialect
}

/// Whether some place would run the tools: only then they are held for.
pub(crate) fn is_told(places: &[Place], request: &Request) -> bool {
    places.iter().any(|place| runs_tools(place, request))
}

/// The places where the request can be said: those that speak its dialect, and those to whose it translates.
fn sayable(request: &Request, places: Vec<Place>) -> Result<Vec<Place>, Problem> {
    let mut refused = None;
    let places: Vec<Place> = places
        .into_iter()
        .filter(|place| match request.can_be_said(place.dialect(request)) {
            Ok(()) => true,
            Err(bad) => {
                refused = Some(bad);
                false
            }
        })
        .collect();
    match refused {
        Some(bad) if places.is_empty() => Err(malformed(bad)),
        _ => Ok(places),
    }
}

/// Who is asking, and may they, now?
pub(crate) async fn admit(
    state: &ProxyState,
    dialect: Dialect,
    parts: &Parts,
) -> Result<(Arc<KeyRecord>, Permit), Problem> {
    let scope = match dialect {
        Dialect::Responses => Scope::ResponsesWrite,
        Dialect::Chat | Dialect::Messages | Dialect::Gemini => Scope::ChatWrite,
    };
    let key = admit::caller(state, parts, scope).await?;
    let permit = admit::permit(state, &key)?;
    Ok((key, permit))
}

/// What a model costs and where it is served, at this moment.
struct Offer {
    model: Arc<Model>,
    version: PriceVersion,
    places: Vec<Place>,
}

/// Whether a model takes conversations only: its upstreams have no endpoint for anything else.
///
/// # Errors
/// As [`is_offered`].
pub(crate) fn only_converses(
    state: &ProxyState,
    key: &KeyRecord,
    name: &str,
) -> Result<bool, Problem> {
    admit::may_call(key, name)?;
    let places = offer(state, key, name)?.places;
    // The sandbox, which test keys reach, has conversations.
    Ok(key.test
        || !places
            .iter()
            .any(|place| place.upstream.dialect.is_openai()))
}

/// Whether a key can call this model now; for what is answered without a call.
///
/// # Errors
/// [`Problem::ModelNotAllowed`], [`Problem::ModelNotFound`] or [`Problem::UpstreamFailed`].
pub(crate) fn is_offered(state: &ProxyState, key: &KeyRecord, name: &str) -> Result<(), Problem> {
    admit::may_call(key, name)?;
    offer(state, key, name).map(|_| ())
}

/// How the tokens of a prompt for this model are counted, if a key can call it now: told by its name at its upstreams, else
/// by ours.
///
/// # Errors
/// As [`is_offered`].
pub(crate) fn family(
    state: &ProxyState,
    key: &KeyRecord,
    name: &str,
) -> Result<&'static Family, Problem> {
    admit::may_call(key, name)?;
    let offer = offer(state, key, name)?;
    let there = offer.places.iter().map(|place| place.model.as_str());
    Ok(Family::of(there.chain([name])))
}

fn offer(state: &ProxyState, key: &KeyRecord, name: &str) -> Result<Offer, Problem> {
    let unknown = || Problem::ModelNotFound { model: shown(name) };
    if key.test {
        return sandbox_offer(state, name).ok_or_else(unknown);
    }
    let snapshot = state.catalog.snapshot();
    let model = snapshot.model(name).ok_or_else(unknown)?.clone();
    let version = model
        .price_at(state.clock.now_ms())
        .ok_or_else(unknown)?
        .clone();
    let places = places(state, &model);
    if places.is_empty() {
        tracing::error!(model = %model.id, "No upstream of this model can be used");
        return Err(Problem::UpstreamFailed);
    }
    Ok(Offer {
        version,
        model,
        places,
    })
}

/// Where a model is served now.
pub(crate) fn places(state: &ProxyState, model: &Model) -> Vec<Place> {
    let routes = model.routes.iter();
    routes
        .filter_map(|route| {
            let upstream = state.upstreams.get(route.upstream)?;
            Some(Place {
                upstream,
                model: route.upstream_model.clone(),
            })
        })
        .collect()
}

/// Test keys reach only the sandbox upstream, with every model it has, and cost nothing.
///
/// Its names are not in our catalogue, so what is accepted (and then written on the call's row) has the shape of one.
fn sandbox_offer(state: &ProxyState, name: &str) -> Option<Offer> {
    if !is_of_sandbox(name) {
        return None;
    }
    let upstream = state.upstreams.sandbox()?;
    Some(Offer {
        model: Arc::new(Model::free(name)),
        version: PriceVersion::plain(PriceId::from_uuid(uuid::Uuid::nil()), Price::default()),
        places: vec![Place {
            upstream,
            model: name.to_owned(),
        }],
    })
}

/// Whether a name has the shape of one of the sandbox.
pub(crate) fn is_of_sandbox(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.strip_prefix("sandbox-")
        .is_some_and(|rest| (1..=24).contains(&rest.len()) && rest.bytes().all(plain))
}

/// A model's name in an error: what the caller typed, but never a page of it.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// A call that is being served, for the gauge; dropping it makes room for another.
pub(crate) struct Running {
    state: ProxyState,
    _permit: Permit,
}

impl Running {
    pub(crate) fn new(state: &ProxyState, permit: Permit) -> Self {
        state.metrics.running.inc();
        Self {
            state: state.clone(),
            _permit: permit,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.metrics.running.dec();
    }
}

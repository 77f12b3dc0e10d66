//! The layers around every route: a request comes from a page of ours, within the budget of its address, and
//! is answered in time.
//!
//! From the outside in: [`count`], the security headers, [`only_our_pages`], CORS, [`limit_address`],
//! [`answer_in_time`]. Headers and CORS are `tower-http`'s. Two things stay by hand because its layers
//! answer without our JSON body: the refusal of a foreign origin (`CorsLayer` only leaves its headers out,
//! and the request would still be carried out) and the timeout. Requests that carry files have limits of
//! time of their own.

use crate::edge::Edge;
use crate::http::attachments::carries_files;
use crate::http::attachments::tus_headers;
use crate::http::rate_limits::RateLimits;
use crate::http::refusal_response::{self, RefusalResponse};
use crate::refusal::Refusal;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use eventflow_bus::trace::{self, TRACE_ID};
use eventflow_metrics::{HttpMethod, Label};
use eventflow_protocol::TraceContext;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, ORIGIN, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceBuilder;
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::field::Empty;
use tracing::{Instrument, debug_span};

/// A body, a worker's answer and the store's own timeout all come sooner, or are refused in their own words.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// A browser asks again after this whether a page may send a request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_mins(10);

/// Puts the layers around all routes and fallbacks of `api`.
pub(crate) fn around(api: Router<Arc<Edge>>, edge: &Arc<Edge>, limits: Arc<RateLimits>) -> Router<Arc<Edge>> {
    api.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(Arc::clone(edge), count))
            // No answer is stored, guessed to be of another type, or embedded by another site, unless it
            // says so.
            .layer(default_header(CACHE_CONTROL, "no-store"))
            .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(default_header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
            .layer(from_fn_with_state(Arc::clone(edge), tus_headers::speak))
            .layer(from_fn_with_state(Arc::clone(edge), only_our_pages))
            .layer(cors())
            .layer(from_fn_with_state(limits, limit_address))
            .layer(from_fn(answer_in_time)),
    )
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Where the answer has none of its own.
fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Lets the page that asked read the answer, and says in preflights what it may send. [`only_our_pages`] has
/// checked the origin.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(AllowCredentials::predicate(|_, _| true))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        // Tracing and client libraries add headers of their own, and a page of ours may send any.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(
            [RETRY_AFTER, WWW_AUTHENTICATE].into_iter().chain(tus_headers::EXPOSED).collect::<Vec<_>>(),
        )
        .max_age(PREFLIGHT_MAX_AGE)
        .vary([ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS])
}

/// Counts and times every request by the pattern of its route, which is one of few; never by its path. Puts
/// it into a span that begins a trace, or continues that of the request if it may.
async fn count(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = counted_method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let pattern = route.as_ref().map(|route| route.as_str().trim_end_matches('/'));
    let span = debug_span!(
        "request",
        method = method.as_str(),
        route = pattern,
        user = Empty,
        status = Empty,
        { TRACE_ID } = Empty
    );
    match traceparent(&edge, &request) {
        Some(parent) => trace::continue_from(&span, parent),
        None => trace::begin(&span),
    }
    let response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    edge.metrics.http.answered(method, pattern, response.status().as_u16(), started.elapsed());
    response
}

/// The trace that the request continues. A header that cannot be read is none, as the specification asks.
fn traceparent(edge: &Edge, request: &Request) -> Option<TraceContext> {
    let mut values = request.headers().get_all(TraceContext::HEADER).iter();
    let only = values.next().filter(|_| edge.continue_traces && values.next().is_none())?;
    TraceContext::of_traceparent(only.to_str().ok()?)
}

/// The method as the metrics name it. Clients can invent methods, so all unusual ones share a series.
fn counted_method(method: &Method) -> HttpMethod {
    match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        Method::OPTIONS => HttpMethod::Options,
        Method::HEAD => HttpMethod::Head,
        _ => HttpMethod::Other,
    }
}

/// Refuses pages of other origins before anything is done for them.
async fn only_our_pages(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Result<Response, RefusalResponse> {
    edge.check_origin(request.headers())?;
    if request.method() != Method::OPTIONS {
        return Ok(next.run(request).await);
    }
    if !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        // The CORS layer takes every OPTIONS request for a preflight. This one is a method that no route has.
        let is_route = request.extensions().get::<MatchedPath>().is_some();
        return Err(if is_route {
            refusal_response::wrong_method().await
        } else {
            refusal_response::unknown_route().await
        });
    }
    let mut answer = next.run(request).await;
    // The CORS layer says 200, but a preflight's answer has no body.
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}

/// Takes one request from the budget of the client's address, before any credential is looked at: this bounds
/// guessing.
pub(crate) async fn limit_address(
    State(limits): State<Arc<RateLimits>>,
    request: Request,
    next: Next,
) -> Result<Response, RefusalResponse> {
    if let Some(address) = limits.proxies().client_of(&request) {
        limits.admit_address(address)?;
    }
    Ok(next.run(request).await)
}

async fn answer_in_time(request: Request, next: Next) -> Response {
    if carries_files(request.uri().path()) {
        return next.run(request).await;
    }
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::unavailable().into_response())
}

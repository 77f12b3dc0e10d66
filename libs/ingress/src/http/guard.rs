//! Around every route: the origin is one of ours, the answer comes in time, is counted, and says how it may be used.

use crate::http::address;
use crate::http::failure::Failure;
use crate::http::limits::Limits;
use crate::parts::Edge;
use crate::refusal::Refusal;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::ErrorCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    ORIGIN, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than the answer of a worker and a store's own timeout are waited for; who is slower than this reads too slowly.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Added to every answer: never stored, never guessed to be another type, never embedded by another site.
const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// What a page of an allowed origin may send.
const CORS_HEADERS: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, x-csrf-token"),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Lets a request through to its route.
pub(crate) async fn guard(
    State((edge, limits)): State<(Arc<Edge>, Arc<Limits>)>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (method, route) = (request.method().clone(), route(&request));
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = if edge.origins.admits(request.headers()) {
        let response = match within_limits(&limits, &request) {
            Ok(()) => answer(request, next).await,
            Err(failure) => failure.into_response(),
        };
        allow(response, origin)
    } else {
        Failure::from(Refusal::new(ErrorCode::Forbidden, "this origin is not allowed")).into_response()
    };
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    count(&edge, &method, &route, response.status(), started);
    response
}

/// Before any credential is looked at, so that guessing tokens has a bound. Not for preflights, which cost nothing.
fn within_limits(limits: &Limits, request: &Request) -> Result<(), Failure> {
    let address = address::client(request, limits.trusted_proxies()).filter(|_| !is_preflight(request));
    address.map_or(Ok(()), |address| limits.admit_address(address))
}

async fn answer(request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        return preflight();
    }
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| Failure::from(Refusal::unavailable()).into_response())
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in CORS_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets the page that asked read the answer.
fn allow(mut response: Response, origin: Option<HeaderValue>) -> Response {
    let Some(origin) = origin else { return response };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}

/// The route's pattern, which is one of few; never the path.
fn route(request: &Request) -> String {
    request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned())
}

fn count(edge: &Edge, method: &Method, route: &str, status: StatusCode, started: Instant) {
    let method = match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS
        | Method::HEAD => method.as_str(),
        _ => "other",
    };
    edge.metrics.http.requests.with_label_values(&[method, route, status.as_str()]).inc();
    edge.metrics.http.seconds.with_label_values(&[route]).observe(started.elapsed().as_secs_f64());
}

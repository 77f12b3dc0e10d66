//! Authorization before every route: who asks, are they within their budget, do they have the role, did one
//! of our pages ask, and is there room for the answer.
//!
//! [`protect`] wraps each route by its line in the table, so that no handler can forget it. The handler finds
//! the identity as [`crate::http::caller::Caller`].

use crate::edge::Edge;
use crate::http::answers_in_flight::AnswersInFlight;
use crate::http::caller::{self, Carrier};
use crate::http::rate_limits::RateLimits;
use crate::http::refusal_response::RefusalResponse;
use crate::http::routes::{AnswerSize, Needs, Route};
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use eventflow_protocol::ErrorCode;
use std::sync::Arc;
use tracing::Span;
use tracing::field::display;

/// What the check before one route depends on.
#[derive(Clone)]
struct Protection {
    edge: Arc<Edge>,
    limits: Arc<RateLimits>,
    answers: Arc<AnswersInFlight>,
    needs: Needs,
    size: AnswerSize,
}

/// The route's endpoint, reached only by requests that [`Route::needs`] allows.
pub(crate) fn protect(
    route: &Route,
    edge: &Arc<Edge>,
    limits: &Arc<RateLimits>,
    answers: &Arc<AnswersInFlight>,
) -> MethodRouter<Arc<Edge>> {
    let protection = Protection {
        edge: Arc::clone(edge),
        limits: Arc::clone(limits),
        answers: Arc::clone(answers),
        needs: route.needs,
        size: route.answers,
    };
    let method = MethodFilter::try_from(route.method.clone()).expect("the table has standard methods only");
    (route.endpoint.bind)(method).route_layer(middleware::from_fn_with_state(protection, authorize))
}

async fn authorize(
    State(protection): State<Protection>,
    mut request: Request,
    next: Next,
) -> Result<Response, RefusalResponse> {
    let Protection { edge, limits, answers, needs, size } = protection;
    let (identity, carrier) = caller::identify(&edge, request.uri(), request.headers()).await?;
    Span::current().record("user", display(&identity.user));
    limits.admit_user(&identity.user)?;
    if needs == Needs::Admin && !identity.is_admin() {
        return Err(Refusal::new(ErrorCode::Forbidden, "this is for administrators").into());
    }
    // The browser sends a cookie whoever asks, so a write needs a second proof.
    if carrier == Carrier::Cookie && !request.method().is_safe() {
        caller::require_csrf(&edge, request.headers(), &identity)?;
    }
    let reservation = match size {
        AnswerSize::Small => None,
        AnswerSize::Page => Some(answers.reserve(&identity.user).await?),
    };
    request.extensions_mut().insert(identity);
    let answer = next.run(request).await;
    Ok(match reservation {
        Some(reservation) => reservation.hold(answer).await,
        None => answer,
    })
}

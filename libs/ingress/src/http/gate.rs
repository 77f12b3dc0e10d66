//! Before every route: who is this, are they within their budget, do they have the role, and did one of our pages ask.
//!
//! Put around each route from its line in the table, so that no handler can forget it. The identity goes to the handler as
//! [`crate::http::caller::Caller`].

use crate::http::caller::{self, Carrier};
use crate::http::failure::Failure;
use crate::http::limits::Limits;
use crate::http::routes::{Needs, Route};
use crate::parts::Edge;
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use eventflow_protocol::ErrorCode;
use std::sync::Arc;

/// What a gate knows.
#[derive(Clone)]
struct Gate {
    edge: Arc<Edge>,
    limits: Arc<Limits>,
    needs: Needs,
}

/// The route's handler, behind its gate.
pub(crate) fn behind(route: &Route, edge: &Arc<Edge>, limits: &Arc<Limits>) -> MethodRouter<Arc<Edge>> {
    let gate = Gate { edge: Arc::clone(edge), limits: Arc::clone(limits), needs: route.needs };
    let method = MethodFilter::try_from(route.method.clone()).expect("the table has standard methods only");
    (route.handler)(method).route_layer(middleware::from_fn_with_state(gate, enter))
}

async fn enter(State(gate): State<Gate>, mut request: Request, next: Next) -> Result<Response, Failure> {
    let (identity, carrier) = caller::identify(&gate.edge, request.headers()).await?;
    gate.limits.admit_user(&identity.user)?;
    if gate.needs == Needs::Admin && !identity.is_admin() {
        return Err(Refusal::new(ErrorCode::Forbidden, "this is for administrators").into());
    }
    if carrier == Carrier::Cookie && !request.method().is_safe() {
        caller::require_csrf(&gate.edge, request.headers(), &identity)?;
    }
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

//! The shape of a route: what its handler takes and answers, read from the handler's own Rust type.
//!
//! A description that is made this way cannot differ from what the handler (de)serialises.

use crate::edge::Edge;
use crate::http::answer::{Bytes, Headed, RouteAnswer};
use crate::http::attachments::body::Streamed;
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::path::{IdPath, MemberPath, PathId};
use crate::http::query::Query;
use axum::extract::State;
use eventflow_protocol::client::catalogue::Describe;
use eventflow_protocol::{ThreadId, UserId};
use http::{HeaderMap, Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What a handler takes and answers.
pub(crate) struct Shape {
    /// The body, if the route has one.
    pub(crate) body: Option<BodyShape>,
    /// The id in the path, if there is one.
    pub(crate) path: Option<Describe>,
    /// The person in the path, if there is one beside it.
    pub(crate) member: Option<Describe>,
    /// Whether the handler reads the query.
    pub(crate) has_query: bool,
    /// The handler takes the body as it comes.
    pub(crate) streams: bool,
    /// The JSON body of the answer, if it has one.
    pub(crate) answer: Option<Describe>,
}

/// The JSON body of a request.
pub(crate) struct BodyShape {
    pub(crate) schema: Describe,
    /// Whether a request without a body is refused.
    pub(crate) is_required: bool,
    /// Reads an example as the route would; `Err` with the refusal's sentence.
    #[cfg(test)]
    pub(crate) check: fn(&[u8]) -> Result<(), String>,
}

/// One argument of a handler.
pub(crate) trait Argument {
    /// Adds what a client sees of it; by itself, nothing.
    fn describe(_shape: &mut Shape) {}
}

impl Argument for State<Arc<Edge>> {}
impl Argument for Caller {}
impl Argument for HeaderMap {}
impl Argument for Method {}

impl Argument for Streamed {
    fn describe(shape: &mut Shape) {
        shape.streams = true;
    }
}

impl Argument for Query {
    fn describe(shape: &mut Shape) {
        shape.has_query = true;
    }
}

impl<Id: PathId + JsonSchema> Argument for IdPath<Id> {
    fn describe(shape: &mut Shape) {
        shape.path = Some(of::<Id>);
    }
}

impl Argument for MemberPath {
    fn describe(shape: &mut Shape) {
        shape.path = Some(of::<ThreadId>);
        shape.member = Some(of::<UserId>);
    }
}

impl<T: DeserializeOwned + JsonSchema> Argument for JsonBody<T> {
    fn describe(shape: &mut Shape) {
        shape.body = Some(BodyShape {
            schema: of::<T>,
            is_required: true,
            #[cfg(test)]
            check: check::<T>,
        });
    }
}

impl<T: DeserializeOwned + JsonSchema> Argument for OptionalJsonBody<T> {
    fn describe(shape: &mut Shape) {
        shape.body = Some(BodyShape {
            schema: of::<T>,
            is_required: false,
            #[cfg(test)]
            check: check::<T>,
        });
    }
}

/// What a handler answers.
pub(crate) trait Answer {
    /// The body in JSON, if there is one.
    const BODY: Option<Describe>;
}

impl<Body: JsonSchema> Answer for RouteAnswer<Body> {
    const BODY: Option<Describe> = Some(of::<Body>);
}

impl<A: Answer> Answer for Headed<A> {
    const BODY: Option<Describe> = A::BODY;
}

impl Answer for StatusCode {
    const BODY: Option<Describe> = None;
}

impl Answer for Bytes {
    const BODY: Option<Describe> = None;
}

/// A handler whose arguments and answer can be described.
pub(crate) trait Described<Arguments> {
    /// Its shape.
    fn shape() -> Shape;
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<Handler, Answering, Answered, Refused, $($argument),*> Described<($($argument,)*)> for Handler
        where
            Handler: Fn($($argument),*) -> Answering,
            Answering: Future<Output = Result<Answered, Refused>>,
            Answered: Answer,
            $($argument: Argument,)*
        {
            fn shape() -> Shape {
                #[allow(unused_mut, reason = "a handler may have no arguments")]
                let mut shape = Shape {
                    body: None,
                    path: None,
                    member: None,
                    has_query: false,
                    streams: false,
                    answer: Answered::BODY,
                };
                $($argument::describe(&mut shape);)*
                shape
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// The shape of this handler.
pub(crate) fn shape_of<Arguments, Handler: Described<Arguments>>(_: Handler) -> Shape {
    Handler::shape()
}

/// The schema of `T`, by reference where it has a name.
pub(crate) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

#[cfg(test)]
fn check<T: DeserializeOwned>(json: &[u8]) -> Result<(), String> {
    eventflow_protocol::client::parse::<T>(json).map(drop).map_err(|refusal| refusal.to_string())
}

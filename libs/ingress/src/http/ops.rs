//! The routes of operators about the running system, for administrators. They only read.
//!
//! What nobody can know in a system of this shape is `null` in the answer, and `unknown` says why.

mod gateways;
mod outcomes;
mod pipeline;
mod servers;
mod users;

pub(crate) use gateways::gateways;
pub(crate) use outcomes::outcomes;
pub(crate) use pipeline::pipeline;
pub(crate) use servers::servers;
pub(crate) use users::users;

//! The routes of operators about the running system, for administrators. All but one only read.
//!
//! What nobody can know in a system of this shape is `null` in the answer, and `unknown` says why.

mod disconnect;
mod gateways;
mod outcomes;
mod pipeline;
mod servers;
mod users;

pub(crate) use disconnect::disconnect;
pub(crate) use gateways::gateways;
pub(crate) use outcomes::outcomes;
pub(crate) use pipeline::pipeline;
pub(crate) use servers::servers;
pub(crate) use users::users;

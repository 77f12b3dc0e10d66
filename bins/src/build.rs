//! What was built: the version, and the revision that it was built from.

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The revision that the program was built from, if the build told it (`BUILD_REVISION`; the `Dockerfile`
/// passes it on). Its change shows a deploy.
pub(crate) const REVISION: &str = match option_env!("BUILD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

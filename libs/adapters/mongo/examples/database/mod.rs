//! Where a measurement works: in a database of its own on the server that `MONGODB_URI` names.

/// The URI of the database of that name. Panics without a `MONGODB_URI`.
pub(crate) fn uri_of(database: &str) -> String {
    #[allow(clippy::disallowed_methods, reason = "an example has no configuration")]
    let uri = std::env::var("MONGODB_URI").expect("MONGODB_URI names a MongoDB server");
    let (base, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let server = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!("{server}/{database}?{query}")
}

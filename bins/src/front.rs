//! Front: what every request to the clients' address goes through, whichever role answers it.
//!
//! A request must name the host that it is for (RFC 9112, section 3.2). An error that a router made by itself
//! has no body; here it gets the one that all errors have.

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use axum::http::{Method, StatusCode, Version};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use eventflow_protocol::{ErrorBody, ErrorCode};

/// Puts the front before all routes.
pub(crate) fn around(router: Router) -> Router {
    router.layer(from_fn(front))
}

async fn front(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let answer = if names_one_host(&request) {
        next.run(request).await
    } else {
        StatusCode::BAD_REQUEST.into_response()
    };
    let is_bare = answer.body().size_hint().exact() == Some(0);
    let status = answer.status();
    if is_head || !is_bare || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    with_body(answer)
}

/// Whether the request has one `Host`. HTTP/1.0 does not need it.
fn names_one_host(request: &Request) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() != Version::HTTP_11)
}

/// The same error with a body.
fn with_body(answer: Response) -> Response {
    let (code, error) = match answer.status() {
        StatusCode::BAD_REQUEST => (ErrorCode::Invalid, "the request needs exactly one header Host"),
        StatusCode::NOT_FOUND => (ErrorCode::Unknown, "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => (ErrorCode::Unknown, "the method is not allowed here"),
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::TooLarge, "the request is too large"),
        status if status.is_client_error() => (ErrorCode::Invalid, "the request is not well formed"),
        _ => (ErrorCode::Failed, "the request could not be carried out"),
    };
    let (mut head, _) = answer.into_parts();
    let body = serde_json::to_vec(&ErrorBody::new(code, error)).unwrap_or_default();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(head, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use axum::routing::get;
    use tower::ServiceExt as _;

    async fn ask(method: Method, path: &str, hosts: &[&str]) -> (u16, String) {
        let router = Router::new()
            .route("/page", get(async || "page"))
            .route("/own", get(async || (StatusCode::NOT_FOUND, "own words")));
        let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        let answer = around(router).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1_024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn code(body: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(body).expect(body);
        assert_eq!(body["success"], false, "{body}");
        body["code"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_request_names_one_host() {
        assert_eq!(ask(Method::GET, "/page", &["a"]).await, (200, "page".to_owned()));
        for hosts in [&[][..], &["a", "b"]] {
            let (status, body) = ask(Method::GET, "/page", hosts).await;
            assert_eq!((status, code(&body).as_str()), (400, "invalid"), "{hosts:?}");
        }
    }

    #[tokio::test]
    async fn every_error_has_a_body_and_those_that_have_one_keep_it() {
        for (method, path, status, expected) in
            [(Method::GET, "/nothing", 404, "unknown"), (Method::POST, "/page", 405, "unknown")]
        {
            let (answered, body) = ask(method, path, &["a"]).await;
            assert_eq!((answered, code(&body).as_str()), (status, expected), "{path}");
        }
        assert_eq!(ask(Method::GET, "/own", &["a"]).await, (404, "own words".to_owned()));
        assert_eq!(ask(Method::HEAD, "/nothing", &["a"]).await, (404, String::new()));
    }
}

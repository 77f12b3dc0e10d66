//! What the description of the routes of files says that is not JSON: bytes, and the headers of tus.

use crate::contract::operations::Succeeds;
use crate::http::erasures::LINES;
use crate::http::routes::Route;
use serde_json::{Value, json};

/// Whether the route speaks tus.
pub(super) fn is_tus(route: &Route) -> bool {
    route.path.starts_with("/v2/attachments/tus")
}

/// The body of a request that is taken as it comes.
pub(super) fn body(operation: &str) -> Value {
    let bytes = json!({ "type": "string", "format": "binary" });
    if operation == "uploadFile" {
        let schema = json!({ "type": "object", "properties": { "file": bytes }, "required": ["file"] });
        return json!({ "required": true, "content": { "multipart/form-data": { "schema": schema } } });
    }
    let is_required = operation == "appendUpload";
    json!({ "required": is_required, "content": { "application/offset+octet-stream": { "schema": bytes } } })
}

/// The headers of a request.
pub(super) fn parameters(operation: &str) -> Vec<Value> {
    let header = |name: &str, about: &str, is_required: bool, schema: Value| json!({ "name": name, "in": "header", "description": about, "required": is_required, "schema": schema });
    let number = || json!({ "type": "integer", "minimum": 0 });
    let version = || {
        header("Tus-Resumable", "The version of tus.", true, json!({ "type": "string", "const": "1.0.0" }))
    };
    match operation {
        "createUpload" => vec![
            version(),
            header("Upload-Length", "Bytes of the file.", true, number()),
            header(
                "Upload-Metadata",
                "`filename` and its value in base64; other keys mean nothing.",
                false,
                json!({ "type": "string" }),
            ),
        ],
        "appendUpload" => {
            vec![
                version(),
                header("Upload-Offset", "Where the bytes begin: how far the upload is.", true, number()),
            ]
        }
        "showUpload" | "endUpload" => vec![version()],
        "getFile" | "getThumbnail" => vec![
            header("Range", "One range of bytes.", false, json!({ "type": "string" })),
            header("If-Range", "The `ETag` of what the client has.", false, json!({ "type": "string" })),
            header("If-None-Match", "The `ETag` of what the client has.", false, json!({ "type": "string" })),
        ],
        _ => Vec::new(),
    }
}

/// A success whose lines are these records.
pub(super) fn lines(record: &Value) -> Value {
    let about = "One record a line. The last one is an `end`: what lacks it was cut off.";
    json!({ "description": about, "content": { LINES: { "schema": record } } })
}

/// A success without JSON.
pub(super) fn response(succeeds: Succeeds, status: u16) -> Value {
    let bytes = json!({ "*/*": { "schema": { "type": "string", "format": "binary" } } });
    match (succeeds, status) {
        (Succeeds::Streams, 200) => json!({ "description": "The bytes.", "content": bytes }),
        (Succeeds::Streams, 206) => json!({ "description": "The range of bytes.", "content": bytes }),
        (Succeeds::Streams, 302) => {
            json!({ "description": "The bytes are at this address, for a short time." })
        }
        (Succeeds::Streams, _) => json!({ "description": "The client has the bytes." }),
        _ => {
            json!({ "description": "Done: see the headers `Upload-Offset`, `Upload-Length` and `Upload-Expires`." })
        }
    }
}

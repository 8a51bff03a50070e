//! One problem document per refusal (RFC 9457), the same for API and pages.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// A refusal as the API says it: `type` is `/problems/{kind}`.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(serialize_with = "status_number")]
    status: StatusCode,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn status_number<S: serde::Serializer>(status: &StatusCode, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_u16(status.as_u16())
}

impl Problem {
    /// A refusal of `kind` (`wrong-code`, `money-due` …).
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: kind.replace('-', " "),
            status,
            detail: detail.into(),
            more: Map::new(),
        }
    }

    /// 400: the request can't be understood; `detail` names the place.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// 401: nobody is logged in.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-logged-in", "log in first")
    }

    /// 403: somebody is, but may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404.
    pub fn not_found(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, detail)
    }

    /// 404: no such route.
    pub fn no_such_route() -> Self {
        Self::not_found("not-found", "there is nothing at this address")
    }

    /// 405.
    pub fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this address does not take this method")
    }

    /// 507: the disk is full; nothing was kept.
    pub fn disk_full() -> Self {
        let what = "the disk is full; nothing was changed. Free some space and do it again";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", what)
    }

    /// 503: the database could not take it; nothing was kept.
    pub fn storage(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage", detail)
    }

    /// Adds a member of the refusal's own (`retry_after_s`, `tries_left` …).
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The last part of `type`.
    pub fn kind(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// A member of the refusal's own.
    pub fn member(&self, key: &str) -> Option<&Value> {
        self.more.get(key)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.more.get("retry_after_s").and_then(Value::as_u64) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Bytes of a refusal's own words that are kept; the framework's are short.
const WORDS: usize = 1_024;

/// Turns refusals that the framework made itself (a body too large, a query or path that can't be read) into problem
/// documents, so that an API's client has one form to read.
pub async fn only_problems(request: Request, next: Next) -> Response {
    as_problem(next.run(request).await).await
}

async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let words = to_bytes(body, WORDS).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).into_owned();
    let kind = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        _ if status.is_server_error() => "internal",
        _ => "bad-request",
    };
    let mut told = Problem::new(status, kind, words).into_response();
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            told.headers_mut().insert(name.clone(), value.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(status: StatusCode, kind: &'static str) -> (Response, Value) {
        let ours = (status, [(header::CONTENT_TYPE, kind), (header::ALLOW, "POST")], "length limit exceeded");
        let (parts, body) = as_problem(ours.into_response()).await.into_parts();
        let bytes = to_bytes(body, 4_096).await.unwrap();
        (Response::from_parts(parts, ().into()), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_refusal_of_the_framework_becomes_a_problem_document() {
        let (answer, document) = told(StatusCode::PAYLOAD_TOO_LARGE, "text/plain; charset=utf-8").await;
        assert_eq!(answer.status(), 413);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.headers()[header::ALLOW], "POST");
        assert_eq!(document["type"], "/problems/too-large");
        assert_eq!((&document["status"], &document["detail"]), (&413.into(), &"length limit exceeded".into()));
    }

    #[tokio::test]
    async fn good_answers_and_our_own_refusals_stay_as_they_are() {
        assert_eq!(told(StatusCode::OK, "text/plain").await.1, Value::Null);
        assert_eq!(told(StatusCode::NOT_FOUND, "application/problem+json").await.1, Value::Null);
    }
}

//! Why an order or a change of it is refused, and the problem document (RFC 9457) for it.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use store_daemon::problem::Problem;
use store_daemon::writer::{FailureCause, cause_of};

/// One thing that is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The JSON path, as `lines[0].ean`.
    pub path: String,
    /// What is wrong there. Never repeats the value.
    pub detail: String,
}

impl FieldError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: path.into(), detail: detail.into() }
    }

    /// The same place as a JSON Pointer (RFC 6901) in its URI fragment form, as RFC 9457 §3 shows it.
    pub fn pointer(&self) -> String {
        let tokens = self.path.replace(']', "").replace('[', ".");
        let tail = tokens.split('.').filter(|t| !t.is_empty());
        tail.fold("#".to_owned(), |pointer, token| pointer + "/" + token)
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not JSON at all.
    Malformed {
        /// Where and why, without the text.
        why: String,
    },
    /// JSON, but not a valid body.
    Invalid(Vec<FieldError>),
    /// Larger than is read.
    TooLarge {
        /// Bytes that are.
        limit: usize,
    },
    /// The store is not known and the configuration does not take unknown ones.
    UnknownStore {
        /// The name given.
        store: String,
    },
    /// No such order.
    UnknownOrder,
    /// The order exists with other content.
    Conflict,
    /// The pickup code is too close to that of another open order.
    CodeTaken,
    /// No pickup code is free at this store.
    CodesExhausted,
    /// The order is in a state that does not allow the change.
    WrongState {
        /// What stands in the way.
        why: String,
    },
    /// The key came with another request before.
    KeyReused,
    /// The disk is full; nothing was kept.
    DiskFull,
    /// The database failed; nothing was kept.
    Storage(String),
}

impl Refusal {
    /// True when our side failed, not the caller's: nothing of the transaction may stay.
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::DiskFull)
    }

    /// A refusal of one field.
    pub fn field(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(path, detail)])
    }

    /// The problem document.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Malformed { why } => Problem::new(StatusCode::BAD_REQUEST, "malformed-json", why.as_str()),
            Self::Invalid(errors) => invalid(errors),
            Self::TooLarge { limit } => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!("more than {limit} bytes are not read"),
            )
            .with("limit", *limit as u64),
            Self::UnknownStore { store } => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown-store",
                format!("store `{store}` has never connected and was never entered"),
            )
            .with("errors", json!([error(&FieldError::new("store", "is not known"))])),
            Self::UnknownOrder => Problem::not_found("unknown-order", "this store has no such order"),
            Self::Conflict => Problem::new(
                StatusCode::CONFLICT,
                "order-conflict",
                "the order exists with another body; use amend, payment, cancel or move to change it",
            ),
            Self::CodeTaken => Problem::new(
                StatusCode::CONFLICT,
                "code-taken",
                "the pickup code differs in fewer than two digits from that of another open order of this store",
            )
            .with("errors", json!([error(&FieldError::new("pickup_code", "is too close to another open order's"))])),
            Self::CodesExhausted => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "codes-exhausted", "no pickup code is free at this store")
            }
            Self::WrongState { why } => Problem::new(StatusCode::CONFLICT, "wrong-state", why.as_str()),
            Self::KeyReused => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "this Idempotency-Key came with another request before",
            ),
            Self::DiskFull => Problem::disk_full(),
            Self::Storage(why) => Problem::storage(why.as_str()),
        }
    }
}

fn error(e: &FieldError) -> serde_json::Value {
    json!({ "path": e.path, "pointer": e.pointer(), "detail": e.detail })
}

fn invalid(errors: &[FieldError]) -> Problem {
    let first = errors.first().map(|e| format!("{}: {}", e.path, e.detail)).unwrap_or_default();
    let detail = match errors.len() {
        0 | 1 => first,
        n => format!("{first} (and {} more)", n - 1),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", detail)
        .with("errors", errors.iter().map(error).collect::<Vec<_>>())
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.problem().detail())
    }
}

impl std::error::Error for Refusal {}

impl From<rusqlite::Error> for Refusal {
    fn from(e: rusqlite::Error) -> Self {
        match cause_of(&e) {
            FailureCause::DiskFull => Self::DiskFull,
            FailureCause::Damaged | FailureCause::Other => Self::Storage(e.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_json_pointer() {
        assert_eq!(FieldError::new("lines[2].ean", "").pointer(), "#/lines/2/ean");
        assert_eq!(FieldError::new("customer.phone", "").pointer(), "#/customer/phone");
    }

    #[test]
    fn a_problem_names_the_first_error_and_lists_all() {
        let both = [FieldError::new("total", "is wrong"), FieldError::new("due", "too")];
        let problem = Refusal::Invalid(both.to_vec()).problem();
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.detail(), "total: is wrong (and 1 more)");
        assert_eq!(problem.member("errors").unwrap()[1]["pointer"], "#/due");
    }
}

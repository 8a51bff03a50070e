//! How tills, print jobs and documents put their values into words: called by the templates.

use super::lang::Words;
use super::present::order_path;
use super::segment;
use super::view::{EnrolCode, Preview, PreviewTill, PrintJob, Till};
use super::words::{PrintKindWord, PrintStateWord, Tone};

impl Till {
    pub(super) fn href(&self) -> String {
        format!("/devices/tills/{}", self.id)
    }

    pub(super) fn is_online(&self) -> bool {
        self.online.is_some()
    }

    pub(super) fn has_drawer(&self) -> bool {
        self.printers.iter().any(|printer| printer.drawer)
    }
}

impl EnrolCode {
    /// What is typed at the till.
    pub(super) fn command(&self) -> String {
        format!("pos-bridge enrol --config /etc/pos-bridge/pos-bridge.toml --code {}", self.code)
    }
}

impl PrintJob {
    pub(super) fn href(&self) -> String {
        format!("/devices/jobs/{}", segment(&self.id))
    }

    pub(super) fn order_href(&self) -> String {
        self.order.as_deref().map(order_path).unwrap_or_default()
    }

    pub(super) fn place(&self) -> String {
        format!("{} · {}", self.till, self.printer)
    }

    /// "printed", "held: paper is out", "nobody knows: the printer was silent".
    pub(super) fn state_text(&self, t: &Words) -> String {
        let state = t.s(self.state.key());
        match self.why {
            Some(why) => format!("{state}: {}", t.s(why.key())),
            None => state,
        }
    }

    pub(super) fn tone(&self) -> Tone {
        self.state.tone()
    }

    pub(super) fn asks(&self) -> bool {
        self.state == PrintStateWord::Unknown
    }
}

impl Preview {
    /// Where its picture and its PDF are, and where a job is asked for.
    pub(super) fn path(&self) -> String {
        document_path(self.kind, self.order.as_deref())
    }

    pub(super) fn picture(&self) -> String {
        let columns = self.tills.first().map_or(48, |till| till.columns);
        format!("{}/picture?columns={columns}{}", self.path(), self.shelf_query())
    }

    pub(super) fn pdf(&self) -> String {
        format!("{}/pdf?columns=48{}", self.path(), self.shelf_query())
    }

    fn shelf_query(&self) -> String {
        self.shelf.as_deref().map(|shelf| format!("&shelf={}", segment(shelf))).unwrap_or_default()
    }

    pub(super) fn back(&self) -> String {
        self.order.as_deref().map_or_else(|| "/devices".to_owned(), order_path)
    }
}

impl PreviewTill {
    pub(super) fn is_primary(&self, preview: &Preview) -> bool {
        preview.tills.first().is_some_and(|first| first.id == self.id)
    }
}

/// `/orders/{order}/documents/{kind}`, or `/documents/{kind}` for the store's own.
pub(super) fn document_path(kind: PrintKindWord, order: Option<&str>) -> String {
    match order {
        Some(order) => format!("{}/documents/{}", order_path(order), kind.path()),
        None => format!("/documents/{}", kind.path()),
    }
}

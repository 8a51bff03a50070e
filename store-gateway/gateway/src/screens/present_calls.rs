//! How calls put their values into words: called by the templates.

use super::format::timer;
use super::lang::Words;
use super::present::order_path;
use super::segment;
use super::view::{Call, CallEntry, CallHead, Frame, LiveCall, Phone, Who};
use super::words::CallWayWord;

fn call_path(id: &str) -> String {
    format!("/calls/{}", segment(id))
}

/// Who calls whom, as a heading.
fn heading(way: CallWayWord, who: &Who, extension: Option<&str>, t: &Words) -> String {
    let outside = match who.label() {
        label if label.is_empty() => t.s("call-withheld"),
        label => label,
    };
    match (way, extension) {
        (CallWayWord::In, _) => outside,
        (CallWayWord::Out, Some(extension)) => format!("{extension} → {outside}"),
        (CallWayWord::Out, None) => format!("→ {outside}"),
        (CallWayWord::Inside, extension) => extension.unwrap_or_default().to_owned(),
    }
}

impl Call {
    pub(super) fn href(&self) -> String {
        call_path(&self.id)
    }

    pub(super) fn order_href(&self) -> String {
        self.order.as_deref().map(order_path).unwrap_or_default()
    }

    pub(super) fn title(&self, t: &Words) -> String {
        heading(self.way, &self.who, self.extension.as_deref(), t)
    }

    /// From the board: the customer's order, where one is known, else the call.
    pub(super) fn board_href(&self) -> String {
        self.order.as_deref().map_or_else(|| self.href(), order_path)
    }

    pub(super) fn waits(&self, f: &Frame, t: &Words) -> String {
        timer(self.at.seconds_until(&f.now), t)
    }

    /// "from outside · rang 12 s · 101 answered · talked 1:40".
    pub(super) fn words(&self, t: &Words) -> String {
        let mut parts = vec![t.s(self.way.key())];
        if self.rang_s > 0 {
            parts.push(t.v("call-rang-for", timer(self.rang_s, t)));
        }
        if let Some(by) = &self.answered_by {
            parts.push(t.v("call-answered-by", leg_name(by, t)));
        }
        if self.talked_s > 0 {
            parts.push(t.v("call-talked-for", timer(self.talked_s, t)));
        }
        parts.join(" · ")
    }
}

impl LiveCall {
    pub(super) fn href(&self) -> String {
        call_path(&self.id)
    }

    pub(super) fn title(&self, t: &Words) -> String {
        heading(self.way, &self.who, self.extension.as_deref(), t)
    }

    pub(super) fn doing_text(&self, t: &Words) -> String {
        let doing = t.s(self.doing.key());
        match &self.with {
            Some(with) => format!("{doing} · {}", leg_name(with, t)),
            None => doing,
        }
    }

    pub(super) fn lasts(&self, f: &Frame, t: &Words) -> String {
        timer(self.since.seconds_until(&f.now), t)
    }
}

impl CallHead {
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    pub(super) fn href(&self) -> String {
        match self {
            Self::Over(call) => call.href(),
            Self::Live(call) => call.href(),
        }
    }

    pub(super) fn title(&self, t: &Words) -> String {
        match self {
            Self::Over(call) => call.title(t),
            Self::Live(call) => call.title(t),
        }
    }

    pub(super) fn words(&self, f: &Frame, t: &Words) -> String {
        match self {
            Self::Over(call) => call.at.brief(&f.now, t),
            Self::Live(call) => call.doing_text(t),
        }
    }
}

impl CallEntry {
    pub(super) fn leg_text(&self, t: &Words) -> String {
        leg_name(&self.leg, t)
    }
}

impl Phone {
    pub(super) fn has_name(&self) -> bool {
        self.name != self.extension
    }
}

/// An extension is its own name; the others have words.
fn leg_name(leg: &str, t: &Words) -> String {
    match leg {
        "caller" => t.s("leg-caller"),
        "outside" => t.s("leg-outside"),
        "emergency" => t.s("leg-emergency"),
        other => other.to_owned(),
    }
}

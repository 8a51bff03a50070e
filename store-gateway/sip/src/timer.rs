//! The headers of session timers (RFC 4028), written and read; `store_voice::session` decides what they mean.

use std::time::Duration;

use store_voice::session::{Agreed, Config, LEAST, Refresher, Role, Said};

use crate::address::param;
use crate::message::{Headers, Response};

/// What a message says. The compact form of `Session-Expires` is `x`.
pub(crate) fn said(headers: &Headers) -> Said {
    let line = headers.get("Session-Expires").or_else(|| headers.get("x"));
    let role = line.and_then(|line| param(line.split_once(';')?.1, "refresher")).and_then(|role| match role {
        _ if role.eq_ignore_ascii_case("uac") => Some(Role::Uac),
        _ if role.eq_ignore_ascii_case("uas") => Some(Role::Uas),
        _ => None,
    });
    let seconds = |text: &str| text.split(';').next()?.trim().parse::<u32>().ok();
    Said {
        expires: line.and_then(seconds).map(|s| Duration::from_secs(s.into())),
        refresher: role,
        least: headers.get("Min-SE").and_then(seconds).map(|s| Duration::from_secs(s.into())),
        supported: headers.has_token("Supported", "timer") || headers.has_token("k", "timer"),
    }
}

/// Asks for a timer. A refresh names who refreshes, so that the roles stay as they are (§7.4).
pub(crate) fn ask(headers: &mut Headers, config: Config, interval: Duration, refresher: Option<Refresher>) {
    let interval = interval.max(config.least).max(LEAST).as_secs();
    let role = match refresher {
        Some(Refresher::Us) => ";refresher=uac",
        Some(Refresher::Them) => ";refresher=uas",
        None => "",
    };
    headers.set("Supported", "timer");
    headers.set("Session-Expires", format!("{interval}{role}"));
    headers.set("Min-SE", config.least.max(LEAST).as_secs().to_string());
}

/// Tells what was agreed on, in a 2xx of ours (§9).
pub(crate) fn tell(response: &mut Response, agreed: Agreed) {
    let role = match agreed.refresher {
        Refresher::Us => "uas",
        Refresher::Them => "uac",
    };
    response.headers.set("Supported", "timer");
    response.headers.set("Session-Expires", format!("{};refresher={role}", agreed.interval.as_secs()));
    if agreed.refresher == Refresher::Them {
        response.headers.set("Require", "timer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_message_says() {
        let mut headers = Headers::default();
        headers.push("Session-Expires", "1800;refresher=UAS");
        headers.push("Min-SE", "120");
        headers.push("Supported", "100rel, timer");
        let said = said(&headers);
        assert_eq!((said.expires, said.least), (Some(Duration::from_secs(1_800)), Some(Duration::from_secs(120))));
        assert_eq!((said.refresher, said.supported), (Some(Role::Uas), true));
        let mut wrong = Headers::default();
        wrong.push("Session-Expires", "99999999999999;refresher=me");
        assert_eq!(super::said(&wrong), Said::default());
    }
}

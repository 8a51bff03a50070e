//! Who calls, as the messages say it, and how we say it ourselves (RFC 3323, RFC 3325).

use store_voice::dial::Extension;

use crate::address::{self, NameAddr};
use crate::event::{Caller, Source};
use crate::message::{Headers, Request};

/// RFC 3323 §4.1.1.3's address of nobody.
pub(super) const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
/// Names and numbers are kept up to here.
const MOST_TEXT: usize = 64;

/// Reads the caller. `P-Asserted-Identity` counts from the trunk only: a phone asserts nothing.
pub(super) fn read(request: &Request, source: &Source) -> Caller {
    let from = request.headers.get("From").map(NameAddr::parse);
    match source {
        Source::Phone(extension) => {
            Caller { number: Some(extension.as_str().to_owned()), name: from.and_then(|from| text(from.name)) }
        }
        Source::Trunk => from_trunk(&request.headers, from),
    }
}

fn from_trunk(headers: &Headers, from: Option<NameAddr<'_>>) -> Caller {
    let wants_privacy = headers
        .all("Privacy")
        .flat_map(|line| line.split([';', ',']))
        .any(|word| ["id", "user", "header"].iter().any(|wish| word.trim().eq_ignore_ascii_case(wish)));
    if wants_privacy {
        return Caller::default();
    }
    let asserted = headers.list("P-Asserted-Identity").map(NameAddr::parse).find_map(|addr| {
        let user = address::user(addr.uri)?;
        Some((user, addr.name))
    });
    let stated = from.and_then(|from| {
        let is_nobody = address::host(from.uri).eq_ignore_ascii_case("anonymous.invalid");
        let user = address::user(from.uri).filter(|user| !is_nobody && !user.eq_ignore_ascii_case("anonymous"))?;
        Some((user, from.name))
    });
    let Some((number, name)) = asserted.or(stated) else {
        return Caller::default();
    };
    Caller { number: text(number), name: text(name) }
}

fn text(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect();
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// `From` towards a phone.
pub(super) fn to_phone(caller: &Caller, host: &str) -> String {
    let user = caller.number.as_deref().map(address::clean_user).filter(|user| !user.is_empty());
    match user {
        Some(user) => format!("{}<sip:{user}@{host}>", address::quoted(caller.name.as_deref().unwrap_or_default())),
        None => ANONYMOUS.to_owned(),
    }
}

/// `To` towards a phone.
pub(super) fn phone(extension: &Extension, host: &str) -> String {
    format!("<sip:{}@{host}>", extension.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;

    fn caller(lines: &[(&str, &str)], source: &Source) -> (Option<String>, Option<String>) {
        let mut request = Request::new(Method::Invite, "sip:a@b");
        for (name, value) in lines {
            request.headers.push(name, *value);
        }
        let caller = read(&request, source);
        (caller.number, caller.name)
    }

    const FROM: (&str, &str) = ("From", r#""Jan" <sip:+48600100200@carrier.example>;tag=1"#);

    #[test]
    fn an_asserted_number_counts_from_the_trunk_only() {
        let asserted = ("P-Asserted-Identity", r#""K" <sip:+48221112233@c.example>, <tel:+48221112233>"#);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(caller(&[FROM], &Source::Trunk), (some("+48600100200"), some("Jan")));
        assert_eq!(caller(&[FROM, asserted], &Source::Trunk), (some("+48221112233"), some("K")));
        let phone = Source::Phone(Extension::parse("201").unwrap());
        assert_eq!(caller(&[FROM, asserted], &phone), (some("201"), some("Jan")));
    }

    #[test]
    fn a_withheld_number_is_withheld() {
        let tel = ("P-Asserted-Identity", "<tel:+48221112233>");
        assert_eq!(caller(&[FROM, tel, ("Privacy", "id;critical")], &Source::Trunk), (None, None));
        let nobody = ("From", r#""Anonymous" <sip:anonymous@anonymous.invalid>;tag=1"#);
        assert_eq!(caller(&[nobody], &Source::Trunk), (None, None));
        assert_eq!(caller(&[nobody, tel], &Source::Trunk), (Some("+48221112233".to_owned()), None));
        assert_eq!(caller(&[FROM, ("Privacy", "none")], &Source::Trunk).0.as_deref(), Some("+48600100200"));
    }

    #[test]
    fn towards_a_phone_nothing_breaks_out_of_its_place() {
        let evil = Caller { number: Some("+48>;x\r\nA: b".to_owned()), name: Some("\"<sip:x@y>".to_owned()) };
        assert_eq!(to_phone(&evil, "h"), "\"<sip:x@y>\" <sip:+48xAb@h>");
        assert_eq!(to_phone(&Caller::default(), "h"), ANONYMOUS);
    }
}

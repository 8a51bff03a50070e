//! Name-addresses and URIs (RFC 3261 §20.10, §19.1), as far as a store needs them.
//!
//! Decides what is a user part, a tag, a parameter. Never fails: what is not there is `None`.

/// `"name" <uri>;params`, or `uri;params` without brackets (then the parameters are the header's, §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameAddr<'a> {
    pub(crate) name: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) params: &'a str,
}

impl<'a> NameAddr<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let open = find_outside_quotes(text, b'<');
        if let Some(open) = open {
            let close = text[open..].find('>').map_or(text.len(), |at| open + at);
            return Self {
                name: text[..open].trim().trim_matches('"').trim(),
                uri: text[open + 1..close].trim(),
                params: text.get(close + 1..).unwrap_or_default().trim(),
            };
        }
        let end = text.find(';').unwrap_or(text.len());
        Self { name: "", uri: text[..end].trim(), params: &text[end..] }
    }

    /// A parameter of the header: `Some("")` when it stands without a value.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        param(self.params, name)
    }
}

fn find_outside_quotes(text: &str, wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// A parameter in `;a=1;b`.
pub(crate) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params.split(';').find_map(|item| {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The tag of a From or To.
pub(crate) fn tag_of(text: &str) -> Option<&str> {
    NameAddr::parse(text).param("tag").filter(|tag| !tag.is_empty())
}

/// The user part of a `sip:`, `sips:` or `tel:` URI, without its own parameters and password.
pub(crate) fn user(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    let user = if scheme.eq_ignore_ascii_case("tel") {
        rest
    } else if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
        rest.split_once('@')?.0
    } else {
        return None;
    };
    user.split([';', ':', '?']).next().filter(|user| !user.is_empty())
}

/// Host and port of a `sip:` URI, without parameters.
pub(crate) fn host(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    rest.split([';', '?', '>']).next().unwrap_or_default().trim()
}

/// What may stand in a user part as it is; anything else is left out (RFC 3261 §25.1, without escapes).
pub(crate) fn clean_user(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "+-_.!*#".contains(*c)).take(64).collect()
}

/// A display name in quotes, or nothing for an empty one.
pub(crate) fn quoted(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(64).collect();
    if name.trim().is_empty() { String::new() } else { format!("\"{}\" ", name.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_name_addresses() {
        let addr = NameAddr::parse(r#""Anna <x> K" <sip:+48123@h:5070;transport=tcp>;tag=a1;expires="60""#);
        assert_eq!((addr.name, addr.uri), ("Anna <x> K", "sip:+48123@h:5070;transport=tcp"));
        assert_eq!((addr.param("tag"), addr.param("expires"), addr.param("q")), (Some("a1"), Some("60"), None));
        let bare = NameAddr::parse("sip:201@h;tag=z");
        assert_eq!((bare.uri, bare.param("tag")), ("sip:201@h", Some("z")));
        assert_eq!(NameAddr::parse("<sip:broken").uri, "sip:broken");
    }

    #[test]
    fn finds_user_and_host() {
        assert_eq!(user("sip:+48600;phone-context=x:pw@h"), Some("+48600"));
        assert_eq!(user("tel:+48-600"), Some("+48-600"));
        assert_eq!((user("sip:h"), user("mailto:a@b"), user("x")), (None, None, None));
        assert_eq!(host("sip:a@[::1]:5060;transport=udp"), "[::1]:5060");
        assert_eq!(host("sip:example.com"), "example.com");
    }

    #[test]
    fn lets_nothing_dangerous_into_an_address_of_ours() {
        assert_eq!(clean_user("+48 600@evil>\r\n"), "+48600evil");
        assert_eq!(quoted("a\"b\\c\r\n"), "\"abc\" ");
        assert_eq!(quoted(" "), "");
    }
}

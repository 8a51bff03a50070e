//! Cutting a command line into commands (ITU-T V.250 §5.2).

/// Cuts a command line into commands (ITU-T V.250 §5.2.1): basic ones follow each other, extended ones end at a semicolon
/// outside of quotes.
pub(super) fn commands(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = body.trim();
    if rest.is_empty() {
        return found;
    }
    while !rest.is_empty() {
        let dials = rest.starts_with(['D', 'd']);
        let end = if dials || rest.starts_with(['+', '^', '$', '*']) {
            let mut quoted = false;
            rest.char_indices().find_map(|(at, c)| {
                quoted ^= c == '"';
                // The semicolon of a dial string makes it a voice call (TS 27.007 §6.2) and belongs to it.
                (c == ';' && !quoted).then_some(at + usize::from(dials))
            })
        } else {
            basic_end(rest)
        };
        let end = end.unwrap_or(rest.len());
        found.push(rest[..end].trim().to_owned());
        rest = rest[end..].trim_start_matches([';', ' ']);
    }
    found
}

/// A basic command: an optional `&` or `\`, a letter, digits, or `Sn=m`.
fn basic_end(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'&' | b'\\'))) + 1;
    while bytes.get(at).is_some_and(|c| c.is_ascii_digit() || matches!(c, b'=' | b'?')) {
        at += 1;
    }
    (at < bytes.len() && rest.is_char_boundary(at)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_into_basic_and_extended_commands() {
        assert_eq!(commands("E0V1+CMEE=1;+CREG?"), ["E0", "V1", "+CMEE=1", "+CREG?"]);
        assert_eq!(commands("+CUSD=1,\"a;b\",15"), ["+CUSD=1,\"a;b\",15"]);
        assert_eq!(commands("&FS0=0I"), ["&F", "S0=0", "I"]);
        assert_eq!(commands("D+48600111222;"), ["D+48600111222;"]);
        assert_eq!(commands("E0DT112;+CSQ"), ["E0", "DT112;", "+CSQ"]);
        assert!(commands("").is_empty());
    }
}

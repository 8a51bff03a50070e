//! Reads `vectors/pdu.tsv`.

/// Fields of the vectors of one kind.
pub fn vectors(kind: &str) -> Vec<Vec<String>> {
    let found: Vec<Vec<String>> = include_str!("../vectors/pdu.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(unescape).collect::<Vec<_>>())
        .filter(|fields| fields[0] == kind)
        .collect();
    assert!(!found.is_empty(), "no vectors of kind {kind}");
    found
}

/// Undoes Python's `unicode_escape`.
fn unescape(field: &str) -> String {
    let mut plain = String::new();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let digits = match chars.next().unwrap() {
            'n' => {
                plain.push('\n');
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            other => {
                plain.push(other);
                continue;
            }
        };
        let code: String = chars.by_ref().take(digits).collect();
        plain.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
    }
    plain
}

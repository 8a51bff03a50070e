//! The contrast of every pair of colours that the theme puts on one another: WCAG 2.2 §1.4.3 (text, 4.5:1) and
//! §1.4.11 (controls, 3:1), with the relative luminance as WCAG defines it.

use std::collections::BTreeMap;

const THEME: &str = include_str!("../../../../daemon/assets/theme.css");

type Colours = BTreeMap<String, [u8; 3]>;

/// The custom properties of the block that begins with `selector`.
fn block(selector: &str) -> Colours {
    let start = THEME.find(selector).unwrap_or_else(|| panic!("no block {selector}"));
    let body = THEME[start..].split_once('{').expect("a block opens").1.split_once('}').expect("a block closes").0;
    body.lines().filter_map(property).collect()
}

fn property(line: &str) -> Option<(String, [u8; 3])> {
    let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
    let hex = value.strip_suffix(';')?;
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    Some((name.to_owned(), [byte(0), byte(2), byte(4)]))
}

fn luminance(colour: [u8; 3]) -> f64 {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    if a > b { a / b } else { b / a }
}

const TEXT: &[(&str, &[&str])] = &[
    ("ink", &["paper", "panel", "go-soft", "warn-soft", "stop-soft", "info-soft"]),
    ("soft", &["paper", "panel"]),
    ("go", &["paper", "panel", "go-soft"]),
    ("warn", &["paper", "panel", "warn-soft"]),
    ("stop", &["paper", "panel", "stop-soft"]),
    ("info", &["paper", "panel", "info-soft", "go-soft"]),
    ("go-ink", &["go-fill"]),
    ("stop-ink", &["stop-fill"]),
];

const CONTROLS: &[(&str, &[&str])] = &[
    ("edge", &["paper", "panel"]),
    ("focus", &["paper", "panel"]),
    ("go", &["paper", "panel", "go-soft"]),
    ("stop", &["paper", "panel", "stop-soft"]),
    ("warn-edge", &["paper", "panel", "warn-soft"]),
    ("go-fill", &["panel"]),
    ("stop-fill", &["panel"]),
];

fn check(theme: &str, colours: &Colours) {
    for (pairs, least) in [(TEXT, 4.5), (CONTROLS, 3.0)] {
        for (front, backs) in pairs {
            for back in *backs {
                let ratio = contrast(colours[*front], colours[*back]);
                assert!(ratio >= least, "{theme}: {front} on {back} has {ratio:.2}:1, wants {least}:1");
            }
        }
    }
}

#[test]
fn the_light_theme_can_be_read() {
    check("light", &block(":root {"));
}

#[test]
fn the_dark_theme_can_be_read() {
    check("dark", &block(":root[data-theme=\"dark\"] {"));
}

#[test]
fn dark_is_the_same_chosen_or_followed_and_has_light_s_roles() {
    let chosen = block(":root[data-theme=\"dark\"] {");
    assert_eq!(chosen, block(":root:not([data-theme=\"light\"]) {"));
    let roles = |colours: &Colours| colours.keys().cloned().collect::<Vec<_>>();
    assert_eq!(roles(&chosen), roles(&block(":root {")));
}

#[test]
fn the_formula_gives_the_standard_s_extremes() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    // WebAIM's checker says 4.54:1 for #767676 on white.
    assert!((contrast([0x76; 3], [255; 3]) - 4.54).abs() < 0.005);
}

//! What a scan or a typed text means at the counter.
//!
//! Printed codes: bag Code 128 `B<order>-<bag>`, shelf Code 128 `S<shelf>`, the customer's QR
//! `O1:<store>:<order>:<code>`, EAN-13 is a product, six digits are a pickup code; anything else is a search.

use crate::code::PickupCode;
use crate::ids::{BagId, OrderNumber, ShelfId, StoreId};

/// How the text came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By a scanner.
    Scanned,
    /// By hand. A name that begins with S is a name, so a typed shelf needs a digit and capitals.
    Typed,
}

/// What was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A bag label. An order number may hold hyphens and a bag too, so every reading is given, the one with the
    /// longest order first; the caller takes the first whose order exists.
    Bag(Vec<(OrderNumber, BagId)>),
    /// A shelf label.
    Shelf(ShelfId),
    /// The customer's QR.
    Qr {
        /// The store where the order waits.
        store: StoreId,
        /// The order.
        order: OrderNumber,
        /// Its code.
        code: PickupCode,
    },
    /// A product, by an EAN-13 with a valid check digit.
    Ean(String),
    /// Six digits.
    Code(PickupCode),
    /// Anything else, trimmed.
    Search(String),
    /// Nothing.
    Empty,
}

/// Characters of a scan that are looked at; more is cut off.
const LONGEST: usize = 200;

/// Reads a scan or a typed text.
pub fn parse(text: &str, source: Source) -> Scan {
    let text: String = text.trim().chars().take(LONGEST).collect();
    if text.is_empty() {
        return Scan::Empty;
    }
    if let Some(qr) = qr(&text) {
        return qr;
    }
    if let Ok(code) = PickupCode::parse(&text) {
        return Scan::Code(code);
    }
    if is_ean13(&text) {
        return Scan::Ean(text);
    }
    if let Some(bag) = bag(&text) {
        return bag;
    }
    match shelf(&text, source) {
        Some(shelf) => Scan::Shelf(shelf),
        None => Scan::Search(text),
    }
}

fn qr(text: &str) -> Option<Scan> {
    let (store, rest) = text.strip_prefix("O1:")?.split_once(':')?;
    let (order, code) = rest.rsplit_once(':')?;
    Some(Scan::Qr {
        store: StoreId::parse(store).ok()?,
        order: OrderNumber::parse(order).ok()?,
        code: PickupCode::parse(code).ok()?,
    })
}

fn bag(text: &str) -> Option<Scan> {
    let label = text.strip_prefix('B')?;
    let readings: Vec<_> = label
        .rmatch_indices('-')
        .filter_map(|(at, _)| Some((OrderNumber::parse(&label[..at]).ok()?, BagId::parse(&label[at + 1..]).ok()?)))
        .collect();
    (!readings.is_empty()).then_some(Scan::Bag(readings))
}

fn shelf(text: &str, source: Source) -> Option<ShelfId> {
    let shelf = text.strip_prefix('S')?;
    let printed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '/');
    if source == Source::Typed && !(shelf.chars().all(printed) && shelf.contains(|c: char| c.is_ascii_digit())) {
        return None;
    }
    ShelfId::parse(shelf).ok()
}

/// Whether the text is 13 digits with a valid check digit (GS1 General Specifications §7.9).
pub fn is_ean13(text: &str) -> bool {
    text.len() == 13 && has_check_digit(text)
}

/// Whether the text is an EAN-13 or an EAN-8 with a valid check digit.
pub fn is_ean(text: &str) -> bool {
    matches!(text.len(), 8 | 13) && has_check_digit(text)
}

fn has_check_digit(text: &str) -> bool {
    let mut sum = 0;
    for (i, b) in text.bytes().rev().enumerate() {
        if !b.is_ascii_digit() {
            return false;
        }
        sum += u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 };
    }
    sum % 10 == 0
}

/// The text of the bag's label.
pub fn bag_label(order: &OrderNumber, bag: &BagId) -> String {
    format!("B{order}-{bag}")
}

/// The text of the shelf's label.
pub fn shelf_label(shelf: &ShelfId) -> String {
    format!("S{shelf}")
}

/// The text of the customer's QR. It holds the code: it goes to the customer and nowhere else.
pub fn qr_text(store: &StoreId, order: &OrderNumber, code: &PickupCode) -> String {
    format!("O1:{store}:{order}:{}", code.reveal())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> Scan {
        parse(text, Source::Scanned)
    }

    fn bags(text: &str) -> Vec<(String, String)> {
        match scanned(text) {
            Scan::Bag(readings) => readings.iter().map(|(o, b)| (o.to_string(), b.to_string())).collect(),
            other => panic!("{text:?} was read as {other:?}"),
        }
    }

    #[test]
    fn reads_a_bag_with_every_splitting_of_its_hyphens() {
        assert_eq!(bags("B48213-1"), [("48213".into(), "1".into())]);
        assert_eq!(bags("B2026/11/00123-A"), [("2026/11/00123".into(), "A".into())]);
        assert_eq!(bags("BWEB-7-2"), [("WEB-7".into(), "2".into()), ("WEB".into(), "7-2".into())]);
    }

    #[test]
    fn reads_a_shelf_but_leaves_a_surname_alone() {
        let shelf = |s: &str| Scan::Shelf(ShelfId::parse(s).unwrap());
        assert_eq!(scanned("SB4"), shelf("B4"));
        assert_eq!(scanned("Sregał 4"), shelf("regał 4"));
        assert_eq!(parse("SB4", Source::Typed), shelf("B4"));
        assert_eq!(parse("Sobczak", Source::Typed), Scan::Search("Sobczak".into()));
        assert_eq!(parse("SOBCZAK", Source::Typed), Scan::Search("SOBCZAK".into()));
    }

    #[test]
    fn reads_the_customer_s_qr_also_when_the_order_holds_colons() {
        let code = PickupCode::parse("048211").unwrap();
        let qr = |order: &str| Scan::Qr {
            store: StoreId::parse("wola").unwrap(),
            order: OrderNumber::parse(order).unwrap(),
            code,
        };
        assert_eq!(scanned("O1:wola:2026/11/00123:048211"), qr("2026/11/00123"));
        assert_eq!(scanned("O1:wola:a:b:048211"), qr("a:b"));
        assert_eq!(
            qr_text(&StoreId::parse("wola").unwrap(), &OrderNumber::parse("a:b").unwrap(), &code),
            "O1:wola:a:b:048211"
        );
        assert!(matches!(scanned("O1:Wola:1:048211"), Scan::Search(_)));
        assert!(matches!(scanned("O1:wola:1:48211"), Scan::Search(_)));
    }

    #[test]
    fn takes_an_ean_only_with_its_check_digit() {
        // GS1's own example 4006381333931, and Polish prefix 590.
        assert_eq!(scanned("4006381333931"), Scan::Ean("4006381333931".into()));
        assert_eq!(scanned("5901234123457"), Scan::Ean("5901234123457".into()));
        assert_eq!(scanned("5901234123458"), Scan::Search("5901234123458".into()));
        assert!(is_ean("96385074") && !is_ean("96385075") && !is_ean("12345"));
    }

    #[test]
    fn six_digits_are_a_code_and_anything_else_a_search() {
        assert_eq!(scanned(" 048211\r"), Scan::Code(PickupCode::parse("048211").unwrap()));
        assert_eq!(scanned("48213"), Scan::Search("48213".into()));
        assert_eq!(scanned("813"), Scan::Search("813".into()));
        assert_eq!(scanned("Kowalski"), Scan::Search("Kowalski".into()));
        assert_eq!(scanned(" \t"), Scan::Empty);
        assert_eq!(scanned("B-"), Scan::Search("B-".into()));
    }
}

//! Every document, in each language, as it is broken for the two widths of paper; and that slips keep the person to
//! themselves. The wanted texts stand in `golden/`.

use sans_io::{ClockQuality, Wall};

use super::{
    Document, Line, Part, Shop, Slip, bag_label, collection_slip, door_qr, door_text, lay_out, pick_slip, reprint,
    shelf_label, test_page,
};
use crate::event::{
    self, Actor, Contract, Entry, HqFact, LineQuantity, Method, MoneyState, OrderKind, Placed, StagedBag, StoreFact,
};
use crate::ids::{BagId, EventId, OrderNumber, PersonRef, ShelfId};
use crate::language::Language;
use crate::money::{Amount, Currency};
use crate::person::{Channel, Personal};
use crate::phone::Phone;
use crate::reservation::{Reservation, fold};
use crate::scan;
use jiff::tz::TimeZone;

/// Thursday 21.05.2026 12:07 in Warsaw.
const NOON_MS: i64 = 1_779_358_020_000;
/// Friday 22.05.2026 20:00 in Warsaw, summer time.
const PROMISED: &str = "2026-05-22T18:00:00Z";

fn person() -> Personal {
    Personal {
        name: "Olena Kowalczyk-Szewczenko".into(),
        phone: Phone::parse("600100813").unwrap(),
        email: Some("olena@example.org".into()),
        language: Language::Uk,
        channel: Channel::Sms,
    }
}

fn line(line: u32, name: &str, quantity: u32, unit_price: i64) -> event::Line {
    let (sku, ean, age) = (format!("K-{line}00"), None, None);
    event::Line { line, sku, ean, name: name.into(), quantity, unit_price: Amount(unit_price), age }
}

fn placed() -> Placed {
    let mut lines = vec![
        line(1, "Karma dla kota sterylizowanego Łąka 400 g", 2, 1_399),
        line(2, "Wino Kadarka", 1, 3_150),
        line(3, "Żwirek", 1, 1_234_500),
    ];
    lines[0].ean = Some("5901234123457".into());
    lines[1].age = Some(18);
    Placed {
        order: OrderNumber::parse("2026/11/00123").unwrap(),
        kind: OrderKind::Prepaid,
        contract: Contract::Distance,
        lines,
        currency: Currency::PLN,
        total: Amount(1_241_947),
        due: Amount(0),
        promised_at: Some(PROMISED.parse().unwrap()),
        code: Some(crate::code::PickupCode::parse("048211").unwrap()),
        person: PersonRef::from_bytes([7; 16]),
        personal: Some(person()),
        from_store: None,
    }
}

fn entry<F>(n: u64, body: F) -> Entry<F> {
    let at = Wall { unix_ms: NOON_MS, quality: ClockQuality::Ntp };
    let mut id = [0; 16];
    id[15] = n as u8;
    Entry { id: EventId::from_bytes(id), n, seen: 1, at, actor: Actor::system(), cause: None, body }
}

/// Paid online and in bags; two of three lines handed over, or none yet.
fn reservation(is_collected: bool) -> Reservation {
    let bag = |bag: &str, shelf| StagedBag { bag: BagId::parse(bag).unwrap(), shelf: ShelfId::parse(shelf).unwrap() };
    let bags = vec![bag("1", "B4"), bag("2", "Lodówka")];
    let some = vec![LineQuantity { line: 1, quantity: 2 }, LineQuantity { line: 2, quantity: 1 }];
    let paid = HqFact::PaymentChanged {
        money: MoneyState::PaidOnline,
        amount: Amount(1_241_947),
        reference: Some("p24-77".into()),
    };
    let hq = [entry(1, HqFact::Placed(Box::new(placed()))), entry(2, paid)];
    let store = [
        entry(1, StoreFact::Accepted),
        entry(2, StoreFact::Ready { bags, hold_until: PROMISED.parse().unwrap() }),
        entry(3, StoreFact::HandedOver { lines: some, method: Method::Code, overridden: None }),
    ];
    fold(&hq, if is_collected { &store } else { &store[..2] })
}

fn picked(language: Language) -> Slip {
    let zone = TimeZone::get("Europe/Warsaw").unwrap();
    let shop = Shop { name: "Lada Wola", zone: &zone, language };
    Slip::to_pick(&reservation(false), &person().initials(), &shop).unwrap()
}

fn collected(reservation: &Reservation, language: Language) -> Slip {
    let zone = TimeZone::get("Europe/Warsaw").unwrap();
    let shop = Shop { name: "Lada Wola", zone: &zone, language };
    let hand_over = reservation.goods.hand_overs.last().unwrap();
    Slip::collected(reservation, hand_over, &person().initials(), &shop).unwrap()
}

fn documents(language: Language, columns: u16) -> Vec<Document> {
    let order = OrderNumber::parse("2026/11/00123").unwrap();
    let bag = StagedBag { bag: BagId::parse("1").unwrap(), shelf: ShelfId::parse("B4").unwrap() };
    let text = door_text("+48 600 100 200", language);
    vec![
        bag_label(&order, &bag, &person().initials()),
        shelf_label(&bag.shelf),
        pick_slip(&picked(language)),
        collection_slip(&collected(&reservation(true), language)),
        reprint(shelf_label(&bag.shelf).with(Part::Drawer), language),
        door_qr("Lada Wola", &text, "https://lada.example/wola", language),
        test_page(language, columns),
    ]
}

/// Text with its indent; `*` at the end for bold, then the scale where it is not 1.
fn shown(line: &Line, columns: u16) -> String {
    match line {
        Line::Text { text, bold, scale, indent } => {
            let mark = if *bold { " *" } else { "" };
            let scale = if *scale > 1 { format!(" ×{scale}") } else { String::new() };
            format!("{}{text}{mark}{scale}", " ".repeat((*indent).into()))
        }
        Line::Rule => "─".repeat(columns.into()),
        Line::Barcode(text) => format!("‖ {text} ‖"),
        Line::Qr(text) => format!("▣ {text}"),
        Line::Cut => "✂".into(),
        other => format!("{other:?}"),
    }
}

fn page(language: Language, columns: u16) -> String {
    let lines = documents(language, columns).iter().flat_map(|d| lay_out(d, columns)).collect::<Vec<_>>();
    lines.iter().map(|line| shown(line, columns) + "\n").collect()
}

#[test]
fn documents_read_as_wanted_on_58_mm_paper() {
    assert_eq!(page(Language::Pl, 32), include_str!("golden/pl-32.txt"));
    assert_eq!(page(Language::Uk, 32), include_str!("golden/uk-32.txt"));
    assert_eq!(page(Language::En, 32), include_str!("golden/en-32.txt"));
}

#[test]
fn documents_read_as_wanted_on_80_mm_paper() {
    assert_eq!(page(Language::Pl, 48), include_str!("golden/pl-48.txt"));
    assert_eq!(page(Language::Uk, 48), include_str!("golden/uk-48.txt"));
    assert_eq!(page(Language::En, 48), include_str!("golden/en-48.txt"));
}

#[test]
fn a_slip_holds_initials_and_neither_name_nor_number_nor_code() {
    for language in Language::ALL {
        let (picked, collected) = (picked(language), collected(&reservation(true), language));
        for document in [pick_slip(&picked), collection_slip(&collected)] {
            let text = format!("{picked:?} {collected:?} {document:?}").to_lowercase();
            assert!(text.contains("o. k."), "{text}");
            for secret in ["olena", "kowalczyk", "szewczenko", "600100813", "600 100 813", "813", "048211", "@"] {
                assert!(!text.contains(secret), "{secret} stands in {text}");
            }
        }
    }
}

#[test]
fn a_slip_needs_the_order_and_an_erased_person_leaves_no_row() {
    let zone = TimeZone::UTC;
    let shop = Shop { name: "Lada Wola", zone: &zone, language: Language::Pl };
    assert_eq!(Slip::to_pick(&fold(&[], &[]), "", &shop), None);
    let picked = pick_slip(&Slip::to_pick(&reservation(true), "", &shop).unwrap());
    assert!(!picked.parts.iter().any(|part| matches!(part, Part::Row { left, .. } if left == "Klient")));
}

#[test]
fn money_stands_in_words_for_every_state() {
    let mut reservation = reservation(true);
    reservation.money.due = Amount(1_000);
    reservation.money.refund_due = Amount(2_000);
    reservation.money.receipt = Some("W001/77".into());
    let mut rows = |state| {
        reservation.money.state = state;
        let document = collection_slip(&collected(&reservation, Language::En));
        let at = document.parts.iter().position(|p| matches!(p, Part::Row { left, .. } if left == "Order total"));
        match &document.parts[at.unwrap() + 1..at.unwrap() + 3] {
            [Part::Row { left, right, .. }, Part::Row { left: receipt, right: number, .. }] => {
                assert_eq!((receipt.as_str(), number.as_str()), ("Receipt", "W001/77"));
                format!("{left}: {right}")
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(rows(MoneyState::NoneDue), "Nothing to pay: ");
    assert_eq!(rows(MoneyState::Due), "To pay: 10.00 zł");
    assert_eq!(rows(MoneyState::Authorised), "To pay (held on the card): 10.00 zł");
    assert_eq!(rows(MoneyState::PaidOnline), "Paid online: 12,419.47 zł");
    assert_eq!(rows(MoneyState::PaidStore), "Paid in store: 12,419.47 zł");
    assert_eq!(rows(MoneyState::RefundDue), "To be refunded: 20.00 zł");
    assert_eq!(rows(MoneyState::Refunded), "Refunded: ");
}

#[test]
fn only_what_is_still_open_is_picked_and_a_time_that_nobody_knew_is_left_out() {
    let zone = TimeZone::UTC;
    let shop = Shop { name: "Lada Wola", zone: &zone, language: Language::Pl };
    let mut reservation = reservation(true);
    let rest = pick_slip(&Slip::to_pick(&reservation, "", &shop).unwrap());
    let ticks = |part: &&Part| matches!(part, Part::Row { left, .. } if left.starts_with("[ ]"));
    let rows: Vec<&Part> = rest.parts.iter().filter(ticks).collect();
    assert!(matches!(rows[..], [Part::Row { left, .. }] if left == "[ ] 1 × Żwirek"), "{rows:?}");
    reservation.goods.hand_overs[0].at.quality = ClockQuality::Saved;
    let slip = collection_slip(&collected(&reservation, Language::Pl));
    assert!(!slip.parts.iter().any(|part| matches!(part, Part::Row { left, .. } if left == "Wydano")));
}

#[test]
fn a_reprint_differs_by_one_line_and_opens_no_drawer() {
    let label = shelf_label(&ShelfId::parse("B4").unwrap());
    let again = reprint(label.clone().with(Part::Drawer), Language::Uk);
    assert!(matches!(&again.parts[0], Part::Text { text, .. } if text == "КОПІЯ"));
    assert_eq!(again.parts[1..], label.parts);
}

#[test]
fn a_bag_label_holds_number_initials_and_a_barcode_that_scans_back() {
    let order = OrderNumber::parse("2026/11/00123").unwrap();
    let bag = StagedBag { bag: BagId::parse("1").unwrap(), shelf: ShelfId::parse("B4").unwrap() };
    let label = bag_label(&order, &bag, "J. K.");
    let Some(Part::Barcode(printed)) = label.parts.get(2) else { panic!("no barcode in {label:?}") };
    assert_eq!(scan::parse(printed, scan::Source::Scanned), scan::Scan::Bag(vec![(order, bag.bag)]));
    assert!(matches!(&label.parts[1], Part::Text { text, .. } if text == "2026/11/00123 · J. K."));
}

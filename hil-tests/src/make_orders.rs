//! Orders of a Polish shop, made from a seed: the same seed gives the same octets.
//!
//! EANs are of Poland's prefix 590 with valid check digits, prices are whole grosze, order numbers look like
//! `2026/11/00123`, and what is due follows from the kind. Names are made up; phone numbers are Polish mobile numbers
//! with `00` behind the
//! operator's three digits, so that they are valid in form and easily told from a real customer's.
//!
//! # CSV form
//! `;`-separated with a header, one row per line of an order, rows of one order next to each other, the order's own columns
//! repeated in each: `store order kind contract customer_name customer_phone customer_email customer_language
//! customer_channel sku ean name quantity unit_price age currency total due promised_at pickup_code`. Amounts are grosze.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;
use sans_io::Rng;
use serde::Serialize;

/// Header of the CSV form.
pub const CSV_HEADER: &str = "store;order;kind;contract;customer_name;customer_phone;customer_email;customer_language;\
customer_channel;sku;ean;name;quantity;unit_price;age;currency;total;due;promised_at;pickup_code";

/// An order as the shop platform posts it to HQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Store that hands over.
    pub store: String,
    /// The platform's number.
    pub order: String,
    /// `prepaid`, `pay_in_store`, `reserve_only` or `ship_to_store`.
    pub kind: &'static str,
    /// `distance` or `in_store`.
    pub contract: &'static str,
    /// Who collects.
    pub customer: Customer,
    /// What.
    pub lines: Vec<Line>,
    /// ISO 4217.
    pub currency: &'static str,
    /// Sum of the lines, grosze.
    pub total: u64,
    /// To be paid at the store, grosze.
    pub due: u64,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<String>,
}

/// Who collects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// First name and surname.
    pub name: String,
    /// E.164.
    pub phone: String,
    /// Mail address under `example.pl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `pl`, `uk` or `en`.
    pub language: &'static str,
    /// Preferred channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'static str>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The shop's own number of the product.
    pub sku: String,
    /// EAN-13.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ean: Option<String>,
    /// Name.
    pub name: String,
    /// Pieces.
    pub quantity: u64,
    /// Grosze a piece.
    pub unit_price: u64,
    /// Least age in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<u8>,
}

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed.
    pub seed: u64,
    /// Orders.
    pub count: u64,
    /// Store that they are for.
    pub store: String,
    /// Time that promises count from; the order numbers' month is its month.
    pub from: Timestamp,
    /// Number of the first order within the month.
    pub first: u64,
}

/// Makes orders one after another.
#[derive(Debug)]
pub struct Orders {
    plan: Plan,
    rng: Rng,
    made: u64,
}

impl Orders {
    /// Starts a sequence.
    pub fn new(plan: Plan) -> Self {
        let rng = Rng::new(plan.seed);
        Self { plan, rng, made: 0 }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.rng.below(from.len() as u64);
        &from[usize::try_from(at).expect("an index of a small table")]
    }

    fn order(&mut self, number: u64) -> Order {
        let kind = *self.pick(&KINDS);
        let contract = if kind == "reserve_only" || kind == "pay_in_store" { "in_store" } else { "distance" };
        let customer = self.customer(number);
        let lines = self.lines();
        let total = lines.iter().map(|line| line.quantity * line.unit_price).sum();
        let due = if matches!(kind, "prepaid" | "ship_to_store") { 0 } else { total };
        let month = Offset::UTC.to_datetime(self.plan.from);
        Order {
            store: self.plan.store.clone(),
            order: format!("{}/{:02}/{:05}", month.year(), month.month(), self.plan.first + number),
            kind,
            contract,
            customer,
            lines,
            currency: "PLN",
            total,
            due,
            promised_at: self.promise(),
        }
    }

    fn customer(&mut self, number: u64) -> Customer {
        // Seven of ten Polish, two Ukrainian, one English.
        let (language, firsts, lasts): (_, &[&str], &[&str]) = match self.rng.below(10) {
            0..=6 => ("pl", &PL_FIRST, &PL_LAST),
            7..=8 => ("uk", &UK_FIRST, &UK_LAST),
            _ => ("en", &EN_FIRST, &EN_LAST),
        };
        let name = format!("{} {}", self.pick(firsts), self.pick(lasts));
        let phone = format!("+48{}00{:04}", self.pick(&MOBILE), (self.rng.below(10_000) + number) % 10_000);
        let email = self.rng.chance(600).then(|| format!("klient{:05}@example.pl", self.plan.first + number));
        let channel = self.rng.chance(300).then_some("sms");
        Customer { name, phone, email, language, channel }
    }

    fn lines(&mut self) -> Vec<Line> {
        let count = 1 + self.rng.below(4);
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..count {
            let at = usize::try_from(self.rng.below(PRODUCTS.len() as u64)).expect("an index of a small table");
            let quantity = 1 + self.rng.below(3) * self.rng.below(2);
            let (name, unit_price, age) = PRODUCTS[at];
            let sku = format!("SKU-{:04}", 1_001 + at * 7);
            if lines.iter().any(|line| line.sku == sku) {
                continue;
            }
            lines.push(Line { sku, ean: Some(ean13(at as u64)), name: name.into(), quantity, unit_price, age });
        }
        lines
    }

    /// A quarter of an hour within the next two days, or none for one order in ten.
    fn promise(&mut self) -> Option<String> {
        let quarters = self.rng.below(192) + 4;
        let seconds = i64::try_from(quarters * 900).unwrap_or(0);
        let at = (self.plan.from.as_second() / 900) * 900 + seconds;
        let at = Timestamp::from_second(at).unwrap_or(self.plan.from);
        self.rng.chance(900).then(|| at.to_string())
    }
}

impl Iterator for Orders {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        (self.made < self.plan.count).then(|| {
            self.made += 1;
            self.order(self.made - 1)
        })
    }
}

/// Returns the EAN-13 of a product: GS1 Poland's prefix 590, then a made-up company, then the product, then the check digit.
pub fn ean13(product: u64) -> String {
    let body = format!("5909998{:05}", product * 37 % 100_000);
    format!("{body}{}", check_digit(&body))
}

/// Returns the check digit for the twelve digits of an EAN-13 (GS1 General Specifications §7.9).
pub fn check_digit(body: &str) -> u32 {
    let weighted = |(at, c): (usize, char)| c.to_digit(10).unwrap_or(0) * if at % 2 == 0 { 1 } else { 3 };
    (10 - body.chars().enumerate().map(weighted).sum::<u32>() % 10) % 10
}

/// Writes orders in the CSV form, without the header.
pub fn csv_rows(order: &Order) -> String {
    let mut rows = String::new();
    for line in &order.lines {
        let customer = &order.customer;
        let cells = [
            order.store.clone(),
            order.order.clone(),
            order.kind.into(),
            order.contract.into(),
            customer.name.clone(),
            customer.phone.clone(),
            customer.email.clone().unwrap_or_default(),
            customer.language.into(),
            customer.channel.unwrap_or_default().into(),
            line.sku.clone(),
            line.ean.clone().unwrap_or_default(),
            line.name.clone(),
            line.quantity.to_string(),
            line.unit_price.to_string(),
            line.age.map(|age| age.to_string()).unwrap_or_default(),
            order.currency.into(),
            order.total.to_string(),
            order.due.to_string(),
            order.promised_at.clone().unwrap_or_default(),
            String::new(),
        ];
        let quoted: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        writeln!(rows, "{}", quoted.join(";")).expect("a string takes everything");
    }
    rows
}

/// Quotes a cell when it needs it (RFC 4180 §2).
fn quoted(cell: &str) -> String {
    if cell.contains([';', ',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into() }
}

const KINDS: [&str; 10] = [
    "prepaid",
    "prepaid",
    "prepaid",
    "prepaid",
    "pay_in_store",
    "pay_in_store",
    "pay_in_store",
    "reserve_only",
    "reserve_only",
    "ship_to_store",
];

/// Prefixes of Polish mobile numbers (the regulator's numbering plan, "sieci ruchome").
const MOBILE: [&str; 8] = ["501", "512", "600", "605", "661", "692", "790", "889"];

const PL_FIRST: [&str; 12] = [
    "Anna",
    "Katarzyna",
    "Łucja",
    "Małgorzata",
    "Zofia",
    "Żaneta",
    "Jan",
    "Paweł",
    "Michał",
    "Stanisław",
    "Grzegorz",
    "Józef",
];
const PL_LAST: [&str; 12] = [
    "Kowalska-Nowak",
    "Wiśniewski",
    "Wójcik",
    "Kamińska",
    "Dąbrowski",
    "Szymańska",
    "Woźniak",
    "Pęk",
    "Jabłońska",
    "Król",
    "Świątek",
    "Źrebiec",
];
const UK_FIRST: [&str; 8] = ["Олена", "Тарас", "Ірина", "Богдан", "Наталія", "Андрій", "Ґалина", "Юрій"];
const UK_LAST: [&str; 8] =
    ["Шевченко", "Бондаренко", "Коваленко", "Ткачук", "Кравець", "Мельник", "Їжакевич", "Лук'яненко"];
const EN_FIRST: [&str; 6] = ["Emma", "Oliver", "Grace", "Jack", "Nia", "Owen"];
const EN_LAST: [&str; 6] = ["Smith", "O'Brien", "Taylor", "Hughes", "Walker", "Patel"];

/// Name, grosze, least age.
const PRODUCTS: [(&str, u64, Option<u8>); 24] = [
    ("Ekspres przelewowy Lena 1,2 l", 18_990, None),
    ("Kawa ziarnista Brzask 1 kg", 6_490, None),
    ("Filtry papierowe nr 4, 80 szt.", 1_099, None),
    ("Czajnik elektryczny Para 1,7 l", 12_900, None),
    ("Młynek do kawy \"Żarna\"", 24_900, None),
    ("Herbata czarna Łąka, 100 torebek", 1_849, None),
    ("Kubek emaliowany 0,4 l", 2_999, None),
    ("Patelnia żeliwna 26 cm", 15_900, None),
    ("Deska do krojenia bukowa", 4_599, None),
    ("Nóż szefa kuchni 20 cm", 8_990, None),
    ("Garnek ze stali 5 l", 17_450, None),
    ("Zestaw śrubokrętów, 12 szt.", 5_990, None),
    ("Wkrętarka akumulatorowa 18 V", 39_900, None),
    ("Żarówka LED E27 9 W", 1_290, None),
    ("Przedłużacz 5 m", 3_490, None),
    ("Latarka czołowa Świetlik", 7_990, None),
    ("Plecak miejski 20 l", 14_999, None),
    ("Koc wełniany 150×200", 19_900, None),
    ("Ręcznik kąpielowy; 70×140", 4_990, None),
    ("Świeca sojowa Jaśmin", 3_999, None),
    ("Nalewka wiśniowa 0,5 l", 5_990, Some(18)),
    ("Wino czerwone półwytrawne 0,75 l", 3_490, Some(18)),
    ("Karma dla kota 2 kg", 4_290, None),
    ("Klocki drewniane, 50 szt.", 9_990, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        let from = "2026-11-22T09:07:00Z".parse().unwrap();
        Plan { seed, count: 300, store: "wola".into(), from, first: 1 }
    }

    /// GS1's own worked example: 629104150021 has the check digit 3; and the design's 590123412345 has 7.
    #[test]
    fn check_digits_follow_gs1() {
        assert_eq!((check_digit("629104150021"), check_digit("590123412345")), (3, 7));
    }

    #[test]
    fn what_is_due_follows_from_the_kind_and_the_lines() {
        for order in Orders::new(plan(4)) {
            let sum: u64 = order.lines.iter().map(|line| line.quantity * line.unit_price).sum();
            assert_eq!(order.total, sum);
            let prepaid = matches!(order.kind, "prepaid" | "ship_to_store");
            assert_eq!(order.due, if prepaid { 0 } else { sum }, "{}", order.order);
            assert!(!order.lines.is_empty());
        }
    }

    #[test]
    fn a_seed_gives_the_same_orders_and_another_seed_others() {
        let text = |seed| Orders::new(plan(seed)).map(|order| csv_rows(&order)).collect::<String>();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn a_cell_with_a_separator_or_quotes_is_quoted() {
        assert_eq!(quoted("Ręcznik; 70"), "\"Ręcznik; 70\"");
        assert_eq!(quoted("Młynek \"Żarna\""), "\"Młynek \"\"Żarna\"\"\"");
    }
}

//! Files of orders: JSON lines, or CSV with `;` or `,`. Reading only; each order that comes out has passed the checks
//! of `POST orders`, because it went through the same functions.
//!
//! The file is read as it arrives and never held whole. One row too many or a broken one refuses its order, not the
//! file; only a header that can't be understood or a limit ends the file.

use std::io::{BufRead, Cursor, Read};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::form::{self, BODY_MAX, NewOrder, OrderForm};
use super::refusal::{FieldError, Refusal};

/// Bytes of a file.
pub const FILE_MAX: usize = 64 * 1024 * 1024;
/// Orders of a file.
pub const ORDERS_MAX: usize = 100_000;
/// Rows of one order in CSV; an order has 100 lines at most, so more are refused anyhow and need not be held.
const ROWS_MAX: usize = 1_000;

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// RFC 4180 with a header.
    Csv,
}

/// One order of the file.
#[derive(Debug)]
pub struct Item {
    /// The line of the file on which it begins, from 1.
    pub line: u64,
    /// The line on which its last row begins.
    pub to_line: u64,
    /// Store and order as written, where they could be read.
    pub name: Option<(String, String)>,
    /// The checked order, or why it is refused.
    pub order: Result<NewOrder, Refusal>,
}

/// Reads a file and hands out its orders one by one, until `each` breaks.
///
/// # Errors
/// What ends the whole file: a header without a needed column, a limit, a source that broke.
pub fn read(
    mut source: impl BufRead,
    format: Option<Format>,
    mut each: impl FnMut(Item) -> ControlFlow<()>,
) -> Result<(), Refusal> {
    let first = skip_mark_and_blank(&mut source)?;
    let mut orders = 0_usize;
    let mut counted = |item: Item| -> Result<ControlFlow<()>, Refusal> {
        orders += 1;
        if orders > ORDERS_MAX {
            return Err(Refusal::Malformed { why: format!("more than {ORDERS_MAX} orders in one file") });
        }
        Ok(each(item))
    };
    let format = format.unwrap_or(if first.text.starts_with(b"{") { Format::JsonLines } else { Format::Csv });
    match format {
        Format::JsonLines => json_lines(first, source, &mut counted),
        Format::Csv => csv_rows(first, source, &mut counted),
    }
}

type Take<'a> = &'a mut dyn FnMut(Item) -> Result<ControlFlow<()>, Refusal>;

struct FirstLine {
    text: Vec<u8>,
    line: u64,
}

fn broken(e: &std::io::Error) -> Refusal {
    match e.kind() {
        std::io::ErrorKind::FileTooLarge => Refusal::TooLarge { limit: FILE_MAX },
        _ => Refusal::Malformed { why: format!("the file broke off: {e}") },
    }
}

/// Reads one line, of which at most `BODY_MAX + 1` bytes are kept. False at the end of the file.
fn line(source: &mut impl BufRead, into: &mut Vec<u8>) -> Result<bool, Refusal> {
    into.clear();
    let limit = BODY_MAX as u64 + 1;
    let got = source.by_ref().take(limit).read_until(b'\n', into).map_err(|e| broken(&e))?;
    if got as u64 == limit && into.last() != Some(&b'\n') {
        loop {
            let chunk = source.fill_buf().map_err(|e| broken(&e))?;
            let end = chunk.iter().position(|b| *b == b'\n');
            let (used, done) = (end.map_or(chunk.len(), |at| at + 1), end.is_some() || chunk.is_empty());
            source.consume(used);
            if done {
                break;
            }
        }
    }
    Ok(got > 0)
}

fn skip_mark_and_blank(source: &mut impl BufRead) -> Result<FirstLine, Refusal> {
    let mut text = Vec::new();
    let mut number = 0;
    while line(source, &mut text)? {
        number += 1;
        if number == 1 && text.starts_with(b"\xEF\xBB\xBF") {
            text.drain(..3);
        }
        if !text.trim_ascii().is_empty() {
            return Ok(FirstLine { text, line: number });
        }
    }
    Err(Refusal::Malformed { why: "the file is empty".into() })
}

fn json_lines(first: FirstLine, mut source: impl BufRead, take: Take<'_>) -> Result<(), Refusal> {
    let FirstLine { mut text, line: mut number } = first;
    loop {
        let body = text.trim_ascii();
        if !body.is_empty() {
            let form: Result<OrderForm, Refusal> = form::read(body);
            let name = form.as_ref().ok().map(|f| (f.store.clone(), f.order.clone()));
            let order = form.and_then(|f| form::parse_order(&f));
            if take(Item { line: number, to_line: number, name, order })?.is_break() {
                return Ok(());
            }
        }
        number += 1;
        if !line(&mut source, &mut text)? {
            return Ok(());
        }
    }
}

/// Columns that belong to the order and are repeated in each of its rows.
const ORDER_COLUMNS: [&str; 14] = [
    "store",
    "order",
    "kind",
    "contract",
    "customer_name",
    "customer_phone",
    "customer_email",
    "customer_language",
    "customer_channel",
    "currency",
    "total",
    "due",
    "promised_at",
    "pickup_code",
];
/// Columns of one line.
const LINE_COLUMNS: [&str; 6] = ["sku", "ean", "name", "quantity", "unit_price", "age"];
/// Columns that may be left out.
const OPTIONAL: [&str; 7] =
    ["customer_email", "customer_language", "customer_channel", "ean", "age", "promised_at", "pickup_code"];

/// Where each column stands in the header.
struct Header {
    order: Vec<(&'static str, Option<usize>)>,
    line: Vec<(&'static str, Option<usize>)>,
    width: usize,
}

impl Header {
    fn read(record: &csv::ByteRecord) -> Result<Header, Refusal> {
        let names: Vec<String> = record.iter().map(|f| String::from_utf8_lossy(f).trim().to_owned()).collect();
        let known = |name: &str| ORDER_COLUMNS.contains(&name) || LINE_COLUMNS.contains(&name);
        let mut errors = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !known(name) {
                errors.push(FieldError::new(format!("header[{at}]"), "no such column"));
            } else if names[..at].contains(name) {
                errors.push(FieldError::new(name.as_str(), "the column is there twice"));
            }
        }
        let find = |name: &'static str| (name, names.iter().position(|n| n == name));
        let header = Header {
            order: ORDER_COLUMNS.map(find).to_vec(),
            line: LINE_COLUMNS.map(find).to_vec(),
            width: names.len(),
        };
        let missing = header.order.iter().chain(&header.line).filter(|(n, at)| at.is_none() && !OPTIONAL.contains(n));
        errors.extend(missing.map(|(name, _)| FieldError::new(*name, "the column is missing")));
        if errors.is_empty() { Ok(header) } else { Err(Refusal::Invalid(errors)) }
    }
}

/// A row as text, or why it is none.
struct Row {
    line: u64,
    order: Vec<String>,
    item: Vec<String>,
    refusal: Option<Refusal>,
}

impl Row {
    fn read(header: &Header, record: &csv::ByteRecord) -> Row {
        let number = record.position().map_or(0, csv::Position::line);
        let mut refusal = None;
        if record.len() != header.width {
            let why = format!("has {} fields, the header has {}", record.len(), header.width);
            refusal = Some(Refusal::field("$", why));
        }
        let mut text = |at: Option<usize>, name: &str| -> String {
            let field = at.and_then(|at| record.get(at)).unwrap_or_default();
            match std::str::from_utf8(field) {
                Ok(text) => text.to_owned(),
                Err(_) => {
                    refusal.get_or_insert_with(|| Refusal::field(json_path(name, 0), "is not UTF-8"));
                    String::new()
                }
            }
        };
        let order = header.order.iter().map(|(name, at)| text(*at, name)).collect();
        let item = header.line.iter().map(|(name, at)| text(*at, name)).collect();
        Row { line: number, order, item, refusal }
    }

    /// Store and order: what makes consecutive rows one order.
    fn name(&self) -> (&str, &str) {
        (&self.order[0], &self.order[1])
    }
}

fn json_path(column: &str, line: usize) -> String {
    match column.strip_prefix("customer_") {
        Some(field) => format!("customer.{field}"),
        None if LINE_COLUMNS.contains(&column) => format!("lines[{line}].{column}"),
        None => column.to_owned(),
    }
}

fn csv_rows(first: FirstLine, source: impl Read, take: Take<'_>) -> Result<(), Refusal> {
    let count = |byte: u8| first.text.iter().filter(|b| **b == byte).count();
    let delimiter = if count(b';') >= count(b',') { b';' } else { b',' };
    let skipped = first.line - 1;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(Cursor::new(first.text).chain(source));
    let mut record = csv::ByteRecord::new();
    let mut next = move |record: &mut csv::ByteRecord| reader.read_byte_record(record).map_err(|e| csv_broken(&e));
    if !next(&mut record)? {
        return Ok(());
    }
    let header = Header::read(&record)?;
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let more = next(&mut record)?;
        let mut row = more.then(|| Row::read(&header, &record));
        if let Some(row) = &mut row {
            row.line += skipped;
        }
        let continues = row
            .as_ref()
            .is_some_and(|row| rows.len() < ROWS_MAX && rows.first().is_some_and(|first| first.name() == row.name()));
        if !continues && !rows.is_empty() && take(group(&header, &std::mem::take(&mut rows)))?.is_break() {
            return Ok(());
        }
        match row {
            Some(row) => rows.push(row),
            None => return Ok(()),
        }
    }
}

fn csv_broken(e: &csv::Error) -> Refusal {
    match e.kind() {
        csv::ErrorKind::Io(io) => broken(io),
        _ => Refusal::Malformed { why: "the CSV can't be read".into() },
    }
}

/// Makes one order of consecutive rows.
fn group(header: &Header, rows: &[Row]) -> Item {
    let first = &rows[0];
    let (store, order) = first.name();
    let name = Some((store.to_owned(), order.to_owned()));
    let checked = || {
        if let Some(refusal) = rows.iter().find_map(|row| row.refusal.clone()) {
            return Err(refusal);
        }
        for row in &rows[1..] {
            let differs = (0..ORDER_COLUMNS.len()).find(|at| row.order[*at] != first.order[*at]);
            if let Some(at) = differs {
                let why =
                    format!("line {} differs from the order's first row in column {}", row.line, ORDER_COLUMNS[at]);
                return Err(Refusal::field(json_path(ORDER_COLUMNS[at], 0), why));
            }
        }
        let form: OrderForm = form::read_value(value(header, rows))?;
        form::parse_order(&form)
    };
    Item { line: first.line, to_line: rows[rows.len() - 1].line, name, order: checked() }
}

/// The body that `POST orders` would have been sent.
fn value(header: &Header, rows: &[Row]) -> Value {
    let mut order = Map::new();
    let mut customer = Map::new();
    for ((column, _), text) in header.order.iter().zip(&rows[0].order) {
        let (object, field) = match column.strip_prefix("customer_") {
            Some(field) => (&mut customer, field),
            None => (&mut order, *column),
        };
        put(object, field, column, text);
    }
    let lines: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut line = Map::new();
            for ((column, _), text) in header.line.iter().zip(&row.item) {
                put(&mut line, column, column, text);
            }
            Value::Object(line)
        })
        .collect();
    order.insert("customer".into(), Value::Object(customer));
    order.insert("lines".into(), Value::Array(lines));
    Value::Object(order)
}

fn put(object: &mut Map<String, Value>, field: &str, column: &str, text: &str) {
    if text.is_empty() && OPTIONAL.contains(&column) {
        return;
    }
    let value = match column {
        "quantity" | "unit_price" | "age" | "total" | "due" => {
            // What is no integer stays text, so that the same reader refuses it with the same words.
            text.trim().parse::<i64>().map_or_else(|_| json!(text), |n| json!(n))
        }
        _ => json!(text),
    };
    object.insert(field.to_owned(), value);
}

#[cfg(test)]
mod tests;

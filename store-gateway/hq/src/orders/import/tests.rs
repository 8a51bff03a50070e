use std::io::BufReader;

use proptest::prelude::*;

use super::*;

const HEADER: &str = "store;order;kind;contract;customer_name;customer_phone;customer_email;customer_language;\
                      customer_channel;sku;ean;name;quantity;unit_price;age;currency;total;due;promised_at;pickup_code";
const TEA: &str = "waw-01;2026/11/00123;prepaid;distance;Anna Nowak;+48600100813;;pl;sms;T-1;5901234123457;\
                   \"Herbata; liść\";2;1999;;PLN;8998;0;2026-11-22T14:00:00Z;";
const WINE: &str = "waw-01;2026/11/00123;prepaid;distance;Anna Nowak;+48600100813;;pl;sms;W-2;;Wino;1;5000;18;\
                    PLN;8998;0;2026-11-22T14:00:00Z;";

fn items(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let done = read(text.as_bytes(), None, |item| {
        items.push(item);
        ControlFlow::Continue(())
    });
    assert_eq!(done, Ok(()));
    items
}

fn error_of(item: &Item) -> FieldError {
    match item.order.as_ref().expect_err("this order is refused") {
        Refusal::Invalid(errors) => errors[0].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn consecutive_rows_make_one_order() {
    let items = items(&format!("{HEADER}\n{TEA}\n{WINE}\n"));
    assert_eq!(items.len(), 1);
    let order = items[0].order.as_ref().unwrap();
    assert_eq!((items[0].line, items[0].to_line), (2, 3));
    assert_eq!(order.lines[0].name, "Herbata; liść");
    assert_eq!(order.lines[1].age, Some(18));
    assert_eq!(order.total.0, 2 * 1999 + 5000);
}

#[test]
fn commas_carriage_returns_and_a_mark_are_taken() {
    let comma = format!("{HEADER}\n{TEA}\n{WINE}\n").replace("\"Herbata; liść\"", "Herbata").replace(';', ",");
    let items = items(&format!("\u{feff}{}", comma.replace('\n', "\r\n")));
    assert_eq!(items.len(), 1);
    assert!(items[0].order.is_ok(), "{:?}", items[0].order);
}

#[test]
fn a_row_that_differs_in_an_order_column_names_row_and_column() {
    let items = items(&format!("{HEADER}\n{TEA}\n{}\n", WINE.replace("distance", "in_store")));
    let error = error_of(&items[0]);
    assert_eq!(error.path, "contract");
    assert!(error.detail.contains("line 3"), "{}", error.detail);
}

#[test]
fn a_bad_order_leaves_its_neighbours_alone() {
    let bad = WINE.replace("00123", "00124").replace(";1;5000", ";one;5000");
    let good = TEA.replace("00123", "00125").replace("8998", "3998");
    let items = items(&format!("{HEADER}\n{TEA}\n{WINE}\n{bad}\n{good}\n"));
    let outcome: Vec<bool> = items.iter().map(|i| i.order.is_ok()).collect();
    assert_eq!(outcome, [true, false, true]);
    assert_eq!(error_of(&items[1]).path, "lines[0].quantity");
}

#[test]
fn a_header_without_a_column_refuses_the_file_and_names_it() {
    for (header, path) in [(HEADER.replace(";total", ""), "total"), (HEADER.replace("sku", "article"), "header[9]")] {
        let refused = read(format!("{header}\n{TEA}\n").as_bytes(), None, |_| ControlFlow::Continue(()));
        let Err(Refusal::Invalid(errors)) = refused else { panic!("{refused:?}") };
        assert_eq!(errors[0].path, path);
    }
}

#[test]
fn json_lines_are_read_line_by_line() {
    let good = r#"{"store":"waw-01","order":"7","kind":"prepaid","contract":"distance","customer":{"name":"Jan K","phone":"+48600100813"},"lines":[{"sku":"A","name":"Kubek","quantity":1,"unit_price":10}],"currency":"PLN","total":10,"due":0}"#;
    let items = items(&format!("{good}\n\nnot json\n{}\n{{\"store\":\n", good.replace("\"due\":0", "\"due\":\"0\"")));
    assert_eq!(items.iter().map(|i| i.line).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert!(items[0].order.is_ok());
    assert!(matches!(items[1].order, Err(Refusal::Malformed { .. })));
    assert_eq!(error_of(&items[2]).path, "due");
    assert!(matches!(items[3].order, Err(Refusal::Malformed { .. })));
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_is_read() {
    let items = items(&format!("{{\"store\":\"{}\"}}\n{{}}\n", "x".repeat(3 * BODY_MAX)));
    assert!(matches!(items[0].order, Err(Refusal::TooLarge { limit: BODY_MAX })));
    assert_eq!(error_of(&items[1]).path, "store");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_orders(capacity in 1_usize..200) {
        let text = format!("{HEADER}\n{TEA}\n{WINE}\n{}\n", TEA.replace("00123", "9").replace("8998", "3998"));
        let mut lines = Vec::new();
        let source = BufReader::with_capacity(capacity, text.as_bytes());
        prop_assert_eq!(read(source, None, |i| { lines.push((i.line, i.order.is_ok())); ControlFlow::Continue(()) }), Ok(()));
        prop_assert_eq!(lines, vec![(2, true), (4, true)]);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in [None, Some(Format::Csv), Some(Format::JsonLines)] {
            let _either = read(&*bytes, format, |_| ControlFlow::Continue(()));
            let mut file = HEADER.as_bytes().to_vec();
            file.push(b'\n');
            file.extend(&bytes);
            let _either = read(&*file, format, |_| ControlFlow::Continue(()));
        }
    }
}

use serde_json::{Value, json};

use crate::world::{World, order};

fn import(world: &World, kind: &str, text: &str) -> Vec<Value> {
    let answer = world.api_raw("POST", "/orders/import", &[("content-type", kind)], Some(text));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn statuses(answers: &[Value]) -> Vec<u64> {
    answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect()
}

const HEADER: &str = "store;order;kind;contract;customer_name;customer_phone;customer_email;customer_language;\
                      customer_channel;sku;ean;name;quantity;unit_price;age;currency;total;due;promised_at;pickup_code";

fn row(number: &str, quantity: &str) -> String {
    format!(
        "waw-01;{number};prepaid;distance;Jan Żak;+48600100813;;pl;sms;A;5901234123457;Kubek;{quantity};1000;;PLN;2000;0;;"
    )
}

#[test]
fn json_lines_give_an_answer_each_and_the_same_again_changes_nothing() {
    let world = World::start_empty("");
    let mut lines: Vec<String> = (0..150).map(|n| order("waw-01", &format!("2026/11/{n:05}")).to_string()).collect();
    lines.insert(70, "{\"store\":\"waw-01\"".into());
    let mut wrong = order("waw-01", "bad");
    wrong["total"] = json!(1);
    lines.insert(71, wrong.to_string());
    let text = lines.join("\n");
    let answers = import(&world, "application/x-ndjson", &text);
    assert_eq!(answers.len(), 152);
    let by_line: Vec<u64> = answers.iter().map(|a| a["line"].as_u64().unwrap()).collect();
    assert_eq!(by_line, (1..=152).collect::<Vec<_>>());
    let mut wanted = vec![201; 152];
    (wanted[70], wanted[71]) = (400, 422);
    assert_eq!(statuses(&answers), wanted);
    assert_eq!(answers[71]["problem"]["errors"][0]["path"], json!("total"));

    let again = import(&world, "application/x-ndjson", &text);
    assert_eq!(statuses(&again).iter().filter(|s| **s == 200).count(), 150);
    // What came by file is what would have come by POST.
    assert_eq!(world.api("POST", "/orders", Some(&order("waw-01", "2026/11/00003"))).status, 200);
    let codes: std::collections::BTreeSet<&str> = answers.iter().filter_map(|a| a["pickup_code"].as_str()).collect();
    assert_eq!(codes.len(), 150);
    let codes: Vec<&str> = codes.into_iter().collect();
    for (n, a) in codes.iter().enumerate() {
        let near = codes[n + 1..].iter().find(|b| a.bytes().zip(b.bytes()).filter(|(x, y)| x != y).count() < 2);
        assert_eq!(near, None, "{a} is too close");
    }
}

#[test]
fn csv_with_either_separator_passes_the_same_checks() {
    let world = World::start_empty("");
    let text = format!("{HEADER}\n{}\n{}\n{}\n", row("1", "2"), row("2", "3"), row("3", "x"));
    let answers = import(&world, "text/csv", &text);
    assert_eq!(statuses(&answers), [201, 422, 422]);
    assert_eq!(answers[1]["problem"]["errors"][0]["path"], json!("total"));
    assert_eq!(answers[2]["problem"]["errors"][0]["path"], json!("lines[0].quantity"));
    let comma = import(&world, "text/csv", &text.replace(';', ","));
    assert_eq!(statuses(&comma), [200, 422, 422]);
    assert!(!world.logged().contains("Żak"));
}

#[test]
fn a_file_that_is_none_is_refused_whole() {
    let world = World::start_empty("");
    let send = |text: &str| world.api_raw("POST", "/orders/import", &[], Some(text));
    assert_eq!(send("").status, 400);
    let refused = send(&format!("{}\n{}\n", HEADER.replace("total", "sum"), row("1", "2")));
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["errors"][0]["path"], json!("header[16]"));
    assert_eq!(world.api("GET", "/orders", None).json()["items"], json!([]));
}

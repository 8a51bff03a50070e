//! Whole pages: what the browser's policy allows, what is escaped, what a state offers and what it withholds.

use jiff::tz::TimeZone;

use super::samples;
use crate::screens::format::{Moment, Money, rough, timer};
use crate::screens::lang::Words;
use crate::screens::view::Theme;
use crate::screens::{Lang, assets, segment};

fn page(name: &str, lang: Lang) -> String {
    let pages = samples::all(lang, Theme::Auto).expect("the samples can be drawn");
    pages.into_iter().find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no sample {name}")).1
}

#[test]
fn no_page_needs_more_than_the_policy_allows() {
    for lang in Lang::ALL {
        for (name, html) in samples::all(lang, Theme::Dark).expect("the samples can be drawn") {
            assert!(!html.contains(" style="), "{name}: inline style");
            assert!(!html.contains("<style"), "{name}: style element");
            assert!(!html.contains("<script>"), "{name}: inline script");
            assert!(!html.contains("hx-on"), "{name}: inline handler");
            assert!(!html.contains("js:"), "{name}: evaluated value");
            assert!(!html.contains("http://") && !html.contains("https://"), "{name}: address elsewhere");
        }
    }
}

#[test]
fn every_asset_that_a_page_names_is_there() {
    for (name, html) in samples::all(Lang::Pl, Theme::Auto).expect("the samples can be drawn") {
        for path in html.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(assets::find(path).is_some(), "{name}: no asset {path}");
        }
    }
    let imported = assets::ALL.iter().filter(|asset| asset.path.ends_with(".js") && asset.path != "htmx.min.js");
    for asset in imported {
        let source = std::str::from_utf8(asset.bytes).expect("a script is text");
        for path in source.split("from './").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(assets::find(path).is_some(), "{}: no asset {path}", asset.path);
        }
    }
}

#[test]
fn entity_tags_tell_files_apart() {
    let mut tags: Vec<&str> = assets::ALL.iter().map(assets::Asset::etag).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), assets::ALL.len());
    assert!(tags.iter().all(|tag| tag.starts_with('"') && tag.ends_with('"') && tag.len() == 18));
}

#[test]
fn every_form_carries_the_csrf_token() {
    for (name, html) in samples::all(Lang::En, Theme::Auto).expect("the samples can be drawn") {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap_or(form);
            // A form that only asks changes nothing, and its fields stand in the address: no place for a token.
            if form.split('>').next().is_some_and(|tag| tag.contains("method=\"get\"")) {
                assert!(!form.contains("csrf"), "{name}: a token in an address: {form}");
                continue;
            }
            assert!(form.contains("name=\"csrf\""), "{name}: a form without token: {form}");
        }
    }
}

#[test]
fn every_key_cap_is_on_one_control_only() {
    for (name, html) in samples::all(Lang::Pl, Theme::Auto).expect("the samples can be drawn") {
        let mut keys: Vec<&str> = html.split("data-key=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all, "{name}: a key stands twice");
        assert!(html.matches("data-primary").count() <= 1, "{name}: two primary actions");
    }
}

#[test]
fn enter_hands_over_only_from_a_card_that_is_clear() {
    assert!(page("card", Lang::Pl).contains("data-primary"));
    for blocked in ["card-need-code", "card-money-due", "card-wrong-bag", "card-locked"] {
        assert!(!page(blocked, Lang::Pl).contains("data-primary"), "{blocked}");
    }
}

#[test]
fn the_code_never_stands_in_a_conversation() {
    let html = page("card", Lang::Pl);
    assert!(html.contains("Kod odbioru: ••••••."));
    assert!(!html.contains("{code}"));
}

#[test]
fn a_customer_s_text_is_shown_and_never_run() {
    let mut frame_and_side = samples::hostile();
    let html = crate::screens::render_page(&frame_and_side, Lang::En).expect("the page can be drawn");
    assert!(!html.contains("<img src=x"), "unescaped text");
    assert!(html.contains("&#60;img src=x"), "the text is shown");
    frame_and_side.frame.csrf = "\"><i>x".to_owned();
    let html = crate::screens::render_page(&frame_and_side, Lang::En).expect("the page can be drawn");
    assert!(!html.contains("\"><i>x"), "an attribute was left");
}

#[test]
fn undo_is_offered_on_the_card_only_while_it_lasts() {
    assert!(page("card-done", Lang::Pl).contains("data-key=\"F9\""));
    assert!(!page("card-why", Lang::Pl).contains("data-key=\"F9\""));
}

#[test]
fn the_chime_counts_those_whom_nobody_attends_to() {
    assert!(page("empty", Lang::Pl).contains("data-ringing=\"2\""));
}

#[test]
fn order_numbers_are_encoded_in_paths() {
    assert_eq!(segment("2026/11/00123"), "2026%2F11%2F00123");
    assert_eq!(segment("Ł 1?#"), "%C5%81%201%3F%23");
    assert!(page("empty", Lang::Pl).contains("hx-get=\"/orders/2026%2F11%2F00123\""));
}

#[test]
fn money_is_written_as_each_language_does() {
    let (polish, english) = (&Words::of(Lang::Pl), &Words::of(Lang::En));
    assert_eq!(Money::new(32_970, "PLN").text(polish), "329,70\u{a0}zł");
    assert_eq!(Money::new(123_456_705, "PLN").text(polish), "1\u{a0}234\u{a0}567,05\u{a0}zł");
    assert_eq!(Money::new(123_456_705, "EUR").text(english), "1,234,567.05\u{a0}€");
    assert_eq!(Money::new(-5, "PLN").text(english), "−0.05\u{a0}zł");
    assert_eq!(Money::new(1_500, "JPY").text(english), "1,500\u{a0}JPY");
    assert_eq!(Money::new(1_500, "KWD").text(english), "1.500\u{a0}KWD");
    assert_eq!(Money::new(i64::MIN, "PLN").text(english), "−92,233,720,368,547,758.08\u{a0}zł");
}

#[test]
fn times_are_as_brief_as_they_stay_clear() {
    let zone = TimeZone::get("Europe/Warsaw").expect("Warsaw is in the database");
    // 2026-05-21T12:37:00Z, a Thursday; Warsaw is two hours ahead of UTC in summer.
    let now = Moment::at(1_779_367_020_000, &zone);
    let words = &Words::of(Lang::Pl);
    let hour = 3_600_000;
    let brief = |hours: i64| Moment::at(now.unix_ms + hours * hour, &zone).brief(&now, words);
    assert_eq!(brief(0), "14:37");
    assert_eq!(brief(9), "23:37");
    assert_eq!(brief(10), "jutro 00:37");
    assert_eq!(brief(-15), "wczoraj 23:37");
    assert_eq!(brief(48), "sb 23.05 14:37");
    let tomorrow = Moment::at(now.unix_ms + 24 * hour, &zone);
    assert_eq!(tomorrow.brief_until(&now, words), "jutra 14:37");
}

#[test]
fn timers_read_as_they_will_tick() {
    let words = &Words::of(Lang::En);
    assert_eq!(timer(312, words), "5:12");
    assert_eq!(timer(3_900, words), "1 h 05");
    assert_eq!(rough(1_320, words), "22 min");
    assert_eq!(rough(61, words), "2 min");
    assert_eq!(rough(3 * 86_400, words), "3 d");
}

use super::*;

fn values() -> Values {
    Values::default()
        .with(Variable::Store, "SklepX Wola")
        .with(Variable::Order, "48213")
        .with(Variable::HoldUntil, "pt 22.05 20:00")
}

fn template(text: &str) -> Template {
    Template { text: text.to_owned(), ..Templates::default().find(TemplateKey::Ready, Language::Pl) }
}

#[test]
fn the_ready_text_is_the_one_on_the_counter_screen_and_keeps_its_code_unfilled() {
    let filled = Templates::default().find(TemplateKey::Ready, Language::Pl).fill(&values()).unwrap();
    assert_eq!(
        filled,
        "SklepX Wola: zamówienie 48213 czeka do pt 22.05 20:00. Kod odbioru: {code}. Odpisz JESTEM po przyjeździe."
    );
    assert!(masked(&filled).contains("Kod odbioru: ••••••."));
    assert!(finish(&filled, &PickupCode::parse("048211").unwrap()).contains("Kod odbioru: 048211."));
}

#[test]
fn a_value_cannot_bring_a_variable_with_it() {
    let filled = template("{order} {code}").fill(&values().with(Variable::Order, "{code}")).unwrap();
    assert_eq!(filled, "(code) {code}");
}

#[test]
fn names_what_cannot_be_filled() {
    let fill = |text: &str| template(text).fill(&values()).unwrap_err();
    assert_eq!(fill("{due}"), TemplateError::Missing { variable: Variable::Due });
    assert_eq!(fill("{ordre}"), TemplateError::Unknown { name: "ordre".into() });
    assert_eq!(fill("ąę {order"), TemplateError::Brace { at: 3 });
    assert_eq!(fill("a } b"), TemplateError::Brace { at: 2 });
}

#[test]
fn writes_times_as_the_shop_does() {
    let zone = TimeZone::get("Europe/Warsaw").unwrap();
    let at: Timestamp = "2026-05-22T18:00:00Z".parse().unwrap();
    assert_eq!(moment(at, &zone, Language::Pl), "pt 22.05 20:00");
    assert_eq!(moment(at, &zone, Language::Uk), "пт 22.05 20:00");
    assert_eq!(moment(at, &zone, Language::En), "Fri 22.05 20:00");
}

#[test]
fn every_built_in_text_passes_the_linter_and_the_estimate() {
    for t in Templates::default().0 {
        assert_eq!(t.lint(), [], "{} {:?}", t.key, t.language);
        // A text of two parts holds 306 septets or 134 UCS-2 units (3GPP TS 23.040 §9.2.3.24.1), of three 201.
        let characters = t.longest().unwrap().chars().count();
        let limit = if t.language == Language::Uk { 201 } else { 306 };
        assert!(characters <= limit, "{} {:?} has {characters}", t.key, t.language);
    }
    assert_eq!(Templates::default().0.len(), TemplateKey::ALL.len() * 3);
}

#[test]
fn the_linter_finds_links_and_promotion_in_transactional_texts_only() {
    let ready = "{order} {code} ";
    for link in ["https://sklep.example/x", "www.sklep", "sklep.pl/promo", "(sklep.com)"] {
        let found = template(&format!("{ready}{link}")).lint();
        assert!(matches!(found[..], [Finding::Link { .. }]), "{link}: {found:?}");
    }
    for word in ["Rabat!", "promocja", "ZNIŻKA", "-20%", "знижка", "акція", "Discount"] {
        let found = template(&format!("{ready}{word}")).lint();
        assert!(matches!(found[..], [Finding::Promotion { .. }]), "{word}: {found:?}");
    }
    let marketing = Template { class: Class::Marketing, ..template("{order} {code} Rabat sklep.pl") };
    assert_eq!(marketing.lint(), []);
}

#[test]
fn the_linter_wants_the_code_where_it_belongs_and_nowhere_else() {
    assert_eq!(template("{order}").lint(), [Finding::Needs { variable: Variable::Code }]);
    let help = Template { key: TemplateKey::ReplyHelp, ..template("{code}") };
    assert_eq!(help.lint(), [Finding::Code]);
    assert_eq!(template(" ").lint().first(), Some(&Finding::Empty));
}

#[test]
fn a_language_that_hq_left_out_falls_back_to_the_built_in_text() {
    let only_polish = Templates(vec![template("{order} {code} gotowe")]);
    assert_eq!(only_polish.find(TemplateKey::Ready, Language::Pl).text, "{order} {code} gotowe");
    assert_eq!(only_polish.find(TemplateKey::Ready, Language::En), defaults::one(TemplateKey::Ready, Language::En));
}

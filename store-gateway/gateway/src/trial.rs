//! The trial of a configuration bundle: everything that the shop computes from one is computed once, before it counts.

use jiff::{SignedDuration, Timestamp};
use shop_model::config::Bundle;
use shop_model::language::Language;
use shop_model::template::TemplateKey;

/// Days ahead for which holds are computed: a month covers holidays that HQ has entered.
const DAYS: i64 = 31;

/// Works through a bundle as the shop would.
///
/// # Errors
/// What does not work, in words.
pub fn run(bundle: &Bundle, now_ms: i64) -> Result<(), String> {
    let now = Timestamp::from_millisecond(now_ms).map_err(|e| e.to_string())?;
    if bundle.hours.next_opening(now).is_none() {
        return Err("hours: the store never opens again".into());
    }
    for day in 0..DAYS {
        let ready = now.checked_add(SignedDuration::from_hours(24 * day)).map_err(|e| e.to_string())?;
        let until = bundle.holds.deadline(&bundle.hours, ready);
        if until <= ready {
            return Err(format!("holds: an order made ready at {ready} would be overdue at once"));
        }
        let late = bundle.holds.reminders(&bundle.hours, ready, until).into_iter().find(|(_, at)| *at > until);
        if let Some((purpose, at)) = late {
            return Err(format!(
                "holds: {purpose} of an order made ready at {ready} would come at {at}, after its end"
            ));
        }
    }
    for key in TemplateKey::ALL {
        for language in Language::ALL {
            fits(bundle, *key, language)?;
        }
    }
    Ok(())
}

/// With the longest values a text must fit the parts that it may have.
fn fits(bundle: &Bundle, key: TemplateKey, language: Language) -> Result<(), String> {
    let template = bundle.templates.find(key, language);
    let place = format!("templates: {key} in {}", language.as_str());
    let longest = template.longest().map_err(|e| format!("{place}: {e}"))?;
    let text = if template.fold { gsm_modem::pdu::fold(&longest) } else { longest };
    let most = u8::try_from(template.most_parts).unwrap_or(u8::MAX);
    gsm_modem::pdu::segment(&text, gsm_modem::pdu::EncodingChoice::Auto, most).map_err(|e| format!("{place}: {e}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_779_365_223_250; // 2026-05-21T12:07:03Z

    #[test]
    fn the_built_in_bundle_works() {
        assert_eq!(run(&Bundle::default(), NOW), Ok(()));
    }

    #[test]
    fn a_text_that_grows_too_long_is_found_before_a_customer_gets_half_of_it() {
        let mut bundle = Bundle::default();
        let text = &mut bundle.templates.0[0];
        text.text.push_str(&" i jeszcze cos".repeat(40));
        assert!(run(&bundle, NOW).unwrap_err().starts_with("templates"));
    }
}

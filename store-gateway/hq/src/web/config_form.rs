//! The configuration's editor: between the bundle's JSON and a form that people can fill. It checks nothing itself; what
//! it makes goes through [`crate::bundles::parse`] like a bundle by REST.

use serde_json::{Map, Value, json};
use shop_model::config::Feature;

use crate::orders::refusal::{FieldError, Refusal};
use crate::words;

/// Days as the bundle names them.
const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

/// The hold rules with their words.
const HOLDS: [(&str, &str); 9] = [
    ("hold_hours", "Hold, hours"),
    ("extend_hours", "Extension, hours"),
    ("customer_extensions", "Extensions allowed"),
    ("remind_from", "Remind from"),
    ("remind_to", "Remind to"),
    ("remind_after_ready_min", "Quiet after ready, min"),
    ("remind_before_end_min", "Quiet before end, min"),
    ("accept_open_min", "Accept within, min"),
    ("pick_open_min", "Pick within, min"),
];

/// A field of the form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the form and path in the bundle.
    pub name: String,
    /// In words.
    pub label: String,
    /// As typed.
    pub value: String,
}

/// A template's part of the form.
#[derive(Clone, Debug)]
pub struct TemplateField {
    /// Its place in the list.
    pub index: usize,
    /// What it is for.
    pub label: String,
    /// Its language.
    pub language: String,
    /// As typed.
    pub text: String,
    /// Folded to plain letters.
    pub fold: bool,
    /// SMS parts.
    pub parts: String,
}

/// The editor.
#[derive(Clone, Debug)]
pub struct ConfigView {
    /// Hours by weekday: `09:00-13:00, 14:00-20:00`.
    pub week: Vec<Field>,
    /// The time zone.
    pub zone: String,
    /// A line a date: `2026-12-24 09:00-14:00`, or `2026-12-25 closed`.
    pub exceptions: String,
    /// A line a date.
    pub trading_sundays: String,
    /// Hours of those.
    pub trading_sunday_hours: String,
    /// Hold rules.
    pub holds: Vec<Field>,
    /// Templates.
    pub templates: Vec<TemplateField>,
    /// Switches: name, words, on.
    pub features: Vec<(String, String, bool)>,
    /// What is wrong.
    pub errors: Vec<FieldError>,
    base: Value,
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn intervals_text(value: Option<&Value>) -> String {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |interval: &Value| format!("{}-{}", text_of(interval.get("open")), text_of(interval.get("close")));
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl ConfigView {
    /// The form of a bundle.
    pub fn of(bundle: &Value) -> ConfigView {
        let hours = |path: &str| bundle.pointer(&format!("/hours/{path}"));
        let week = DAYS.map(|(day, label)| Field {
            name: format!("hours.week.{day}"),
            label: label.into(),
            value: intervals_text(hours(&format!("week/{day}"))),
        });
        let exceptions = hours("exceptions").and_then(Value::as_object).map(|map| {
            let line = |(date, day): (&String, &Value)| {
                let open = intervals_text(Some(day));
                format!("{date} {}", if open.is_empty() { "closed" } else { &open })
            };
            map.iter().map(line).collect::<Vec<_>>().join("\n")
        });
        let sundays = hours("trading_sundays")
            .and_then(Value::as_array)
            .map(|dates| dates.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"));
        ConfigView {
            week: week.to_vec(),
            zone: text_of(hours("zone")),
            exceptions: exceptions.unwrap_or_default(),
            trading_sundays: sundays.unwrap_or_default(),
            trading_sunday_hours: intervals_text(hours("trading_sunday_hours")),
            holds: HOLDS
                .map(|(name, label)| Field {
                    name: format!("holds.{name}"),
                    label: label.into(),
                    value: text_of(bundle.pointer(&format!("/holds/{name}"))),
                })
                .to_vec(),
            templates: templates(bundle),
            features: Feature::ALL
                .iter()
                .map(|feature| {
                    let on = bundle.pointer(&format!("/features/{feature}")).and_then(Value::as_bool);
                    (feature.to_string(), words::plain(feature.as_str()), on.unwrap_or(true))
                })
                .collect(),
            errors: Vec::new(),
            base: bundle.clone(),
        }
    }

    /// The form as it was sent, over the bundle that it began with.
    pub fn sent(base: &Value, fields: &[(String, String)]) -> ConfigView {
        let find =
            |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.replace("\r\n", "\n"));
        let mut view = Self::of(base);
        for field in view.week.iter_mut().chain(&mut view.holds) {
            field.value = find(&field.name).unwrap_or_default();
        }
        view.zone = find("hours.zone").unwrap_or_default();
        view.exceptions = find("hours.exceptions").unwrap_or_default();
        view.trading_sundays = find("hours.trading_sundays").unwrap_or_default();
        view.trading_sunday_hours = find("hours.trading_sunday_hours").unwrap_or_default();
        for template in &mut view.templates {
            let part = |name: &str| find(&format!("templates.{}.{name}", template.index));
            template.text = part("text").unwrap_or_default();
            template.fold = part("fold").is_some();
            template.parts = part("parts").unwrap_or_default();
        }
        for (name, _, on) in &mut view.features {
            *on = find(&format!("features.{name}")).is_some();
        }
        view
    }

    /// The bundle that the form says.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for hours, dates and numbers that can't be read.
    pub fn bundle(&self) -> Result<Value, Refusal> {
        let mut errors = Vec::new();
        let mut week = Map::new();
        for (field, (day, _)) in self.week.iter().zip(DAYS) {
            week.insert(day.into(), intervals(&field.name, &field.value, &mut errors));
        }
        let mut exceptions = Map::new();
        for line in self.exceptions.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (date, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
            let rest = rest.trim_start_matches([':', ' ']).trim();
            let closed = rest.eq_ignore_ascii_case("closed");
            let day = if closed { json!([]) } else { intervals("hours.exceptions", rest, &mut errors) };
            if !closed && rest.is_empty() {
                errors.push(FieldError::new("hours.exceptions", format!("{date}: give hours, or say closed")));
            }
            exceptions.insert(date.into(), day);
        }
        let sundays: Vec<&str> = self.trading_sundays.split([',', '\n', ' ']).filter(|date| !date.is_empty()).collect();
        let sunday_hours = intervals("hours.trading_sunday_hours", &self.trading_sunday_hours, &mut errors);
        let mut holds = Map::new();
        for (field, (name, _)) in self.holds.iter().zip(HOLDS) {
            let is_time = self.base.pointer(&format!("/holds/{name}")).is_some_and(Value::is_string);
            let value = field.value.trim();
            match (is_time, value.parse::<u32>()) {
                (true, _) => drop(holds.insert(name.into(), json!(value))),
                (false, Ok(number)) => drop(holds.insert(name.into(), json!(number))),
                (false, Err(_)) => errors.push(FieldError::new(field.name.as_str(), "must be a whole number")),
            }
        }
        let features: Map<String, Value> =
            self.features.iter().map(|(name, _, on)| (name.clone(), json!(on))).collect();
        let templates = self.template_values(&mut errors);
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        Ok(json!({
            "hours": {
                "zone": self.zone.trim(),
                "week": week,
                "exceptions": exceptions,
                "trading_sundays": sundays,
                "trading_sunday_hours": sunday_hours,
            },
            "holds": holds,
            "templates": templates,
            "features": features,
        }))
    }

    fn template_values(&self, errors: &mut Vec<FieldError>) -> Vec<Value> {
        let base = self.base.get("templates").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut values = base;
        for (template, value) in self.templates.iter().zip(&mut values) {
            let Some(object) = value.as_object_mut() else { continue };
            object.insert("text".into(), json!(template.text.trim()));
            object.insert("fold".into(), json!(template.fold));
            match template.parts.trim().parse::<u32>() {
                Ok(parts) => drop(object.insert("most_parts".into(), json!(parts))),
                Err(_) => errors.push(FieldError::new(
                    format!("templates[{}].most_parts", template.index),
                    "must be a whole number",
                )),
            }
        }
        values
    }

    /// What is wrong at this path or below it.
    pub fn error(&self, path: &str) -> Option<String> {
        let below = |e: &&FieldError| {
            e.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let found: Vec<&str> = self.errors.iter().filter(below).map(|e| e.detail.as_str()).collect();
        (!found.is_empty()).then(|| found.join("; "))
    }

    /// What is wrong with a template.
    pub fn template_error(&self, index: &usize) -> Option<String> {
        self.error(&format!("templates[{index}]"))
    }

    /// What is wrong with the hours as a whole.
    pub fn hours_error(&self) -> Option<String> {
        self.errors.iter().find(|e| e.path == "hours").map(|e| e.detail.clone())
    }
}

fn templates(bundle: &Value) -> Vec<TemplateField> {
    let list = bundle.get("templates").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter()
        .enumerate()
        .map(|(index, template)| TemplateField {
            index,
            label: words::plain(&text_of(template.get("key"))),
            language: text_of(template.get("language")),
            text: text_of(template.get("text")),
            fold: template.get("fold").and_then(Value::as_bool).unwrap_or_default(),
            parts: text_of(template.get("most_parts")),
        })
        .collect()
}

/// `09:00-13:00, 14:00-20:00` as the bundle has it; empty means closed.
fn intervals(path: &str, text: &str, errors: &mut Vec<FieldError>) -> Value {
    let mut list = Vec::new();
    let closed = text.trim().eq_ignore_ascii_case("closed");
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty() && !closed) {
        match part.split_once(['-', '–']) {
            Some((open, close)) => list.push(json!({ "open": open.trim(), "close": close.trim() })),
            None => errors.push(FieldError::new(path, format!("{part} is no span of hours, as 09:00-20:00"))),
        }
    }
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundles;
    use shop_model::config::Bundle;

    fn built_in() -> Value {
        serde_json::to_value(Bundle::default()).unwrap()
    }

    fn fields(view: &ConfigView) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> =
            view.week.iter().chain(&view.holds).map(|f| (f.name.clone(), f.value.clone())).collect();
        fields.push(("hours.zone".into(), view.zone.clone()));
        fields.push(("hours.exceptions".into(), view.exceptions.clone()));
        fields.push(("hours.trading_sundays".into(), view.trading_sundays.clone()));
        fields.push(("hours.trading_sunday_hours".into(), view.trading_sunday_hours.clone()));
        for t in &view.templates {
            fields.push((format!("templates.{}.text", t.index), t.text.clone()));
            fields.push((format!("templates.{}.parts", t.index), t.parts.clone()));
            if t.fold {
                fields.push((format!("templates.{}.fold", t.index), "1".into()));
            }
        }
        fields.extend(view.features.iter().filter(|f| f.2).map(|f| (format!("features.{}", f.0), "1".into())));
        fields
    }

    fn set(fields: &mut [(String, String)], name: &str, value: &str) {
        fields.iter_mut().find(|(key, _)| key == name).unwrap().1 = value.into();
    }

    #[test]
    fn an_untouched_form_says_the_same_bundle() {
        let base = built_in();
        let view = ConfigView::sent(&base, &fields(&ConfigView::of(&base)));
        let bundle = bundles::parse(view.bundle().unwrap().to_string().as_bytes()).unwrap();
        assert_eq!(bundle, Bundle { features: bundle.features.clone(), ..Bundle::default() });
        assert!(bundle.features.values().all(|on| *on));
    }

    #[test]
    fn what_is_typed_arrives() {
        let base = built_in();
        let mut sent = fields(&ConfigView::of(&base));
        set(&mut sent, "hours.week.sat", "9:00-13:00, 14:00 - 18:00");
        set(&mut sent, "hours.exceptions", "2026-12-24 09:00-14:00\r\n2026-12-25: closed");
        set(&mut sent, "hours.trading_sundays", "2026-12-20");
        set(&mut sent, "holds.hold_hours", "72");
        let bundle = bundles::parse(ConfigView::sent(&base, &sent).bundle().unwrap().to_string().as_bytes()).unwrap();
        assert_eq!(bundle.hours.week.sat.len(), 2);
        assert_eq!(bundle.hours.exceptions.values().map(Vec::len).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(bundle.hours.trading_sundays.len(), 1);
        assert_eq!(bundle.holds.hold_hours, 72);
    }

    #[test]
    fn each_mistake_is_at_its_field() {
        let base = built_in();
        for (name, value, path) in [
            ("hours.week.mon", "nine to five", "hours.week.mon"),
            ("holds.hold_hours", "two days", "holds.hold_hours"),
            ("holds.hold_hours", "0", "holds.hold_hours"),
            ("hours.exceptions", "2026-12-24", "hours.exceptions"),
            ("templates.0.parts", "x", "templates[0].most_parts"),
            ("templates.0.text", "Rabat! {code}", "templates[0].text"),
            ("hours.week.mon", "20:00-09:00", "hours"),
        ] {
            let mut sent = fields(&ConfigView::of(&base));
            set(&mut sent, name, value);
            let read = ConfigView::sent(&base, &sent).bundle().and_then(|b| bundles::parse(b.to_string().as_bytes()));
            let Err(Refusal::Invalid(errors)) = read else { panic!("{name}={value} was taken") };
            assert_eq!(errors[0].path, path);
        }
    }
}

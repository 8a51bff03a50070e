//! The store's configuration as HQ sends it: one versioned bundle, checked whole before it is used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hold::HoldRules;
use crate::hours::Hours;
use crate::template::Templates;

/// What a store works by. Every part that is left out keeps its built-in default; unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bundle {
    /// HQ's number of this bundle; 0 is the built-in one.
    pub version: u64,
    /// When the store is open.
    pub hours: Hours,
    /// How goods are held.
    pub holds: HoldRules,
    /// What is written to customers; built-in texts stand in for those left out.
    pub templates: Templates,
    /// Switches by name; see [`Feature`].
    pub features: BTreeMap<String, bool>,
}

crate::event::words! {
    /// What can be switched. All are on unless a bundle says otherwise.
    Feature {
        /// Automatic answers to JESTEM, STATUS and the other words.
        AutoReplies = "auto_replies",
        /// Reminders before the hold ends.
        Reminders = "reminders",
        /// Holds end by themselves.
        Expiry = "expiry",
    }
}

/// What is wrong with a bundle, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct ConfigError {
    /// The field, dotted, from the bundle's root.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

/// Templates that one bundle may hold.
const MOST_TEMPLATES: usize = 200;
/// Features that one bundle may name.
const MOST_FEATURES: usize = 100;

impl Bundle {
    /// Whether something is switched on.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.get(feature.as_str()).copied().unwrap_or(true)
    }

    /// Checks the whole bundle. Features that this release does not know are left alone.
    ///
    /// # Errors
    /// The first thing wrong, with its path.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let error = |path: String, why: String| ConfigError { path, why };
        self.hours.validate().map_err(|e| error("hours".into(), e.to_string()))?;
        self.holds.validate().map_err(|(field, why)| error(format!("holds.{field}"), why.into()))?;
        if self.templates.0.len() > MOST_TEMPLATES {
            return Err(error("templates".into(), format!("at most {MOST_TEMPLATES} are allowed")));
        }
        if self.features.len() > MOST_FEATURES {
            return Err(error("features".into(), format!("at most {MOST_FEATURES} are allowed")));
        }
        for (i, template) in self.templates.0.iter().enumerate() {
            if let Some(finding) = template.lint().first() {
                return Err(error(format!("templates[{i}].text"), finding.to_string()));
            }
            let twin = |t: &crate::template::Template| (t.key, t.language) == (template.key, template.language);
            if self.templates.0[..i].iter().any(twin) {
                return Err(error(format!("templates[{i}]"), "this text is there twice".into()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::Minute;

    #[test]
    fn the_built_in_bundle_is_valid_and_has_everything_on() {
        let bundle = Bundle::default();
        assert_eq!(bundle.validate(), Ok(()));
        assert!(Feature::ALL.iter().all(|f| bundle.has(*f)));
        assert_eq!(bundle.hours.week.mon, bundle.hours.week.sat);
    }

    #[test]
    fn an_error_names_its_path() {
        let mut bundle = Bundle::default();
        bundle.holds.hold_hours = 0;
        assert_eq!(bundle.validate().unwrap_err().path, "holds.hold_hours");

        let mut bundle = Bundle::default();
        bundle.templates.0[1].text = "Rabat {order} {code}".into();
        assert_eq!(bundle.validate().unwrap_err().path, "templates[1].text");

        let mut bundle = Bundle::default();
        let again = bundle.templates.0[0].clone();
        bundle.templates.0.push(again);
        assert_eq!(bundle.validate().unwrap_err().path, format!("templates[{}]", bundle.templates.0.len() - 1));

        let mut bundle = Bundle::default();
        bundle.hours.week.mon[0].close = Minute::new(8, 0).unwrap();
        let e = bundle.validate().unwrap_err();
        assert_eq!(e.to_string(), "hours: mon: an interval must close after it opens");
    }

    #[test]
    fn a_switch_can_be_off() {
        let mut bundle = Bundle::default();
        bundle.features.insert("auto_replies".into(), false);
        bundle.features.insert("from_a_later_release".into(), true);
        assert!(!bundle.has(Feature::AutoReplies) && bundle.has(Feature::Reminders));
        assert_eq!(bundle.validate(), Ok(()));
    }
}

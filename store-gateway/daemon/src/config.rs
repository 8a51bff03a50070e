//! Reading a TOML configuration so that every mistake is named with its place.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: can't be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The text is no TOML, or a key is unknown, missing or of the wrong kind.
    #[error("{path}: {at}: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The key's path, or line and column.
        at: String,
        /// What is wrong there.
        why: String,
    },
}

impl ConfigError {
    /// A refusal of a value that parsed but makes no sense at `at`.
    pub fn value(path: &Path, at: &str, why: impl Into<String>) -> Self {
        Self::Key { path: path.to_owned(), at: at.to_owned(), why: why.into() }
    }
}

/// Reads `path` into `T`; unknown keys are refused when `T` says `deny_unknown_fields`.
///
/// # Errors
/// [`ConfigError`] naming the file and the key.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    parse(path, &text)
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    let refuse = |at: String, why: String| ConfigError::Key { path: path.to_owned(), at, why };
    let document =
        toml::Deserializer::parse(text).map_err(|e| refuse(place(text, e.span()), e.message().to_owned()))?;
    serde_path_to_error::deserialize(document).map_err(|e| {
        let key = e.path().to_string();
        let inner = e.into_inner();
        let at = if key == "." { place(text, inner.span()) } else { key };
        refuse(at, inner.message().to_owned())
    })
}

fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let offset = span.map_or(0, |s| s.start).min(text.len());
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "web")]
        _web: Web,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Web {
        #[serde(rename = "listen")]
        _listen: String,
    }

    fn refusal(text: &str) -> String {
        parse::<Sample>(Path::new("g.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_path() {
        let said = refusal("[web]\nlisten = \"x\"\nlisten_to = 3\n");
        assert!(said.contains("g.toml") && said.contains("web") && said.contains("listen_to"), "{said}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path() {
        let said = refusal("[web]\nlisten = 3\n");
        assert!(said.contains("web.listen"), "{said}");
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        let said = refusal("[web]\nlisten = \n");
        assert!(said.contains("line 2"), "{said}");
    }
}

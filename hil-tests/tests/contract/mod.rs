//! The contract as its files say it: channels from the AsyncAPI document, payloads from the JSON Schemas, judged by an
//! independent validator. Nothing here asks the product's own types.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use boon::{Compiler, SchemaIndex, Schemas};
use hil_tests::world::Frame;
use serde_json::{Value, json};

/// Where schemas refer to each other.
const BASE: &str = "http://contract/";
/// Octets of a refused payload that a failure shows.
const SHOWN: usize = 600;

/// One channel of the AsyncAPI document.
#[derive(Debug, Default)]
struct Channel {
    address: Vec<String>,
    /// The message of the whole payload; first in the document's list.
    frame: String,
    /// Every message that it carries, event types too.
    messages: BTreeSet<String>,
    retained: bool,
}

/// See the module.
pub struct Contract {
    channels: BTreeMap<String, Channel>,
    schemas: Schemas,
    compiled: BTreeMap<String, SchemaIndex>,
}

impl Contract {
    /// Reads the folder of the contract.
    pub fn read() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store-gateway/sync/contract");
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let mut names = Vec::new();
        for file in fs::read_dir(folder.join("schemas"))? {
            let path = file?.path();
            let mut schema: Value = serde_json::from_str(&text(&path)?)?;
            close(&mut schema);
            let name = path.file_name().context("a file's name")?.to_string_lossy().into_owned();
            compiler.add_resource(&format!("{BASE}{name}"), schema).map_err(|e| anyhow!("{name}: {e}"))?;
            names.push(name);
        }
        let mut contract = Self { channels: channels(&folder)?, schemas: Schemas::new(), compiled: BTreeMap::new() };
        for name in names {
            let compiled = compiler.compile(&format!("{BASE}{name}"), &mut contract.schemas);
            let compiled = compiled.map_err(|e| anyhow!("{name}: {e:#}"))?;
            contract.compiled.insert(name.trim_end_matches(".json").to_owned(), compiled);
        }
        Ok(contract)
    }

    /// Every event type that the document names.
    pub fn event_types(&self) -> BTreeSet<String> {
        let all = self.channels.values().flat_map(|channel| channel.messages.iter());
        all.filter(|name| name.contains('.')).cloned().collect()
    }

    /// Ids of all channels.
    pub fn channel_ids(&self) -> BTreeSet<String> {
        self.channels.keys().cloned().collect()
    }

    /// Ids of the channels whose last message the broker keeps.
    pub fn retained_ids(&self) -> BTreeSet<String> {
        self.channels.iter().filter(|(_, channel)| channel.retained).map(|(id, _)| id.clone()).collect()
    }

    /// Checks a message against its channel and schemas; gives the channel's id and the types of the events in it.
    ///
    /// # Errors
    /// What does not fit, with the beginning of the payload.
    pub fn check(&self, frame: &Frame) -> Result<(String, Vec<String>)> {
        let shown = String::from_utf8_lossy(&frame.payload).chars().take(SHOWN).collect::<String>();
        self.judge(frame).with_context(|| format!("on {}: {shown}", frame.topic))
    }

    fn judge(&self, frame: &Frame) -> Result<(String, Vec<String>)> {
        let fitting = self.channels.iter().filter(|(_, channel)| fits(&channel.address, &frame.topic));
        let [(id, channel)] = fitting.collect::<Vec<_>>()[..] else { bail!("the topic is not that of one channel") };
        ensure!(channel.retained || !frame.retained, "the broker kept a message of {id}");
        let payload: Value = serde_json::from_slice(&frame.payload).context("the payload is no JSON")?;
        self.validate(&channel.frame, &payload)?;
        let events: Vec<&Value> = match channel.frame.as_str() {
            "events-batch" => payload["events"].as_array().context("events")?.iter().collect(),
            "sync-snapshot" => payload["events"].as_array().context("events")?.iter().map(|e| &e["event"]).collect(),
            "config-desired" => {
                let bundle: Value = serde_json::from_str(payload["bundle"].as_str().context("the bundle's text")?)?;
                self.validate("bundle", &bundle)?;
                Vec::new()
            }
            _ => Vec::new(),
        };
        let mut types = Vec::new();
        for event in events {
            let kind = event["type"].as_str().context("an event's type")?;
            let carried = channel.frame == "sync-snapshot" || channel.messages.contains(kind);
            ensure!(carried, "{id} does not carry {kind}");
            self.validate(kind, event)?;
            types.push(kind.to_owned());
        }
        Ok((id.clone(), types))
    }

    fn validate(&self, name: &str, value: &Value) -> Result<()> {
        let schema = self.compiled.get(name).with_context(|| format!("there is no schema {name}.json"))?;
        self.schemas.validate(value, *schema).map_err(|e| anyhow!("{name}.json: {e:#}"))
    }
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Receivers ignore fields that they don't know; what this release sends must be written down, so each object that lists
/// its fields is closed here.
fn close(schema: &mut Value) {
    let kind = &schema["type"];
    let is_object = kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("object")));
    if is_object && schema["properties"].is_object() && schema["additionalProperties"].is_null() {
        schema["additionalProperties"] = json!(false);
    }
    let inner: Box<dyn Iterator<Item = &mut Value>> = match schema {
        Value::Object(map) => Box::new(map.values_mut()),
        Value::Array(list) => Box::new(list.iter_mut()),
        _ => return,
    };
    inner.for_each(close);
}

/// `{…}` stands for one level of a topic.
fn fits(address: &[String], topic: &str) -> bool {
    let levels: Vec<&str> = topic.split('/').collect();
    let fits = |(wanted, level): (&String, &&str)| wanted.starts_with('{') || wanted == level;
    // `v1/{chain}/hq/state` is HQ's own topic: no store is called hq.
    let is_hq = |levels: &[&str]| levels.get(2) == Some(&"hq");
    let wants_hq = address.get(2).is_some_and(|level| level == "hq");
    levels.len() == address.len() && wants_hq == is_hq(&levels) && address.iter().zip(&levels).all(fits)
}

/// The `channels` of the AsyncAPI document, which is generated and has one shape: a key and a value a line.
fn channels(folder: &Path) -> Result<BTreeMap<String, Channel>> {
    let path: PathBuf = folder.join("asyncapi.yaml");
    let page = text(&path)?;
    let (_, rest) = page.split_once("\nchannels:\n").context("channels in asyncapi.yaml")?;
    let (lines, components) = rest.split_once("\ncomponents:\n").context("components in asyncapi.yaml")?;
    let mut channels: BTreeMap<String, Channel> = BTreeMap::new();
    let mut id = String::new();
    for line in lines.lines() {
        let indent = line.len() - line.trim_start().len();
        let (key, value) = line.trim().split_once(':').with_context(|| format!("a key in {line:?}"))?;
        let value = value.trim();
        if indent == 2 {
            key.clone_into(&mut id);
        }
        let channel = channels.entry(id.clone()).or_default();
        match (indent, key) {
            (4, "address") => channel.address = value.split('/').map(str::to_owned).collect(),
            (4, "x-retained") => channel.retained = value == "true",
            (8, "$ref") => {
                let name = value.trim_matches('\'').rsplit('/').next().unwrap_or_default().to_owned();
                let schema = format!("$ref: schemas/{name}.json");
                ensure!(components.contains(&schema), "the message {name} has no payload {schema}");
                if channel.frame.is_empty() {
                    channel.frame.clone_from(&name);
                }
                channel.messages.insert(name);
            }
            _ => {}
        }
    }
    let whole = |c: &Channel| c.address.len() > 2 && !c.frame.is_empty();
    ensure!(!channels.is_empty() && channels.values().all(whole), "{} has a channel without address", path.display());
    Ok(channels)
}

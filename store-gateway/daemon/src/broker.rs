//! The link to the MQTT broker: one task owns client and event loop.
//!
//! rumqttc drops what is pending when the broker says that the session is new, and a PubAck is no durability, so this
//! link promises nothing: clean sessions, a fresh event loop after every error, and whoever uses it sends again from
//! its own records. It never waits inside the polling task.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rumqttc::{
    AsyncClient, ClientError, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
    SubscribeFilter, TlsConfiguration, Transport,
};
use sans_io::Rng;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::supervisor::Stop;

/// Largest packet out: a batch of 128 KiB with room for its topic and header.
pub const MAX_PACKET: usize = 192 * 1_024;
/// Largest packet in. Far more than anybody of ours sends: what is too large is read and refused by its reader, for a
/// connection that broke over it would break again and again when the broker keeps it (a retained message). Beyond
/// this bound memory is worth more than the link; brokers limit it too (mosquitto's `message_size_limit`).
const MAX_PACKET_IN: usize = 4 * 1_024 * 1_024;
/// Publications that wait for the event loop. Senders wait for a place.
const OUTGOING: usize = 64;
/// Messages that wait for whoever reads the link. The event loop waits for a place, and TCP with it.
const INCOMING: usize = 256;
/// Requests inside rumqttc.
const REQUESTS: usize = 64;
/// Publications without PubAck at once.
const INFLIGHT: u16 = 32;
/// How long a connection may take until its subscriptions stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long the goodbye may take at a stop.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where the broker is and how to reach it: `[uplink]` of the gateway, `[broker]` of HQ.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerConfig {
    /// `mqtt://host:port` or `mqtts://host:port`.
    pub url: String,
    /// CA certificates that the broker's must chain to, PEM; needed for mqtts.
    pub ca: Option<PathBuf>,
    /// Client certificate, PEM.
    pub cert: Option<PathBuf>,
    /// Client key, PEM.
    pub key: Option<PathBuf>,
}

/// The link's timing.
#[derive(Clone, Copy, Debug)]
pub struct BrokerTiming {
    /// MQTT keep-alive.
    pub keepalive: Duration,
    /// Shortest wait before another try.
    pub retry_min: Duration,
    /// Longest wait before another try.
    pub retry_max: Duration,
}

/// What is published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Whole topic.
    pub topic: String,
    /// Bytes.
    pub payload: Vec<u8>,
    /// Kept by the broker for later subscribers.
    pub retain: bool,
}

/// What the link tells.
#[derive(Clone, Debug)]
pub enum BrokerEvent {
    /// Connected, and every subscription stands.
    Connected,
    /// Something was published.
    Message {
        /// Whole topic.
        topic: String,
        /// Bytes.
        payload: Vec<u8>,
        /// From the broker's memory, not live.
        retained: bool,
    },
    /// The connection is gone; another try follows by itself.
    Disconnected {
        /// In words.
        why: String,
    },
}

/// What the link needs to know before it connects; asked anew for each try.
pub trait Greeting: Send + Sync + 'static {
    /// Names this client at the broker.
    fn client_id(&self) -> String;
    /// Topic filters to subscribe to.
    fn subscriptions(&self) -> Vec<String>;
    /// What the broker publishes when the connection breaks.
    fn last_will(&self) -> Option<Publication>;
    /// What is published as the last word at an orderly stop.
    fn goodbye(&self) -> Option<Publication>;
}

/// The handle that others hold.
#[derive(Clone)]
pub struct Publisher(mpsc::Sender<Publication>);

impl Publisher {
    /// Queues a publication; waits while the queue is full. False when the link has stopped.
    pub async fn publish(&self, publication: Publication) -> bool {
        self.0.send(publication).await.is_ok()
    }
}

/// The polling side; [`Link::run`] is the task.
pub struct Link<G> {
    options: MqttOptions,
    timing: BrokerTiming,
    greeting: G,
    outgoing: mpsc::Receiver<Publication>,
    incoming: mpsc::Sender<BrokerEvent>,
    rng: Rng,
}

/// Makes the link from its configuration.
///
/// # Errors
/// When the URL or a certificate file can't be used; the message names it.
pub fn link<G: Greeting>(
    config: &BrokerConfig,
    timing: BrokerTiming,
    greeting: G,
    seed: u64,
) -> anyhow::Result<(Link<G>, Publisher, mpsc::Receiver<BrokerEvent>)> {
    let options = options(config, timing)?;
    let (publish, outgoing) = mpsc::channel(OUTGOING);
    let (incoming, events) = mpsc::channel(INCOMING);
    let link = Link { options, timing, greeting, outgoing, incoming, rng: Rng::new(seed) };
    Ok((link, Publisher(publish), events))
}

/// Checks a broker configuration without connecting.
///
/// # Errors
/// The same as [`link`]'s.
pub fn check(config: &BrokerConfig) -> anyhow::Result<()> {
    let second = Duration::from_secs(1);
    options(config, BrokerTiming { keepalive: second * 20, retry_min: second, retry_max: second }).map(drop)
}

fn options(config: &BrokerConfig, timing: BrokerTiming) -> anyhow::Result<MqttOptions> {
    let url = &config.url;
    let (scheme, rest) =
        url.split_once("://").with_context(|| format!("url: {url:?} is no mqtt:// or mqtts:// URL"))?;
    let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => (host, port.parse().with_context(|| format!("url: {port:?} is no port"))?),
        None => (rest.trim_end_matches('/'), if scheme == "mqtts" { 8883 } else { 1883 }),
    };
    if host.is_empty() {
        bail!("url: {url:?} has no host");
    }
    let mut options = MqttOptions::new("", host, port);
    match scheme {
        "mqtt" => {}
        "mqtts" => {
            options.set_transport(tls(config)?);
        }
        other => bail!("url: {other:?} is neither mqtt nor mqtts"),
    }
    options.set_keep_alive(timing.keepalive);
    options.set_clean_session(true);
    options.set_max_packet_size(MAX_PACKET_IN, MAX_PACKET);
    options.set_inflight(INFLIGHT);
    Ok(options)
}

fn tls(config: &BrokerConfig) -> anyhow::Result<Transport> {
    let read = |what: &str, path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("{what}: {} can't be read", path.display()))
    };
    let ca = config.ca.as_ref().context("ca: is needed for mqtts")?;
    let client_auth = match (&config.cert, &config.key) {
        (Some(cert), Some(key)) => Some((read("cert", cert)?, read("key", key)?)),
        (None, None) => None,
        (Some(_), None) => bail!("key: is missing beside cert"),
        (None, Some(_)) => bail!("cert: is missing beside key"),
    };
    Ok(Transport::Tls(TlsConfiguration::Simple { ca: read("ca", ca)?, alpn: None, client_auth }))
}

/// How a connection ended.
enum Ended {
    /// We were asked to stop.
    Stopped,
    /// The broker refused us by name or password: trying again soon does not help.
    Refused(String),
    /// Anything else.
    Broken(String),
}

impl<G: Greeting> Link<G> {
    /// Connects, and again after every break with full jitter, until the stop.
    ///
    /// # Errors
    /// Never; the signature is the supervisor's.
    pub async fn run(mut self, mut stop: Stop) -> anyhow::Result<()> {
        let mut failures = 0_u32;
        loop {
            let mut was_connected = false;
            let ended = self.connection(&mut stop, &mut was_connected).await;
            if was_connected {
                failures = 0;
            }
            failures += 1;
            let (why, at_least) = match ended {
                Ended::Stopped => return Ok(()),
                Ended::Refused(why) => (why, self.timing.retry_max),
                Ended::Broken(why) => (why, self.timing.retry_min),
            };
            if self.incoming.send(BrokerEvent::Disconnected { why }).await.is_err() {
                return Ok(());
            }
            let wait = self.jittered(failures).max(at_least);
            tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.asked() => return Ok(()) }
        }
    }

    /// Full jitter: anything up to the exponential step.
    fn jittered(&mut self, failures: u32) -> Duration {
        let step = self.timing.retry_min.saturating_mul(2_u32.saturating_pow(failures.min(16)));
        let most = step.min(self.timing.retry_max);
        Duration::from_micros(self.rng.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX)))
    }

    async fn connection(&mut self, stop: &mut Stop, was_connected: &mut bool) -> Ended {
        let mut options = self.options.clone();
        options.set_client_id(self.greeting.client_id());
        if let Some(will) = self.greeting.last_will() {
            options.set_last_will(LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retain));
        }
        let (client, mut events) = AsyncClient::new(options, REQUESTS);
        // An event and its acknowledgement are small packets one behind the other: with Nagle's algorithm the second waits
        // for the first one's TCP acknowledgement, which the other side delays by 40 ms (RFC 1122 §4.2.3.2).
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        while self.outgoing.try_recv().is_ok() {} // Meant for the connection that is gone.
        let greeting = tokio::select! {
            done = tokio::time::timeout(CONNECT_LIMIT, self.subscribe(&client, &mut events)) => done,
            () = stop.asked() => return Ended::Stopped,
        };
        match greeting {
            Err(_) => return Ended::Broken("no answer to CONNECT and SUBSCRIBE in time".into()),
            Ok(Err(ended)) => return ended,
            Ok(Ok(())) => {}
        }
        *was_connected = true;
        if self.incoming.send(BrokerEvent::Connected).await.is_err() {
            return Ended::Stopped;
        }
        self.traffic(&client, &mut events, stop).await
    }

    async fn subscribe(&self, client: &AsyncClient, events: &mut EventLoop) -> Result<(), Ended> {
        let filters = self.greeting.subscriptions();
        let wanted = filters.len();
        let filters = filters.into_iter().map(|path| SubscribeFilter::new(path, QoS::AtLeastOnce));
        client.try_subscribe_many(filters).map_err(|e| Ended::Broken(e.to_string()))?;
        loop {
            match events.poll().await.map_err(ended_by)? {
                Event::Incoming(Packet::SubAck(ack)) => {
                    let granted =
                        ack.return_codes.iter().filter(|c| matches!(c, rumqttc::SubscribeReasonCode::Success(_)));
                    return if granted.count() == wanted {
                        Ok(())
                    } else {
                        Err(Ended::Refused("the broker refused a subscription".into()))
                    };
                }
                // Retained messages may come before the SubAck; the birth's answer brings what matters again.
                event => drop(self.pass(event).await),
            }
        }
    }

    async fn traffic(&mut self, client: &AsyncClient, events: &mut EventLoop, stop: &mut Stop) -> Ended {
        let mut held: Option<Publication> = None;
        loop {
            if let Some(publication) = held.take() {
                held = try_publish(client, publication);
            }
            tokio::select! {
                event = events.poll() => match event {
                    Ok(event) => if !self.pass(event).await { return Ended::Stopped },
                    Err(e) => return ended_by(e),
                },
                next = self.outgoing.recv(), if held.is_none() => match next {
                    Some(publication) => held = try_publish(client, publication),
                    None => return Ended::Stopped,
                },
                () = stop.asked() => {
                    drop(tokio::time::timeout(GOODBYE, self.say_goodbye(client, events, held)).await);
                    return Ended::Stopped;
                }
            }
        }
    }

    /// Sends what is queued and the last word, and waits until the broker has taken them.
    async fn say_goodbye(&mut self, client: &AsyncClient, events: &mut EventLoop, held: Option<Publication>) {
        let mut queue: Vec<Publication> = held.into_iter().collect();
        while let Ok(publication) = self.outgoing.try_recv() {
            queue.push(publication);
        }
        queue.extend(self.greeting.goodbye());
        let mut waiting = queue.into_iter();
        let mut next = waiting.next();
        let mut leaving = false;
        loop {
            while let Some(publication) = next.take() {
                next = try_publish(client, publication);
                if next.is_some() {
                    break;
                }
                next = waiting.next();
            }
            if next.is_none() && !leaving {
                leaving = client.try_disconnect().is_ok();
            }
            match events.poll().await {
                Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// False when nobody listens any more.
    async fn pass(&self, event: Event) -> bool {
        let Event::Incoming(Packet::Publish(publish)) = event else { return true };
        let message =
            BrokerEvent::Message { topic: publish.topic, payload: publish.payload.to_vec(), retained: publish.retain };
        self.incoming.send(message).await.is_ok()
    }
}

/// Gives the publication back when the client has no room now.
fn try_publish(client: &AsyncClient, publication: Publication) -> Option<Publication> {
    let Publication { topic, payload, retain } = publication;
    match client.try_publish(topic, QoS::AtLeastOnce, retain, payload) {
        Ok(()) => None,
        Err(
            ClientError::TryRequest(rumqttc::Request::Publish(back))
            | ClientError::Request(rumqttc::Request::Publish(back)),
        ) => Some(Publication { topic: back.topic, payload: back.payload.to_vec(), retain: back.retain }),
        Err(e) => {
            tracing::warn!(error = %e, "a publication was refused by the client; its owner sends again");
            None
        }
    }
}

fn ended_by(error: ConnectionError) -> Ended {
    match error {
        ConnectionError::ConnectionRefused(
            code @ (ConnectReturnCode::BadUserNamePassword
            | ConnectReturnCode::NotAuthorized
            | ConnectReturnCode::BadClientId),
        ) => Ended::Refused(format!("the broker refused the connection: {code:?}")),
        other => Ended::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let config = BrokerConfig { url: url.into(), ca: None, cert: None, key: None };
        format!("{:#}", check(&config).unwrap_err())
    }

    #[test]
    fn a_bad_url_is_refused_with_the_key() {
        assert!(refusal("localhost:1883").contains("url"));
        assert!(refusal("http://x:1").contains("neither"));
        assert!(refusal("mqtt://x:port").contains("no port"));
        assert!(refusal("mqtt://:1").contains("no host"));
        assert!(refusal("mqtts://x").contains("ca"));
    }

    #[test]
    fn a_plain_url_is_enough() {
        let config = BrokerConfig { url: "mqtt://127.0.0.1".into(), ca: None, cert: None, key: None };
        assert!(check(&config).is_ok());
    }
}

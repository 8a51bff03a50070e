//! The listener for tills, and one task a connection.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use shop_model::event::Actor;
use store_daemon::pinned;
use store_daemon::secrets::hex_of;
use store_daemon::supervisor::Stop;
use store_daemon::writer::Lane;
use till_link::frame::{self, FrameReader};
use till_link::{FromTill, JobId, JobState, PROTOCOL, PrinterFacts, Refusal, ScannerFacts, ToTill};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::code::Verdict;
use super::table::{self, MOST_TILLS};
use super::{Online, jobs};
use crate::app::{App, ShopError};
use crate::desk::Who;
use crate::live::Live;

/// A handshake, a first message, and writing one message: more than a busy network needs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at once: each till's, one that replaces it, and room for strangers.
const MOST_CONNECTIONS: usize = 2 * MOST_TILLS as usize + 8;
/// Messages to a till that wait to be written. A till that takes none for so long is dead, and is cut off.
const OUTGOING: usize = 64;
/// Jobs that a till was sent and has not taken yet: the rest waits in the database, not in memory.
const MOST_UNREPORTED: usize = 8;
/// Jobs that a till may name in one connection: what may wait for it, and what ended unnoted while the link was down.
const MOST_NAMED: usize = 10_000;
/// Octets of the longest message of a till.
const LONGEST: usize = 64 * 1_024;
/// Characters of a scan, of a name of a till's parts, and parts of a kind.
const SCAN_CHARS: usize = 1_000;
const NAME_CHARS: usize = 40;
const MOST_PARTS: usize = 8;
/// Until a state that the database did not take is tried again.
const KEEP_AGAIN: Duration = Duration::from_secs(5);
/// Octets read at once.
const CHUNK: usize = 4_096;

type Stream = TlsStream<TcpStream>;

/// What the listener needs, once.
pub struct Opened {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Opened {
    /// Binds the listener and reads or makes the gateway's identity for tills. `None` where no tills are configured, and
    /// where it can't be had: the log says why, and the counter opens without it.
    pub async fn open(app: &App) -> Option<Self> {
        let listen = app.config.tills?.listen;
        let opened = Self::listen(app, listen).await;
        opened.inspect_err(|e| tracing::error!(error = format!("{e:#}"), "tills can't connect")).ok()
    }

    async fn listen(app: &App, listen: SocketAddr) -> anyhow::Result<Self> {
        let identity = pinned::Identity::load_or_create(&app.config.tills_identity())?;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listening for tills on {listen}"))?;
        app.tills.set_identity(identity.digest(), listener.local_addr()?);
        Ok(Self { listener, acceptor: TlsAcceptor::from(identity.server()?) })
    }
}

/// Takes tills until the process stops.
///
/// # Errors
/// When the listener fails for good.
pub async fn run(app: App, opened: Arc<Opened>, mut stop: Stop) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let taken = tokio::select! {
            () = stop.asked() => return Ok(()),
            taken = opened.listener.accept() => taken,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(e) => {
                // Out of descriptors, or a peer that is gone already: neither is the listener's end.
                tracing::warn!(error = %e, "a till could not be taken");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections of tills");
            continue;
        };
        let (app, acceptor, stop) = (app.clone(), opened.acceptor.clone(), stop.clone());
        tokio::spawn(async move {
            if let Err(e) = serve(&app, &acceptor, stream, peer, stop).await {
                tracing::info!(%peer, error = format!("{e:#}"), "a till's connection ended");
            }
            drop(place);
        });
    }
}

async fn serve(app: &App, acceptor: &TlsAcceptor, tcp: TcpStream, peer: SocketAddr, stop: Stop) -> anyhow::Result<()> {
    tcp.set_nodelay(true)?;
    let stream = timeout(PATIENCE, acceptor.accept(tcp)).await.context("no handshake in time")??;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).context("no certificate")?;
    let certificate = hex_of(&pinned::digest_of(shown));
    let (read, write) = tokio::io::split(stream);
    let mut link = Link { read: Reader { read, frames: FrameReader::up_to(LONGEST) }, write };
    let first = timeout(PATIENCE, link.read.next()).await.context("no first message in time")??;
    match first {
        FromTill::Enrol { protocol: PROTOCOL, secret, name } => {
            enrol(app, &mut link, &certificate, &secret, &name).await
        }
        FromTill::Hello { protocol: PROTOCOL, version, name, mut printers, mut scanners } => {
            printers.truncate(MOST_PARTS);
            scanners.truncate(MOST_PARTS);
            let known = printers.iter().all(|p| is_name(&p.name) && is_name(&p.profile));
            anyhow::ensure!(known && scanners.iter().all(|s| is_name(&s.name)), "a part's name is too long");
            let hello = Hello { version, name: name_of(&name), printers, scanners };
            welcome(app, link, &certificate, hello, peer, stop).await
        }
        FromTill::Enrol { .. } | FromTill::Hello { .. } => link.refuse(Refusal::Protocol).await,
        _ => anyhow::bail!("the first message is no hello"),
    }
}

fn is_name(text: &str) -> bool {
    text.chars().count() <= NAME_CHARS
}

/// A till's name is shown to people: without control characters, and short.
fn name_of(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if name.trim().is_empty() { "?".to_owned() } else { name.trim().to_owned() }
}

async fn enrol(app: &App, link: &mut Link, certificate: &str, secret: &str, name: &str) -> anyhow::Result<()> {
    let by = match app.tills.judge(secret) {
        Verdict::Right(by) => by,
        Verdict::Wrong => return link.refuse(Refusal::WrongCode).await,
        Verdict::TooMany => return link.refuse(Refusal::TooManyTries).await,
    };
    let (certificate, name) = (certificate.to_owned(), name_of(name));
    let who = Who { actor: Actor::staff(by), ..Who::system() };
    let enrolled = app.work(Lane::Work, move |desk| table::enrol(desk, &certificate, &name, &who)).await;
    match enrolled {
        Ok(Some(till)) => {
            tracing::info!(till, "a till was enrolled");
            link.send(&ToTill::Enrolled { store: app.config.store.name.clone() }).await
        }
        Ok(None) => link.refuse(Refusal::Full).await,
        Err(e) => {
            link.refuse(Refusal::NotNow).await?;
            Err(e.into())
        }
    }
}

struct Hello {
    version: String,
    name: String,
    printers: Vec<PrinterFacts>,
    scanners: Vec<ScannerFacts>,
}

async fn welcome(
    app: &App,
    mut link: Link,
    certificate: &str,
    hello: Hello,
    peer: SocketAddr,
    stop: Stop,
) -> anyhow::Result<()> {
    // From before the look: a removal meanwhile is noticed.
    let wake = app.tills.woken();
    let wanted = certificate.to_owned();
    let known = app.read(move |db| table::of_certificate(db, &wanted)).await;
    let till = match known {
        Ok(Some(till)) => till.id,
        Ok(None) => return link.refuse(Refusal::NotEnrolled).await,
        Err(e) => {
            link.refuse(Refusal::NotNow).await?;
            return Err(e.into());
        }
    };
    link.send(&ToTill::Welcome { version: env!("CARGO_PKG_VERSION").to_owned(), store: app.config.store.name.clone() })
        .await?;
    let (to, outgoing) = mpsc::channel(OUTGOING);
    let connection = app.tills.joined(
        till,
        Online {
            peer,
            since_ms: app.clock.wall().unix_ms,
            version: hello.version.chars().take(40).collect(),
            name: hello.name,
            printers: hello.printers,
            scanners: hello.scanners,
            unseen: 0,
            connection: 0,
        },
    );
    app.tell(Live::Devices);
    app.tell(Live::Pill);
    tracing::info!(till, %peer, "a till is connected");
    let talk = Talk {
        app: app.clone(),
        till,
        connection,
        to,
        sent: HashSet::new(),
        unreported: HashSet::new(),
        cancelled: HashSet::new(),
        named: Some(HashSet::new()),
        unkept: HashMap::new(),
    };
    let outcome = talk.run(link, outgoing, wake, stop).await;
    if app.tills.left(till, connection) {
        app.tell(Live::Devices);
        app.tell(Live::Pill);
        let kept = app.work(Lane::Work, move |desk| table::gone(desk, till)).await;
        crate::app::go_on("noting that a till left", kept)?;
    }
    outcome
}

/// One till that is known, while its connection stands.
struct Talk {
    app: App,
    till: i64,
    connection: u64,
    to: mpsc::Sender<ToTill>,
    /// Jobs sent in this connection.
    sent: HashSet<JobId>,
    /// Of these, those of which the till has said nothing yet.
    unreported: HashSet<JobId>,
    /// Jobs whose cancelling was sent in this connection.
    cancelled: HashSet<JobId>,
    /// Jobs that the till named, until it has named all of its journal.
    named: Option<HashSet<JobId>>,
    /// States that the database did not take; the till keeps them until they are noted.
    unkept: HashMap<JobId, JobState>,
}

impl Talk {
    async fn run(
        mut self,
        link: Link,
        outgoing: mpsc::Receiver<ToTill>,
        mut wake: watch::Receiver<u64>,
        mut stop: Stop,
    ) -> anyhow::Result<()> {
        let Link { mut read, write } = link;
        let timing = self.app.config.tills.context("tills are configured")?;
        // A task of its own writes, so that a till that does not read can't keep us from hearing that it is gone.
        let mut writing = tokio::spawn(write_all(write, outgoing, timing.keepalive));
        self.keep_facts().await?;
        self.send_jobs().await?;
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = stop.asked() => break,
                woken = wake.changed() => {
                    woken.context("the tills' table is gone")?;
                    if !self.app.tills.is_current(self.till, self.connection) {
                        self.say(ToTill::Refused { why: Refusal::Replaced })?;
                        break;
                    }
                    if !self.is_known().await? {
                        self.say(ToTill::Refused { why: Refusal::NotEnrolled })?;
                        break;
                    }
                    self.send_jobs().await?;
                }
                message = read.next() => {
                    heard = Instant::now();
                    self.handle(message?).await?;
                }
                () = tokio::time::sleep(KEEP_AGAIN), if !self.unkept.is_empty() => {
                    for (job, state) in std::mem::take(&mut self.unkept) {
                        self.report(job, state).await?;
                    }
                }
                () = tokio::time::sleep_until(heard + timing.silence) => anyhow::bail!("silent for too long"),
                ended = &mut writing => return ended.context("the writer broke down")?,
            }
        }
        // What was said last still goes out.
        drop(self);
        timeout(PATIENCE, writing).await.context("the till takes nothing")??
    }

    /// Never waits: a till that takes nothing for a whole queue's length is dead.
    fn say(&self, message: ToTill) -> anyhow::Result<()> {
        self.to.try_send(message).map_err(|_| anyhow::anyhow!("the till takes nothing"))
    }

    async fn handle(&mut self, message: FromTill) -> anyhow::Result<()> {
        match message {
            FromTill::Report { job, state } => {
                if let Some(named) = &mut self.named {
                    named.insert(job.clone());
                    anyhow::ensure!(named.len() <= MOST_NAMED, "a journal of too many jobs");
                }
                let made_room = self.unreported.remove(&job);
                self.report(job, state).await?;
                if made_room {
                    self.send_jobs().await?;
                }
            }
            FromTill::Reported => {
                if let Some(named) = self.named.take() {
                    let till = self.till;
                    let lost = self.app.work(Lane::Work, move |desk| jobs::forgotten(desk, till, &named)).await;
                    crate::app::go_on("looking for jobs that a till has lost", lost)?;
                }
            }
            FromTill::Scan { n, scanner: _, text, symbology } => {
                anyhow::ensure!(text.chars().count() <= SCAN_CHARS, "a scan is too long");
                let symbology = symbology.filter(|symbology| is_name(symbology));
                let shown = self.app.tills.scanned(self.till, n, text, symbology);
                if let Some(live) = shown.clone() {
                    self.app.tell(live);
                }
                self.say(ToTill::Scanned { n, shown: shown.is_some() })?;
            }
            FromTill::Printer(printer) => {
                self.app.tills.printer(self.till, printer);
                self.app.tell(Live::Devices);
                self.app.tell(Live::Pill);
                self.keep_facts().await?;
            }
            FromTill::Scanner(scanner) => {
                self.app.tills.scanner(self.till, scanner);
                self.app.tell(Live::Devices);
            }
            FromTill::Alive => {}
            FromTill::Enrol { .. } | FromTill::Hello { .. } => anyhow::bail!("a first message came again"),
        }
        Ok(())
    }

    /// Keeps a state; the till may forget a final one once it is kept. A database that takes nothing now does not cost
    /// the till its connection.
    async fn report(&mut self, job: JobId, state: JobState) -> anyhow::Result<()> {
        let (till, id) = (self.till, job.clone());
        let kept = self.app.work(Lane::Work, move |desk| jobs::report(desk, till, &id, state)).await;
        match crate::app::go_on("keeping a print job's state", kept)? {
            Some(()) if state.is_final() => self.say(ToTill::Noted { job }),
            Some(()) => Ok(()),
            None => {
                self.unkept.insert(job, state);
                anyhow::ensure!(self.unkept.len() <= MOST_NAMED, "too many states that are not kept");
                Ok(())
            }
        }
    }

    async fn is_known(&self) -> Result<bool, ShopError> {
        let till = self.till;
        Ok(self.app.read(move |db| table::find(db, till)).await?.is_some())
    }

    /// Its printers as they are now, for jobs that are asked for while it is away.
    async fn keep_facts(&self) -> Result<(), ShopError> {
        let Some(online) = self.app.tills.online(self.till) else { return Ok(()) };
        let till = self.till;
        let kept = self
            .app
            .work(Lane::Work, move |desk| table::heard(desk, till, &online.name, &online.version, &online.printers));
        crate::app::go_on("keeping what a till said", kept.await).map(|_| ())
    }

    async fn send_jobs(&mut self) -> anyhow::Result<()> {
        let till = self.till;
        crate::app::go_on("ending print jobs whose time is over", self.app.work(Lane::Work, jobs::expire).await)?;
        let open = self.app.read(move |db| jobs::open_of(db, till)).await?;
        let now_ms = self.app.clock.wall().unix_ms;
        let ids: HashSet<&JobId> = open.iter().map(|job| &job.id).collect();
        for set in [&mut self.sent, &mut self.cancelled, &mut self.unreported] {
            set.retain(|id| ids.contains(id));
        }
        for job in open {
            if self.unreported.len() >= MOST_UNREPORTED {
                break;
            }
            if job.cancel {
                if self.cancelled.insert(job.id.clone()) {
                    self.unreported.insert(job.id.clone());
                    self.say(ToTill::Cancel { job: job.id })?;
                }
                continue;
            }
            // What the till has taken is its own: it is sent once more by nobody.
            if job.waits && self.sent.insert(job.id.clone()) {
                self.unreported.insert(job.id.clone());
                let valid_ms = job.until_ms.map(|until| u64::try_from(until - now_ms).unwrap_or(0));
                self.say(ToTill::Job { job: job.id, printer: job.printer, document: job.document, valid_ms })?;
            }
        }
        Ok(())
    }
}

struct Link {
    read: Reader,
    write: WriteHalf<Stream>,
}

impl Link {
    async fn send(&mut self, message: &ToTill) -> anyhow::Result<()> {
        write_one(&mut self.write, message).await
    }

    async fn refuse(&mut self, why: Refusal) -> anyhow::Result<()> {
        self.send(&ToTill::Refused { why }).await?;
        timeout(PATIENCE, self.write.shutdown()).await.context("the till takes nothing")??;
        anyhow::bail!("refused: {why:?}")
    }
}

struct Reader {
    read: ReadHalf<Stream>,
    frames: FrameReader,
}

impl Reader {
    /// Safe to drop in the middle: what was read is kept.
    async fn next(&mut self) -> anyhow::Result<FromTill> {
        let mut chunk = [0; CHUNK];
        loop {
            if let Some(message) = self.frames.next_frame()? {
                return Ok(message);
            }
            let count = self.read.read(&mut chunk).await?;
            anyhow::ensure!(count > 0, "the till closed the connection");
            self.frames.push(chunk.get(..count).unwrap_or_default());
        }
    }
}

async fn write_one(write: &mut WriteHalf<Stream>, message: &ToTill) -> anyhow::Result<()> {
    let octets = frame::encode(message)?;
    let written = async {
        write.write_all(&octets).await?;
        write.flush().await
    };
    Ok(timeout(PATIENCE, written).await.context("the till takes nothing")??)
}

/// Writes what is said, and a sign of life when there is nothing. Ends when nobody says anything any more.
async fn write_all(
    mut write: WriteHalf<Stream>,
    mut outgoing: mpsc::Receiver<ToTill>,
    keepalive: Duration,
) -> anyhow::Result<()> {
    loop {
        match timeout(keepalive, outgoing.recv()).await {
            Ok(Some(message)) => write_one(&mut write, &message).await?,
            Ok(None) => {
                timeout(PATIENCE, write.shutdown()).await.context("the till takes nothing")??;
                return Ok(());
            }
            Err(_) => write_one(&mut write, &ToTill::Alive).await?,
        }
    }
}

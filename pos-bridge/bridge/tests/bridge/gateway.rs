//! The gateway's end of the link: it enrols tills, sends its jobs at each connection until they are taken, and notes
//! final states when it is told to.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store_daemon::pinned::{Digest, Identity, digest_of};
use till_link::code::Code;
use till_link::frame::{FrameReader, encode};
use till_link::{FromTill, JobId, JobState, Refusal, ToTill};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::LIMIT;

pub const SECRET: [u8; 5] = [7, 1, 8, 2, 9];

/// What one gateway knows, over its restarts.
#[derive(Default)]
pub struct Books {
    pub tills: Vec<Digest>,
    /// Sent at each connection until they are taken.
    pub jobs: Vec<ToTill>,
    /// Answers every final state by `Noted`.
    pub notes: bool,
    pub wrong_codes_left: usize,
    /// Connections whose handshake failed.
    pub failed_handshakes: usize,
}

pub struct Gateway {
    pub address: String,
    pub identity: Arc<Identity>,
    pub books: Arc<Mutex<Books>>,
    said: mpsc::UnboundedReceiver<FromTill>,
    out: broadcast::Sender<ToTill>,
    task: JoinHandle<()>,
    /// All that was said, for a failure's message.
    heard: Vec<FromTill>,
}

impl Gateway {
    pub async fn start(folder: &Path) -> Self {
        let identity = Arc::new(Identity::load_or_create(&folder.join("gateway-identity.json")).unwrap());
        let books = Books { notes: true, wrong_codes_left: 3, ..Books::default() };
        Self::start_at("127.0.0.1:0", identity, Arc::new(Mutex::new(books))).await
    }

    pub async fn start_at(address: &str, identity: Arc<Identity>, books: Arc<Mutex<Books>>) -> Self {
        // Where it comes back, somebody else's connection may have its port for a moment.
        let end = Instant::now() + LIMIT;
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(e) => assert!(Instant::now() < end, "{address}: {e}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let address = listener.local_addr().unwrap().to_string();
        let (say, said) = mpsc::unbounded_channel();
        let out = broadcast::Sender::new(64);
        let acceptor = TlsAcceptor::from(identity.server().unwrap());
        let (shared, sender) = (Arc::clone(&books), out.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(acceptor.clone(), socket, Arc::clone(&shared), say.clone(), sender.clone()));
            }
        });
        Self { address, identity, books, said, out, task, heard: Vec::new() }
    }

    /// Switches it off; what it knows stays for the next one.
    pub async fn stop(self) -> (String, Arc<Identity>, Arc<Mutex<Books>>) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        (self.address, self.identity, self.books)
    }

    pub fn code(&self) -> String {
        Code::new(&self.identity.digest(), SECRET).to_string()
    }

    pub fn send(&self, message: ToTill) {
        self.out.send(message).unwrap();
    }

    /// Keeps a job, and sends it now and at each connection until it is taken.
    pub fn job(&self, id: &str, document: shop_model::document::Document, valid_ms: Option<u64>) {
        let job = ToTill::Job { job: JobId(id.into()), printer: "slips".into(), document, valid_ms };
        self.books.lock().unwrap().jobs.push(job.clone());
        // Nobody may be connected just now.
        drop(self.out.send(job));
    }

    /// The next thing that a till says and that `wanted` takes.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&FromTill) -> Option<T>) -> T {
        let heard = &mut self.heard;
        let found = tokio::time::timeout(LIMIT, async {
            loop {
                let message = self.said.recv().await.expect("the gateway runs");
                let found = wanted(&message);
                heard.push(message);
                if let Some(found) = found {
                    return found;
                }
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("{what} was not said; heard: {heard:#?}"))
    }

    pub async fn hello(&mut self) -> FromTill {
        self.until("hello", |message| matches!(message, FromTill::Hello { .. }).then(|| message.clone())).await
    }

    /// All states that the till reports of a job, up to the final one.
    pub async fn states(&mut self, id: &str) -> Vec<JobState> {
        let mut states = Vec::new();
        self.until(&format!("the end of job {id}"), |message| match message {
            FromTill::Report { job, state } if job.0 == id => {
                states.push(*state);
                state.is_final().then_some(())
            }
            _ => None,
        })
        .await;
        states
    }

    pub async fn reported(&mut self, id: &str, wanted: JobState) {
        self.until(&format!("job {id} as {wanted:?}"), |message| {
            matches!(message, FromTill::Report { job, state } if job.0 == id && *state == wanted).then_some(())
        })
        .await;
    }

    /// What is said within a while.
    pub async fn overhear(&mut self, quiet: std::time::Duration) -> Vec<FromTill> {
        let mut all = Vec::new();
        let listen = async {
            while let Some(message) = self.said.recv().await {
                all.push(message);
            }
        };
        assert!(tokio::time::timeout(quiet, listen).await.is_err(), "the gateway runs");
        all
    }
}

type Say = mpsc::UnboundedSender<FromTill>;

struct Connection {
    stream: TlsStream<TcpStream>,
    reader: FrameReader,
}

impl Connection {
    /// `None` when the till has gone.
    async fn receive(&mut self) -> Option<FromTill> {
        let mut octets = [0; 4_096];
        loop {
            if let Some(message) = self.reader.next_frame().expect("the till's frames can be read") {
                return Some(message);
            }
            let count = self.stream.read(&mut octets).await.ok().filter(|count| *count > 0)?;
            self.reader.push(&octets[..count]);
        }
    }

    async fn send(&mut self, message: &ToTill) -> Option<()> {
        self.stream.write_all(&encode(message).unwrap()).await.ok()?;
        self.stream.flush().await.ok()
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    socket: TcpStream,
    books: Arc<Mutex<Books>>,
    say: Say,
    out: broadcast::Sender<ToTill>,
) -> Option<()> {
    let Ok(stream) = acceptor.accept(socket).await else {
        books.lock().unwrap().failed_handshakes += 1;
        return None;
    };
    let till = digest_of(&stream.get_ref().1.peer_certificates()?[0]);
    let mut connection = Connection { stream, reader: FrameReader::default() };
    let mut sent = out.subscribe();
    let first = connection.receive().await?;
    say.send(first.clone()).ok()?;
    let answer = greeting(&first, till, &mut books.lock().unwrap());
    connection.send(&answer).await?;
    if !matches!(answer, ToTill::Welcome { .. }) {
        return None;
    }
    let jobs = books.lock().unwrap().jobs.clone();
    for job in jobs {
        connection.send(&job).await?;
    }
    loop {
        tokio::select! {
            message = connection.receive() => {
                let message = message?;
                let answers = note(&message, &mut books.lock().unwrap());
                say.send(message).ok()?;
                for answer in answers {
                    connection.send(&answer).await?;
                }
            }
            message = sent.recv() => connection.send(&message.ok()?).await?,
        }
    }
}

fn greeting(first: &FromTill, till: Digest, books: &mut Books) -> ToTill {
    match first {
        FromTill::Enrol { .. } if books.wrong_codes_left == 0 => ToTill::Refused { why: Refusal::TooManyTries },
        FromTill::Enrol { secret, .. } if *secret == Code::new(&[0; 32], SECRET).secret() => {
            books.tills.push(till);
            ToTill::Enrolled { store: "Wola".into() }
        }
        FromTill::Enrol { .. } => {
            books.wrong_codes_left -= 1;
            ToTill::Refused { why: Refusal::WrongCode }
        }
        FromTill::Hello { .. } if books.tills.contains(&till) => {
            ToTill::Welcome { version: "0.1.0".into(), store: "Wola".into() }
        }
        _ => ToTill::Refused { why: Refusal::NotEnrolled },
    }
}

/// What the gateway answers to a message, and keeps of it.
fn note(message: &FromTill, books: &mut Books) -> Vec<ToTill> {
    match message {
        FromTill::Report { job, state } => {
            books.jobs.retain(|open| !matches!(open, ToTill::Job { job: id, .. } if id == job));
            let notes = books.notes && state.is_final();
            if notes { vec![ToTill::Noted { job: job.clone() }] } else { Vec::new() }
        }
        FromTill::Scan { n, .. } => vec![ToTill::Scanned { n: *n, shown: true }],
        FromTill::Alive => vec![ToTill::Alive],
        _ => Vec::new(),
    }
}

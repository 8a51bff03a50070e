//! Port, control port, pace and files around the core.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};

use super::control;
use super::interpreter::{Interpreter, Model};
use super::lines;
use super::link::{serve_pty, serve_tcp};
use super::pty::Pty;
use super::world::{Shared, World};

/// Where hosts find the printer.
#[derive(Debug, Clone)]
pub enum Place {
    /// A link to a pty.
    Pty(PathBuf),
    /// An address; port 0 takes any.
    Tcp(SocketAddr),
}

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is.
    pub place: Place,
    /// Control port on 127.0.0.1, 0 for any.
    pub control: u16,
    /// What it has.
    pub model: Model,
    /// Folder of the slips.
    pub out: PathBuf,
    /// Bits a second at which the port takes octets; none: as fast as they come.
    pub bps: Option<u32>,
    /// Lines a second; none: as fast as it can.
    pub lines_per_s: Option<u32>,
}

/// A running printer; dropping it takes port and link away.
#[derive(Debug)]
pub struct Shell {
    /// Control address.
    pub control: SocketAddr,
    /// Address for hosts, where it is on TCP.
    pub tcp: Option<SocketAddr>,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Shell {
    /// Starts the printer.
    ///
    /// # Errors
    /// When folder, pty, link, address or control port can't be had.
    pub fn start(options: Options) -> Result<Self> {
        let world = World::new(Interpreter::new(options.model)?, options.out)?;
        let shared = Arc::new(Shared::new(world));
        let listener = TcpListener::bind(("127.0.0.1", options.control)).context("binding the control port")?;
        let control = listener.local_addr().context("naming the control port")?;
        let mut shell = Self { control, tcp: None, shared, threads: Vec::new() };
        match options.place {
            Place::Pty(link) => {
                let pty = Pty::open(&link)?;
                shell.spawn("port", move |shared| serve_pty(shared, &link, pty, options.bps))?;
            }
            Place::Tcp(address) => {
                let hosts = TcpListener::bind(address).with_context(|| format!("binding {address}"))?;
                let address = hosts.local_addr().context("naming the hosts' port")?;
                shell.tcp = Some(address);
                shell.spawn("port", move |shared| serve_tcp(shared, address, hosts, options.bps))?;
            }
        }
        shell.spawn("print", move |shared| shared.print(options.lines_per_s))?;
        let shared = Arc::clone(&shell.shared);
        // It waits for connections until the process ends.
        thread::Builder::new().name("control".into()).spawn(move || {
            lines::serve(&listener, move |request| control::answer(request, &shared));
        })?;
        Ok(shell)
    }

    fn spawn(&mut self, name: &str, job: impl FnOnce(&Shared) + Send + 'static) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name.into()).spawn(move || job(&shared))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.shared.change(|world| world.stopped = true);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the printer panicked");
            }
        }
    }
}

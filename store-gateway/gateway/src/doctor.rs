//! `doctor`: looks at everything that the daemon needs and says what is wrong.

use std::process::ExitCode;
use std::time::Duration;

use store_daemon::process::EXIT_FAILED;
use store_daemon::{backup, wall};

use crate::clock::Clock;
use crate::config::Config;
use crate::database;

mod calls;

/// Looks at everything that the daemon needs.
pub fn look(config: &Config) -> ExitCode {
    let mut wrong = 0;
    let mut tell = |what: &str, found: Result<String, String>| match found {
        Ok(good) => println!("ok    {what}: {good}"),
        Err(bad) => {
            wrong += 1;
            println!("WRONG {what}: {bad}");
        }
    };
    tell("storage", storage(config));
    tell("backup", newest_backup(config));
    tell(
        "web",
        std::net::TcpListener::bind(config.web.listen)
            .map(|l| format!("{:?} is free", l.local_addr()))
            .map_err(|e| format!("{}: {e}", config.web.listen)),
    );
    tell("broker", broker_answers(config));
    match &config.modem {
        Some(modem) => tell(
            "modem",
            std::fs::metadata(&modem.port)
                .map(|_| modem.port.display().to_string())
                .map_err(|e| format!("{}: {e}", modem.port.display())),
        ),
        None => tell("modem", Err("none is configured; no text can be sent".into())),
    }
    calls::look(config, &mut tell);
    if let Some(tills) = &config.tills {
        let free = std::net::TcpListener::bind(tills.listen).map(|_| format!("{} is free", tills.listen));
        tell("tills", free.map_err(|e| format!("{}: {e}", tills.listen)));
    }
    tell(
        "clock",
        Ok(format!(
            "{} UTC+0, {}",
            crate::web::view::rfc3339(wall::unix_ms()),
            Clock::start(0).wall().quality.as_str()
        )),
    );
    tell(
        "HQ's key",
        config.hq_key.map(|_| "set".into()).ok_or_else(|| "not set; unsigned orders would be accepted".into()),
    );
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

fn storage(config: &Config) -> Result<String, String> {
    let db = database::open(config).map_err(|e| format!("{e:#}"))?;
    match backup::damage(&db) {
        Ok(None) => Ok(format!("{} is sound", config.database().display())),
        Ok(Some(damage)) => Err(damage),
        Err(e) => Err(e.to_string()),
    }
}

fn newest_backup(config: &Config) -> Result<String, String> {
    let newest = backup::Backups::of(&config.database()).newest().ok_or("none yet; the running daemon makes one")?;
    let taken = std::fs::metadata(&newest).and_then(|meta| meta.modified()).map_err(|e| e.to_string())?;
    let hours = taken.elapsed().unwrap_or_default().as_secs() / 3_600;
    Ok(format!("{}, {hours} h old", newest.display()))
}

fn broker_answers(config: &Config) -> Result<String, String> {
    use std::net::ToSocketAddrs as _;
    let rest = config.broker.url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
    let place = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:1883") };
    let address = place.to_socket_addrs().map_err(|e| format!("{place}: {e}"))?.next().ok_or("no address")?;
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(3))
        .map(|_| format!("{place} answers"))
        .map_err(|e| format!("{place}: {e}"))
}

//! A control port: one JSON object a line, one answer a line.
//!
//! `{"id":1,"do":"paper","state":"out"}` → `{"id":1,"ok":true}`; a refusal is `{"id":1,"ok":false,"error":"…"}`.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

/// Longest request.
const REQUEST_OCTETS: u64 = 64 * 1024;

/// Answers requests for ever; `obey` gets each without its `id` and gives the answer's fields.
pub(crate) fn serve(listener: &TcpListener, obey: impl Fn(Value) -> Result<Value> + Send + Sync + 'static) {
    let obey = Arc::new(obey);
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let obey = Arc::clone(&obey);
        let thread = thread::Builder::new().name("control-connection".into());
        if let Err(error) = thread.spawn(move || serve_connection(&stream, obey.as_ref())) {
            tracing::error!(%error, "serving a control connection");
        }
    }
}

fn serve_connection(stream: &TcpStream, obey: &impl Fn(Value) -> Result<Value>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(REQUEST_OCTETS).read_until(b'\n', &mut line) {
            Ok(count) if count > 0 && line.ends_with(b"\n") => {}
            _ => break,
        }
        if writer.write_all(format!("{}\n", answer(&line, obey)).as_bytes()).is_err() {
            break;
        }
    }
    if stream.shutdown(Shutdown::Both).is_err() {
        tracing::debug!("a control connection was already gone");
    }
}

fn answer(line: &[u8], obey: &impl Fn(Value) -> Result<Value>) -> Value {
    let mut request: Value = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return json!({"ok": false, "error": error.to_string()}),
    };
    let id = request.as_object_mut().and_then(|fields| fields.remove("id")).unwrap_or(Value::Null);
    let mut answer = match obey(request) {
        Ok(mut answer) => {
            answer["ok"] = json!(true);
            answer
        }
        Err(error) => json!({"ok": false, "error": format!("{error:#}")}),
    };
    answer["id"] = id;
    answer
}

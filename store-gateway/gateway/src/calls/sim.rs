//! The SIM's voice: what the exchange asks of the modem's task and what that tells of its one call.

use gsm_modem::{CallEvent, CallId, Command, Digit, Private};
use tokio::sync::{Mutex, mpsc};

/// Requests that wait for the modem's task. One call has few.
const REQUESTS: usize = 16;
/// Events that wait for the exchange: keys of one call.
const EVENTS: usize = 64;

/// What the modem's task is asked.
#[derive(Clone, Debug)]
pub enum SimRequest {
    /// Answer a call that rings.
    Answer(CallId),
    /// Dial a number, under this number of ours.
    Dial(u64, Private<String>),
    /// End a call.
    HangUp(CallId),
    /// Send a key.
    Digit(CallId, Digit),
}

impl From<SimRequest> for Command {
    fn from(request: SimRequest) -> Self {
        match request {
            SimRequest::Answer(call) => Self::Answer { call },
            SimRequest::Dial(call, number) => Self::Dial { call, number },
            SimRequest::HangUp(call) => Self::HangUp { call },
            SimRequest::Digit(call, digit) => Self::SendDigit { call, digit },
        }
    }
}

/// The two queues between the modem's task and the exchange.
pub struct SimLine {
    requests: mpsc::Sender<SimRequest>,
    /// For the modem's task, while it runs.
    pub requested: Mutex<mpsc::Receiver<SimRequest>>,
    events: mpsc::Sender<CallEvent>,
    /// For the exchange, while it runs.
    pub events_in: Mutex<mpsc::Receiver<CallEvent>>,
}

impl Default for SimLine {
    fn default() -> Self {
        let (requests, requested) = mpsc::channel(REQUESTS);
        let (events, events_in) = mpsc::channel(EVENTS);
        Self { requests, requested: Mutex::new(requested), events, events_in: Mutex::new(events_in) }
    }
}

impl SimLine {
    /// Asks the modem's task; `false` when it does not keep up.
    pub fn ask(&self, request: SimRequest) -> bool {
        self.requests.try_send(request).is_ok()
    }

    /// The modem's task tells of its call. Without an exchange nobody listens, and the queue fills.
    pub fn tell(&self, event: CallEvent) {
        if self.events.try_send(event).is_err() {
            tracing::warn!("nobody takes the modem's call events");
        }
    }
}

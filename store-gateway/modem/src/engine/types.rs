//! What goes into the engine and what comes out of it.

use std::time::Duration;

use sans_io::Instant;

use super::call::{CallEvent, CallId, Digit};
use crate::Private;
use crate::failure::{FailureCause, FailureClass, UnknownCause};
use crate::pdu::{DecodeError, Deliver, StatusReport};
use crate::profile::{LastReference, ProfileName, SoundPath};

/// Names one submission; the shell chooses it and gets it back with the outcome.
pub type Token = u64;

/// Names one message that came in and is not yet in the shell's database. Not reused while the engine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(crate) u64);

/// How the engine talks to its modem. Every wait is here.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which modem it is; `Auto` asks it.
    pub profile: ProfileName,
    /// The SIM's PIN. Used once at most, and only when the counter shows two tries or more.
    pub pin: Option<Private<String>>,
    /// A submission of an earlier run that never got an answer: the engine starts within its quiet window.
    pub unsettled: Option<Unsettled>,
    /// From `AT+CMGS` to the prompt.
    pub prompt: Duration,
    /// From ^Z to the result. `None` takes the profile's.
    pub submit: Option<Duration>,
    /// After an unknown outcome: how long nothing is submitted and a late answer is still taken. `None` takes the
    /// profile's.
    pub quiet: Option<Duration>,
    /// Whether this modem was seen to write the SIM's last used reference. `None` takes the profile's word.
    pub last_reference: Option<LastReference>,
    /// From any other command to its result; listing messages takes ten times as long.
    pub answer: Duration,
    /// Silence that ends a drain.
    pub drain: Duration,
    /// Between two looks at signal, registration and operator.
    pub poll: Duration,
    /// Between two scans of the message storage (and after every notice of a new message).
    pub scan: Duration,
    /// By which way the sound of calls goes.
    pub sound: SoundPath,
    /// Between two looks at a call that is being set up.
    pub call_poll: Duration,
    /// Between two looks at a call that is up.
    pub call_check: Duration,
    /// Between two tries of a set-up that failed, and of a SIM that is not ready.
    pub retry: Duration,
    /// For the shell to open the port again, and for a modem to answer after a restart step.
    pub boot: Duration,
    /// A hang within this time after the last one goes on with the next step of the ladder instead of the first; it is
    /// also the pause after the last step.
    pub recovery_window: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: ProfileName::Auto,
            pin: None,
            unsettled: None,
            prompt: Duration::from_secs(5),
            submit: None,
            quiet: None,
            last_reference: None,
            answer: Duration::from_secs(5),
            drain: Duration::from_millis(300),
            poll: Duration::from_secs(30),
            scan: Duration::from_secs(300),
            sound: SoundPath::default(),
            call_poll: Duration::from_secs(1),
            call_check: Duration::from_secs(5),
            retry: Duration::from_secs(5),
            boot: Duration::from_secs(30),
            recovery_window: Duration::from_secs(600),
        }
    }
}

/// A submission whose outcome was unknown when the last run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// Its token.
    pub token: Token,
    /// What [`crate::Engine::ready_to_submit`] had said before it.
    pub expected: ExpectedReference,
}

/// The message reference (TP-MR) that the modem will give to the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedReference {
    /// One above the last that was seen.
    Known(u8),
    /// The modem has not shown any yet; a late answer can't be told then and is not taken.
    Unread,
}

/// Whether further messages wait behind this one; the radio link is kept for them (`AT+CMMS`, TS 27.005 §3.5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoreToSend {
    /// Keep the link.
    Yes,
    /// This is the last one for now.
    No,
}

/// What the shell asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Send this part. The row `submitting` must be committed before. Always answered by exactly one of `Accepted`,
    /// `Failed` or `Unknown` with this token.
    Submit {
        /// Chosen by the shell.
        token: Token,
        /// Octets without the service centre's.
        length: usize,
        /// The PDU with the service centre's octet.
        hex: Private<String>,
        /// Whether more waits.
        more: MoreToSend,
    },
    /// The message or report with this key is committed; the modem's copy may go.
    Stored {
        /// From the event.
        key: Key,
    },
    /// Goes on after [`PauseReason::Subscription`]: a person has seen to the SIM.
    Resume,
    /// Looks at the message storage now.
    Scan,
    /// Takes a call that rings here. Nothing happens when it is over already.
    Answer {
        /// From [`CallEvent::Incoming`].
        call: CallId,
    },
    /// Calls a number. Answered by `NotPossible`, or in the end by `Ended`, with `CallId::Outgoing(call)`.
    Dial {
        /// Chosen by the shell.
        call: u64,
        /// An optional plus sign and 1 to 20 digits.
        number: Private<String>,
    },
    /// Ends a call, or refuses one that rings. Nothing happens when it is over already.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// Sends the tone of a key to the other end of a call that is connected.
    SendDigit {
        /// Which.
        call: CallId,
        /// The key.
        digit: Digit,
    },
}

/// What comes out. Drain until `Wait`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these octets to the port, all of them, in order.
    Transmit(Private<Vec<u8>>),
    /// Something happened.
    Event(Event),
    /// Nothing more. Call `handle_timeout` at `until` unless something else comes first.
    Wait {
        /// When, or never.
        until: Option<Instant>,
        /// What for.
        reason: WaitReason,
    },
}

/// Why the engine waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Nothing to wait for: the port is closed.
    Closed,
    /// The answer to a command.
    Answer,
    /// The prompt of `AT+CMGS`.
    Prompt,
    /// The result of a submission.
    Submission,
    /// Silence on the line.
    Drain,
    /// The end of the quiet window.
    Quiet,
    /// The next look at the modem's state or storage.
    Poll,
    /// The next look at a call.
    Call,
    /// The next try of the set-up.
    Retry,
    /// The modem or the port to come back.
    Recovery,
}

/// What the shell should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The set-up is done; also after every restart of the modem.
    Ready,
    /// The network took the message.
    Accepted {
        /// The submission.
        token: Token,
        /// Its TP-MR, which the delivery report will bear.
        reference: u8,
    },
    /// The message was certainly not sent.
    Failed {
        /// The submission.
        token: Token,
        /// What to do about it.
        class: FailureClass,
        /// Why.
        cause: FailureCause,
    },
    /// Nobody knows whether the message was sent. The shell must not send it again on its own.
    Unknown {
        /// The submission.
        token: Token,
        /// Why.
        cause: UnknownCause,
    },
    /// An unknown submission was accepted after all: its answer came within the quiet window and bore the expected
    /// reference.
    LateAccepted {
        /// The submission.
        token: Token,
        /// Its TP-MR.
        reference: u8,
    },
    /// What the SIM's last used reference (EF_SMSS, TS 31.102 §4.2.9) says of an unknown submission.
    ReferenceCheck {
        /// The submission.
        token: Token,
        /// Moved: it was tried, still unknown. Not moved is only said where it proves that nothing was sent.
        reference: ReferenceMove,
    },
    /// The SIM's last used reference, read at every set-up where the modem shows it.
    LastReference {
        /// TP-MR.
        reference: u8,
    },
    /// A message came in. Store it, then answer [`Command::Stored`].
    Received {
        /// Names it.
        key: Key,
        /// Sender, time and content.
        message: Deliver,
    },
    /// A delivery report came in. Store it, then answer [`Command::Stored`].
    Report {
        /// Names it.
        key: Key,
        /// Reference, recipient, times and TP-ST (see [`crate::failure::delivery`]).
        report: StatusReport,
    },
    /// A message came in that can't be read. Store it as it is, then answer [`Command::Stored`], or it fills the SIM.
    Undecodable {
        /// Names it.
        key: Key,
        /// As the modem gave it.
        hex: Private<String>,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Something about a voice call.
    Call(CallEvent),
    /// The modem had no room for a message; the storage is being read out.
    StorageFull,
    /// Registration with the network changed.
    Registration(Registration),
    /// Signal strength changed.
    Signal(Signal),
    /// The operator changed.
    Operator(String),
    /// The SIM's state changed.
    Sim(SimState),
    /// The network's time (NITZ), now.
    NetworkTime {
        /// Milliseconds since the Unix epoch, UTC.
        unix_ms: i64,
    },
    /// Which modem it is. The SIM's own numbers are not read.
    Identity {
        /// Serial number of the modem.
        imei: Private<String>,
        /// As it calls itself.
        model: String,
        /// The profile in use.
        profile: ProfileName,
    },
    /// Nothing is submitted for now.
    Paused(PauseReason),
    /// Submitting goes on.
    Resumed,
    /// The modem does not answer; this step is being taken against it.
    Hang {
        /// Which.
        step: RecoveryStep,
    },
    /// The modem answers again after a hang.
    Recovered,
    /// Close the port, find it again (USB path, IMEI) and open it; then `handle_port_opened`.
    ReopenPort,
    /// Press the modem's power key.
    PowerKey {
        /// How long.
        hold: Duration,
    },
    /// Pull the modem's reset pin.
    ResetPin {
        /// How long.
        hold: Duration,
    },
}

/// Whether EF_SMSS moved since before the submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceMove {
    /// The modem used a reference: it tried.
    Moved,
    /// It did not, has been powered all the while, and its profile is proven to write EF_SMSS: not sent.
    NotMoved,
}

/// Registration (TS 27.007 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Not registered and not searching.
    None,
    /// Searching.
    Searching,
    /// Refused by the network.
    Denied,
    /// In the home network.
    Home,
    /// In another network.
    Roaming,
}

impl Registration {
    /// Whether messages can go out.
    pub const fn is_registered(self) -> bool {
        matches!(self, Self::Home | Self::Roaming)
    }
}

/// Signal strength (TS 27.007 §8.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// In dBm; `None` when the modem can't tell.
    pub dbm: Option<i16>,
    /// 0 to 5.
    pub bars: u8,
}

/// What the SIM wants (TS 27.007 §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimState {
    /// Nothing.
    Ready,
    /// No SIM.
    Absent,
    /// Still starting.
    Busy,
    /// A PIN, and it was not entered: none configured, refused, or too few tries left.
    PinRequired {
        /// Tries left, when the modem tells.
        tries: Option<u8>,
    },
    /// A PUK. A person must see to it; the engine never enters one.
    PukRequired,
    /// Something else, or broken.
    Failed,
}

/// Why nothing is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// The SIM or its contract: a person must see to it, then [`Command::Resume`].
    Subscription(FailureCause),
    /// The SIM is not ready.
    Sim(SimState),
}

/// Steps against a modem that does not answer, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecoveryStep {
    /// Open the port again.
    ReopenPort,
    /// `AT+CFUN=1,1`.
    Restart,
    /// The profile's power-off command; the board or the power key starts it again.
    PowerOff,
    /// The power key.
    PowerKey,
    /// The reset pin.
    ResetPin,
    /// All steps were taken; after a pause they are taken again.
    Exhausted,
}

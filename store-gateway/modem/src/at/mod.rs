//! The AT port's surface: octets to lines, lines to what they are (ITU-T V.250 §5, 3GPP TS 27.007, TS 27.005).

mod answer;
mod call;
mod framer;
mod line;

pub(crate) use answer::{
    Clock, CmglHeader, Indications, clock, cmgl_header, cmgr_length, csq, direct_length, indications,
    new_message_place, operator, reference, registration_answer, registration_notice, sim_io, storage_use, storages,
};
pub(crate) use call::{CallLine, CallState, Direction, call_line, calling_number, pressed};
pub(crate) use framer::{Framer, Token};
pub(crate) use line::{CallWord, ErrorCode, Line, classify, fields};

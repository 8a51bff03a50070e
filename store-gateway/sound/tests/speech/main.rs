//! Prompts with the real espeak-ng, and with programs that are worse.

mod broken;
mod program;
mod spoken;
mod uploads;

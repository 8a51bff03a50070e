//! The bytes of the till's hardware: ESC/POS printers and scanners.

//! Ledgers in real repositories. git itself is asked whether what was written is sound.

mod hostile;
mod race;
mod reading;
mod scratch;
mod writing;

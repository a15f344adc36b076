//! Ledgers in real repositories. git itself is asked whether what was written is sound.

mod check;
mod hostile;
mod join;
mod race;
mod reading;
mod replay;
mod scratch;
mod writing;

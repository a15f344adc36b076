//! Ledgers in real repositories. git itself is asked whether what was written is sound.

mod again;
mod anchors;
mod check;
mod hostile;
mod join;
mod race;
mod reading;
mod replay;
mod roll;
mod scratch;
mod writing;

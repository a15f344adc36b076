//! A session as text for a terminal, as a page of HTML and as JSON, written to any [`std::io::Write`].
//!
//! This room knows [`crate::session`] and nobody else: what it shows of commits and ledgers comes
//! in as values. Whatever is in a session may have been written by anybody, so nothing reaches a
//! terminal but through [`Safe`], and raw text that is handed about is [`Untrusted`], which cannot
//! be printed.

mod columns;
mod conversation;
mod describe;
#[cfg(feature = "view-html")]
pub mod html;
pub mod json;
mod lines;
mod look;
mod page;
mod rows;
mod safe;
mod summary;
mod table;
mod when;

pub use columns::fit;
pub use conversation::{Conversation, Reading};
pub use lines::{
    CodeLine, LineCommit, LineCount, LineGroup, LinePrompt, LineSession, Maker, write_line_counts, write_line_story,
    write_lines_of,
};
pub use look::{Look, Palette, Role};
pub use page::{Link, Matched, Page, write_head};
pub use rows::{Row, RowList, RowMatch, write_row_nul};
pub use safe::{Safe, Untrusted, sanitise};
pub use summary::{Summary, write_summary};
pub use table::{TableRow, write_facts, write_table};
pub use when::{ago, counted, day, iso, number, size, span};

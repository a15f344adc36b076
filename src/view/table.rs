//! A table of names and numbers.

use std::io::{self, Write};

use super::columns::{fit, pad, width};
use super::look::{Look, Pen, Role};
use super::{Safe, Untrusted};

/// A row: what it is of, and its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// What it is of.
    pub name: Untrusted,
    /// The cells, in the order of the headings.
    pub cells: Vec<Untrusted>,
}

/// Writes a table: on a terminal aligned, with headings, the name last; elsewhere the name first, a tab between cells, and
/// no heading.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_table(
    out: &mut dyn Write,
    look: &Look,
    headings: &[&'static str],
    name: &'static str,
    rows: &[TableRow],
) -> io::Result<()> {
    const GAP: usize = 2;
    let mut pen = Pen::new(out, look.clone());
    let Some(columns) = look.columns else {
        for row in rows {
            pen.put(Role::Text, &Safe::line(row.name.raw()))?;
            for cell in &row.cells {
                pen.put_made(Role::Text, format!("\t{}", Safe::line(cell.raw())))?;
            }
            pen.newline()?;
        }
        return Ok(());
    };
    let widest = |at: usize, heading: &str| {
        let cells = rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| width(Safe::line(cell.raw()).as_str()));
        cells.max().unwrap_or(0).max(heading.len())
    };
    let widths: Vec<usize> = headings.iter().enumerate().map(|(at, heading)| widest(at, heading)).collect();
    for (heading, width) in headings.iter().zip(&widths) {
        pen.spaces(width.saturating_sub(heading.len()))?;
        pen.say(Role::Meta, heading)?;
        pen.spaces(GAP)?;
    }
    pen.say(Role::Meta, name)?;
    pen.newline()?;
    let left = columns.saturating_sub(widths.iter().map(|width| width + GAP).sum()).max(12);
    for row in rows {
        for (cell, &cell_width) in row.cells.iter().zip(&widths) {
            let cell = Safe::line(cell.raw());
            pen.spaces(cell_width.saturating_sub(width(cell.as_str())))?;
            pen.put(Role::Text, &cell)?;
            pen.spaces(GAP)?;
        }
        pen.put(Role::Id, &fit(&Safe::line(row.name.raw()), left))?;
        pen.newline()?;
    }
    Ok(())
}

/// Writes facts, a line each: a name, and what is so.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_facts(out: &mut dyn Write, look: &Look, facts: &[(&'static str, Untrusted)]) -> io::Result<()> {
    let mut pen = Pen::new(out, look.clone());
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, fact) in facts {
        pen.put(Role::Meta, &pad(&Safe::literal(name), widest + 2))?;
        pen.put(Role::Text, &Safe::line(fact.raw()))?;
        pen.newline()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Timestamp;

    fn rows() -> [TableRow; 2] {
        let row = |name: &str, cells: [&str; 2]| TableRow { name: name.into(), cells: cells.map(Into::into).into() };
        [row("codex", ["1,200", "$3.10"]), row("e\u{1b}[31mvil\nname", ["7", "no price"])]
    }

    fn written(columns: Option<usize>) -> String {
        let mut out = Vec::new();
        let look = Look { columns, ..Look::plain(Timestamp::EPOCH) };
        write_table(&mut out, &look, &["TOKENS", "COST"], "AGENT", &rows()).expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn numbers_are_aligned_and_names_come_last() {
        let expected = "TOKENS      COST  AGENT\n 1,200     $3.10  codex\n     7  no price  evil name\n";
        assert_eq!(written(Some(80)), expected);
        assert_eq!(written(None), "codex\t1,200\t$3.10\nevil name\t7\tno price\n");
    }

    #[test]
    fn facts_stand_below_each_other() {
        let mut out = Vec::new();
        let facts = [("sessions", "3".into()), ("cost", "$1\u{1b}[0m".into())];
        write_facts(&mut out, &Look::plain(Timestamp::EPOCH), &facts).expect("a vector takes all");
        assert_eq!(String::from_utf8(out).expect("text"), "sessions  3\ncost      $1\n");
    }
}

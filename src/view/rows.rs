//! Sessions as a list: a line each.

use std::io::{self, Write};

use serde::Serialize;

use super::columns::{fit, pad, width};
use super::look::{Look, Pen, Role};
use super::page::{Matched, SHORT_SID, short};
use super::when::{ago, iso};
use super::{Safe, Untrusted};
use crate::session::{Stats, Timestamp};

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The id under which the ledger keeps it, in full.
    pub sid: String,
    /// The agent's program.
    pub agent: Untrusted,
    /// The model.
    pub model: Untrusted,
    /// What it was about.
    pub title: Option<Untrusted>,
    /// Its first moment.
    pub started: Timestamp,
    /// Its last moment.
    pub updated: Timestamp,
    /// The branches whose ledgers hold it.
    pub branches: Vec<Untrusted>,
    /// The ids of the commits it belongs to, in full.
    pub commits: Vec<String>,
    /// Those of them that were recognised by something else than their id, and by what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<RowMatch>,
    /// What its events add up to.
    pub stats: Stats,
}

/// A commit that was recognised by something else than its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowMatch {
    /// The commit's id, in full.
    pub commit: String,
    /// By what it was.
    #[serde(flatten)]
    pub matched: Matched,
}

/// Writes sessions for a reader, as they come: aligned columns with a heading where there is a
/// terminal; elsewhere the same fields with a tab between, and no heading.
///
/// The fields are the session's id (its first 10 characters), when it began, agent, prompts,
/// files, commits, title.
pub struct RowList<'w> {
    out: &'w mut dyn Write,
    look: Look,
    /// Rows that wait for others, so that columns can be measured.
    waiting: Vec<Row>,
    table: Option<Table>,
}

impl<'w> RowList<'w> {
    /// Columns are as wide as the first so many rows need.
    const MEASURED: usize = 200;

    /// Begins a list.
    pub fn new(out: &'w mut dyn Write, look: &Look) -> Self {
        Self { out, look: look.clone(), waiting: Vec::new(), table: None }
    }

    /// Writes the next session.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn push(&mut self, row: Row) -> io::Result<()> {
        if self.look.columns.is_none() {
            let mut pen = Pen::new(self.out, self.look.clone());
            write_fields(&mut pen, &short(&row.sid, SHORT_SID), &row)?;
            return pen.newline();
        }
        self.waiting.push(row);
        if self.waiting.len() >= Self::MEASURED { self.flush() } else { Ok(()) }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let mut pen = Pen::new(self.out, self.look.clone());
        if self.table.is_none() {
            self.table.insert(Table::measure(&self.look, &rows)).write_heading(&mut pen)?;
        }
        let Some(table) = &self.table else { return Ok(()) };
        rows.iter().try_for_each(|row| table.write(&mut pen, row))
    }
}

/// Writes a session for a program: the fields of a [`RowList`] with the whole id, a tab between
/// them, and NUL at the end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_row_nul(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    let mut pen = Pen::new(&mut *out, Look::plain(Timestamp::EPOCH));
    write_fields(&mut pen, &Safe::line(&row.sid), row)?;
    out.write_all(b"\0")
}

fn write_fields(pen: &mut Pen<'_>, sid: &Safe<'_>, row: &Row) -> io::Result<()> {
    pen.put(Role::Id, sid)?;
    let numbers = format!("\t{}\t{}\t{}", row.stats.user_message_count, row.stats.files_changed, row.commits.len());
    pen.put_made(Role::Meta, format!("\t{}", iso(row.started)))?;
    pen.put_made(Role::Text, format!("\t{}", Safe::line(row.agent.raw())))?;
    pen.put_made(Role::Text, numbers)?;
    pen.put_made(Role::Text, format!("\t{}", title(row)))
}

/// The title; before it, in brackets, how commits were recognised whose ids nobody knows.
fn title(row: &Row) -> Safe<'_> {
    let title = Safe::line(row.title.as_ref().map_or("", Untrusted::raw));
    let mut remarks: Vec<String> =
        row.matches.iter().filter_map(|it| it.matched.remark()).map(|remark| remark.to_string()).collect();
    remarks.sort();
    remarks.dedup();
    if remarks.is_empty() { title } else { Safe::made_of_safe(format!("[{}] {title}", remarks.join(", "))) }
}

/// A column of a table: what is in it, and how wide it is.
struct Column {
    heading: &'static str,
    role: Role,
    is_number: bool,
    cell: fn(&Row, &Look) -> Safe<'static>,
    width: usize,
}

impl Column {
    const GAP: usize = 2;
    const WIDEST: usize = 24;

    fn text(heading: &'static str, role: Role, cell: fn(&Row, &Look) -> Safe<'static>) -> Self {
        Self { heading, role, is_number: false, cell, width: heading.len() }
    }

    fn number(heading: &'static str, cell: fn(&Row, &Look) -> Safe<'static>) -> Self {
        Self { is_number: true, ..Self::text(heading, Role::Text, cell) }
    }

    fn measure(mut self, look: &Look, rows: &[Row]) -> Self {
        let cells = rows.iter().map(|row| width((self.cell)(row, look).as_str()));
        self.width = cells.max().unwrap_or(0).clamp(self.heading.len(), Self::WIDEST);
        self
    }

    fn put(&self, pen: &mut Pen<'_>, role: Role, cell: &Safe<'_>) -> io::Result<()> {
        if self.is_number {
            pen.spaces(self.width.saturating_sub(width(cell.as_str())))?;
            pen.put(role, &fit(cell, self.width))?;
        } else {
            pen.put(role, &pad(cell, self.width))?;
        }
        pen.spaces(Self::GAP)
    }
}

struct Table {
    columns: Vec<Column>,
    title: usize,
}

impl Table {
    /// A title shorter than this says nothing: rather leave a column out.
    const LEAST_TITLE: usize = 24;

    fn measure(look: &Look, rows: &[Row]) -> Self {
        let columns = [
            Column::text("SESSION", Role::Id, |row, _| Safe::made_of_safe(short(&row.sid, SHORT_SID).to_string())),
            Column::text("BEGAN", Role::Meta, |row, look| Safe::made_of_safe(ago(row.started, look.now))),
            Column::text("AGENT", Role::Text, |row, _| Safe::made_of_safe(Safe::line(row.agent.raw()).to_string())),
            Column::number("PROMPTS", |row, _| Safe::made_of_safe(row.stats.user_message_count.to_string())),
            Column::number("FILES", |row, _| Safe::made_of_safe(row.stats.files_changed.to_string())),
            Column::number("COMMITS", |row, _| Safe::made_of_safe(row.commits.len().to_string())),
        ];
        let mut columns: Vec<_> = columns.into_iter().map(|column| column.measure(look, rows)).collect();
        let screen = look.columns.unwrap_or(usize::MAX);
        let taken = |columns: &[Column]| columns.iter().map(|column| column.width + Column::GAP).sum::<usize>();
        while columns.len() > 2 && taken(&columns) + Self::LEAST_TITLE > screen {
            columns.pop();
        }
        Self { title: screen.saturating_sub(taken(&columns)).max(1), columns }
    }

    fn write_heading(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for column in &self.columns {
            column.put(pen, Role::Meta, &Safe::literal(column.heading))?;
        }
        pen.say(Role::Meta, "TITLE")?;
        pen.newline()
    }

    fn write(&self, pen: &mut Pen<'_>, row: &Row) -> io::Result<()> {
        for column in &self.columns {
            let cell = (column.cell)(row, &pen.look);
            column.put(pen, column.role, &cell)?;
        }
        pen.put(Role::Text, &fit(&title(row), self.title))?;
        pen.newline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Palette, json};

    fn row(sid: &str, agent: &str, title: Option<&str>, prompts: u64) -> Row {
        Row {
            sid: sid.into(),
            agent: agent.into(),
            model: "m".into(),
            title: title.map(Untrusted::from),
            started: "2026-03-06T10:00:12.5Z".parse().expect("a timestamp"),
            updated: "2026-03-06T11:00:00Z".parse().expect("a timestamp"),
            branches: vec!["main".into()],
            commits: vec!["1a2b".into(), "3c4d".into()],
            matches: Vec::new(),
            stats: Stats { user_message_count: prompts, files_changed: 3, ..Stats::default() },
        }
    }

    fn rows() -> [Row; 3] {
        [
            row("3f2a9c1b8d0011223344556677889900", "claude-code", Some("Fix the login\nredirect, and then some"), 4),
            row(
                "00112233445566778899aabbccddeeff",
                "codex",
                Some("日本語のタイトルはとても幅が広いので切られます"),
                120,
            ),
            row("ffee", "e\u{1b}[31mvil", None, 0),
        ]
    }

    fn written(columns: Option<usize>) -> String {
        let now = "2026-03-09T10:00:12Z".parse().expect("a timestamp");
        let mut out = Vec::new();
        let mut list = RowList::new(&mut out, &Look { columns, palette: Palette::plain(), now });
        rows().into_iter().try_for_each(|row| list.push(row)).expect("a vector takes all");
        list.finish().expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn on_a_terminal_columns_are_aligned_and_titles_take_what_is_left() {
        let expected = "\
SESSION     BEGAN       AGENT        PROMPTS  FILES  COMMITS  TITLE
3f2a9c1b8d  3 days ago  claude-code        4      3        2  Fix the login redirect, and…
0011223344  3 days ago  codex            120      3        2  日本語のタイトルはとても幅…
ffee        3 days ago  evil               0      3        2  \n";
        assert_eq!(written(Some(90)), expected);
    }

    #[test]
    fn a_narrow_terminal_has_fewer_columns() {
        let text = written(Some(64));
        assert!(text.starts_with("SESSION     BEGAN       AGENT        TITLE\n"), "{text}");
        assert!(text.lines().all(|line| width(line) <= 64), "{text}");
        assert!(written(Some(10)).starts_with("SESSION     BEGAN       TITLE\n"));
    }

    #[test]
    fn elsewhere_fields_have_tabs_between_them() {
        let text = written(None);
        let first = "3f2a9c1b8d\t2026-03-06T10:00:12Z\tclaude-code\t4\t3\t2\tFix the login redirect, and then some\n";
        assert!(text.starts_with(first), "{text}");
        assert!(text.lines().all(|line| line.matches('\t').count() == 6), "{text}");
        assert!(text.ends_with("ffee\t2026-03-06T10:00:12Z\tevil\t0\t3\t2\t\n"), "{text}");
    }

    #[test]
    fn for_programs_ids_are_whole_and_sessions_end_with_nul() {
        let mut out = Vec::new();
        rows().iter().try_for_each(|row| write_row_nul(&mut out, row)).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.matches('\0').count(), 3);
        assert!(text.starts_with("3f2a9c1b8d0011223344556677889900\t"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn a_title_says_first_how_a_rewritten_commit_was_recognised() {
        let [mut one, ..] = rows();
        let similar = Matched { by: "similar", share: Some(83), original: None };
        let matched = |commit: &str, matched: &Matched| RowMatch { commit: commit.into(), matched: matched.clone() };
        one.matches = vec![matched("3c4d", &similar), matched("5e6f", &similar)];
        assert!(title(&one).as_str().starts_with("[similar 83%] Fix the login"), "{}", title(&one));
        let json = serde_json::to_value(&one).expect("a row can be written");
        assert_eq!(json["matches"][0], serde_json::json!({"commit": "3c4d", "matched": "similar", "share": 83}));
    }

    #[test]
    fn no_sessions_are_no_lines() {
        let mut out = Vec::new();
        let look = Look { columns: Some(80), ..Look::plain(Timestamp::EPOCH) };
        RowList::new(&mut out, &look).finish().expect("a vector takes all");
        assert!(out.is_empty());
    }

    #[test]
    fn a_long_list_has_one_heading_and_the_same_columns_to_its_end() {
        let mut out = Vec::new();
        let mut list = RowList::new(&mut out, &Look { columns: Some(90), ..Look::plain(Timestamp::EPOCH) });
        for n in 0..500 {
            let agent = if n < 400 { "codex" } else { "an-agent-with-a-long-name" };
            list.push(row("0123456789", agent, Some("title"), n)).expect("a vector takes all");
        }
        list.finish().expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        assert_eq!((text.lines().count(), text.matches("SESSION").count()), (501, 1));
        let titles = text.find("TITLE").expect("a heading");
        let begins = |line: &str| line.find("title").map(|at| width(&line[..at]));
        assert!(text.lines().skip(1).all(|line| begins(line) == Some(titles)), "{text}");
    }

    #[test]
    fn a_row_is_json_with_everything_in_it() {
        let mut out = Vec::new();
        let [one, ..] = rows();
        json::write_lines(&mut out, [one]).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        let expected = r#"{"sid":"3f2a9c1b8d0011223344556677889900","agent":"claude-code","model":"m","title":"Fix the login\nredirect, and then some","started":"2026-03-06T10:00:12.500Z","updated":"2026-03-06T11:00:00Z","branches":["main"],"commits":["1a2b","3c4d"],"stats":{"event_count":0,"#;
        assert!(text.starts_with(expected), "{text}");
    }
}

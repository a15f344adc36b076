//! Lines of code, and whose they are.

use std::io::{self, Write};

use super::columns::{expand_tabs, fit, wrap};
use super::describe::first_line;
use super::look::{Look, Pen, Role};
use super::page::{SHORT_COMMIT, SHORT_SID, field, short};
use super::when::{ago, counted, iso, number};
use super::{Safe, Untrusted};
use crate::session::Timestamp;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeLine {
    /// Its number, from 1.
    pub number: u32,
    /// Its text.
    pub text: Untrusted,
}

/// Lines that stand together and have the same to be said of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LineGroup {
    /// The file, as the user calls it.
    pub file: Untrusted,
    /// The lines.
    pub lines: Vec<CodeLine>,
    /// The commit they are from; `None` if they are not committed.
    pub commit: Option<LineCommit>,
    /// Whose they are.
    pub maker: Maker,
}

/// The commit that lines are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCommit {
    /// Its id, in full.
    pub id: String,
    /// Who wrote it.
    pub author: Untrusted,
    /// When.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: Untrusted,
}

/// Whose lines are.
#[derive(Debug, Clone, PartialEq)]
pub enum Maker {
    /// A session's.
    Session(Box<LineSession>),
    /// A human's, nobody's, or nobody knows: in a word, and why.
    Other {
        /// `human`, `unknown`, `uncommitted`.
        word: &'static str,
        /// Why that is said.
        why: &'static str,
    },
}

/// The session that wrote lines, and how that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSession {
    /// The id under which the ledger keeps it, in full.
    pub sid: String,
    /// The agent's program.
    pub agent: Untrusted,
    /// The model.
    pub model: Untrusted,
    /// What it was about.
    pub title: Option<Untrusted>,
    /// The prompt above the edit.
    pub prompt: Option<LinePrompt>,
    /// The edit's event.
    pub event: Untrusted,
    /// When the edit was.
    pub at: Timestamp,
    /// The path that the edit names.
    pub path: Untrusted,
    /// The task (subagent) that made the edit.
    pub task: Option<Untrusted>,
    /// How the lines are the same: `exact`, `whitespace`, `formatted`, `redacted`.
    pub sameness: &'static str,
    /// The evidence in words.
    pub evidence: Vec<Untrusted>,
    /// How sure it is, in percent.
    pub confidence: u8,
}

/// What a human had typed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePrompt {
    /// Its number, as `show --prompts` counts.
    pub turn: u32,
    /// When.
    pub at: Timestamp,
    /// The text.
    pub text: Untrusted,
}

/// Writes groups of lines for a reader: a line on whose they are, and the lines. Where there is no terminal each line of
/// the file is one line: number, commit, session, turn, how the lines are the same (or whose it is), percent, prompt,
/// text, with tabs between.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_lines_of(out: &mut dyn Write, look: &Look, groups: &[LineGroup]) -> io::Result<()> {
    let mut pen = Pen::new(out, look.clone());
    let last = groups.iter().flat_map(|group| &group.lines).map(|line| line.number).max().unwrap_or(0);
    let width = last.to_string().len();
    for group in groups {
        if look.columns.is_none() {
            group.lines.iter().try_for_each(|line| fields(&mut pen, group, line))?;
            continue;
        }
        heading(&mut pen, group)?;
        for line in &group.lines {
            let mark = match &group.maker {
                Maker::Session(session) if session.sameness != "exact" => "~",
                _ => " ",
            };
            pen.put_made(Role::Meta, format!("  {:>width$} {mark} ", line.number))?;
            let text = expand_tabs(one_line(&line.text).as_str());
            let columns = pen.look.one_line(width + 5);
            pen.put(Role::Text, &fit(&Safe::made_of_safe(text), columns))?;
            pen.newline()?;
        }
    }
    Ok(())
}

/// `1a2b3c4d5e6f  claude-code 3f2a9c1b8d #3  ❯ make it say hello`
fn heading(pen: &mut Pen<'_>, group: &LineGroup) -> io::Result<()> {
    let commit = group.commit.as_ref().map_or(Safe::literal("not committed"), |commit| short(&commit.id, SHORT_COMMIT));
    pen.put(Role::Id, &commit)?;
    match &group.maker {
        Maker::Session(session) => {
            pen.spaces(2)?;
            pen.put(Role::Text, &Safe::line(session.agent.raw()))?;
            pen.spaces(1)?;
            pen.put(Role::Id, &short(&session.sid, SHORT_SID))?;
            if let Some(prompt) = &session.prompt {
                pen.put_made(Role::Meta, format!(" #{}", prompt.turn))?;
                pen.spaces(2)?;
                let columns = pen.look.one_line(SHORT_COMMIT + SHORT_SID + 24);
                pen.put_made(Role::Prompt, format!("❯ {}", first_line(prompt.text.raw(), columns)))?;
            }
        }
        Maker::Other { word, .. } if group.commit.is_some() => {
            pen.spaces(2)?;
            pen.say(Role::Aside, word)?;
        }
        Maker::Other { .. } => {}
    }
    pen.newline()
}

fn fields(pen: &mut Pen<'_>, group: &LineGroup, line: &CodeLine) -> io::Result<()> {
    let commit = group.commit.as_ref().map_or(Safe::literal("-"), |commit| short(&commit.id, SHORT_COMMIT));
    let (session, turn, how, percent, prompt) = match &group.maker {
        Maker::Session(session) => (
            short(&session.sid, SHORT_SID).to_string(),
            session.prompt.as_ref().map(|prompt| format!("#{}", prompt.turn)),
            session.sameness,
            session.confidence.to_string(),
            session.prompt.as_ref().map(|prompt| first_line(prompt.text.raw(), 160).to_string()),
        ),
        Maker::Other { word, .. } => ("-".to_owned(), None, *word, "-".to_owned(), None),
    };
    let dash = || "-".to_owned();
    let (turn, prompt) = (turn.unwrap_or_else(dash), prompt.unwrap_or_else(dash));
    let text = one_line(&line.text);
    let line = format!("{}\t{commit}\t{session}\t{turn}\t{how}\t{percent}\t{prompt}\t{text}", line.number);
    pen.put_made(Role::Text, line)?;
    pen.newline()
}

/// A line of code, safe, and still one line.
fn one_line(text: &Untrusted) -> Safe<'static> {
    Safe::made_of_safe(text.safe().as_str().replace('\n', " "))
}

/// Writes all that is known of some lines.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_line_story(out: &mut dyn Write, look: &Look, group: &LineGroup) -> io::Result<()> {
    let mut pen = Pen::new(out, look.clone());
    let numbers = match (group.lines.first(), group.lines.last()) {
        (Some(first), Some(last)) if first.number != last.number => format!(":{},{}", first.number, last.number),
        (Some(first), _) => format!(":{}", first.number),
        _ => String::new(),
    };
    pen.put_made(Role::Id, format!("{}{numbers}", Safe::line(group.file.raw())))?;
    pen.newline()?;
    for line in &group.lines {
        pen.spaces(4)?;
        pen.put(Role::Text, &Safe::made_of_safe(expand_tabs(one_line(&line.text).as_str())))?;
        pen.newline()?;
    }
    if let Some(commit) = &group.commit {
        let told = format!("{} {}", short(&commit.id, SHORT_COMMIT), Safe::line(commit.subject.raw()));
        field(&mut pen, "Commit:", &Safe::made_of_safe(told))?;
        let when = format!("{}, {} ({})", Safe::line(commit.author.raw()), iso(commit.at), ago(commit.at, look.now));
        field(&mut pen, "Author:", &Safe::made_of_safe(when))?;
    }
    match &group.maker {
        Maker::Session(session) => session_story(&mut pen, session),
        Maker::Other { word, why } => field(&mut pen, "Written:", &Safe::made_of_safe(format!("{word}: {why}"))),
    }
}

fn session_story(pen: &mut Pen<'_>, session: &LineSession) -> io::Result<()> {
    let who = format!(
        "{}, {}, {}",
        short(&session.sid, SHORT_SID),
        Safe::line(session.agent.raw()),
        Safe::line(session.model.raw())
    );
    field(pen, "Session:", &Safe::made_of_safe(who))?;
    if let Some(title) = &session.title {
        field(pen, "Title:", &Safe::line(title.raw()))?;
    }
    let by = session.task.as_ref().map(|task| format!(", by its task {}", Safe::line(task.raw()))).unwrap_or_default();
    let edit = format!(
        "{}{by}, {}, event {}",
        Safe::line(session.path.raw()),
        iso(session.at),
        Safe::line(session.event.raw())
    );
    field(pen, "Edit:", &Safe::made_of_safe(edit))?;
    let evidence: Vec<String> = session.evidence.iter().map(|words| Safe::line(words.raw()).to_string()).collect();
    let found = format!("{} % sure: {}", session.confidence, evidence.join(", "));
    field(pen, "Found:", &Safe::made_of_safe(found))?;
    let Some(prompt) = &session.prompt else { return field(pen, "Turn:", &Safe::literal("before any prompt")) };
    let turn = format!("#{}, {} ({})", prompt.turn, iso(prompt.at), ago(prompt.at, pen.look.now));
    field(pen, "Turn:", &Safe::made_of_safe(turn))?;
    prompt_story(pen, &prompt.text)
}

/// The prompt, as far as a screen goes.
fn prompt_story(pen: &mut Pen<'_>, text: &Untrusted) -> io::Result<()> {
    const MOST: usize = 12;
    let columns = pen.look.prose(2);
    let lines = wrap(&text.safe(), columns);
    let mut first = true;
    for line in lines.iter().take(MOST) {
        pen.put_made(Role::Prompt, format!("{} {line}", if first { "❯" } else { " " }).trim_end().to_owned())?;
        pen.newline()?;
        first = false;
    }
    if let Some(more) = lines.len().checked_sub(MOST).filter(|more| *more > 0) {
        pen.put_made(Role::Meta, format!("  … {}", counted(more as u64, "more line")))?;
        pen.newline()?;
    }
    Ok(())
}

/// How many lines are whose: of a file, of a commit, of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCount {
    /// Of what.
    pub of: Untrusted,
    /// All lines.
    pub lines: u64,
    /// By agent, and by session below it: a name, and a count.
    pub makers: Vec<(Untrusted, u64)>,
}

/// Writes counts of lines, a paragraph each: `src/a.rs: 120 lines`, then a line for each maker with its share.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_line_counts(out: &mut dyn Write, look: &Look, counts: &[LineCount]) -> io::Result<()> {
    let mut pen = Pen::new(out, look.clone());
    for (at, count) in counts.iter().enumerate() {
        if at > 0 {
            pen.newline()?;
        }
        pen.put(Role::Id, &Safe::line(count.of.raw()))?;
        pen.put_made(Role::Text, format!(": {}", counted(count.lines, "line")))?;
        pen.newline()?;
        let width = number(count.lines).len();
        for (maker, lines) in &count.makers {
            let percent = (lines * 100).checked_div(count.lines).unwrap_or(0);
            pen.put_made(Role::Text, format!("  {:>width$}", number(*lines)))?;
            pen.put_made(Role::Meta, format!("  {percent:>3} %  "))?;
            // Sessions stand below their agent.
            let indent = maker.raw().len() - maker.raw().trim_start().len();
            pen.spaces(indent)?;
            pen.put(Role::Text, &Safe::line(maker.raw()))?;
            pen.newline()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> LineGroup {
        let session = LineSession {
            sid: "3f2a9c1b8d0011223344556677889900".into(),
            agent: "claude-code".into(),
            model: "m".into(),
            title: Some("A title".into()),
            prompt: Some(LinePrompt { turn: 3, at: Timestamp::EPOCH, text: "do it\u{1b}]0;x\u{7}\nnow".into() }),
            event: "e1".into(),
            at: Timestamp::EPOCH,
            path: "~/p/a.rs".into(),
            task: Some("t1".into()),
            sameness: "whitespace",
            evidence: vec!["white space differs".into(), "wrote".into()],
            confidence: 90,
        };
        LineGroup {
            file: "a.rs".into(),
            lines: vec![
                CodeLine { number: 9, text: "\tlet x;\u{1b}[31m".into() },
                CodeLine { number: 10, text: "}".into() },
            ],
            commit: Some(LineCommit {
                id: "1a2b3c4d5e6f7788".into(),
                author: "Ann".into(),
                at: Timestamp::EPOCH,
                subject: "Say hello".into(),
            }),
            maker: Maker::Session(Box::new(session)),
        }
    }

    fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn on_a_terminal_lines_stand_below_whose_they_are() {
        let look = Look { columns: Some(80), ..Look::plain(Timestamp::EPOCH) };
        let human = LineGroup { commit: None, maker: Maker::Other { word: "uncommitted", why: "" }, ..group() };
        let text = written(|out| write_lines_of(out, &look, &[group(), human]));
        let expected = "1a2b3c4d5e6f  claude-code 3f2a9c1b8d #3  ❯ do it …\n   9 ~     let x;\n  10 ~ }\nnot committed\n   9       let x;\n  10   }\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn elsewhere_each_line_is_one_with_tabs_between_its_fields() {
        let text = written(|out| write_lines_of(out, &Look::plain(Timestamp::EPOCH), &[group()]));
        let first = "9\t1a2b3c4d5e6f\t3f2a9c1b8d\t#3\twhitespace\t90\tdo it …\t\tlet x;\n";
        assert!(text.starts_with(first), "{text}");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn the_story_of_a_line_goes_from_the_commit_to_the_prompt() {
        let text = written(|out| write_line_story(out, &Look::plain(Timestamp::EPOCH), &group()));
        let told = [
            "a.rs:9,10\n",
            "Commit:   1a2b3c4d5e6f Say hello\n",
            "by its task t1",
            "90 % sure: white space",
            "#3, 1970",
            "❯ do it\n  now\n",
        ];
        for words in told {
            assert!(text.contains(words), "{words:?} in {text}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn counts_are_told_with_their_shares() {
        let makers = vec![("codex".into(), 3), ("  3f2a9c1b8d".into(), 3), ("human".into(), 1)];
        let counts = [LineCount { of: "a.rs".into(), lines: 4, makers }];
        let text = written(|out| write_line_counts(out, &Look::plain(Timestamp::EPOCH), &counts));
        assert_eq!(text, "a.rs: 4 lines\n  3   75 %  codex\n  3   75 %    3f2a9c1b8d\n  1   25 %  human\n");
    }
}

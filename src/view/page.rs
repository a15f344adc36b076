//! What is shown of a session before its conversation.

use std::io;

use serde::Serialize;

use super::columns::wrap;
use super::look::{Look, Pen, Role};
use super::when::{ago, counted, iso, number, span};
use super::{Safe, Untrusted};
use crate::session::{Header, Stats};

/// A session as a page: all that is known of it but its events.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// The id under which the ledger keeps it, in full.
    pub sid: &'a str,
    /// Who, with what, when.
    pub header: &'a Header,
    /// What its events add up to.
    pub stats: &'a Stats,
    /// The commits it belongs to.
    pub links: &'a [Link],
    /// The branches whose ledgers hold it.
    pub branches: &'a [Untrusted],
    /// What redaction took out, by rule.
    pub redacted: &'a [(Untrusted, u64)],
    /// How it was found, if that needs to be said: `HEAD is a squash of its commits`.
    pub found_by: Option<Untrusted>,
}

/// A commit that a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The commit's id, in full.
    pub commit: String,
    /// The commit's subject, if the commit is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Untrusted>,
    /// By what the commit was recognised.
    #[serde(flatten)]
    pub matched: Matched,
    /// Why they belong together, in words: `wrote`, `12 lines`.
    #[serde(skip)]
    pub reasons: Vec<Untrusted>,
    /// The same for programs, as it is stored.
    pub evidence: serde_json::Value,
}

impl Link {
    /// By what it was recognised, if not by its id, and why it belongs to the session: `patch, wrote, 12 lines`.
    pub(super) fn words(&self) -> String {
        let reasons = self.reasons.iter().map(|word| Safe::line(word.raw()).to_string());
        self.matched.remark().into_iter().map(|remark| remark.to_string()).chain(reasons).collect::<Vec<_>>().join(", ")
    }
}

/// By what a commit was recognised as one that a session is behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// `commit`: by its id; `patch`: it has the same patch as another one; `branch`: the patch of a whole branch; `similar`.
    #[serde(rename = "matched")]
    pub by: &'static str,
    /// How much is the same, in percent, if it is only similar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<u8>,
    /// The other commit, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

impl Matched {
    /// By its id.
    pub const ID: Self = Self { by: "commit", share: None, original: None };

    /// What is to be said of it: nothing, if it was recognised by its id; else `patch`, `branch`, `similar 83%`.
    pub fn remark(&self) -> Option<Safe<'static>> {
        let share = self.share.map(|share| format!(" {share}%")).unwrap_or_default();
        (*self != Self::ID).then(|| Safe::made_of_safe(format!("{}{share}", self.by)))
    }
}

/// How much of a commit id a reader needs.
pub(super) const SHORT_COMMIT: usize = 12;

/// How much of a session id a reader needs.
pub(super) const SHORT_SID: usize = 10;

/// The beginning of an id.
#[must_use]
pub(super) fn short(id: &str, length: usize) -> Safe<'_> {
    // An id from a ledger may be anything: not everything can be cut there.
    Safe::line(id.get(..length).unwrap_or(id))
}

/// Writes the head of a session's page, as `git log` writes the head of a commit.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_head(out: &mut dyn io::Write, look: &Look, page: &Page<'_>) -> io::Result<()> {
    let mut pen = Pen::new(out, look.clone());
    pen.say(Role::Id, "session ")?;
    pen.put(Role::Id, &Safe::line(page.sid))?;
    pen.newline()?;
    write_who(&mut pen, page.header)?;
    write_when(&mut pen, page)?;
    write_counts(&mut pen, page.stats)?;
    if let Some(found_by) = &page.found_by {
        field(&mut pen, "Found:", &Safe::line(found_by.raw()))?;
    }
    for (at, branch) in page.branches.iter().enumerate() {
        field(&mut pen, if at == 0 { "Ledger:" } else { "" }, &Safe::line(branch.raw()))?;
    }
    if !page.redacted.is_empty() {
        let rules = page.redacted.iter().map(|(rule, count)| format!("{} {}", number(*count), Safe::line(rule.raw())));
        let rules = rules.collect::<Vec<_>>().join(", ");
        field(&mut pen, "Redacted:", &Safe::made_of_safe(rules))?;
    }
    for (at, link) in page.links.iter().enumerate() {
        write_link(&mut pen, if at == 0 { "Commits:" } else { "" }, link)?;
    }
    Ok(())
}

fn write_who(pen: &mut Pen<'_>, header: &Header) -> io::Result<()> {
    if let Some(title) = &header.context.title {
        field(pen, "Title:", &Safe::line(title))?;
    }
    let agent = &header.agent;
    let version = agent.tool_version.as_deref().map(|version| format!(" {}", Safe::line(version))).unwrap_or_default();
    field(pen, "Agent:", &Safe::made_of_safe(format!("{}{version}", Safe::line(&agent.tool))))?;
    field(pen, "Model:", &Safe::line(&agent.model))
}

fn write_when(pen: &mut Pen<'_>, page: &Page<'_>) -> io::Result<()> {
    let context = &page.header.context;
    let lasted = match page.stats.duration_seconds {
        0 => String::new(),
        seconds => format!(", {} long", span(seconds.saturating_mul(1000))),
    };
    let told = ago(context.created_at, pen.look.now);
    field(pen, "Date:", &Safe::made_of_safe(format!("{} ({told}{lasted})", iso(context.created_at))))
}

fn write_counts(pen: &mut Pen<'_>, stats: &Stats) -> io::Result<()> {
    let mut tokens =
        vec![format!("{} in", number(stats.total_input_tokens)), format!("{} out", number(stats.total_output_tokens))];
    if stats.cache_read_tokens > 0 {
        tokens.push(format!("{} read from cache", number(stats.cache_read_tokens)));
    }
    if stats.cache_write_tokens > 0 {
        tokens.push(format!("{} written to cache", number(stats.cache_write_tokens)));
    }
    let counts =
        [stats.total_input_tokens, stats.total_output_tokens, stats.cache_read_tokens, stats.cache_write_tokens];
    // An agent that does not count its tokens has not spent none.
    let tokens = if counts.iter().all(|count| *count == 0) { "not recorded".to_owned() } else { tokens.join(", ") };
    field(pen, "Tokens:", &Safe::made_of_safe(tokens))?;

    let mut work = vec![counted(stats.user_message_count, "prompt"), counted(stats.tool_call_count, "tool call")];
    if stats.task_count > 0 {
        work.push(counted(stats.task_count, "task"));
    }
    field(pen, "Work:", &Safe::made_of_safe(work.join(", ")))?;

    label(pen, "Files:")?;
    pen.put_made(Role::Text, format!("{} changed", number(stats.files_changed)))?;
    if stats.files_changed > 0 {
        pen.say(Role::Text, ", ")?;
        pen.put_made(Role::Added, format!("+{}", stats.lines_added))?;
        pen.say(Role::Text, " ")?;
        pen.put_made(Role::Removed, format!("-{}", stats.lines_removed))?;
    }
    pen.newline()
}

fn write_link(pen: &mut Pen<'_>, name: &'static str, link: &Link) -> io::Result<()> {
    label(pen, name)?;
    pen.put(Role::Id, &short(&link.commit, SHORT_COMMIT))?;
    if let Some(subject) = &link.subject {
        pen.say(Role::Text, " ")?;
        pen.put(Role::Text, &Safe::line(subject.raw()))?;
    }
    let words = link.words();
    if !words.is_empty() {
        pen.put_made(Role::Meta, format!(" ({words})"))?;
    }
    pen.newline()
}

const LABEL_COLUMNS: usize = 10;

fn label(pen: &mut Pen<'_>, name: &'static str) -> io::Result<()> {
    pen.say(Role::Meta, name)?;
    pen.spaces(LABEL_COLUMNS.saturating_sub(name.len()))
}

/// `Name:     value`, wrapped behind the name.
pub(super) fn field(pen: &mut Pen<'_>, name: &'static str, value: &Safe<'_>) -> io::Result<()> {
    label(pen, name)?;
    let columns = pen.look.columns.map(|columns| columns.saturating_sub(LABEL_COLUMNS));
    let lines = wrap(value, columns);
    match lines.split_first() {
        Some((first, others)) => {
            pen.put(Role::Text, first)?;
            pen.newline()?;
            pen.block(Role::Text, LABEL_COLUMNS, others)
        }
        None => pen.newline(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Agent, Attributes, Context, HAIL_VERSION, Timestamp};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    fn header(title: &str) -> Header {
        Header {
            version: HAIL_VERSION.into(),
            session_id: "s1".into(),
            agent: Agent {
                provider: "anthropic".into(),
                model: "claude-opus-4-5".into(),
                tool: "claude-code".into(),
                tool_version: Some("2.1.205".into()),
            },
            context: Context {
                title: Some(title.into()),
                description: None,
                tags: Vec::new(),
                created_at: at("2026-03-06T10:00:12.500Z"),
                updated_at: at("2026-03-06T10:45:12Z"),
                related_session_ids: Vec::new(),
                attributes: Attributes::new(),
            },
            extra: std::collections::BTreeMap::new(),
        }
    }

    fn stats() -> Stats {
        Stats {
            user_message_count: 1,
            tool_call_count: 37,
            files_changed: 3,
            lines_added: 120,
            lines_removed: 14,
            duration_seconds: 2700,
            total_input_tokens: 12_345,
            total_output_tokens: 8901,
            cache_read_tokens: 1_234_567,
            ..Stats::default()
        }
    }

    fn written(page: &Page<'_>, columns: Option<usize>) -> String {
        let look = Look { columns, ..Look::plain(at("2026-03-09T10:00:12Z")) };
        let mut out = Vec::new();
        write_head(&mut out, &look, page).expect("a vector takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_head_says_who_when_what_it_cost_and_what_came_of_it() {
        let links = [
            Link {
                commit: "1a2b3c4d5e6f708090a0b0c0d0e0f00112233445".into(),
                subject: Some("fix the login redirect".into()),
                matched: Matched::ID,
                reasons: vec!["committed".into(), "2 files".into()],
                evidence: serde_json::json!({"kind": "committed"}),
            },
            Link {
                commit: "ffff".into(),
                subject: None,
                matched: Matched { by: "similar", share: Some(83), original: None },
                reasons: Vec::new(),
                evidence: serde_json::Value::Null,
            },
        ];
        let page = Page {
            sid: "3f2a9c1b8d0011223344556677889900",
            header: &header("Fix the\nlogin \u{1b}[31mredirect"),
            stats: &stats(),
            links: &links,
            branches: &["main".into()],
            redacted: &[("github-token".into(), 2)],
            found_by: None,
        };
        let expected = "\
session 3f2a9c1b8d0011223344556677889900
Title:    Fix the login redirect
Agent:    claude-code 2.1.205
Model:    claude-opus-4-5
Date:     2026-03-06T10:00:12Z (3 days ago, 45 min long)
Tokens:   12,345 in, 8,901 out, 1,234,567 read from cache
Work:     1 prompt, 37 tool calls
Files:    3 changed, +120 -14
Ledger:   main
Redacted: 2 github-token
Commits:  1a2b3c4d5e6f fix the login redirect (committed, 2 files)
          ffff (similar 83%)
";
        assert_eq!(written(&page, None), expected);
    }

    #[test]
    fn tokens_that_were_not_recorded_are_not_called_none_and_long_titles_wrap() {
        let page = Page {
            sid: "aa",
            header: &header("A title that is longer than the terminal is wide"),
            stats: &Stats::default(),
            links: &[],
            branches: &[],
            redacted: &[],
            found_by: None,
        };
        let text = written(&page, Some(40));
        assert!(text.contains("Tokens:   not recorded\n"), "{text}");
        assert!(text.contains("Title:    A title that is longer than\n          the terminal is wide\n"), "{text}");
        assert!(text.contains("Files:    0 changed\n"), "{text}");
    }
}

//! One line of a note: one session behind the commit.

use serde::{Deserialize, Serialize};

use crate::hail::Digest;
use crate::ledger::{Day, EvidenceKind, SessionKey, Sid};
use crate::view::Safe;

/// What every line of ours says it is.
const SCHEMA: &str = "opensession.note/1";

/// The longest title, in characters.
const TITLE: usize = 72;
/// The longest of the other texts, in characters: a branch is at most as long as a path.
const TEXT: usize = 300;

/// A pointer from a commit to a session, as one line of JSON with sorted keys: never a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteLine {
    /// The agent.
    pub agent: String,
    /// The branch whose ledger has the session.
    pub branch: String,
    /// The day of the session: when the ledger lets it expire, the line goes with it.
    pub day: Day,
    /// How many events it had.
    pub events: u64,
    /// How it is tied to the commit.
    pub evidence: EvidenceKind,
    /// The ledger.
    pub ledger: String,
    /// The version of the redaction rules that went over it.
    pub rules: u32,
    /// [`SCHEMA`].
    schema: String,
    /// The digest of its events.
    pub sha256: Digest,
    /// Its name.
    pub sid: Sid,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
}

/// What a line is made of.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// The number of events.
    pub events: u64,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// The ledger's ref.
    pub ledger: &'a str,
    /// The version of the redaction rules.
    pub rules: u32,
    /// The digest of the events.
    pub sha256: Digest,
    /// The session.
    pub key: SessionKey,
    /// The title.
    pub title: Option<&'a str>,
}

impl NoteLine {
    /// Makes a line. Texts are cut, and stripped of what a terminal obeys: `git log --notes` prints them as they are.
    pub fn new(of: &Pointer<'_>) -> Self {
        let title = of.title.map(|title| short(title, TITLE)).filter(|title| !title.is_empty());
        Self {
            agent: short(of.agent, TEXT),
            branch: short(of.branch, TEXT),
            day: of.key.day,
            events: of.events,
            evidence: of.evidence,
            ledger: short(of.ledger, TEXT),
            rules: of.rules,
            schema: SCHEMA.to_owned(),
            sha256: of.sha256,
            sid: of.key.sid,
            title,
        }
    }

    /// Reads a line that one of us wrote; `None` for any other.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(line).ok().filter(|read: &Self| read.schema == SCHEMA)?;
        // Somebody else may have written it: it is made anew, as we would.
        Some(Self::new(&Pointer {
            agent: &read.agent,
            branch: &read.branch,
            events: read.events,
            evidence: read.evidence,
            ledger: &read.ledger,
            rules: read.rules,
            sha256: read.sha256,
            key: read.key(),
            title: read.title.as_deref(),
        }))
    }

    /// Where the session lies.
    pub fn key(&self) -> SessionKey {
        SessionKey { day: self.day, sid: self.sid }
    }

    /// The line without its end.
    pub fn print(&self) -> String {
        // A struct of texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Of two lines about one session the greater one counts, in every clone the same: newer rules, more events, better
    /// evidence, and then whatever orders them.
    pub fn rank(&self) -> impl Ord + use<> {
        (self.rules, self.events, self.evidence, self.print())
    }
}

/// One line of at most so many characters.
fn short(text: &str, most: usize) -> String {
    let line = Safe::line(text);
    if line.as_str().chars().count() <= most {
        return line.as_str().to_owned();
    }
    let cut: String = line.as_str().chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn line(session: &str, events: u64, title: &str) -> NoteLine {
        let sha256 = Digest::of(title.as_bytes());
        let day = Day::new(2026, 3, 6).expect("a day");
        let key = SessionKey { day, sid: Sid::new("codex", session) };
        let ledger = "refs/opensession/branches/bWFpbg";
        let (agent, branch, evidence) = ("codex", "main", EvidenceKind::Wrote);
        NoteLine::new(&Pointer { agent, branch, events, evidence, ledger, rules: 1, sha256, key, title: Some(title) })
    }

    #[test]
    fn a_line_has_sorted_keys_and_reads_back() {
        let line = line("one", 3, "Fix \u{1b}[31mit\u{1b}[0m\nall");
        let printed = line.print();
        let keys: Vec<_> = printed.split("\":").filter_map(|part| part.rsplit('"').next()).collect();
        assert!(keys[..keys.len() - 1].is_sorted(), "{keys:?}");
        assert!(printed.ends_with(r#""title":"Fix it all"}"#), "{printed}");
        assert_eq!(NoteLine::parse(printed.as_bytes()), Some(line));
    }

    #[test]
    fn what_another_wrote_is_made_harmless_and_what_is_not_ours_is_left() {
        let good = line("one", 3, "x").print();
        let evil = good.replace(r#""x""#, "\"\u{9b}31m\u{202e}y\"");
        assert_eq!(NoteLine::parse(evil.as_bytes()).and_then(|line| line.title).as_deref(), Some("y"));
        let long = good.replace(r#""x""#, &format!("\"{}\"", "é".repeat(500)));
        assert_eq!(
            NoteLine::parse(long.as_bytes()).and_then(|line| line.title).map(|title| title.chars().count()),
            Some(72)
        );
        for other in [
            "",
            "looks good to me",
            "{}",
            r#"{"schema":"opensession.note/1"}"#,
            &good.replace("note/1", "note/2"),
            &good.replace(r#""events":3"#, r#""events":-1"#),
            &good.replace(r#""agent""#, r#""more":1,"agent""#),
        ] {
            assert_eq!(NoteLine::parse(other.as_bytes()), None, "{other}");
        }
    }
}

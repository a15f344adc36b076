//! What a commit itself says of an agent having written it: its author, and the trailers that agents add.

use crate::git::Commit;

/// What says that an agent wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The agent, as people call it.
    pub agent: &'static str,
    /// `author`, or the trailer's key as the commit has it.
    pub by: String,
}

/// Agents by the words they are called by. A word that people are called by, too, is one only with another behind it.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("Claude", "claude", &["code", "opus", "sonnet", "haiku", "fable", "3", "4", "5", "agent", "bot", "ai"]),
    ("Codex", "codex", &[]),
    ("Copilot", "copilot", &[]),
    ("Cursor", "cursor", &["agent", "ai", "bot"]),
    ("Gemini", "gemini", &["cli", "code", "pro", "flash", "2", "3"]),
    ("Devin", "devin", &["ai", "bot"]),
    ("Jules", "jules", &["bot", "ai"]),
    ("Aider", "aider", &[]),
    ("OpenCode", "opencode", &[]),
    ("OpenHands", "openhands", &[]),
    ("Windsurf", "windsurf", &[]),
    ("ChatGPT", "chatgpt", &[]),
    ("Amp", "ampcode", &[]),
    ("Qwen", "qwen", &["code", "coder"]),
    ("Kiro", "kiro", &["agent", "cli"]),
    ("Droid", "factory-droid", &[]),
];

/// Agents by what their addresses have in them.
const ADDRESSES: &[(&str, &str)] = &[
    ("Claude", "noreply@anthropic.com"),
    ("Claude", "claude[bot]@"),
    ("Codex", "codex@openai.com"),
    ("Codex", "noreply@openai.com"),
    ("Codex", "chatgpt-codex-connector"),
    ("Cursor", "cursoragent@cursor.com"),
    ("Copilot", "+copilot@users.noreply.github.com"),
    ("Copilot", "copilot-swe-agent"),
    ("Copilot", "copilot@github.com"),
    ("Gemini", "gemini-code-assist"),
    ("Gemini", "gemini-cli"),
    ("Devin", "devin-ai-integration"),
    ("Jules", "google-labs-jules"),
    ("Aider", "@aider.chat"),
    ("OpenCode", "opencode.ai"),
    ("OpenHands", "openhands@all-hands.dev"),
    ("Amp", "amp@ampcode.com"),
    ("Droid", "factory-droid"),
    ("Windsurf", "windsurf@codeium.com"),
];

/// Trailers that name a person, or an agent as one.
const PERSONS: [&str; 3] = ["co-authored-by", "co-developed-by", "authored-by"];
/// Trailers, and beginnings of lines, that name a tool.
const TOOLS: [&str; 6] =
    ["generated-with", "generated-by", "assisted-by", "ai-assisted-by", "created-with", "written-with"];

/// What says that an agent wrote a commit; `None` if nothing does.
pub fn mark(commit: &Commit) -> Option<Mark> {
    let author = person(&commit.author_name, &commit.author_email);
    if let Some(agent) = author {
        return Some(Mark { agent, by: "author".to_owned() });
    }
    commit.message.lines().find_map(trailer)
}

fn trailer(line: &str) -> Option<Mark> {
    if let Some((key, value)) = line.split_once(':') {
        let name = key.trim().to_ascii_lowercase();
        let agent = if PERSONS.contains(&name.as_str()) {
            let (who, rest) = value.split_once('<').unwrap_or((value, ""));
            person(who, rest.split('>').next().unwrap_or_default())
        } else if TOOLS.contains(&name.as_str()) {
            called(value, true)
        } else {
            None
        };
        if let Some(agent) = agent {
            return Some(Mark { agent, by: key.trim().to_owned() });
        }
    }
    // `🤖 Generated with [Claude Code](https://...)`
    let words = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = words.to_ascii_lowercase();
    let rest = TOOLS.iter().find_map(|tool| lower.strip_prefix(&tool.replace('-', " ")))?;
    Some(Mark { agent: called(rest, true)?, by: "Generated with".to_owned() })
}

/// The agent that goes by this name and address.
fn person(name: &str, email: &str) -> Option<&'static str> {
    let email = email.trim().to_ascii_lowercase();
    let by_address = ADDRESSES.iter().find(|(_, part)| email.contains(part)).map(|(agent, _)| *agent);
    // aider puts itself behind the name of whom it works for: `Ann (aider)`.
    let by_aider = name.trim().to_ascii_lowercase().ends_with("(aider)").then_some("Aider");
    by_address.or(by_aider).or_else(|| called(name, false))
}

/// The agent that a text calls by its name. In a name only its beginning counts, and a word that people are called by
/// needs another behind it; where a tool is named it does not.
fn called(text: &str, is_tool: bool) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).collect();
    let begins = |(at, word): (usize, &&str)| {
        let found = WORDS.iter().find(|(_, own, _)| {
            // `claude-opus-4-6`, `codex:gpt-5`
            word.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })?;
        let (agent, own, behind) = found;
        let next =
            word.strip_prefix(own).and_then(|rest| rest.strip_prefix('-')).or_else(|| words.get(at + 1).copied());
        let is_more = next.is_some_and(|next| behind.iter().any(|known| next.starts_with(known)));
        (is_tool || behind.is_empty() || is_more).then_some(*agent)
    };
    // `GitHub Copilot`
    let first = if is_tool { words.len() } else { 2 };
    words.iter().enumerate().take(first).find_map(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(name: &str, email: &str, message: &str) -> Commit {
        let oid = "11".repeat(20).parse().expect("an id");
        Commit {
            oid,
            tree: oid,
            parents: Vec::new(),
            author_name: name.into(),
            author_email: email.into(),
            author_time: 0,
            committer_email: String::new(),
            commit_time: 0,
            message: message.into(),
        }
    }

    fn by_message(message: &str) -> Option<(&'static str, String)> {
        mark(&commit("Ann", "ann@example.com", message)).map(|mark| (mark.agent, mark.by))
    }

    #[test]
    fn trailers_of_agents_are_known() {
        for (line, agent, by) in [
            ("Co-Authored-By: Claude <noreply@anthropic.com>", "Claude", "Co-Authored-By"),
            ("Co-authored-by: Claude Opus 4.6 (1M context) <x@y>", "Claude", "Co-authored-by"),
            ("Co-authored-by: Codex <codex@openai.com>", "Codex", "Co-authored-by"),
            ("Co-authored-by: Cursor <cursoragent@cursor.com>", "Cursor", "Co-authored-by"),
            ("Co-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>", "Copilot", "Co-authored-by"),
            ("Co-authored-by: aider (gpt-5) <aider@aider.chat>", "Aider", "Co-authored-by"),
            ("Assisted-by: Claude:claude-opus-4-6", "Claude", "Assisted-by"),
            ("Generated-with: Codex", "Codex", "Generated-with"),
            ("🤖 Generated with [Claude Code](https://claude.com/claude-code)", "Claude", "Generated with"),
            ("Generated by GitHub Copilot", "Copilot", "Generated with"),
        ] {
            assert_eq!(by_message(&format!("say hello\n\nbody\n\n{line}\n")), Some((agent, by.to_owned())), "{line}");
        }
    }

    #[test]
    fn people_are_no_agents() {
        for line in [
            "Co-authored-by: Claude Dupont <claude@dupont.example>",
            "Co-authored-by: Devin Smith <devin@example.com>",
            "Co-authored-by: Jules Verne <jules@example.com>",
            "Reviewed-by: Claude <noreply@anthropic.com>",
            "Assisted-by: Ann <ann@example.com>",
            "generated with love",
            "Fix the cursor of the editor",
            "claude: fix a parser",
        ] {
            assert_eq!(by_message(&format!("say hello\n\n{line}\n")), None, "{line}");
        }
        assert_eq!(mark(&commit("Claude Monet", "monet@example.com", "paint")), None);
    }

    #[test]
    fn agents_that_are_authors_are_known() {
        for (name, email, agent) in [
            ("Claude", "noreply@anthropic.com", "Claude"),
            ("devin-ai-integration[bot]", "158243242+devin-ai-integration[bot]@users.noreply.github.com", "Devin"),
            ("copilot-swe-agent[bot]", "198982749+Copilot@users.noreply.github.com", "Copilot"),
            ("Ann (aider)", "ann@example.com", "Aider"),
            ("Codex", "someone@example.com", "Codex"),
        ] {
            let mark = mark(&commit(name, email, "work")).expect("an agent");
            assert_eq!((mark.agent, mark.by.as_str()), (agent, "author"), "{name}");
        }
    }
}

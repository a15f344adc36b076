//! What to run next.

use std::borrow::Cow;

/// A command that helps, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    own: bool,
    words: Vec<String>,
    why: &'static str,
}

impl Hint {
    /// A command of this program: its words after the program's name.
    pub fn own<W: Into<String>>(words: impl IntoIterator<Item = W>, why: &'static str) -> Self {
        Self { own: true, words: words.into_iter().map(Into::into).collect(), why }
    }

    /// Any other command, with all its words.
    pub fn command<W: Into<String>>(words: impl IntoIterator<Item = W>, why: &'static str) -> Self {
        Self { own: false, words: words.into_iter().map(Into::into).collect(), why }
    }

    /// The command as a user can paste it into a shell: `program` is how this program was called.
    pub fn line(&self, program: &str) -> String {
        let words = self.words.iter().map(|word| quoted(word));
        let line = words.collect::<Vec<_>>().join(" ");
        let line = if self.own { format!("{program} {line}") } else { line };
        if self.why.is_empty() { line } else { format!("{line}  # {}", self.why) }
    }
}

/// A word as a POSIX shell reads it back.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_^~".contains(&byte);
    if !word.is_empty() && !word.starts_with('~') && word.bytes().all(harmless) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_can_be_pasted_into_a_shell() {
        let hint = Hint::own(["parse", "--profile", "codex", "my log's.jsonl"], "it is a log of codex");
        let line = hint.line("git opensession");
        assert_eq!(line, r"git opensession parse --profile codex 'my log'\''s.jsonl'  # it is a log of codex");
        assert_eq!(Hint::command(["git", "init"], "").line("opensession"), "git init");
    }

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        for word in ["", "~x", "a b", "$(rm)", "a;b", "a\nb", "*"] {
            assert_eq!(quoted(word), format!("'{word}'"));
        }
        for word in ["HEAD~2", "a/b.c", "--x=y", "main@{1}".trim_end_matches("{1}")] {
            assert_eq!(quoted(word), word);
        }
    }
}

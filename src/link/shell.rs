//! Commits that an agent made: the command that makes one, and git's answer.

use serde::{Deserialize, Serialize};

/// The beginning of a commit id as git printed it: 4 to 64 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortId(String);

impl ShortId {
    /// The text as the beginning of an id, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (hex && (4..=64).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// Whether an id, in lowercase hex, begins so.
    pub fn begins(&self, id: &str) -> bool {
        id.starts_with(&self.0)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ShortId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("not 4 to 64 lowercase hex digits")
    }
}

impl From<ShortId> for String {
    fn from(id: ShortId) -> Self {
        id.0
    }
}

/// A command that makes commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommitCommand {
    /// Whether it also asks for an id by itself (`git rev-parse HEAD`), which then stands alone on a line.
    pub(super) asks_for_id: bool,
}

/// Options of `git` itself that take their value as the next word.
const WITH_VALUE: &[&str] =
    &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env", "--attr-source"];

/// The commands that answer with `[branch id] subject` when they made a commit.
const MAKERS: &[&str] = &["commit", "cherry-pick", "revert"];

/// Whether a shell command runs one of git's commands that make a commit: `git commit`, also with options of git
/// before it, after `&&`, in a subshell or in the quoted script of another shell.
///
/// It may be too generous (`echo "git commit"`): what counts is git's answer.
pub(super) fn commit_command(command: &str) -> Option<CommitCommand> {
    if !command.contains("git") || !makes_commit(command, 3) {
        return None;
    }
    let asks_for_id = ["rev-parse", "%H", "%h"].iter().any(|asking| command.contains(asking));
    Some(CommitCommand { asks_for_id })
}

fn makes_commit(script: &str, depth: u8) -> bool {
    let words = words(script);
    let mut at = words.iter();
    while let Some(word) = at.next() {
        if depth > 0 && word.contains(char::is_whitespace) && makes_commit(word, depth - 1) {
            return true;
        }
        if is_git(word) && subcommand(&mut at.clone()).is_some_and(|name| MAKERS.contains(&name)) {
            return true;
        }
    }
    false
}

fn is_git(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name == "git" || name == "git.exe"
}

fn subcommand<'a>(words: &mut impl Iterator<Item = &'a String>) -> Option<&'a str> {
    loop {
        let word = words.next()?;
        if WITH_VALUE.contains(&word.as_str()) {
            words.next()?;
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
}

/// The words of a shell script: quotes taken off, operators taken as space. No expansion.
fn words(script: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None | Some('"'), '\\') => {
                // A line that goes on is space; any other character stands for itself.
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.push(next);
                    begun = true;
                }
            }
            (None, ';' | '&' | '|' | '(' | ')' | '{' | '}' | '`') => {
                flush(&mut words, &mut word, &mut begun);
            }
            (None, c) if c.is_whitespace() => flush(&mut words, &mut word, &mut begun),
            (_, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    flush(&mut words, &mut word, &mut begun);
    words
}

fn flush(words: &mut Vec<String>, word: &mut String, begun: &mut bool) {
    if std::mem::take(begun) {
        words.push(std::mem::take(word));
    }
}

/// The ids of the commits that git says it made: `[main abc1234] subject`, `[main (root-commit) abc1234] ...`,
/// `[detached HEAD abc1234] ...`, and, if the command asked for it, the one id that stands alone on a line.
pub(super) fn made_commits(output: &str, command: CommitCommand) -> Vec<ShortId> {
    let mut made: Vec<ShortId> = output.lines().filter_map(announced).collect();
    if command.asks_for_id {
        let mut alone = output.lines().map(str::trim).filter(|line| line.len() >= 7).filter_map(ShortId::new);
        if let (Some(id), None) = (alone.next(), alone.next()) {
            made.push(id);
        }
    }
    made
}

fn announced(line: &str) -> Option<ShortId> {
    let (inside, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let (branch, id) = inside.rsplit_once(' ')?;
    if branch.trim().is_empty() { None } else { ShortId::new(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(command: &str, output: &str) -> Vec<String> {
        let command = commit_command(command).unwrap_or_else(|| panic!("{command:?} makes a commit"));
        made_commits(output, command).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_commit_is_found_however_it_is_called() {
        for command in [
            "git commit -m x",
            "git add -A && git commit -qm 'x'",
            "cd /r; git -C '/a b' commit",
            "git -c user.name=x -c user.email='a b' --no-pager commit --amend --no-edit",
            "(cd sub && /usr/bin/git commit -F -) <<'EOF'\nx\nEOF",
            "bash -lc \"git add . && git commit -m 'x y'\"",
            "GIT_AUTHOR_NAME=x git commit -m x",
            "git \\\n  commit -m x",
            "git cherry-pick abc1234",
            "git revert --no-edit HEAD",
        ] {
            assert!(commit_command(command).is_some(), "{command:?}");
        }
    }

    #[test]
    fn other_commands_make_no_commits() {
        for command in [
            "git status",
            "git log -1 commit",
            "git push",
            "ls commit",
            "git -C commit status",
            "gh pr merge",
            "",
            "git",
        ] {
            assert_eq!(commit_command(command), None, "{command:?}");
        }
    }

    #[test]
    fn the_id_is_read_from_every_form_of_the_answer() {
        assert_eq!(made("git commit", "[main abc1234] Fix it\n 1 file changed"), ["abc1234"]);
        assert_eq!(made("git commit", "[main (root-commit) 0123456789] First"), ["0123456789"]);
        assert_eq!(made("git commit", "noise\r\n  [detached HEAD 1234abc] [x] y"), ["1234abc"]);
        assert_eq!(
            made("git commit; git commit", "[feature/a-b 1234567] a\n[feature/a-b 89abcde] b"),
            ["1234567", "89abcde"]
        );
    }

    #[test]
    fn what_only_looks_like_an_answer_is_none() {
        for output in ["[main] text", "[ abc1234]", "[2/3 files] x", "[main ABC1234] x", "[main xyz1234] x", "abc1234"]
        {
            assert_eq!(made("git commit", output), [""; 0], "{output:?}");
        }
    }

    #[test]
    fn an_id_alone_counts_when_it_was_asked_for_and_is_the_only_one() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(made("git commit -qm x && git rev-parse HEAD", &format!("{id}\n")), [id]);
        assert_eq!(made("git commit -qm x", &format!("{id}\n")), [""; 0]);
        assert_eq!(made("git commit -qm x; git log --format=%H", &format!("{id}\n{id}\n")), [""; 0]);
    }
}

//! The name this program was called by.

use std::ffi::OsStr;
use std::path::Path;

/// git runs `git-opensession` for `git opensession`; the same binary may be called `opensession`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    shown: String,
}

impl Program {
    /// By the first word of the command line.
    pub fn called(word: Option<&OsStr>) -> Self {
        let stem = word.and_then(|word| Path::new(word).file_stem()).and_then(OsStr::to_str);
        let is_name = |stem: &&str| stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let shown = match stem.filter(is_name) {
            None | Some("" | "git-opensession") => "git opensession",
            Some(other) => other,
        };
        Self { shown: shown.to_owned() }
    }

    /// As the user typed it.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_the_user_typed() {
        let shown = |word: &str| Program::called(Some(OsStr::new(word))).shown().to_owned();
        assert_eq!(shown("/usr/local/bin/git-opensession"), "git opensession");
        assert_eq!(shown("git-opensession.exe"), "git opensession");
        assert_eq!(shown("./opensession"), "opensession");
        assert_eq!(shown("ops"), "ops");
        assert_eq!(shown("\u{1b}[2J"), "git opensession");
        assert_eq!(Program::called(None).shown(), "git opensession");
    }
}

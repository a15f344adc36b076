//! What is said to those who come from OpenSession 0.2.x, of verbs that are none here.

use std::ffi::OsString;
use std::fmt;

use super::{Failure, Hint};

/// A verb of OpenSession 0.2.x.
#[derive(Debug)]
pub enum Former {
    /// `summary`, and `config summary`: by a model.
    Summary,
    /// `review`: of a pull request; its number, if it was named.
    Review { number: Option<u64> },
    /// `setup`: what `doctor --fix` did.
    Setup,
    /// `config runtime`: of the server and the desktop application.
    Runtime,
}

impl Former {
    /// `review <address of a pull request>`.
    pub fn review(words: &[OsString]) -> Self {
        let address = words.iter().filter_map(|word| word.to_str()).find(|word| word.contains("/pull/"));
        let rest = address.and_then(|address| address.split("/pull/").nth(1));
        let digits = rest.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        Self::Review { number: digits.and_then(|digits| digits.parse().ok()) }
    }

    /// What to run instead.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Summary => vec![
                Hint::own(["inspect", "HEAD"], "times, counts, tokens, files"),
                Hint::own(["handoff", "build", "--from", "HEAD", "--pin", "latest"], "what was done, and what is open"),
                Hint::own(["handoff", "artifacts", "get", "latest", "--format", "markdown"], ""),
            ],
            Self::Review { number } => {
                let number = number.map_or_else(|| "<number>".to_owned(), |number| number.to_string());
                let theirs = format!("pull/{number}/head");
                vec![
                    Hint::command(["git", "fetch", "origin", &theirs], ""),
                    Hint::own(["fetch"], ""),
                    Hint::own(["view", "HEAD..FETCH_HEAD"], "the sessions behind its commits"),
                ]
            }
            Self::Setup => vec![Hint::own(["doctor", "--fix"], "prints its plan, then asks")],
            Self::Runtime => vec![Hint::own(["config", "show"], "the settings there are")],
        }
    }
}

impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Summary => "no model is asked here, so there are no summaries by one; what can be told without is",
            Self::Review { .. } => "the sessions of a pull request are those behind its commits; to see them",
            Self::Setup => "setting up is what the doctor does",
            Self::Runtime => "there is no server and no desktop application here, and so no settings of theirs",
        })
    }
}

impl From<Former> for Failure {
    fn from(former: Former) -> Self {
        Self::Former(former)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_is_known_by_its_number() {
        let number = |word: &str| match Former::review(&[word.into(), "--web".into()]) {
            Former::Review { number } => number,
            _ => None,
        };
        assert_eq!(number("https://github.com/a/b/pull/42/files"), Some(42));
        assert_eq!(number("https://github.com/a/b/pull/x"), None);
        assert_eq!(number("HEAD"), None);
    }
}

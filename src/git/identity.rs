//! Who makes a commit.

use super::{Config, GitEnvironment};

/// A name and an e-mail address, as a commit holds them: without `<`, `>` and line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who.
    pub identity: Identity,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Offset of the local time from UTC, in minutes.
    pub offset: i32,
}

impl Identity {
    /// Cleaned as git cleans them; where nothing is left, the name is `git-opensession` and the address
    /// `opensession@localhost`.
    pub fn new(name: &str, email: &str) -> Self {
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        Self { name: or(clean(name), "git-opensession"), email: or(clean(email), "opensession@localhost") }
    }

    /// The name, not empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The e-mail address, not empty.
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl Config {
    /// The committer as git would take it: `GIT_COMMITTER_NAME` and `_EMAIL`, `committer.*`, `user.*`, `EMAIL`.
    /// Where git would guess from the machine, or refuse, it is [`Identity::new`]'s default: a ledger can always be written.
    pub fn committer(&self, environment: &GitEnvironment) -> Identity {
        let (name, email) = self.person("committer", environment);
        Identity::new(&name.unwrap_or_default(), &email.unwrap_or_default())
    }

    /// The address that this user's commits carry, if one is configured: `GIT_AUTHOR_EMAIL`, `author.email`,
    /// `user.email`, `EMAIL`.
    pub fn author_email(&self, environment: &GitEnvironment) -> Option<String> {
        self.person("author", environment).1.map(|email| clean(&email)).filter(|email| !email.is_empty())
    }

    fn person(&self, role: &str, environment: &GitEnvironment) -> (Option<String>, Option<String>) {
        let variable = |name: &str| environment.variable(name).map(|value| value.to_string_lossy().into_owned());
        let part = |part: &str| {
            variable(&format!("GIT_{}_{}", role.to_uppercase(), part.to_uppercase())).or_else(|| {
                let keys = [format!("{role}.{part}"), format!("user.{part}")];
                keys.iter().find_map(|key| self.get(key).filter(|value| !value.is_empty()).map(str::to_owned))
            })
        };
        (part("name"), part("email").or_else(|| variable("EMAIL")))
    }
}

/// Without what git calls crud: blanks and punctuation at the ends, `<`, `>`, line ends and NUL anywhere (ident.c).
fn clean(text: &str) -> String {
    let crud = |char: char| char <= ' ' || ".,:;<>\"\\'".contains(char);
    text.trim_matches(crud).chars().filter(|char| !"<>\n\0".contains(*char)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigEntry, ConfigScope};
    use super::*;

    fn config(entries: &[(&str, &str)]) -> Config {
        let entry = |(key, value): &(&str, &str)| ConfigEntry {
            scope: ConfigScope::Global,
            key: (*key).to_owned(),
            value: Some((*value).to_owned()),
            file: None,
        };
        Config::of(entries.iter().map(entry).collect())
    }

    fn environment(variables: &[(&str, &str)]) -> GitEnvironment {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        GitEnvironment { home: None, variables }
    }

    #[test]
    fn the_environment_beats_the_role_beats_the_user() {
        let config = config(&[("user.name", "User"), ("user.email", "u@x"), ("committer.email", "c@x")]);
        let committer = config.committer(&environment(&[("GIT_COMMITTER_NAME", "Env"), ("EMAIL", "e@x")]));
        assert_eq!((committer.name(), committer.email()), ("Env", "c@x"));
        assert_eq!(config.author_email(&environment(&[])).as_deref(), Some("u@x"));
        assert_eq!(config.author_email(&environment(&[("GIT_AUTHOR_EMAIL", "a@x")])).as_deref(), Some("a@x"));
    }

    #[test]
    fn without_any_configuration_there_still_is_a_committer() {
        let committer = Config::default().committer(&environment(&[]));
        assert_eq!((committer.name(), committer.email()), ("git-opensession", "opensession@localhost"));
        assert_eq!(Config::default().author_email(&environment(&[])), None);
        assert_eq!(Config::default().committer(&environment(&[("EMAIL", "e@x")])).email(), "e@x");
    }

    #[test]
    fn a_name_cannot_forge_a_header() {
        let person = Identity::new(" <evil>\ncommitter x <a@b> 0 +0000\n., ", "a@b>\n<c");
        assert_eq!((person.name(), person.email()), ("evilcommitter x a@b 0 +0000", "a@bc"));
        assert_eq!(Identity::new("<>", "\"'").name(), "git-opensession");
    }
}

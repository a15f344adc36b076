//! What was taken out: how often, by which rule, and never what.

use std::collections::BTreeMap;
use std::collections::btree_map;

use serde::{Deserialize, Serialize};

/// How often each rule replaced something, by rule id.
///
/// The ids of [`super::rules`]; `home` and `user` are the person's folder and name, all others are
/// secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Findings(BTreeMap<String, u64>);

impl Findings {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the marks of an earlier redaction say: how often each `[REDACTED:<rule>]` stands in a text. (What became
    /// neutral, home and user, left no mark.)
    #[must_use]
    pub fn of_marks(text: &[u8]) -> Self {
        const MARK: &[u8] = b"[REDACTED:";
        const LONGEST: usize = 64;
        let mut findings = Self::default();
        for at in memchr::memmem::find_iter(text, MARK) {
            let rest = text.get(at + MARK.len()..).unwrap_or_default();
            let rule = rest.iter().take(LONGEST).position(|&byte| byte == b']').and_then(|end| rest.get(..end));
            let rule = rule.and_then(|rule| str::from_utf8(rule).ok());
            let is_rule =
                |rule: &&str| !rule.is_empty() && rule.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if let Some(rule) = rule.filter(is_rule) {
                findings.add(rule);
            }
        }
        findings
    }

    /// Counts one more.
    pub(super) fn add(&mut self, rule: &str) {
        match self.0.get_mut(rule) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(rule.to_owned(), 1)),
        }
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, other: &Self) {
        for (rule, count) in &other.0 {
            *self.0.entry(rule.clone()).or_default() += count;
        }
    }

    /// How often a rule replaced something.
    #[must_use]
    pub fn count(&self, rule: &str) -> u64 {
        self.0.get(rule).copied().unwrap_or(0)
    }

    /// How many secrets were replaced: everything but the person's folder and name.
    #[must_use]
    pub fn secrets(&self) -> u64 {
        self.iter().filter(|(rule, _)| !matches!(*rule, "home" | "user")).map(|(_, count)| count).sum()
    }

    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rule ids and counts, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(rule, &count)| (rule.as_str(), count))
    }
}

impl IntoIterator for Findings {
    type Item = (String, u64);
    type IntoIter = btree_map::IntoIter<String, u64>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_an_earlier_redaction_left_are_counted() {
        let text = b"a [REDACTED:stripe-key] b [REDACTED:stripe-key][REDACTED:password] [REDACTED: x] [REDACTED:";
        let findings = Findings::of_marks(text);
        assert_eq!(findings.iter().collect::<Vec<_>>(), [("password", 1), ("stripe-key", 2)]);
    }

    #[test]
    fn findings_add_up_and_tell_secrets_from_the_person() {
        let mut findings = Findings::new();
        findings.add("password");
        findings.add("home");
        let mut sum = findings.clone();
        sum.merge(&findings);
        assert_eq!((sum.count("password"), sum.count("home"), sum.secrets()), (2, 2, 2));
        assert_eq!(serde_json::to_string(&sum).expect("counts"), r#"{"home":2,"password":2}"#);
    }
}

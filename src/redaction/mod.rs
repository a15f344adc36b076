//! From what an agent wrote to what may be stored: secrets and people taken out.
//!
//! [`Redacted`] is the witness: only this room makes one, and only a redacted event can become part
//! of a [`crate::hail::Record`], the only thing a ledger stores.
//!
//! One walk over each text notices the literals by which a secret can be noticed; the [`rules`] look at
//! the text around them. What they find becomes `[REDACTED:<rule>]`, which no
//! rule finds again: redacting twice changes nothing. The time grows with the length of the text,
//! whatever is in it.
//!
//! Nothing here can fail, so that nothing gets by without having been looked at: there is no error to
//! ignore. What a rule could not look at (its expression did not compile, which a test rules out; a value
//! is nested deeper than any JSON) is taken out unseen.

mod decoded;
mod excerpt;
mod findings;
mod literals;
mod paths;
mod person;
mod rules;
mod scan;
mod terminal;
mod text;
mod walk;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

pub use self::findings::Findings;
pub use self::person::Person;
pub use self::rules::{Rule, rules};

use self::person::People;
use self::scan::{By, Found, Machine, replaced};
use crate::session::{Event, Header};

/// The version of the rules. It grows with every change to what they find; sessions redacted by an
/// older one are redacted again.
pub const RULES_VERSION: u32 = 4;

/// How often a text in which something was replaced is looked through again, at most.
const AGAIN: usize = 4;

/// A value that went through a [`Redactor`].
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, leaving the witness behind.
    pub fn into_inner(self) -> T {
        self.0
    }
}

#[cfg(test)]
impl<T> Redacted<T> {
    /// For tests of what comes after redaction.
    pub(crate) fn for_test(value: T) -> Self {
        Self(value)
    }
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The id of the rule that found it.
    pub rule: &'static str,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// Takes secrets, and one person's home and name, out of texts and events.
#[derive(Debug)]
pub struct Redactor {
    machine: Machine,
    people: Option<People>,
}

impl Redactor {
    /// A redactor for the sessions of a person. It takes about a tenth of a millisecond to build.
    #[must_use]
    pub fn new(person: &Person) -> Self {
        let people = People::new(person);
        let machine = Machine::new(&people);
        Self { machine, people: Some(people) }
    }

    /// A redactor that takes out secrets and leaves people alone: for what stays on this machine.
    #[must_use]
    pub fn of_secrets_only() -> Self {
        Self { people: None, ..Self::new(&Person::default()) }
    }

    /// An event without secrets; what was taken out is counted.
    pub fn event(&self, mut event: Event, findings: &mut Findings) -> Redacted<Event> {
        self.walk_event(&mut event, findings);
        Redacted(event)
    }

    /// A header without secrets.
    pub fn header(&self, mut header: Header, findings: &mut Findings) -> Redacted<Header> {
        self.walk_header(&mut header, findings);
        Redacted(header)
    }

    /// Takes the secrets out of a JSON value: its strings, its keys, and what its keys say is secret.
    pub fn json(&self, value: &mut Value, findings: &mut Findings) {
        self.walk_json(value, findings, 0);
    }

    /// A text without secrets; the text itself if it has none.
    pub fn text<'t>(&self, text: &'t str, findings: &mut Findings) -> Cow<'t, str> {
        self.changed(text, findings).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Where the secrets of a text are, in order and without overlaps. The person is not looked for.
    pub fn scan(&self, text: &str) -> Vec<Hit> {
        let found = self.machine.find(text, None, 0);
        found.into_iter().filter_map(|one| Some(Hit { rule: rules().get(one.rule)?.id, range: one.range })).collect()
    }

    /// The text without secrets, if it has any.
    fn changed(&self, text: &str, findings: &mut Findings) -> Option<String> {
        let (found, mut is_near) = self.machine.find_and_tell(text, self.people.as_ref(), 0);
        let mut result = (!found.is_empty()).then(|| replaced(text, &found, findings))?;
        for _ in 0..AGAIN {
            if !is_near {
                break;
            }
            let found;
            (found, is_near) = self.machine.find_and_tell(&result, self.people.as_ref(), 0);
            if found.is_empty() {
                break;
            }
            result = replaced(&result, &found, findings);
        }
        Some(result)
    }

    /// The value of a key without secrets, if the key says that it is one.
    fn named(&self, name: &str, value: &str, findings: &mut Findings) -> Option<String> {
        let mut named: Option<Found> = None;
        self.machine.literals_in(name, |literal| {
            let find = rules().get(literal.rule).map(|rule| rule.find);
            let range = find.and_then(|find| find.named(name.as_bytes(), literal, value.as_bytes()));
            named = named.take().or(range.map(|range| Found { range, rule: literal.rule, by: By::Mark }));
        });
        let mut found = self.machine.find(value, self.people.as_ref(), 0);
        found.push(named?);
        let redacted = replaced(value, &scan::merged(found), findings);
        Some(self.changed(&redacted, findings).unwrap_or(redacted))
    }
}

#[cfg(test)]
mod tests;

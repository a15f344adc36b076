//! The rules: what is a secret, with examples of what is one and of what only looks like one.
//!
//! A rule says by which literals it can be noticed at all. Where one occurs, the rule looks at the
//! text around it, either with a regular expression or, where the text may be escaped, quoted or
//! spread over lines, with code. To add a rule, add it to one of the tables (or give it a room and
//! list it in [`CODED`]) and raise [`super::RULES_VERSION`]; the tests run its examples.

mod ai;
mod assignment;
mod base64;
mod cloud;
mod command;
mod forges;
mod header;
mod join;
mod key;
mod private_key;
mod prose;
mod reference;
mod services;
mod shape;
mod url;
mod value;
mod verdict;
mod wrapped;
mod written;

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::Regex;

use self::key::Strength;
use super::scan::Scan;
use super::text;

pub(super) use self::base64::find as find_base64;

/// What is a secret (or names a person), and by what it is told.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in `[REDACTED:<id>]` and in findings.
    pub id: &'static str,
    /// What it finds.
    pub description: &'static str,
    /// Texts in which it finds something.
    pub hits: &'static [&'static str],
    /// Texts in which nothing is found, by this rule or another.
    pub misses: &'static [&'static str],
    pub(super) literals: &'static [&'static str],
    pub(super) find: Find,
}

/// Where in the text a literal of a rule is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal {
    /// The rule, as an index into [`rules`].
    pub rule: usize,
    pub start: usize,
    pub end: usize,
}

/// How a rule looks at the text around its literal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Find {
    /// A token of a known shape.
    Token(Token),
    /// Anything else.
    Code(fn(&mut Scan<'_>, Literal)),
    /// A name whose value is a secret, in a text or as the key of a map.
    Value(Strength),
    /// The name of a header with credentials.
    Header,
    /// Noticed by another way than a literal.
    Elsewhere,
}

impl Find {
    /// Looks at the text around a literal.
    pub(super) fn find(self, scan: &mut Scan<'_>, literal: Literal) {
        match self {
            // What is inside a find already is part of it: tokens of all kinds end at the same letters.
            Self::Token(_) if scan.is_covered(literal.start, literal.end) => {}
            Self::Token(token) => token.find(scan, literal),
            Self::Code(find) => find(scan, literal),
            Self::Value(strength) => assignment::find(scan, literal, strength),
            Self::Header => header::authorization(scan, literal),
            Self::Elsewhere => {}
        }
    }

    /// The part of a value that is a secret because of its name, in which the literal is.
    pub(super) fn named(self, name: &[u8], literal: Literal, value: &[u8]) -> Option<Range<usize>> {
        match self {
            Self::Value(strength) => assignment::pair(name, literal, value, strength),
            Self::Header => header::credentials(value, 0, value.len(), true),
            Self::Token(_) | Self::Code(_) | Self::Elsewhere => None,
        }
    }
}

/// A token of a known shape: a regular expression, matched where the literal begins.
///
/// The expression must say no after a bounded look ahead wherever the literal may occur many times:
/// it ends in an open repetition of the token's letters, and nothing comes after that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub pattern: &'static str,
    /// How many bytes of the token are before the literal.
    pub lead: usize,
    /// Whether a letter before the token means that it is none.
    pub word: bool,
    /// Whether it must have a digit: tells it from a name of the same shape.
    pub digit: bool,
}

/// Bytes that an expression is shown. A match that reaches the end goes on to the end of the token.
const WINDOW: usize = 4096;

#[expect(clippy::new_ret_no_self, reason = "a rule has a way to find, and a token is one of them")]
impl Token {
    const fn new(pattern: &'static str) -> Find {
        Find::Token(Self { pattern, lead: 0, word: false, digit: false })
    }

    /// A token that no letter comes before.
    const fn word(pattern: &'static str) -> Find {
        Find::Token(Self { pattern, lead: 0, word: true, digit: false })
    }

    /// A token that no letter comes before, and that has a digit.
    const fn mixed(pattern: &'static str) -> Find {
        Find::Token(Self { pattern, lead: 0, word: true, digit: true })
    }

    /// A token that has its literal after `lead` bytes.
    const fn inside(lead: usize, pattern: &'static str) -> Find {
        Find::Token(Self { pattern, lead, word: false, digit: false })
    }

    pub(super) fn find(self, scan: &mut Scan<'_>, literal: Literal) {
        let Some(start) = literal.start.checked_sub(self.lead) else { return };
        if self.word && !text::word_starts(scan.bytes, start) {
            return;
        }
        let window = text::slice(scan.bytes, start, start + WINDOW);
        let Some(regex) = expression(literal.rule, self.pattern) else {
            // An expression that cannot be used hides what it might have found.
            return scan.secret(literal.rule, start, text::run_end(scan.bytes, literal.end, text::is_token));
        };
        let Some(found) = regex.find(window) else { return };
        if self.digit && !found.as_bytes().iter().any(u8::is_ascii_digit) {
            return;
        }
        let mut end = start + found.end();
        if found.end() == window.len() {
            end = text::run_end(scan.bytes, end, text::is_token);
        }
        scan.secret(literal.rule, start, end);
    }
}

/// The compiled expression of a rule. They are compiled when their literal first occurs: most never
/// do, and all of them together would take longer than a hook may.
fn expression(rule: usize, pattern: &str) -> Option<&'static Regex> {
    static COMPILED: LazyLock<Box<[OnceLock<Option<Regex>>]>> =
        LazyLock::new(|| rules().iter().map(|_| OnceLock::new()).collect());
    COMPILED.get(rule)?.get_or_init(|| Regex::new(&format!("^(?:{pattern})")).ok()).as_ref()
}

/// The rules that need more than an expression, and the two about the person.
const CODED: &[Rule] = &[
    private_key::RULE,
    private_key::HEADLESS,
    private_key::JWK,
    header::AUTHORIZATION,
    header::BEARER,
    header::BASIC,
    header::COOKIE,
    url::PASSWORD,
    url::SIGNATURE,
    command::LOGIN,
    command::OPTION,
    command::PGPASS,
    command::SQL,
    written::FILE,
    written::VARIABLE,
    written::HTPASSWD,
    assignment::PASSWORD,
    assignment::SECRET,
    assignment::TOKEN,
    assignment::KEY,
    assignment::CREDENTIAL,
    base64::SHAPED,
    base64::ENCODED,
    super::person::HOME,
    super::person::USER,
];

/// All rules. Where two find the same text, the earlier one gives it its name.
#[must_use]
pub fn rules() -> &'static [Rule] {
    static ALL: LazyLock<Vec<Rule>> =
        LazyLock::new(|| [forges::RULES, cloud::RULES, ai::RULES, services::RULES, CODED].concat());
    &ALL
}

/// The index of a rule, for code that finds on behalf of another rule.
pub(super) fn index_of(id: &str) -> usize {
    rules().iter().position(|rule| rule.id == id).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! Whether what stands beside a secret's name is the secret.

use super::super::text::{Quote, at, before, is_word, line_end, line_start, run_start, skip_blanks, slice};
use super::join::Join;
use super::key::{Key, Place, Strength};
use super::shape::{is_address, is_code, is_foreign, is_hard, is_mixed, is_name, is_prose, is_random, is_restless};
use super::value::Value;

/// Whether a value beside a secret's name is one.
pub(super) fn is_secret(bytes: &[u8], key: &Key, join: Join, value: &Value<'_>) -> bool {
    let text = value.text;
    let is_output = value.quote.is_some_and(Quote::is_back) && text.contains(&b' ');
    if text.len() < 3 || value.is_reference() || is_address(text) || is_foreign(text) || is_output {
        return false;
    }
    if value.is_argument {
        is_random(text)
    } else if value.quote.is_some() {
        is_quoted(key, join, value)
    } else if is_given_at(key, join, text) {
        is_given(key, text)
    } else {
        is_bare(bytes, key, join, value)
    }
}

/// Whether a value in quotes is a secret.
fn is_quoted(key: &Key, join: Join, value: &Value<'_>) -> bool {
    let text = value.text;
    let is_set = is_env(key, join) || (join == Join::Pair && key.is_upper);
    if !is_set && (is_prose(text) || is_name(text)) {
        return false;
    }
    match (key.strength, join) {
        // Lists of names look like this, too: `["password", "sha256"]`.
        (Strength::Password, Join::Comma) if key.is_upper => is_mixed(text) && !text.contains(&b'_'),
        (Strength::Password | Strength::Secret, Join::Or | Join::Call) => is_mixed(text),
        (Strength::Credential, _) | (_, Join::Comma | Join::Or | Join::Call) => is_random(text),
        (Strength::Password, _) => true,
        (Strength::Secret, _) => text.len() >= 6 || is_set,
        (Strength::Token, _) => {
            is_random(text) || (is_set && text.len() >= 4) || (key.place == Place::Header && is_mixed(text))
        }
        (Strength::Key, _) => is_random(text) || ((key.place == Place::Header || is_set) && is_mixed(text)),
    }
}

/// `API_TOKEN=...`: a line of an environment, or a shell's.
pub(super) fn is_env(key: &Key, join: Join) -> bool {
    key.is_upper && join == (Join::Equals { is_tight: true })
}

/// Whether a value without quotes is where none would be code: in an environment, a URL, a header.
fn is_given_at(key: &Key, join: Join, text: &[u8]) -> bool {
    match join {
        Join::Equals { is_tight: true } => key.is_upper || key.place == Place::Query,
        Join::Pair => key.is_upper,
        Join::Or => true,
        _ => {
            key.place == Place::Header
                && (!is_code(text) || (is_mixed(text) && text.iter().all(u8::is_ascii_alphanumeric)))
        }
    }
}

/// Whether such a value is a secret.
fn is_given(key: &Key, text: &[u8]) -> bool {
    let is_call = text.ends_with(b")") && text.contains(&b'(');
    match key.strength {
        Strength::Password => !is_call,
        Strength::Secret | Strength::Token => !is_call && text.len() >= 4 && !text.iter().all(u8::is_ascii_digit),
        Strength::Key => is_random(text) || ((key.place == Place::Header || text.len() >= 16) && is_mixed(text)),
        Strength::Credential => is_random(text),
    }
}

/// Whether a value without quotes is a secret, where it may be code or prose.
fn is_bare(bytes: &[u8], key: &Key, join: Join, value: &Value<'_>) -> bool {
    let text = value.text;
    let is_strong = matches!(key.strength, Strength::Password | Strength::Secret);
    let is_tight = join == Join::Equals { is_tight: true };
    let is_strange = is_hard(text) || (is_strong && is_restless(text));
    if is_strange && !is_name(text) && (is_strong || (is_tight && text.len() >= 10)) {
        return true;
    }
    if join == Join::Below {
        return is_random(text);
    }
    if is_code(text) && !(is_hard(text) && is_random(text)) {
        return key.strength == Strength::Password && is_word_alone(bytes, key, join, value);
    }
    match (key.strength, join) {
        // What these join was looked at before.
        (Strength::Password, Join::Tag | Join::Is | Join::Blank | Join::Cell) => true,
        (Strength::Password, _) => is_mixed(text),
        (Strength::Secret, _) => is_mixed(text) && text.len() >= 8,
        (_, Join::Blank) if key.place == Place::Flag => is_mixed(text),
        _ => is_random(text),
    }
}

/// A password that is a plain word, where no code would have a name: alone on its line of a file of
/// settings, or in a command.
fn is_word_alone(bytes: &[u8], key: &Key, join: Join, value: &Value<'_>) -> bool {
    let text = value.text;
    // `--pass=late` is the name of a pass, more often than not.
    let is_word = key.end - key.start > 4 || is_mixed(text);
    if !is_word || text.len() < 4 || !text.iter().all(u8::is_ascii_alphanumeric) || is_name(text) {
        return false;
    }
    match join {
        Join::Equals { is_tight: true } => {
            // Code would go on with a comma or a bracket.
            let next = at(bytes, value.end);
            let is_last = matches!(next, b'"' | b'\'' | b'`' | b'&' | b'\\' | b' ' | b'\n' | b'\r' | 0);
            is_last || key.place == Place::Flag || before(bytes, key.start) == b';'
        }
        Join::Colon | Join::Equals { .. } => {
            let has_capital = text.iter().any(u8::is_ascii_uppercase);
            (!has_capital || is_mixed(text)) && is_alone(bytes, key, value)
        }
        Join::Tag | Join::Is | Join::Blank | Join::Cell | Join::Pair => true,
        Join::Comma | Join::Or | Join::Call | Join::Below => false,
    }
}

/// Whether a name and its value are a line of their own, or all of a text in quotes.
fn is_alone(bytes: &[u8], key: &Key, value: &Value<'_>) -> bool {
    let Some(line) = line_start(bytes, key.start, 256) else { return false };
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let lead = slice(bytes, line, key.start).rsplit(is_quote).next().unwrap_or_default();
    // `spring.datasource.password`
    let path = run_start(lead, lead.len(), lead.len(), |byte| is_word(byte) || matches!(byte, b'.' | b'-'));
    let lead = if lead.ends_with(b".") { slice(lead, 0, path) } else { lead };
    let is_lead = |byte: &u8| matches!(byte, b' ' | b'\t' | b'-' | b'+' | b'>' | b'*') || byte.is_ascii_digit();
    let rest = skip_blanks(bytes, value.end);
    // `"passwd:name"` is one name.
    let is_apart = value.start > key.end + 1 || at(bytes, key.end) == b'=';
    let is_last = rest >= line_end(bytes, rest, 1) || matches!(at(bytes, rest), b'"' | b'\'' | b'`' | b'\\');
    is_apart && is_last && lead.iter().all(is_lead)
}

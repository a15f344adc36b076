//! Secrets in sentences and commands: `my password is ...`, `--password ...`, `login x password y`.

use super::super::text::{at, before, has, is_one_of, line_end, line_start, run_end, skip_blanks, slice};
use super::key::{Key, Place, Strength};
use super::shape::{is_mixed, is_name, is_random};
use super::value::Value;

/// Words that come after "password is" and are none.
const WORDS: &str = "\
    a an the not now no in on of or and to too for from with as at by it its is was are be been being this \
    that there then than only also always never still just already currently usually very set unset used \
    required needed optional stored saved sent passed given empty wrong right correct incorrect invalid valid \
    missing hashed encrypted salted known unknown hidden visible masked redacted weak strong short long secure \
    insecure expired changed reset rotated generated provided read loaded logged leaked exposed different same \
    shown printed checked verified validated protected plain plaintext fine good bad ok okay true false null \
    none handled asked entered typed accepted rejected enough available defined undefined blank present absent \
    case part kept what where when why how who which if your my our their his her you we i they he she me us \
    so such all any some one here done working must will can should may option options flag flags argument \
    arguments parameter parameters field instead specified lost value values prompt prompts file string";

/// The value after `is` or `was`, which end at `from`.
pub(super) fn value<'t>(bytes: &'t [u8], key: &Key, from: usize) -> Option<Value<'t>> {
    // The first pass is done.
    if is_one_of(slice(bytes, key.start, key.end), "pass passes") {
        return None;
    }
    let colon = skip_blanks(bytes, from);
    let from = skip_blanks(bytes, colon + usize::from(at(bytes, colon) == b':'));
    if let Some(value) = Value::quoted(bytes, from).filter(|value| !value.is_argument) {
        return Some(value);
    }
    let value = word_at(bytes, from);
    let is_value = match key.strength {
        // Any word may be one, if the sentence ends with it; a word in its midst is about it.
        Strength::Password => {
            let is_last = !has_word_after(bytes, value.end);
            is_mixed(value.text) || (is_last && is_own(bytes, key.start) && value.text.len() >= 4)
        }
        Strength::Secret | Strength::Token | Strength::Key | Strength::Credential => is_random(value.text),
    };
    (is_value && !is_one_of(value.text, WORDS)).then_some(value)
}

/// The word of a sentence at `from`.
fn word_at(bytes: &[u8], from: usize) -> Value<'_> {
    Value::unquoted(bytes, from, |byte| matches!(byte, b',' | b';' | b')' | b'<' | b'>' | b'|')).without_stop()
}

/// Whether somebody's own password is spoken of: `my password`, `our staging password`.
fn is_own(bytes: &[u8], key: usize) -> bool {
    let lead = slice(bytes, key.saturating_sub(24), key);
    let mut words = lead.rsplit(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty()).take(3);
    words.any(|word| is_one_of(word, "my our"))
}

fn has_word_after(bytes: &[u8], end: usize) -> bool {
    at(bytes, end) == b' ' && (at(bytes, end + 1).is_ascii_alphanumeric() || at(bytes, end + 1) == b'[')
}

/// The value after a blank: that of an option, of a `.netrc`, of SQL, or beside the word in a sentence.
pub(super) fn after_blank<'t>(bytes: &'t [u8], key: &Key, from: usize) -> Option<Value<'t>> {
    let is_password = key.strength == Strength::Password && key.end > key.start + 4;
    if let Some(value) = Value::quoted(bytes, from).filter(|value| !value.is_argument) {
        // In a sentence a word in quotes is often not the password: `password 'must not be empty'`.
        let is_word = is_password && !value.text.contains(&b' ');
        return (key.place == Place::Flag || is_word || is_random(value.text)).then_some(value);
    }
    if key.place == Place::Flag {
        return after_flag(bytes, key, from);
    }
    let value = word_at(bytes, from);
    if is_random(value.text) {
        return Some(value);
    }
    if !is_password {
        return None;
    }
    if is_after_login(bytes, key) || is_spoken(value.text) {
        return Some(value);
    }
    // `set the password to ...`, `the password for staging: ...`
    let next = skip_blanks(bytes, value.end);
    if is_one_of(value.text, "to as") {
        return Some(word_at(bytes, next)).filter(|value| is_spoken(value.text));
    }
    let is_more = is_one_of(value.text, "for of on in at");
    is_more.then(|| later(bytes, next)).flatten().filter(|value| is_spoken(value.text))
}

/// The value of an option.
fn after_flag<'t>(bytes: &'t [u8], key: &Key, from: usize) -> Option<Value<'t>> {
    let value = Value::unquoted(bytes, from, |byte| matches!(byte, b',' | b';' | b')' | b'|' | b'>'));
    let text = value.text;
    if at(text, 0) == b'-' || is_one_of(text, WORDS) {
        return None;
    }
    // A manual names what is to be put there.
    let is_name = text.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') || is_name(text);
    let is_word = key.strength == Strength::Password
        && text.len() >= 4
        && at(text, 0).is_ascii_alphanumeric()
        && !has_word_after(bytes, value.end);
    (!is_name && (is_mixed(text) || is_word)).then_some(value)
}

/// The value after a few more words and a colon or `is`: `for the staging database: ...`
fn later(bytes: &[u8], from: usize) -> Option<Value<'_>> {
    let end = line_end(bytes, from, 48);
    let words = slice(bytes, from, end);
    let words_end = run_end(words, 0, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'\'' | b'-' | b'_' | b'.' | b'`')
    });
    if at(words, words_end) == b':' && at(words, words_end + 1) == b' ' {
        return Some(word_at(bytes, skip_blanks(bytes, from + words_end + 1)));
    }
    let is = memchr::memmem::find(slice(words, 0, words_end), b" is ")?;
    Some(word_at(bytes, from + is + 4))
}

/// Whether a word is no English: it has a digit, and no sign of a path or a call.
fn is_spoken(text: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'-' | b'_');
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    text.len() >= 6
        && letters >= 3
        && at(text, 0).is_ascii_alphabetic()
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// Whether this is the password of a `.netrc`: `machine x login y password z`.
fn is_after_login(bytes: &[u8], key: &Key) -> bool {
    let start = line_start(bytes, key.start, 256).unwrap_or(key.start.saturating_sub(256));
    let mut look = start;
    while let Some(found) = memchr::memmem::find(slice(bytes, look, key.start), b"login ") {
        look += found + 6;
        if !before(bytes, look.saturating_sub(6)).is_ascii_alphanumeric()
            || has(bytes, look.saturating_sub(7), b"nlogin")
        {
            let name_end = run_end(bytes, look, |byte| byte > b' ');
            return skip_blanks(bytes, name_end) == key.start;
        }
    }
    // On a line of its own, below `login`.
    let own = slice(bytes, start, key.start).iter().all(|byte| matches!(byte, b' ' | b'\t' | b'+' | b'-'));
    own && start > 0 && memchr::memmem::find(slice(bytes, start.saturating_sub(128), start), b"login ").is_some()
}

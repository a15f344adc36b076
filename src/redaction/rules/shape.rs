//! What a text looks like: code, prose, a name, a number, or thrown with dice.

use super::super::text::{at, has, is_one_of, is_word, run_end, slice};

/// Whether a text without quotes is code: a name, a path of names, a call.
pub(super) fn is_code(text: &[u8]) -> bool {
    if matches!(at(text, 0), b'(' | b'[' | b'{' | b'!' | b')' | b'/') || is_number(text) {
        return true;
    }
    let mut parts = 0;
    let mut from = 0;
    loop {
        if !(at(text, from).is_ascii_alphabetic() || matches!(at(text, from), b'_' | b'&' | b'*' | b'@')) {
            return parts > 0 && matches!(at(text, from), b'(' | b'[' | b'{' | b'<');
        }
        from = run_end(text, from + 1, is_word);
        parts += 1;
        match (at(text, from), at(text, from + 1)) {
            (b'.', next) if next != b'.' => from += 1,
            (b'.' | b'?' | b'!', b'.') | (b':', b':') | (b'-', b'>') => from += 2,
            (b'!' | b'?', 0) => return parts > 1 || !text.iter().any(u8::is_ascii_digit),
            (0, 0) | (b'(' | b'[' | b'<' | b'{', _) | (b'!' | b'?', b'(' | b'[' | b'{') => return true,
            _ => return false,
        }
    }
}

/// Words by which a quoted text is a sentence or a label and no passphrase.
const PROSE: &str = "\
    the your a an is are was to for of not must should please enter required invalid and or this that with \
    from in on if be has have password passwords passphrase secret token tokens key keys no does failed used \
    as by use new current forgot reset confirm expected unexpected missing only api de du la le das der mot \
    via when at it set";

/// Whether a text is in an alphabet other than Latin: labels are, passwords hardly ever.
pub(super) fn is_foreign(text: &[u8]) -> bool {
    let shown = String::from_utf8_lossy(slice(text, 0, 512));
    shown.chars().filter(|c| *c >= '\u{370}' && c.is_alphabetic()).count() >= 2
}

/// Whether a text is a sentence or a label.
pub(super) fn is_prose(text: &[u8]) -> bool {
    let words = || {
        text.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'_')))
            .filter(|word| !word.is_empty())
    };
    text.contains(&b' ')
        && (words().take(40).any(|word| is_one_of(word, PROSE))
            || words().count() > 8
            || text.ends_with(b":")
            || text.ends_with(b"?"))
}

/// What a text is made of.
#[derive(Debug, Clone, Copy, Default)]
struct Make {
    letters: usize,
    digits: usize,
    others: usize,
    /// How often the kind of letter changes within a part of letters and digits.
    changes: usize,
    /// How often a capital follows a capital.
    capitals: usize,
    /// The longest part that has both letters and digits.
    longest_mixed: usize,
    longest: usize,
}

impl Make {
    /// Looks at the first 256 bytes: what is random there is random.
    fn of(text: &[u8]) -> Self {
        let mut make = Self::default();
        for part in slice(text, 0, 256).split(|byte| !byte.is_ascii_alphanumeric()) {
            let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
            make.digits += digits;
            make.letters += part.len() - digits;
            make.longest = make.longest.max(part.len());
            if digits > 0 && digits < part.len() {
                make.longest_mixed = make.longest_mixed.max(part.len());
            }
            make.capitals += part.windows(2).filter(|pair| pair.iter().all(u8::is_ascii_uppercase)).count();
            make.changes += part.windows(2).filter(|pair| kind(at(pair, 0)) != kind(at(pair, 1))).count();
        }
        make.others = text.len().min(256) - make.letters - make.digits;
        make
    }
}

fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        _ => 2,
    }
}

/// Whether a text looks as if dice had made it.
pub(super) fn is_random(text: &[u8]) -> bool {
    if text.len() < 12 || text.iter().take(256).any(|&byte| byte <= b' ' || byte >= 0x7f) || is_address(text) {
        return false;
    }
    let make = Make::of(text);
    let length = text.len().min(256);
    if make.digits == 0 {
        // Names in camel case change as often, but seldom have two capitals in a row.
        return length >= 20 && make.longest >= 20 && make.capitals >= 3 && make.changes * 5 >= length * 2;
    }
    // Dice throw a digit every sixth time; a name has one or two.
    let has_digits = make.digits * 10 >= length || make.capitals >= 3;
    make.letters > 0
        && (is_uuid(text) || (has_digits && (make.longest_mixed >= 16 || make.changes >= (length / 5).max(4))))
}

/// Whether the kind of its letters changes as often as in no name of words, and digits or pairs of capitals are there.
pub(super) fn is_restless(text: &[u8]) -> bool {
    // The stop is that of the sentence.
    let text = text.strip_suffix(b".").unwrap_or(text);
    let length = text.len().min(256);
    let make = Make::of(text);
    let is_odd = make.capitals + make.digits >= 2 && (make.capitals > 0 || make.changes * 2 > length);
    length >= 12 && make.changes * 5 >= length * 2 && is_odd && text.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether a text is a number as code has them: `0x1F`, `1_000u32`, `-1.5`, `30s`.
pub(super) fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let is_hex = has(text, 0, b"0x");
    let digits = if is_hex {
        run_end(text, 2, |byte| byte.is_ascii_hexdigit() || byte == b'_')
    } else {
        run_end(text, 0, |byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
    };
    let unit = slice(text, digits, text.len());
    digits > 0
        && unit.len() < 6
        && unit.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'%').count()
            + unit.iter().rev().take_while(|byte| byte.is_ascii_digit()).count()
            >= unit.len()
        && matches!(
            at(unit, 0),
            0 | b'u'
                | b'i'
                | b'f'
                | b'U'
                | b'L'
                | b'l'
                | b'm'
                | b's'
                | b'h'
                | b'p'
                | b'e'
                | b'k'
                | b'K'
                | b'M'
                | b'G'
                | b'%'
                | b'_'
        )
}

/// Whether a word of letters and digits is no name: the digits are more than a number at its end.
pub(super) fn is_hard(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_within = text.windows(2).any(|pair| at(pair, 0).is_ascii_digit() && at(pair, 1).is_ascii_alphabetic());
    text.len() >= 6
        && at(text, 0).is_ascii_alphabetic()
        && text.iter().all(u8::is_ascii_alphanumeric)
        && text.len() - digits >= 3
        && (digits > 1 || is_within)
}

/// Whether a text could be a password, and is no word: it has letters, and digits or signs.
pub(super) fn is_mixed(text: &[u8]) -> bool {
    let make = Make::of(text);
    let signs = text
        .iter()
        .filter(|byte| {
            matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'=' | b'?' | b'~')
        })
        .count();
    text.len() >= 5 && make.letters > 0 && (make.digits > 0 || signs > 0) && !is_address(text) && !text.contains(&b'(')
}

/// Whether a text is the name of a secret rather than one: `DB_PASSWORD`, `challengePassword`.
pub(super) fn is_name(text: &[u8]) -> bool {
    let words: &[&[u8]] =
        &[b"password", b"passwd", b"passphrase", b"pwd", b"secret", b"token", b"key", b"credential", b"pass"];
    text.iter().all(|&byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.' | b':'))
        && words.iter().any(|word| text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a text is a path, a URL or a date.
pub(super) fn is_address(text: &[u8]) -> bool {
    let starts = |start: &str| text.starts_with(start.as_bytes());
    let is_in_path = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"_.-/~+@:,=% ".contains(byte);
    // What follows a home folder, which is `~` when it is looked at again, counts alike both times.
    let is_path =
        starts("/") && text.iter().skip(1).any(|&byte| byte == b'/') || (starts("~") && !is_word(at(text, 1)));
    (is_path && text.iter().all(is_in_path))
        || starts("./")
        || starts("../")
        || starts("~/")
        || starts("refs/")
        || memchr::memmem::find(slice(text, 0, 256), b"://").is_some()
        || (text.len() >= 10
            && at(text, 4) == b'-'
            && at(text, 7) == b'-'
            && text.iter().take(4).all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_told_from_names() {
        for text in [
            "CANARYusertextkv1234567890abcd",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "9f86d081884c7d659a2feaa0c55ad015",
            "2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c",
            "aB3dE5gH7jK9",
            "QmFzZTY0QmFzZTY0QmFz",
        ] {
            assert!(is_random(text.as_bytes()), "{text}");
        }
        for text in [
            "accessTokenProviderFactory",
            "claude-sonnet-4-5-20250929",
            "version-1.2.3",
            "us-east-1",
            "/usr/lib/python3.11/site",
            "https://example.com/a1b2c3d4e5f6a7b8",
            "2026-01-02T03:04:05Z",
            "one two",
            "some_long_snake_case_name",
            "1234567890123456",
        ] {
            assert!(!is_random(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn hard_words_are_told_from_names() {
        for text in ["CANARYxy12", "a1b2c3", "hunter22", "p4ssword"] {
            assert!(is_hard(text.as_bytes()), "{text}");
        }
        for text in ["value1", "hunter2", "password", "a.b1c2", "12345678", "1a2b3c", "x1y2"] {
            assert!(!is_hard(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn code_is_told_from_values() {
        for text in [
            "password",
            "self.password",
            "get_password()",
            "&str",
            "req.body.password",
            "Option<String>",
            "a::b::c",
            "x[0]",
            "user?.name",
        ] {
            assert!(is_code(text.as_bytes()), "{text}");
        }
        for text in ["hunter-2", "p@ss", "12ab", "a.1b-c", "aGVsbG8=", "correct-horse"] {
            assert!(!is_code(text.as_bytes()), "{text}");
        }
    }
}

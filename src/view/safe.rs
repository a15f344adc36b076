//! Text from elsewhere, made harmless before a terminal gets it.
//!
//! A log holds what an agent read on the web, in files, in the output of commands: anything. A
//! terminal obeys control sequences: they set its title, move the cursor over what was printed
//! before, write to the clipboard. And a reader is deceived by text that is shown in another order
//! than it is stored (CVE-2021-42574), or not shown at all.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that may hold anything: from a log, a ledger, a ref name, a remote's answer.
///
/// It cannot be printed: it has no `Display`. [`Untrusted::safe`] gives what can be.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as a terminal may get it.
    #[must_use]
    pub fn safe(&self) -> Safe<'_> {
        Safe::text(&self.0)
    }

    /// The text as it is. Not for a terminal.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Untrusted {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Text that does nothing to a terminal but show up, in the order of its characters.
///
/// The only ways to one are [`Safe::text`], [`Safe::line`] and [`Safe::literal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safe<'a>(Cow<'a, str>);

impl<'a> Safe<'a> {
    /// Any text, made safe. Lines stay lines, tabs stay tabs.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self(sanitise(text))
    }

    /// Any text, made safe, in one line: every run of white space is one space, none at the ends.
    #[must_use]
    pub fn line(text: &'a str) -> Self {
        let text = sanitise(text);
        let tidy = !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ");
        if tidy && !text.chars().any(|c| c != ' ' && c.is_whitespace()) {
            return Self(text);
        }
        Self(Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// Text of this program.
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Text made of safe text: cut, joined, filled up. A part of safe text is safe.
    pub(super) fn made_of_safe(text: String) -> Safe<'static> {
        Safe(Cow::Owned(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Safe<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Strips `text` of all that controls a terminal or deceives a reader.
///
/// Gone are: C0 but LF and TAB, DEL, C1; whole escape sequences (ECMA-48: CSI with its parameters,
/// OSC, DCS, SOS, PM and APC with their strings); bidirectional marks, embeddings, overrides and isolates;
/// characters that show nothing (zero-width spaces, tags, variation selectors without a base,
/// fillers, interlinear annotations). CR LF is LF, and so is a lone CR, which would write over the
/// line. Joiners stay where scripts and emoji need them: between two characters that are not ASCII.
///
/// Stripping what is stripped already changes nothing.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    let harmless_byte = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if text.bytes().all(harmless_byte) || text.chars().all(|c| class(c) == Class::Plain) {
        return Cow::Borrowed(text);
    }
    let mut clean = Cleaner { out: String::with_capacity(text.len()), joiner: None };
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match class(c) {
            Class::Plain => clean.keep(c),
            Class::Joiner => clean.joiner = clean.joiner.or(Some(c)),
            Class::Selector => clean.select(c),
            Class::CarriageReturn if rest.as_str().starts_with('\n') => {}
            Class::CarriageReturn | Class::Separator => clean.keep('\n'),
            Class::Escape => skip_sequence(&mut rest),
            Class::Csi => skip_csi(&mut rest),
            Class::StringStart => skip_string(&mut rest),
            Class::Stripped => {}
        }
    }
    Cow::Owned(clean.out)
}

/// Whether a character is one that [`sanitise`] may strip or change, whatever is around it.
#[must_use]
pub(super) fn is_suspicious(c: char) -> bool {
    class(c) != Class::Plain
}

struct Cleaner {
    out: String,
    /// A joiner that stays if what follows is not ASCII.
    joiner: Option<char>,
}

impl Cleaner {
    fn keep(&mut self, c: char) {
        if let Some(joiner) = self.joiner.take()
            && !c.is_ascii()
            && self.out.ends_with(|last: char| !last.is_ascii())
        {
            self.out.push(joiner);
        }
        self.out.push(c);
    }

    /// A variation selector stays behind a character that may have one, once.
    fn select(&mut self, selector: char) {
        let has_base = self.joiner.is_none()
            && self.out.ends_with(|last: char| {
                let keycap = last.is_ascii_digit() || matches!(last, '#' | '*');
                keycap || (!last.is_ascii() && class(last) == Class::Plain)
            });
        if has_base {
            self.out.push(selector);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    CarriageReturn,
    /// U+2028 and U+2029, which break lines for some readers and not for others.
    Separator,
    Escape,
    Csi,
    /// OSC, DCS, SOS, PM, APC as one C1 character.
    StringStart,
    Joiner,
    Selector,
    Stripped,
}

fn class(c: char) -> Class {
    match c {
        '\n' | '\t' | ' '..='~' => Class::Plain,
        '\r' => Class::CarriageReturn,
        '\u{1b}' => Class::Escape,
        '\u{9b}' => Class::Csi,
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => Class::StringStart,
        '\u{2028}' | '\u{2029}' => Class::Separator,
        '\u{200c}' | '\u{200d}' => Class::Joiner,
        '\u{fe00}'..='\u{fe0f}' => Class::Selector,
        c if c.is_control() || turns_text(c) || shows_nothing(c) => Class::Stripped,
        _ => Class::Plain,
    }
}

/// Bidirectional marks, embeddings and overrides, isolates, and the deprecated ones.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// Characters without a shape (`Default_Ignorable_Code_Point` of Unicode, but joiners and
/// selectors, and interlinear annotations).
fn shows_nothing(c: char) -> bool {
    let spacing = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}');
    let of_a_script = matches!(c, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}');
    let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let annotation = matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}');
    // Tags, variation selectors of the supplement, and what is reserved to be ignored.
    let plane_14 = matches!(c, '\u{e0000}'..='\u{e0fff}');
    spacing || of_a_script || filler || annotation || plane_14
}

/// After ESC: a CSI, a string, or intermediates and one final character (ECMA-35, 13.2.1).
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('[') => {
            *rest = ahead;
            skip_csi(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            *rest = ahead;
            skip_string(rest);
        }
        Some(' '..='/') => {
            *rest = ahead;
            skip_while(rest, |c| matches!(c, ' '..='/'));
            skip_one(rest, |c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => *rest = ahead,
        _ => {}
    }
}

/// Parameters, intermediates, and the final character, as far as they are there (ECMA-48, 5.4).
fn skip_csi(rest: &mut std::str::Chars<'_>) {
    skip_while(rest, |c| matches!(c, '0'..='?'));
    skip_while(rest, |c| matches!(c, ' '..='/'));
    skip_one(rest, |c| matches!(c, '@'..='~'));
}

/// A control string up to BEL or ST. One that is not ended within its line is no string: a terminal
/// would swallow all that follows, and a reader should rather see it.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{7}' | '\u{9c}' => {
                *rest = ahead;
                return;
            }
            '\u{1b}' => {
                if ahead.next() == Some('\\') {
                    *rest = ahead;
                }
                return;
            }
            '\t' => {}
            c if c.is_control() => return,
            _ => {}
        }
    }
}

fn skip_while(rest: &mut std::str::Chars<'_>, skipped: impl Fn(char) -> bool) {
    while skip_one(rest, &skipped) {}
}

fn skip_one(rest: &mut std::str::Chars<'_>, skipped: impl Fn(char) -> bool) -> bool {
    let mut ahead = rest.clone();
    let skip = ahead.next().is_some_and(skipped);
    if skip {
        *rest = ahead;
    }
    skip
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn gives(text: &str, expected: &str) {
        assert_eq!(sanitise(text), expected, "{text:?}");
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "cargo test\n\tok", "naïve café 日本語 한국어 עברית नमस्ते 👍", "ไทย"]
        {
            assert!(matches!(sanitise(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_stripped_and_lines_and_tabs_stay() {
        gives("a\0b\u{8}c\u{7f}d\u{85}e\n\tf", "abcde\n\tf");
        gives("one\r\ntwo\r\n", "one\ntwo\n");
        gives("50%\r100%\r\n", "50%\n100%\n");
        gives("a\u{2028}b", "a\nb");
    }

    #[test]
    fn whole_escape_sequences_are_stripped() {
        gives("\u{1b}[31;1mred\u{1b}[0m", "red");
        gives("\u{1b}[2J\u{1b}[H\u{1b}[?1049hx", "x");
        gives("\u{9b}31mred", "red");
        gives("\u{1b}]0;owned\u{7}title", "title");
        gives("\u{1b}]52;c;ZXZpbA==\u{1b}\\clipboard", "clipboard");
        gives("\u{9d}8;;http://evil\u{9c}link\u{1b}]8;;\u{1b}\\", "link");
        gives("\u{1b}P$q\"p\u{1b}\\dcs \u{1b}_Gf=24\u{1b}\\apc", "dcs apc");
        gives("\u{1b}(Bset\u{1b}cfull reset\u{1b}#8", "setfull reset");
    }

    #[test]
    fn a_sequence_that_is_not_ended_swallows_no_text() {
        gives("\u{1b}]0;never ended\nnext line", "0;never ended\nnext line");
        gives("\u{1b}[12", "");
        gives("\u{1b}[12\nx", "\nx");
        gives("\u{1b}", "");
        gives("\u{1b}]a\u{1b}[1mb", "ab");
        gives("\u{1b}日", "日");
    }

    #[test]
    fn what_turns_text_around_is_stripped() {
        gives("if admin\u{202e} } \u{2066}// check\u{2069} \u{2066}", "if admin } // check ");
        gives("a\u{200e}b\u{200f}c\u{61c}d", "abcd");
    }

    #[test]
    fn what_shows_nothing_is_stripped() {
        gives("pay\u{200b}pal\u{feff}\u{2060}.com\u{ad}", "paypal.com");
        gives("hi\u{e0068}\u{e0069}\u{e007f}", "hi");
        gives("x\u{fe0f}y\u{e0100}", "xy");
        gives("const ok\u{3164}= 1", "const ok= 1");
    }

    #[test]
    fn joiners_and_selectors_stay_where_they_are_needed() {
        gives("👩\u{200d}💻", "👩\u{200d}💻");
        gives("می\u{200c}خواهم", "می\u{200c}خواهم");
        gives("❤\u{fe0f} 1\u{fe0f}\u{20e3}", "❤\u{fe0f} 1\u{fe0f}\u{20e3}");
        gives("❤\u{fe0f}\u{fe01}\u{fe02}", "❤\u{fe0f}");
        gives("rm\u{200d} -rf\u{200c}", "rm -rf");
        gives("日\u{200d}\u{200d}\u{200d}本", "日\u{200d}本");
    }

    #[test]
    fn one_line_has_no_breaks_and_no_runs_of_spaces() {
        assert_eq!(Safe::line("  a\r\n\tb \u{1b}[1m c ").as_str(), "a b c");
        assert_eq!(Safe::line("as it is").as_str(), "as it is");
        assert_eq!(Safe::line("no\u{a0}break").as_str(), "no break");
    }

    /// Text with many dangerous characters.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{a0}'),
            prop::char::range('\u{2000}', '\u{2070}'),
            prop::char::range('\u{fe00}', '\u{fe0f}'),
            prop::char::range('\u{e0000}', '\u{e0200}'),
            prop::sample::select(vec!['\u{1b}', '[', ']', '\\', '\u{7}', ';', 'm', '日', '👩']),
        ];
        prop::collection::vec(piece, 0..60).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in nasty()) {
            let safe = sanitise(&text);
            for c in safe.chars() {
                let dangerous = (c.is_control() && c != '\n' && c != '\t')
                    || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                    || matches!(c, '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}');
                prop_assert!(!dangerous, "{:?} is left of {:?}", c, text);
            }
        }

        #[test]
        fn stripping_twice_is_stripping_once(text in nasty()) {
            let once = sanitise(&text).into_owned();
            prop_assert_eq!(sanitise(&once), once.as_str());
        }

        #[test]
        fn what_is_left_was_there_in_that_order(text in nasty()) {
            let safe = sanitise(&text);
            let mut rest = text.chars();
            for c in safe.chars() {
                let same = |x: char| x == c || (c == '\n' && matches!(x, '\r' | '\u{2028}' | '\u{2029}'));
                prop_assert!(rest.any(same), "{:?} is not in order of {:?}", safe, text);
            }
        }

        #[test]
        fn printable_ascii_is_never_touched(text in "[ -~\n\t]{0,80}") {
            prop_assert_eq!(sanitise(&text), text.as_str());
        }
    }
}

//! Lines that are long for one text.
//!
//! Held as it is and decoded beside that, a text of 200 MB costs 400. So the line is read without it, and
//! where its place turns out to be one that takes a text, it is decoded where it lies, and the memory of
//! the line becomes that of the text. What is spelled in any other way is read as lines are.

use super::unescape;

/// The shortest line that is worth it.
pub(super) const LONG: usize = if cfg!(test) { 16 << 10 } else { 16 << 20 };

/// A line without its longest text.
pub(super) struct Hollow {
    /// The line with nothing between two of its quotes.
    line: String,
    /// Where the text is, in the line as it was.
    from: usize,
    to: usize,
}

impl Hollow {
    /// Takes the longest text out of a line if that is most of it and good JSON.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (from, to) = longest_text(line)?;
        let (before, text, after) = (line.get(..from)?, line.get(from..to)?, line.get(to..)?);
        let is_most = text.len() > line.len() / 4 * 3;
        let is_key = after.get(1..)?.trim_ascii_start().starts_with(':');
        // What is left is copied: it must be little.
        (is_most && !is_key && is_plain(text)).then(|| Self { line: [before, after].concat(), from, to })
    }

    /// The line with nothing where the text was.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// Whether a text that was read from [`Hollow::line`] is that nothing.
    pub(super) fn is_gap(&self, text: &str) -> bool {
        text.is_empty() && std::ptr::eq(text.as_ptr(), self.gap())
    }

    /// The same of a text with its quotes.
    pub(super) fn is_quoted_gap(&self, raw: &str) -> bool {
        raw.get(1..).is_some_and(|text| std::ptr::eq(text.as_ptr(), self.gap()))
    }

    fn gap(&self) -> *const u8 {
        self.line.get(self.from..).unwrap_or_default().as_ptr()
    }

    /// The text, in the memory of the line that it is from.
    pub(super) fn text(&self, line: Vec<u8>) -> Option<String> {
        unescape::in_place(line, self.from, self.to)
    }
}

/// Whether a text has no control characters, and no half of a surrogate pair: that is not for us to judge.
fn is_plain(text: &str) -> bool {
    let has = |pair: &str| memchr::memmem::find(text.as_bytes(), pair.as_bytes()).is_some();
    text.bytes().fold(u8::MAX, u8::min) >= b' ' && !has("\\ud") && !has("\\uD")
}

/// Where the longest text of a line is, without its quotes.
fn longest_text(line: &str) -> Option<(usize, usize)> {
    let mut longest = (0, 0);
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', line.as_bytes().get(at..)?) {
        let from = at + quote + 1;
        let to = line.len() - unescape::after_quote(line.get(from..)?)?.len() - 1;
        if to - from > longest.1 - longest.0 {
            longest = (from, to);
        }
        at = to + 1;
    }
    (longest.1 > 0).then_some(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_text_that_is_taken_out_is_the_one_that_was_there(
            text in "\\PC{120,150}|[\\x00-\\x7f]{120,150}|[a-zé\"\\\\\n]{120,150}",
            other in "[a-zé\"\\\\]{0,2}",
        ) {
            // Also where it spells a backslash and two letters it looks like half a pair.
            prop_assume!(!text.contains("\\ud"));
            let line = serde_json::json!({"a": other, "b": [&text], "c": 1}).to_string();
            let hollow = Hollow::of(line.as_bytes()).expect("most of the line is one text");
            let read: serde_json::Value = serde_json::from_str(hollow.line()).unwrap();
            prop_assert_eq!(read, serde_json::json!({"a": other, "b": [""], "c": 1}));
            prop_assert_eq!(hollow.text(line.into_bytes()), Some(text));
        }
    }

    fn line(text: &str) -> String {
        format!(r#"{{"a":"{text}{}"}}"#, "x".repeat(50))
    }

    #[test]
    fn escapes_of_all_kinds_are_decoded_in_place() {
        let line = line(r#"\u0041\u00e9\u20ac\n\t\r\b\f\"\\\/"#);
        let text = Hollow::of(line.as_bytes()).unwrap().text(line.clone().into_bytes());
        assert_eq!(text, Some("Aé€\n\t\r\u{8}\u{c}\"\\/".to_owned() + &"x".repeat(50)));
        let read: std::collections::BTreeMap<String, String> = serde_json::from_str(&line).unwrap();
        assert_eq!(text.as_ref(), read.get("a"));
    }

    #[test]
    fn the_gap_is_known_by_its_place() {
        let whole = format!(r#"{{"a":"","b":"{}","c":""}}"#, "x".repeat(80));
        let hollow = Hollow::of(whole.as_bytes()).unwrap();
        let read: std::collections::BTreeMap<&str, &str> = serde_json::from_str(hollow.line()).unwrap();
        assert_eq!(read.values().map(|text| hollow.is_gap(text)).collect::<Vec<_>>(), [false, true, false]);
        assert!(!hollow.is_gap(""));
    }

    #[test]
    fn what_is_no_plain_text_stays_in_its_line() {
        for text in [r"\x", r"\u12", r"\ud83d\ude00", r"\uD83D", "\n", "\u{1}"] {
            assert!(Hollow::of(line(text).as_bytes()).is_none(), "{text}");
        }
        let mut torn = line("");
        torn.truncate(40);
        assert!(Hollow::of(torn.as_bytes()).is_none());
        assert!(Hollow::of(&[b"\"\xff", line("").as_bytes()].concat()).is_none());
        assert!(Hollow::of(format!(r#"{{"{}" : 1}}"#, "x".repeat(80)).as_bytes()).is_none(), "a key");
        assert!(Hollow::of(format!(r#"["{0}","{0}"]"#, "x".repeat(80)).as_bytes()).is_none(), "half of it");
        assert!(Hollow::of(b"").is_none() && Hollow::of(b"{}").is_none());
    }
}

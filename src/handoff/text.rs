//! Cutting texts short, at a place that depends on the text alone.

use crate::session::Event;

/// The text without white space at its ends; what is longer than `most` bytes is cut, and says how much is missing.
pub(super) fn clip(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let kept = text.get(..end).unwrap_or_default().trim_end();
    format!("{kept} […{} more bytes]", text.len() - kept.len())
}

/// The end of a text, which is where a failing program says why; what is cut off in front says how much it is.
pub(super) fn clip_front(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.len() <= most {
        return text.to_owned();
    }
    let start = (text.len() - most..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let kept = text.get(start..).unwrap_or_default().trim_start();
    format!("[{} bytes before…] {kept}", text.len() - kept.len())
}

/// The first line that says something, cut to `most` bytes.
pub(super) fn first_line(text: &str, most: usize) -> String {
    clip(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), most)
}

/// All text of an event.
pub(super) fn text_of(event: &Event) -> String {
    event.content.texts().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_how_much_and_no_character_is_halved() {
        assert_eq!(clip("  short ", 10), "short");
        assert_eq!(clip("ääää", 3), "ä […6 more bytes]");
        assert_eq!(clip_front("ääää", 3), "[6 bytes before…] ä");
        assert_eq!(first_line("\n \n one\ntwo", 10), "one");
    }
}

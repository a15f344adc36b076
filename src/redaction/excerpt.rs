//! What is too long to be stored: its beginning and its end, and how much was left out.
//!
//! One tool's output of 200 MB must not make its session one that no ledger takes. So a text above
//! [`LIMITS`] is kept as two excerpts with the size and the SHA-256 of the whole between them, and the
//! blocks of an event as many as fit. It is a function of the event alone: a longer log has the same
//! excerpts first.
//!
//! This comes after the secrets are taken out, and is here for that reason: a cut before could leave
//! half of one that no rule knows, and a hash of what it was part of could be used to guess it.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::scan::mark_around;
use crate::session::{Block, Content};

/// What one event may hold.
struct Limits {
    /// The longest text that is kept whole, in bytes.
    text: usize,
    /// How much of a longer one is kept of its beginning, and of its end.
    kept: usize,
    /// What the blocks hold together.
    blocks: usize,
}

/// Far above what agents write by themselves. Escaped, a text is up to six times as long: an event
/// stays below the 64 MiB that a segment of a ledger may have.
const LIMITS: Limits = Limits { text: 1 << 20, kept: 64 << 10, blocks: 4 << 20 };

/// Room for the note on the blocks that were left out: what was cut once is not cut again.
const NOTE: usize = 128;

/// Cuts a text that is too long.
pub(super) fn shorten(text: &mut String) {
    LIMITS.shorten(text);
}

/// Leaves out the blocks for which there is no room.
pub(super) fn fit(content: &mut Content) {
    LIMITS.fit(content);
}

impl Limits {
    fn shorten(&self, text: &mut String) {
        if text.len() <= self.text {
            return;
        }
        let (head, tail) = self.ends(text);
        let (left_out, whole, hash) = (tail - head, text.len(), sha256(text));
        let note = format!("\n[left out: {left_out} of {whole} bytes, sha256 of the whole {hash}]\n");
        text.replace_range(head..tail, &note);
        text.shrink_to_fit();
    }

    /// Where the part to be left out begins and ends: between characters, and not within the mark of
    /// something that was taken out.
    fn ends(&self, text: &str) -> (usize, usize) {
        let boundary = |at: &usize| text.is_char_boundary(*at);
        let head = (0..=self.kept).rev().find(boundary).unwrap_or(0);
        let tail = (text.len().saturating_sub(self.kept)..text.len()).find(boundary).unwrap_or(text.len());
        let bytes = text.as_bytes();
        (
            mark_around(bytes, head).map_or(head, |mark| mark.start),
            mark_around(bytes, tail).map_or(tail, |mark| mark.end),
        )
    }

    fn fit(&self, content: &mut Content) {
        let sizes: Vec<usize> = content.blocks.iter().map(size).collect();
        if sizes.iter().sum::<usize>() <= self.blocks + NOTE {
            return;
        }
        let mut room = self.blocks;
        let fits = sizes.iter().take_while(|&&size| {
            let left = room.checked_sub(size);
            room = left.unwrap_or(room);
            left.is_some()
        });
        let kept = fits.count();
        let bytes: usize = sizes.iter().skip(kept).sum();
        let text = format!("[left out: {} blocks of {bytes} bytes]", sizes.len() - kept);
        content.blocks.truncate(kept);
        content.blocks.push(Block::Text { text });
    }
}

fn sha256(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// About how many bytes a block holds.
fn size(block: &Block) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let texts = match block {
        Block::Text { text } => text.len(),
        Block::Code { code, language, start_line: _ } => code.len() + length(language),
        Block::Image { url, alt, mime } => url.len() + length(alt) + mime.len(),
        Block::Video { url, mime } | Block::Audio { url, mime } => url.len() + mime.len(),
        Block::File { path, content } => path.len() + length(content),
        Block::Json { data } | Block::Other(data) => size_of_data(data),
        Block::Reference { uri, media_type } => uri.len() + media_type.len(),
    };
    // What is spelled around it.
    texts + 32
}

fn size_of_data(data: &serde_json::Value) -> usize {
    use serde_json::Value;
    match data {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 3,
        Value::Array(items) => 2 + items.iter().map(size_of_data).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, value)| key.len() + 4 + size_of_data(value)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { text: 100, kept: 10, blocks: 200 };

    fn shortened(text: &str) -> String {
        let mut text = text.to_owned();
        SMALL.shorten(&mut text);
        text
    }

    #[test]
    fn a_long_text_keeps_both_ends_its_size_and_its_hash() {
        let text = "a".repeat(50) + &"b".repeat(51);
        let hash = "765424155d88b39b8d671dda1dc6dc28c93f3f8eb70dfa0d9d1852ecdf7e019a";
        let expected = format!("aaaaaaaaaa\n[left out: 81 of 101 bytes, sha256 of the whole {hash}]\nbbbbbbbbbb");
        assert_eq!(shortened(&text), expected);
        assert_eq!(shortened(&text[1..]), text[1..], "at the limit it is whole");
    }

    #[test]
    fn no_character_and_no_mark_is_cut_in_two() {
        let text = shortened(&"é".repeat(60).replacen('é', "x", 1));
        assert!(text.starts_with("xéééé\n") && text.ends_with("\nééééé"), "{text}");
        let text = shortened(&format!("12345[REDACTED:password]{}[REDACTED:token]89", "-".repeat(80)));
        assert!(text.starts_with("12345\n[left out: ") && text.ends_with("]\n89"), "{text}");
    }

    #[test]
    fn blocks_that_do_not_fit_are_counted_and_what_was_cut_is_not_cut_again() {
        let block = |text: &str| Block::Text { text: text.repeat(20) };
        let mut content = Content { blocks: vec![block("one"), block("two"), block("three"), block("four")] };
        SMALL.fit(&mut content);
        let left_out = Block::Text { text: "[left out: 2 blocks of 244 bytes]".to_owned() };
        assert_eq!(content.blocks, [block("one"), block("two"), left_out]);
        let once = content.clone();
        SMALL.fit(&mut content);
        assert_eq!(content, once);
    }
}

//! Where a path begins, goes on and ends in a text, in all its spellings.

use super::text::{at, before, escape_ends, has, is_word, run_end, run_start, slice, word_starts};

/// What names of files and people are made of.
pub(super) fn is_name(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'-') || byte >= 0x80
}

/// The length of the separator at `from`: `/`, backslashes, `\/`, `%2F`, `%5C`; 0 if there is none.
pub(super) fn separator(bytes: &[u8], from: usize) -> usize {
    match at(bytes, from) {
        b'/' => 1,
        b'\\' => {
            let end = run_end(slice(bytes, 0, from + 64), from, |byte| byte == b'\\');
            end - from + usize::from(at(bytes, end) == b'/')
        }
        b'%' if has(bytes, from, b"%2f") || has(bytes, from, b"%5c") => 3,
        _ => 0,
    }
}

/// The length of the separator before `end`.
pub(super) fn separator_before(bytes: &[u8], end: usize) -> usize {
    match before(bytes, end) {
        b'/' => {
            let slash = end - 1;
            1 + slash - run_start(bytes, slash, 64, |byte| byte == b'\\')
        }
        b'\\' => end - run_start(bytes, end, 64, |byte| byte == b'\\'),
        b'f' | b'F' | b'c' | b'C' if end >= 3 && (has(bytes, end - 3, b"%2f") || has(bytes, end - 3, b"%5c")) => 3,
        _ => 0,
    }
}

/// Whether a path may begin at `root`: not within a longer one, and not within a word.
pub(super) fn begins_path(bytes: &[u8], root: usize) -> bool {
    let previous = before(bytes, root);
    match previous {
        // `file:///home/ann`
        b'/' => slice(bytes, root.saturating_sub(3), root) == b"://",
        b'.' | b'~' | b'-' | b'%' | b'}' | b']' | b')' => false,
        // `-I/home/ann/include`
        letter if is_word(letter) || letter >= 0x80 => {
            escape_ends(bytes, root)
                || (letter.is_ascii_uppercase()
                    && root >= 2
                    && at(bytes, root - 2) == b'-'
                    && !is_word(before(bytes, root - 2)))
        }
        _ => true,
    }
}

/// Whether a drive is before `root`: `C:`, `c%3A`, `/c`, `/mnt/c`.
pub(super) fn is_drive(bytes: &[u8], root: usize) -> bool {
    let Some(letter) = root.checked_sub(1) else { return false };
    (at(bytes, letter) == b':' && before(bytes, letter).is_ascii_alphabetic())
        || has(bytes, root.saturating_sub(3), b"%3a")
        || (at(bytes, letter).is_ascii_alphabetic() && separator_before(bytes, letter) > 0)
}

/// Where the drive before `root` begins.
pub(super) fn drive_start(bytes: &[u8], root: usize, drive: u8) -> Option<usize> {
    let is_this = |from: usize| at(bytes, from).eq_ignore_ascii_case(&drive) && word_starts(bytes, from);
    let is_letter = |from: Option<usize>| from.filter(|&from| is_this(from));
    if before(bytes, root) == b':' {
        return is_letter(root.checked_sub(2));
    }
    if has(bytes, root.saturating_sub(3), b"%3a") {
        return is_letter(root.checked_sub(4));
    }
    let letter = root.checked_sub(1).filter(|&letter| at(bytes, letter).eq_ignore_ascii_case(&drive))?;
    let mut start = letter - separator_before(bytes, letter);
    for mount in ["mnt", "cygdrive", "host_mnt"] {
        if let Some(from) = start.checked_sub(mount.len()).filter(|&from| has(bytes, from, mount.as_bytes())) {
            start = from - separator_before(bytes, from);
        }
    }
    (start < letter && begins_path(bytes, start)).then_some(start)
}

/// Whether a part of a path ends at `end`.
pub(super) fn ends_part(bytes: &[u8], end: usize) -> bool {
    match at(bytes, end) {
        // A sentence's full stop is none of the name's.
        b'.' => !is_word(at(bytes, end + 1)) && at(bytes, end + 1) < 0x80 && at(bytes, end + 1) != b'.',
        b'-' | b'@' | b'+' => false,
        byte if byte >= 0x80 => std::str::from_utf8(slice(bytes, end, end + 4))
            .or_else(|error| std::str::from_utf8(slice(bytes, end, end + error.valid_up_to())))
            .is_ok_and(|rest| rest.chars().next().is_some_and(|c| !c.is_alphanumeric())),
        byte => !is_word(byte),
    }
}

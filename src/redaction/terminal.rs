//! Where a terminal shows the user's name: as an owner, in the environment, at a prompt.

use std::ops::Range;

use super::paths::is_name;
use super::text::{at, before, escape_ends, is_word, line_start, run_end, run_start, slice};

/// Whether a name is no part of a longer word.
pub(super) fn is_alone(bytes: &[u8], range: &Range<usize>) -> bool {
    let previous = before(bytes, range.start);
    (!(is_name(previous)) || escape_ends(bytes, range.start))
        && !is_word(at(bytes, range.end))
        && at(bytes, range.end) < 0x80
}

/// Whether a name stands where a terminal shows the user's: as an owner, in the environment, at a prompt.
pub(super) fn is_in_terminal(bytes: &[u8], range: &Range<usize>) -> bool {
    if before(bytes, range.start) == b'=' {
        let name = run_start(bytes, range.start - 1, 16, is_word);
        return matches!(
            slice(bytes, name, range.start - 1),
            b"USER" | b"LOGNAME" | b"USERNAME" | b"SUDO_USER" | b"nUSER" | b"nLOGNAME"
        );
    }
    if at(bytes, range.end) == b'@' {
        let host = run_end(slice(bytes, 0, range.end + 64), range.end + 1, is_name);
        return host > range.end + 1
            && at(bytes, host) == b':'
            && matches!(at(bytes, host + 1), b'~' | b'/' | b' ')
            && is_prompt(bytes, host + 1);
    }
    if !matches!(before(bytes, range.start), b' ' | b'/' | b'\t')
        || !matches!(at(bytes, range.end), b' ' | b'/' | b'\t')
    {
        return false;
    }
    line_start(bytes, range.start, 160).is_some_and(|line| is_listing(slice(bytes, line, range.start)))
}

/// Whether what follows `user@host:` is a folder and the sign of a shell.
fn is_prompt(bytes: &[u8], from: usize) -> bool {
    let end = run_end(slice(bytes, 0, from + 256), from, |byte| {
        byte > b' ' && !matches!(byte, b'$' | b'#' | b'%' | b'"' | b'\\')
    });
    matches!(at(bytes, end), b'$' | b'#' | b'%')
}

/// Whether the line of an owner begins as `ls -l` or `tar -tv` begin it.
fn is_listing(line: &[u8]) -> bool {
    line.windows(10).any(|mode| {
        matches!(at(mode, 0), b'-' | b'd' | b'l' | b'b' | b'c' | b'p' | b's')
            && mode.iter().skip(1).all(|byte| matches!(byte, b'r' | b'w' | b'x' | b'-' | b's' | b'S' | b't' | b'T'))
    })
}

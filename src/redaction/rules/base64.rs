//! Runs of letters without a name or a prefix: tokens told by their shape, and base64 of texts that
//! have secrets in them.

use super::super::scan::{Machine, Scan};
use super::super::text::{at, before, run_end, skip_break, slice};
use super::{Find, Rule, index_of, wrapped};

/// Letters that a run has at least.
const SHORTEST: usize = 16;

/// Parts of a path that are looked at.
const PARTS: usize = 16;

/// Bytes looked at together.
const BLOCK: usize = 8;

pub(super) const SHAPED: Rule = Rule {
    id: "shaped-token",
    description: "a token that only its shape tells: Twilio, Discord, Mailchimp, Mailgun, Square, Airtable, crates.io",
    literals: &[],
    find: Find::Elsewhere,
    hits: &[
        concat!("SK", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        concat!("AC", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        concat!("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "-us12"),
        concat!("MTk4NjIyNDgzNDcxOTI1MjQ4", ".Cl2FMQ.", "ZnCjm1XVW7vRze4b7Cq4se7kKWs"),
        concat!("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "-0a1b2c3d-4e5f6071"),
        concat!("pat0A1b2C3d4E5f6G", ".0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        concat!("cio", "0A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p"),
        concat!("EAAA", "EabcdefghiJKLMNOPqrstuvwx0123456789abcdefghiJKLMNOPqrstuvw"),
    ],
    misses: &[
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "2c1b5f5e-8a34-4b5c-9c7e-0d1e2f3a4b5c",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "toolu_01A09q90qw90lq917835lq9",
        "EAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
};

pub(super) const ENCODED: Rule = Rule {
    id: "encoded-secret",
    description: "base64 of a text that has a secret in it",
    literals: &[],
    find: Find::Elsewhere,
    hits: &[
        "echo REJfUEFTU1dPUkQ9aHVudGVyMgo= | base64 -d",
        "  config: ZXhwb3J0IERCX1BBU1NXT1JEPWh1bnRlcjI=",
        "https://example.com/open/ZXhwb3J0IERCX1BBU1NXT1JEPWh1bnRlcjI",
    ],
    misses: &["aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91Pw==", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"],
};

/// The value of each letter of base64, in either alphabet; 64 for all others.
#[expect(clippy::indexing_slicing, reason = "in a constant: an index too great does not compile")]
const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut at = 0u8;
    while at < 26 {
        values[(b'A' + at) as usize] = at;
        values[(b'a' + at) as usize] = 26 + at;
        if at < 10 {
            values[(b'0' + at) as usize] = 52 + at;
        }
        at += 1;
    }
    values[b'+' as usize] = 62;
    values[b'-' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'_' as usize] = 63;
    values
};

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(64)
}

fn is_letter(byte: u8) -> bool {
    value(byte) < 64
}

/// Looks at all runs of a text: of 16 letters in a row, eight are a block of their own.
pub(in super::super) fn find(scan: &mut Scan<'_>, machine: &Machine) {
    let bytes = scan.bytes;
    let (mut look, mut low) = (0, 0);
    while let Some(block) = next_block(bytes, look) {
        let mut start = block;
        while start > low && is_letter(before(bytes, start)) {
            start -= 1;
        }
        // The letter of an escaped break is none of the run's.
        if before(bytes, start) == b'\\' && matches!(at(bytes, start), b'n' | b'r' | b't') {
            start += 1;
        }
        let end = run_end(bytes, block + BLOCK, is_letter);
        low = if end - start >= SHORTEST { run(scan, machine, start, end) } else { end };
        look = low.div_ceil(BLOCK) * BLOCK;
    }
}

/// The next block, from `from` on, that is all letters.
#[inline(never)]
fn next_block(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let rest = bytes.get(from..)?;
    let found = rest.chunks_exact(BLOCK).position(|block| {
        let Ok(eight) = <[u8; BLOCK]>::try_from(block) else { return false };
        // Most blocks of a text have a blank or a quote: some byte below the least letter.
        let word = u64::from_le_bytes(eight);
        let has_less = word.wrapping_sub(ONES * u64::from(b'+')) & !word & (ONES << 7);
        has_less == 0 && eight.iter().all(|&byte| is_letter(byte))
    });
    found.map(|nth| from + nth * BLOCK)
}

/// Looks at one run, and says where the next may begin. A run may be a path or a URL's, with what is
/// looked for as its last part.
fn run(scan: &mut Scan<'_>, machine: &Machine, start: usize, end: usize) -> usize {
    if let Some(found) = wrapped::lines(scan, start, end) {
        return found;
    }
    let mut from = start;
    for _ in 0..PARTS {
        if let Some(found) = part(scan, machine, from, end) {
            return found;
        }
        // The next part must have room for the shortest.
        let room = slice(scan.bytes, from, (end + 1).saturating_sub(SHORTEST));
        match memchr::memchr(b'/', room) {
            Some(slash) => from += slash + 1,
            None => break,
        }
    }
    end
}

/// Looks at one run or the rest of one, and says where it ends if there is a secret in it.
fn part(scan: &mut Scan<'_>, machine: &Machine, start: usize, end: usize) -> Option<usize> {
    let bytes = scan.bytes;
    // A sign of a diff, a path's slash: no text and no token begins with one.
    let start = run_end(bytes, start, |byte| !byte.is_ascii_alphanumeric()).min(end);
    if let Some(token_end) = shaped(bytes, start, end) {
        scan.secret(index_of(SHAPED.id), start, token_end);
        return Some(token_end);
    }
    if let Some(key_end) = wrapped::der(scan, start, end) {
        return Some(key_end);
    }
    if end - start < SHORTEST || !may_be_text(slice(bytes, start, start + SHORTEST)) {
        return None;
    }
    let (letters, end) = unwrapped(bytes, start, end);
    let text = decoded(&letters)?;
    if scan.is_secret_inside(machine, &text) {
        scan.secret(index_of(ENCODED.id), start, end);
    }
    Some(end)
}

/// Whether base64 begins as that of a text does: the first of four letters tells most of a byte, and
/// bytes of a text are small and not 0, but for every second one of UTF-16.
fn may_be_text(head: &[u8]) -> bool {
    let is_shown = |letter: u8| matches!(letter, b'C' | b'D' | b'I'..=b'Z' | b'a'..=b'f');
    let mut firsts = head.iter().step_by(4).enumerate();
    let is_wide = at(head, 4) == b'A';
    firsts.all(|(nth, &letter)| if is_wide && nth % 2 == 1 { letter == b'A' } else { is_shown(letter) })
}

/// The letters of a run and of the lines after it, if it is the first of wrapped lines; and its end.
fn unwrapped(bytes: &[u8], start: usize, end: usize) -> (Vec<u8>, usize) {
    let mut letters = slice(bytes, start, end).to_vec();
    let mut end = end;
    let width = end - start;
    if width >= 40 && width.is_multiple_of(4) {
        while let Some(next) = skip_break(bytes, end).map(|next| super::super::text::skip_blanks(bytes, next)) {
            let line_end = run_end(bytes, next, is_letter);
            if line_end == next || line_end - next > width {
                break;
            }
            letters.extend_from_slice(slice(bytes, next, line_end));
            end = line_end;
            if line_end - next < width {
                break;
            }
        }
    }
    let padded = run_end(slice(bytes, 0, end + 2), end, |byte| byte == b'=');
    (letters, padded)
}

/// The text that base64 in either alphabet stands for, if it is one.
pub(super) fn decoded(letters: &[u8]) -> Option<String> {
    let mut result = decoded_bytes(letters)?;
    // PowerShell encodes its commands as UTF-16.
    if at(&result, 1) == 0 && at(&result, 3) == 0 {
        result = result.chunks(2).filter(|pair| at(pair, 1) == 0).map(|pair| at(pair, 0)).collect();
    }
    let shown =
        result.iter().filter(|&&byte| byte >= b' ' && byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t')).count();
    if shown * 20 < result.len() * 19 {
        return None;
    }
    String::from_utf8(result).ok()
}

/// What base64 in either alphabet stands for.
pub(super) fn decoded_bytes(letters: &[u8]) -> Option<Vec<u8>> {
    let letters = letters.strip_suffix(b"==").or(letters.strip_suffix(b"=")).unwrap_or(letters);
    if letters.len() < 4 || letters.len() % 4 == 1 {
        return None;
    }
    let mut result = Vec::with_capacity(letters.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for &letter in letters {
        let six = value(letter);
        if six == 64 {
            return None;
        }
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            result.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
    }
    Some(result)
}

/// The end of the token that the run at `start..end` is, or is the first part of.
fn shaped(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let run = slice(bytes, start, end);
    let is_hex = |text: &[u8]| text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let has_both = |text: &[u8]| text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    let next = at(bytes, end);
    match run.len() {
        34 if matches!(slice(run, 0, 2), b"SK" | b"AC") && is_hex(slice(run, 2, 34)) => Some(end),
        35 if run.starts_with(b"cio") && run.iter().all(u8::is_ascii_alphanumeric) && has_both(slice(run, 3, 35)) => {
            Some(end)
        }
        36 | 37
            if is_hex(slice(run, 0, 32))
                && slice(run, 32, 35) == b"-us"
                && slice(run, 35, 37).iter().all(u8::is_ascii_digit) =>
        {
            Some(end)
        }
        50 if is_hex(slice(run, 0, 32))
            && at(run, 32) == b'-'
            && at(run, 41) == b'-'
            && is_hex(slice(run, 33, 41))
            && is_hex(slice(run, 42, 50)) =>
        {
            Some(end)
        }
        60..=64
            if run.starts_with(b"EAAA")
                && has_both(slice(run, 4, 64))
                && !run.windows(6).any(|six| six == b"AAAAAA")
                && next != b'=' =>
        {
            Some(end)
        }
        17 if run.starts_with(b"pat") && next == b'.' => {
            let rest = run_end(bytes, end + 1, is_letter);
            (rest - end - 1 == 64 && is_hex(slice(bytes, end + 1, rest))).then_some(rest)
        }
        23..=28 if matches!(at(run, 0), b'M' | b'N' | b'O') && next == b'.' && may_be_text(slice(run, 0, SHORTEST)) => {
            let middle = run_end(bytes, end + 1, is_letter);
            let last = run_end(bytes, middle + 1, is_letter);
            ((5..=7).contains(&(middle - end - 1)) && at(bytes, middle) == b'.' && last - middle > 27).then_some(last)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_text_is_told_from_other_base64() {
        assert_eq!(decoded(b"aGVsbG8gd29ybGQ=").as_deref(), Some("hello world"));
        assert_eq!(decoded(b"aGVsbG8gd29ybGQ").as_deref(), Some("hello world"));
        assert_eq!(decoded("cABhAHMAcwA=".as_bytes()).as_deref(), Some("pass"));
        assert_eq!(decoded(b"iVBORw0KGgoAAAANSUhEUg"), None);
        assert_eq!(decoded(b"not base64!"), None);
    }
}

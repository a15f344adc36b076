//! Private keys without their marks: those whose DER tells them, and what `head`, `tail` or `sed -n` leaves of one, which
//! only its lines tell.

use super::super::scan::Scan;
use super::super::text::{at, before, escape_ends, has, line_start, run_end, run_start, slice};
use super::base64::{decoded, decoded_bytes};
use super::index_of;
use super::private_key::{DASHES, HEADLESS, body_end, is_base64, skip_between};

/// How many letters OpenSSL and OpenSSH put on a line, and so many of such lines in a row are a key's.
const WRAPPED: [(usize, usize); 2] = [(64, 4), (70, 3)];
/// More lines than any key has: one of RSA with 16384 bits has 200.
const MOST: usize = 256;
/// How far before a line its mark may be, with the headers that some write between.
const LEAD: usize = 400;
/// What a signature, a certificate or a public key has before it in XML and JSON.
const NAMES: [&[u8]; 4] = [b"ignature", b"ertificate", b"odulus", b"ublicKey"];
/// Letters of a line that are not the same, at least. Of 64 at random about 40 are.
const VARIED: usize = 24;
/// The shortest end of a key that is taken with it.
const TAIL: usize = 4;
/// What files begin with that are no keys (file(1)): pictures, sounds, fonts, archives, programs, documents; and public
/// keys of OpenSSH.
const OTHERS: [&[u8]; 38] = [
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"\0\0\x01\0",
    b"8BPS",
    b"<svg",
    b"<?xml",
    b"ID3",
    b"\xff\xfb",
    b"OggS",
    b"fLaC",
    b"\x1aE\xdf\xa3",
    b"wOFF",
    b"wOF2",
    b"OTTO",
    b"\0\x01\0\0",
    b"ttcf",
    b"%PDF",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\0asm",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"SQLite format",
    b"\x93NUMPY",
    b"\0\0\0\x07ssh-rsa",
    b"\0\0\0\x0bssh-ed25519",
    b"\0\0\0\x13ecdsa-sha2",
];

/// A key that begins with the run at `start..end`, told by its DER. Where it ends.
pub(super) fn der(scan: &mut Scan<'_>, start: usize, end: usize) -> Option<usize> {
    let bytes = scan.bytes;
    // A sequence begins with 0x30.
    let may_be = at(bytes, start) == b'M' && (b'A'..=b'P').contains(&at(bytes, start + 1)) && end - start >= 40;
    if !may_be || !is_private(&decoded_bytes(slice(bytes, start, start + 40))?) || scan.is_found(start, end) {
        return None;
    }
    let body = body_end(bytes, start, b"");
    (body.keys > 0).then(|| {
        scan.secret(index_of(HEADLESS.id), start, body.key_end);
        body.key_end
    })
}

/// Whether DER begins as that of a private key does: a sequence of a version and what is the key's, alone or encrypted.
fn is_private(der: &[u8]) -> bool {
    let Some(inner) = inside(der, 0x30).filter(|_| length(der) >= 40) else { return false };
    let [2, 1, version, rest @ ..] = inner else {
        // EncryptedPrivateKeyInfo: how it is encrypted comes first (PKCS #5, PKCS #12).
        let how = inside(inner, 0x30).unwrap_or_default();
        return how.starts_with(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5])
            || how.starts_with(&[6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12]);
    };
    match (version, rest.first()) {
        // RSA, DSA: a long number.
        (0 | 1, Some(2)) => length(rest) >= 32,
        // PKCS #8: of which algorithm.
        (0 | 1, Some(0x30)) => inside(rest, 0x30).is_some_and(|of| of.first() == Some(&6)),
        // SEC 1, of an elliptic curve.
        (1, Some(4)) => (20..=72).contains(&length(rest)),
        // PKCS #12.
        (3, Some(0x30)) => inside(rest, 0x30).is_some_and(|of| of.first() == Some(&6)),
        _ => false,
    }
}

/// What is inside of the first element, if it is of this kind.
fn inside(der: &[u8], kind: u8) -> Option<&[u8]> {
    let (tag, rest) = der.split_first()?;
    let more = match rest.first()? {
        short @ 0..=0x7f if *short > 0 => 0,
        long @ 0x81..=0x84 => usize::from(*long - 0x80),
        _ => return None,
    };
    (*tag == kind).then(|| rest.get(1 + more..)).flatten()
}

/// The length that the first element says.
fn length(der: &[u8]) -> usize {
    match der.get(1) {
        Some(short @ 0..=0x7f) => usize::from(*short),
        Some(long @ 0x81..=0x84) => {
            let digits = slice(der, 2, 2 + usize::from(*long - 0x80));
            digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
        }
        _ => 0,
    }
}

/// Lines of a key, of which the run at `start..end` is the first whole one. Where they end.
pub(super) fn lines(scan: &mut Scan<'_>, start: usize, end: usize) -> Option<usize> {
    let bytes = scan.bytes;
    let (first, width, least) = WRAPPED.into_iter().find_map(|(width, least)| {
        let first = end.checked_sub(width).filter(|first| *first >= start)?;
        // The sign of a diff and the end of an escape look like letters.
        let is_first = first == start || (first == start + 1 && is_sign(bytes, start)) || escape_ends(bytes, first);
        is_first.then_some((first, width, least))
    })?;
    if scan.has_passed(first) {
        return None;
    }
    let mut all = Lines::default();
    let mut next = Some(first);
    let mut key_end = first;
    while let Some(line) = next {
        key_end = line + width;
        all.add(slice(bytes, line, key_end));
        next = next_line(bytes, key_end, width);
    }
    scan.pass(key_end);
    if !all.are_a_key(least) {
        return None;
    }
    let from = start_of(bytes, first, width);
    let tail = tail_of(bytes, key_end, width);
    let is_other = is_marked(bytes, from, tail) || is_other(slice(bytes, first, first + width));
    if is_other || scan.is_found(first, key_end) {
        return None;
    }
    scan.secret(index_of(HEADLESS.id), from, tail);
    Some(tail)
}

/// Whole lines of base64 in a row.
#[derive(Default)]
struct Lines {
    count: usize,
    /// Those that are as varied as a key is.
    dense: usize,
    /// Whether there is a letter that is no letter: in base64 every thirtieth is none.
    has_sign: bool,
}

impl Lines {
    fn add(&mut self, line: &[u8]) {
        self.count += 1;
        self.dense += usize::from(is_dense(line));
        self.has_sign |= line.iter().any(|letter| matches!(letter, b'+' | b'/'));
    }

    fn are_a_key(&self, least: usize) -> bool {
        let is_dense = self.dense >= least && self.dense * 4 >= self.count * 3;
        (least..=MOST).contains(&self.count) && is_dense && self.has_sign
    }
}

/// The letters of a line; the second alphabet is of other things.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn is_sign(bytes: &[u8], at: usize) -> bool {
    matches!(self::at(bytes, at), b'+' | b'-') && matches!(before(bytes, at), 0 | b'\n' | b'\r' | b'n')
}

/// The whole line that follows a line.
fn next_line(bytes: &[u8], end: usize, width: usize) -> Option<usize> {
    let next = next_run(bytes, end)?;
    let run = run_end(slice(bytes, 0, next + width + 1), next, is_letter) - next;
    // A `+` that is a letter looks like the sign of a diff.
    match run {
        run if run == width => Some(next),
        run if run + 1 == width && before(bytes, next) == b'+' => Some(next - 1),
        _ => None,
    }
}

/// What follows on the next line.
fn next_run(bytes: &[u8], end: usize) -> Option<usize> {
    let next = skip_between(bytes, end);
    let has_break = slice(bytes, end, next).iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'\\'));
    has_break.then_some(next)
}

/// Where a key begins whose first whole line is known: at what is left of the line before.
fn start_of(bytes: &[u8], first: usize, width: usize) -> usize {
    let Some(line) = line_start(bytes, first, 32) else { return first };
    let back = run_start(bytes, line, 8, |byte| matches!(byte, b'\n' | b'\r' | b'\\' | b'n' | b'r'));
    let start = run_start(bytes, back, width, is_letter);
    let is_rest = matches!(before(bytes, start), 0 | b'\n' | b'\r' | b'+' | b' ' | b'\t' | b'"');
    if back < line && is_rest && is_dense_enough(slice(bytes, start, back)) { start } else { first }
}

/// A part of a line that is no word.
fn is_dense_enough(part: &[u8]) -> bool {
    part.len() >= 16 && is_mixed(part)
}

fn is_mixed(part: &[u8]) -> bool {
    part.iter().any(u8::is_ascii_digit)
        && part.iter().any(u8::is_ascii_uppercase)
        && part.iter().any(u8::is_ascii_lowercase)
}

/// Where a key ends whose last whole line is known: at the end of the shorter one behind it.
fn tail_of(bytes: &[u8], last: usize, width: usize) -> usize {
    let Some(next) = next_run(bytes, last) else { return last };
    let end = run_end(slice(bytes, 0, next + width), next, is_base64);
    let (size, is_padded) = (end - next, before(bytes, end) == b'=');
    let is_tail = size >= 16 || (size >= TAIL && (is_padded || is_mixed(slice(bytes, next, end))));
    if is_tail { end } else { last }
}

/// Whether marks say what it is: those of private keys are looked for by another rule.
fn is_marked(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut after = skip_between(bytes, end);
    // A last line that is too short to be taken for one, and the checksum of PGP.
    for _ in 0..2 {
        let short = run_end(slice(bytes, 0, after + 70), after, is_base64);
        after = if has(bytes, after, DASHES) { after } else { skip_between(bytes, short) };
    }
    let lead = slice(bytes, start.saturating_sub(LEAD), start);
    let last = |word: &[u8]| memchr::memmem::rfind(lead, word);
    let begins = last(b"---- BEGIN ").or(last(b"----BEGIN ")).or(last(b"ublic-Lines:"));
    let name = slice(bytes, start.saturating_sub(24), start);
    let is_named = NAMES.iter().any(|known| memchr::memmem::find(name, known).is_some());
    is_named || has(bytes, after, DASHES) || (begins.is_some() && begins > last(b"----END "))
}

fn is_dense(line: &[u8]) -> bool {
    let mut seen = [false; 256];
    for letter in line {
        if let Some(seen) = seen.get_mut(usize::from(*letter)) {
            *seen = true;
        }
    }
    is_dense_enough(line) && seen.iter().filter(|seen| **seen).count() >= VARIED
}

/// Whether the first line says that it is no key.
fn is_other(line: &[u8]) -> bool {
    let whole = slice(line, 0, line.len() / 4 * 4);
    let Some(head) = decoded_bytes(whole) else { return true };
    let is_certificate = inside(&head, 0x30).is_some_and(|inner| inner.first() == Some(&0x30)) && !is_private(&head);
    is_certificate || OTHERS.iter().any(|magic| head.starts_with(magic)) || decoded(whole).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_of_private_keys_is_told_from_other_der() {
        for (head, is_key) in [
            ("MIIEogIBAAKCAQEA5DngWUBBPhNqtBVlAv5WMmww", true),
            ("MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSk", true),
            ("MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGb", true),
            ("MIHcAgEBBEIAhNMtP7WczZC+zX5wtCcgqXZp13dQ", true),
            ("MHQCAQEEIL49bta9w2JtAOQC9smJuU6phaymi8OA", true),
            ("MFECAQEwBQYDK2VwBCIEIBZYqqNOhF7D0VVOVPSc", true),
            ("MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0B", true),
            ("MIIJ3wIBAzCCCZUGCSqGSIb3DQEHAaCCCYYEggmC", true),
            ("MIIDBTCCAe2gAwIBAgIUKu7TzUC3Un4kA4XcRBWL", false),
            ("MIICVzCCAT8CAQAwEjEQMA4GA1UEAwwHZXhhbXBs", false),
            ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC", false),
            ("MIIBCgKCAQEAqgM7GydB2CqYl7A4ntMDx9f9GU6a", false),
            ("MIAGCSqGSIb3DQEHAqCAMIACAQExCzAJBgUrDgMC", false),
            ("MAACAQAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
        ] {
            assert_eq!(is_private(&decoded_bytes(head.as_bytes()).unwrap_or_default()), is_key, "{head}");
        }
    }
}

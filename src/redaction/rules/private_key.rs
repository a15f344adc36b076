//! Private keys: blocks between two marks, whole, cut short, indented, quoted, in a diff, with line
//! numbers, or on one line with escaped breaks.

use std::ops::Range;

use super::super::scan::Scan;
use super::super::text::{at, before, escape_ends, has, is_word, line_end, line_start, run_end, run_start, slice};
use super::{Find, Literal, Rule};

pub(super) const RULE: Rule = Rule {
    id: "private-key",
    description: "a private key as a block: PEM of any kind, OpenSSH, PGP, SSH2, PuTTY",
    literals: &["-----begin ", "---- begin ssh2", "-----end ", "private-lines:"],
    find: Find::Code(block),
    hits: &[
        concat!("-----BEGIN RSA PRIVATE", " KEY-----\nCANARYpemMIIEowIBAAKCAQEA\n-----END RSA PRIVATE", " KEY-----"),
        concat!(
            "-----BEGIN OPENSSH PRIVATE",
            " KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\nc2gtZWQyNTUxOQAAACB"
        ),
        concat!(
            "-----BEGIN PRIVATE",
            " KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n-----END PRIVATE",
            " KEY-----\\n"
        ),
        concat!(
            "+-----BEGIN EC PRIVATE",
            " KEY-----\n+MHcCAQEEIGa1b2c3d4e5f6a7b8c9d0e1f2a3\n+-----END EC PRIVATE",
            " KEY-----"
        ),
        concat!(
            "    12→-----BEGIN PRIVATE",
            " KEY-----\n    13→MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n    14→-----END PRIVATE",
            " KEY-----"
        ),
        concat!(
            "a/id_rsa:1:-----BEGIN RSA PRIVATE",
            " KEY-----\na/id_rsa:2:MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\na/id_rsa:3:-----END RSA PRIVATE",
            " KEY-----"
        ),
        concat!(
            "-----BEGIN PGP PRIVATE",
            " KEY BLOCK-----\nVersion: x 1\n\nlQOYBF1a2b3cBCADd4e5f6g7h8i9j0k1l2m3\n=aBcD\n-----END PGP PRIVATE",
            " KEY BLOCK-----"
        ),
        concat!(
            "-----BEGIN RSA PRIVATE",
            " KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B2C3D\n\nMIIEowIBAAKCAQEAabcdefgh\n-----END RSA PRIVATE",
            " KEY-----"
        ),
    ],
    misses: &[
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0B\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        concat!("if text.starts_with(\"-----BEGIN RSA PRIVATE", " KEY-----\") {"),
        "it begins with -----BEGIN and so on",
    ],
};

pub(super) const HEADLESS: Rule = Rule {
    id: "private-key-body",
    description: "lines of a private key, where the marks around it are missing",
    literals: &[
        "IBAAKCAQ",
        "IBAAKB",
        "IBADANBgkqhkiG9w0BAQEF",
        "MHcCAQEE",
        "MIGHAgEAMBMGByqGSM49",
        "MC4CAQAwBQYDK2V",
        "b3BlbnNzaC1rZXktdjE",
    ],
    find: Find::Code(headless),
    hits: &[
        "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz",
        concat!(
            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAPMcGD/Ew/viUrQw72\n",
            "4f64NfSCiWeaZPOEks8ih2eIzW65C6u9R+4e2bvA6ovjOhqhZANiAARU6Ul7Hc1N\n",
            "xxpAE43RmSKIOxdX4fYuJCXh+o5H0ztFh+IAUBkK9eiQM4K0fjm78N94FjSDGaeC",
        ),
        concat!(
            "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\n",
            "dkTbObw1uC/D4JJBnQ8VtTNbW0YpWVr0tldPe8BBLFGxSPXPv64HSdmPBxxC98M9\n",
            "8qww2B1LAgMBAAECggEACgv0f2IeV9NglBTeVl2660wzZpOgP6b+Bn9IX8gmMQwV\n",
            "Ai46sA7C/Pcu6qCdUd2Ztvvdr8U3mkr7n8OE1OSSS8id4IEpiEWnAmBuTosXH0e/\n",
            "ctrBE3tdrSX2Jocx0ZfRJt8CCt15PQ01h75tWCeVCOyiNP8mro9NWwyqxiw+KNXx\n",
            "9tqbM1dtjhKVpUyls9/x2+rFSt4vGzEUuLRaIGnBwq/eFBWQLOmPGUgV9z8LFgRu",
        ),
        concat!(
            "mlPIUfCQB9ULNQQhyqY1aGq+oeiRo0KrMmT6a8FiY3zxu3TfZj8ePSENSG8Q7eoqR+kMSj\n",
            "HvgqhO7X6QAAA7gNSlLuDUpS7gAAAAdzc2gtcnNhAAABAQCsWsqwp0/VpElpgcIRI+/ny/\n",
            "tK6Gxa1tWEPZ3p/KSsIEmXIuII9RDF+lfftvSBR1+DCSpL6L+oZTp8srKzoqKLCc3JJ4ds\n",
            "qO/mvqoRHyfgViO1NxecgCQT+pEnQjq1lJoc0byrPckP82ndgruL7QM2wuCIDDjCu/5UfL",
        ),
    ],
    misses: &[
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo",
        "MIIEvil",
        concat!(
            "MIIDBTCCAe2gAwIBAgIUKu7TzUC3Un4kA4XcRBWLl0jweNUwDQYJKoZIhvcNAQEL\n",
            "BQAwEjEQMA4GA1UEAwwHZXhhbXBsZTAeFw0yNjExMjcwNDQ5MjdaFw0yNjExMjgw\n",
            "NDQ5MjdaMBIxEDAOBgNVBAMMB2V4YW1wbGUwggEiMA0GCSqGSIb3DQEBAQUAA4IB\n",
            "DwAwggEKAoIBAQCqAzsbJ0HYKpiXsDie0wPH1/0ZTr+UmdzpEneEBzmvv7V/vBrm\n",
            "dZ6dT5E+16+FJ/mEQJp6Ji/vbNpFuXcK/QyHFWfMYJlGIoYIn05AXXIEOM6sS79p\n",
            "lQ7q94Dw9nMApeA05Eloh48W3h4NEDCOk3Z/k3Kx1i462e5UgFA27nMys76imy6M",
        ),
        concat!(
            "-----BEGIN CERTIFICATE-----\n",
            "MIIDBTCCAe2gAwIBAgIUKu7TzUC3Un4kA4XcRBWLl0jweNUwDQYJKoZIhvcNAQEL\n",
            "BQAwEjEQMA4GA1UEAwwHZXhhbXBsZTAeFw0yNjExMjcwNDQ5MjdaFw0yNjExMjgw\n",
            "NDQ5MjdaMBIxEDAOBgNVBAMMB2V4YW1wbGUwggEiMA0GCSqGSIb3DQEBAQUAA4IB\n",
            "DwAwggEKAoIBAQCqAzsbJ0HYKpiXsDie0wPH1/0ZTr+UmdzpEneEBzmvv7V/vBrm\n",
            "dZ6dT5E+16+FJ/mEQJp6Ji/vbNpFuXcK/QyHFWfMYJlGIoYIn05AXXIEOM6sS79p\n",
            "lQ7q94Dw9nMApeA05Eloh48W3h4NEDCOk3Z/k3Kx1i462e5UgFA27nMys76imy6M",
        ),
        concat!(
            "til1kj9VNQQ1wxtFdQU0vVQeBQNvAVi50ZYNVyiZ8ROjd7kFK8vtt04McMsYGcAq\n",
            "6DI9ICEYsZhLlV4W9Cw25mcdHzYjTPU5W+LVyTgqpe/uq164TppB+5HNS5Xy+L40\n",
            "E1a2AGoSXjAv6AMulanfKpIA5MdxbTgItRMyKXoQJPuYqiH2RETQ1IT5sy+cQfAX\n",
            "+PlxqzsBub3OmJOnwqvHFFS2syO/x10BOUjtHhQ25p+V6FHUkpMyPKqGzOkFF26+\n",
            "8WGT34wtROK3MDdnkHsiTNAY81wkficor0Zo8Haf8C3q11wYoeCFpEVVNBzk/lqv\n",
            "v9dAYET8t9Vw\n",
            "-----END CERTIFICATE-----",
        ),
        concat!(
            "<SignatureValue>\n",
            "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\n",
            "dkTbObw1uC/D4JJBnQ8VtTNbW0YpWVr0tldPe8BBLFGxSPXPv64HSdmPBxxC98M9\n",
            "8qww2B1LAgMBAAECggEACgv0f2IeV9NglBTeVl2660wzZpOgP6b+Bn9IX8gmMQwV\n",
            "Ai46sA7C/Pcu6qCdUd2Ztvvdr8U3mkr7n8OE1OSSS8id4IEpiEWnAmBuTosXH0e/\n",
            "</SignatureValue>",
        ),
        concat!(
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
            "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\n",
            "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13\n",
            "a4e624d686e03ed2767c0abd85c14426b0b1157d2ce81d27bb4fe4f6f01d688a",
        ),
        concat!(
            "iVBORw0KGgoAAAANSUhEUgAAAZAAAAGQCAYAAACAvzbMAAAAAXNSR0IArs4c6QAA\n",
            "wBYFFx49/a2zeDh0gT0XL+rxt8+/+1qR90ngaLyqKQJqB65WbQDceZP/72GZXJGo\n",
            "dkTbObw1uC/D4JJBnQ8VtTNbW0YpWVr0tldPe8BBLFGxSPXPv64HSdmPBxxC98M9\n",
            "8qww2B1LAgMBAAECggEACgv0f2IeV9NglBTeVl2660wzZpOgP6b+Bn9IX8gmMQwV\n",
            "Ai46sA7C/Pcu6qCdUd2Ztvvdr8U3mkr7n8OE1OSSS8id4IEpiEWnAmBuTosXH0e/",
        ),
    ],
};

pub(super) const JWK: Rule = Rule {
    id: "jwk",
    description: "the private parts of a JSON Web Key",
    literals: &["\"kty"],
    find: Find::Code(jwk),
    hits: &[
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#,
    ],
    misses: &[
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
    ],
};

/// What marks begin and end with, at least.
pub(super) const DASHES: &[u8] = b"----";

/// How long a mark may be.
const MARK: usize = 96;

/// How far before an end mark its key may begin.
const BACK: usize = 16 * 1024;

/// Letters of a run that are key for sure, where no end mark says so.
const RUN: usize = 16;

fn block(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    if scan.is_covered(literal.start, literal.end) {
        return;
    }
    if let Some(range) = block_around(bytes, literal) {
        scan.secret(literal.rule, range.start, range.end);
    }
}

/// The key whose mark, or part of one, the literal is.
fn block_around(bytes: &[u8], literal: Literal) -> Option<Range<usize>> {
    if has(bytes, literal.start, b"private-lines:") {
        let body = body_end(bytes, literal.end, b"");
        return (body.keys > 0).then_some(literal.start..body.end);
    }
    let mark = mark_end(bytes, literal.end)?;
    if has(bytes, literal.start, b"-----end ") {
        let start = body_start(bytes, literal.start);
        return (start < literal.start).then_some(start..mark);
    }
    let body = body_end(bytes, mark, file_before(bytes, literal.start));
    let closing = if has(bytes, body.end, DASHES) { end_mark(bytes, body.end) } else { None };
    match closing {
        Some(end) if body.letters > 0 => Some(literal.start..end),
        _ => (body.keys > 0).then_some(literal.start..body.key_end),
    }
}

/// The end of the mark whose name begins at `start`, if it is a private key's.
fn mark_end(bytes: &[u8], start: usize) -> Option<usize> {
    let window = slice(bytes, start, start + MARK);
    let dashes = memchr::memmem::find(window, DASHES)?;
    let name = slice(window, 0, dashes);
    // In a URL the blanks are pluses, or escaped.
    let is_private = name.windows(7).any(|part| part.eq_ignore_ascii_case(b"private"));
    let is_name =
        name.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'+' | b'%' | b'-' | b'_'));
    (is_private && is_name).then(|| run_end(bytes, start + dashes, |byte| byte == b'-'))
}

/// The end of the end mark at `start`.
fn end_mark(bytes: &[u8], start: usize) -> Option<usize> {
    let name = run_end(bytes, start, |byte| matches!(byte, b'-' | b' '));
    has(bytes, name, b"end").then(|| mark_end(bytes, name + 3)).flatten()
}

/// What follows the first mark.
pub(super) struct Body {
    /// Where something follows that is no part of a key.
    end: usize,
    /// Where the last run ends that is one for sure.
    pub key_end: usize,
    /// Runs that are key for sure.
    pub keys: usize,
    /// Letters in all.
    letters: usize,
}

/// The body of a key from `start`: runs of base64, and between them what a diff, a listing, a string
/// or a comment puts there, or a search that names the file on each line.
pub(super) fn body_end(bytes: &[u8], start: usize, file: &[u8]) -> Body {
    let mut body = Body { end: start, key_end: start, keys: 0, letters: 0 };
    loop {
        let next = skip_file(bytes, skip_between(bytes, body.end), file);
        let next = skip_header(bytes, skip_between(bytes, next));
        if has(bytes, next, DASHES) {
            body.end = next;
            return body;
        }
        let run = run_end(bytes, next, is_base64);
        // A short run is a line of its own, or the last; words are not.
        let is_key = run - next >= RUN;
        let is_line = slice(bytes, body.end, next).iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'\\'));
        let is_last = is_line || has(bytes, skip_file(bytes, skip_between(bytes, run), file), DASHES);
        if run == next || !(is_key || is_last) || run - body.key_end > 1024 {
            return body;
        }
        let is_tail = body.keys > 0 && body.key_end == body.end && at(bytes, run - 1) == b'=';
        body.letters += run - next;
        body.end = run;
        if is_key || is_tail {
            body.keys += usize::from(is_key);
            body.key_end = run;
        }
    }
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The name of the file that a search puts before each line it finds: `id_rsa` of `id_rsa:-----BEGIN`
/// and of `id_rsa:1:-----BEGIN`.
fn file_before(bytes: &[u8], mark: usize) -> &[u8] {
    let start = line_start(bytes, mark, 256).unwrap_or(mark);
    let Some(lead) = slice(bytes, start, mark).strip_suffix(b":") else { return b"" };
    let number = run_start(lead, lead.len(), 8, |byte| byte.is_ascii_digit());
    let is_numbered = number < lead.len() && before(lead, number) == b':';
    let end = if is_numbered { number - 1 } else { lead.len() };
    let name = run_start(lead, end, 256, |byte| is_word(byte) || matches!(byte, b'.' | b'/' | b'-' | b'~'));
    // The sign of a diff is no part of it.
    slice(lead, run_end(lead, name, |byte| byte == b'-'), end)
}

/// Past what a search puts before a line: the file's name and the line's number, if it is there. The
/// lines around a find have dashes where that has colons.
fn skip_file(bytes: &[u8], start: usize, file: &[u8]) -> usize {
    let is_sign = |at: usize| matches!(self::at(bytes, at), b':' | b'-');
    let end = start + file.len();
    if file.is_empty() || slice(bytes, start, end) != file || !is_sign(end) {
        return start;
    }
    let number = run_end(slice(bytes, 0, end + 9), end + 1, |byte| byte.is_ascii_digit());
    if number > end + 1 && is_sign(number) { number + 1 } else { end + 1 }
}

/// Past breaks, escapes, indentation, quotes, line numbers and the signs of a diff.
pub(super) fn skip_between(bytes: &[u8], start: usize) -> usize {
    let mut from = start;
    loop {
        let next = skip_signs(bytes, from);
        let next = skip_number(bytes, next);
        let next = next + if has(bytes, next, "→".as_bytes()) || has(bytes, next, "…".as_bytes()) { 3 } else { 0 };
        let next = next + usize::from(is_diff_sign(bytes, next, next > from));
        if next == from {
            return from;
        }
        from = next;
    }
}

/// Past the signs that are no base64, and the letters of escapes.
fn skip_signs(bytes: &[u8], start: usize) -> usize {
    let is_sign = |byte: u8| byte.is_ascii_whitespace() || b"\"'`,|>.*;()#".contains(&byte);
    let end = run_end(bytes, start, is_sign);
    let letter = run_end(bytes, end, |byte| byte == b'\\');
    letter + usize::from(letter > end && matches!(at(bytes, letter), b'n' | b'r' | b't'))
}

/// Whether the sign at `at` is that of a diff: first on its line, and no dash of a mark. `+` is base64, too.
fn is_diff_sign(bytes: &[u8], at: usize, is_first: bool) -> bool {
    let is_sign = matches!(self::at(bytes, at), b'+' | b'-');
    let is_mark = has(bytes, at + 1, b"-----");
    let is_dash = self::at(bytes, at + 1) == b'-';
    is_sign && (is_mark || (!is_dash && (is_first || before(bytes, at).is_ascii_whitespace())))
}

/// Past the number of a line: `12→`, `12:`, `12|`, a tab.
fn skip_number(bytes: &[u8], start: usize) -> usize {
    let end = run_end(slice(bytes, 0, start + 8), start, |byte| byte.is_ascii_digit());
    let is_number = end > start
        && (matches!(at(bytes, end), b':' | b'|' | b'\t' | b' ') || slice(bytes, end, end + 3) == "→".as_bytes());
    if is_number { end + usize::from(at(bytes, end) == b':') } else { start }
}

/// Past the lines before a body that say how it is encrypted.
fn skip_header(bytes: &[u8], start: usize) -> usize {
    let mut from = start;
    for name in ["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Subject:", "Charset:", "Hash:", "x-"] {
        if has(bytes, from, name.as_bytes()) {
            let end = line_end(bytes, from, 256);
            from = skip_between(bytes, end);
        }
    }
    from
}

/// Where the body begins that ends at `end`, with its first mark missing: at the first of the lines
/// that are base64 and nothing else but what a diff or a listing puts before them.
fn body_start(bytes: &[u8], end: usize) -> usize {
    let low = end.saturating_sub(BACK);
    let (mut start, mut line_end) = (end, end);
    loop {
        let from = line_start(bytes, line_end, line_end - low).unwrap_or(low);
        let is_rest = |byte: u8| matches!(byte, b' ' | b'\t' | b'\\' | b'"' | b'\'' | b',' | b'-');
        let run = run_start(bytes, line_end, line_end - from, is_rest);
        let first = run_start(bytes, run, run - from, is_base64);
        // The sign of a diff before it looks like base64.
        let first = first + usize::from(at(bytes, first) == b'+' && first == from);
        let is_line = skip_between(bytes, from) >= first || matches!(before(bytes, first), b'"' | b'\'' | b'`');
        let is_key = run - first >= RUN;
        if !is_line || !(is_key || (start == end && (run > first || line_end == end))) {
            return start;
        }
        if is_key {
            start = first;
        }
        // Back over the break, which may be escaped.
        let back = run_start(bytes, from, 8, |byte| matches!(byte, b'\n' | b'\r'));
        let back = if back == from { run_start(bytes, from.saturating_sub(1), 64, |byte| byte == b'\\') } else { back };
        if back <= low || back >= line_end {
            return start;
        }
        line_end = back;
    }
}

fn headless(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    if scan.is_covered(literal.start, literal.end) {
        return;
    }
    // The length of an RSA key is before the number that begins it.
    let lead = if at(bytes, literal.start).eq_ignore_ascii_case(&b'i') { 6 } else { 0 };
    let Some(start) = literal.start.checked_sub(lead) else { return };
    let is_first = !before(bytes, start).is_ascii_alphanumeric() || escape_ends(bytes, start);
    if !is_first || !is_private_der(slice(bytes, start, start + 40)) || run_end(bytes, start, is_base64) < start + 24 {
        return;
    }
    let body = body_end(bytes, start, b"");
    if body.keys > 0 {
        scan.secret(literal.rule, start, body.key_end);
    }
}

/// Whether base64 begins as the DER of a private key does: RSA, PKCS #8, EC, Ed25519; or as OpenSSH's.
fn is_private_der(text: &[u8]) -> bool {
    let has_at = |from: usize, part: &[u8]| slice(text, from, from + part.len()) == part;
    let is_long = has_at(0, b"MII");
    text.starts_with(b"b3BlbnNzaC1rZXktdjE")
        || text.starts_with(b"MHcCAQEE")
        || text.starts_with(b"MC4CAQAwBQYDK2V")
        || (text.starts_with(b"MIGHAgEAMBMGByqGSM49"))
        || (is_long && has_at(6, b"IBAAK"))
        || (is_long && has_at(6, b"IBADANBgkqhkiG9w0BAQEF"))
}

fn jwk(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    // The key's object is small: from the brace before to the brace after.
    let low = literal.start.saturating_sub(4096);
    let start = memchr::memrchr(b'{', slice(bytes, low, literal.start)).map_or(literal.start, |found| low + found);
    let window = slice(bytes, literal.end, literal.end + 8192);
    let end = literal.end + memchr::memchr(b'}', window).unwrap_or(window.len());
    if scan.has_looked(literal, end) {
        return;
    }
    let mut from = start;
    while let Some(found) = memchr::memchr(b'"', slice(bytes, from, end)) {
        let name = from + found + 1;
        let name_end = run_end(bytes, name, |byte| byte.is_ascii_alphabetic());
        from = name;
        if !matches!(slice(bytes, name, name_end), b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k") {
            continue;
        }
        let value = run_end(bytes, name_end, |byte| matches!(byte, b'"' | b'\\' | b' ' | b':'));
        let value_end = run_end(bytes, value, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if value_end - value >= RUN {
            scan.secret(literal.rule, value, value_end);
        }
        from = value_end.max(name);
    }
}

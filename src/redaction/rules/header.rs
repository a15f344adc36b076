//! Credentials in HTTP headers, wherever they are written: in a request, a command, code or JSON.

use std::ops::Range;

use super::super::scan::Scan;
use super::super::text::{Quote, at, before, is_one_of, is_word, line_end, run_end, run_start, skip_blanks, slice};
use super::shape::{is_mixed, is_random};
use super::value::Value;
use super::{Find, Literal, Rule, base64};

/// Bytes of a header's value looked at.
const LONGEST: usize = 4 * 1024;

pub(super) const AUTHORIZATION: Rule = Rule {
    id: "authorization",
    description: "the credentials of an Authorization header, whatever its scheme",
    literals: &["authorization"],
    find: Find::Header,
    hits: &[
        "Authorization: Bearer CANARYbearer.abc.def",
        "curl -H 'Authorization: Bearer CANARYhdr' https://example.com",
        "Authorization: Basic dXNlcjpwYXNz",
        "Proxy-Authorization: Basic dXNlcjpwYXNz",
        r#"{"headers": {"Authorization": "Token 0123456789abcdef"}}"#,
        r#".header("Authorization", "ApiKey abcd-1234")"#,
        "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, Signature=0a1b2c3d",
    ],
    misses: &[
        "Authorization: Bearer $TOKEN",
        "Authorization: Bearer ${token}",
        "Authorization: Bearer <token>",
        "headers[\"Authorization\"] = f\"Bearer {token}\"",
        "Authorization: required",
        "authorization is checked by the server",
        "authorization: &Authorization",
    ],
};

pub(super) const BEARER: Rule = Rule {
    id: "bearer",
    description: "a bearer token outside of a header",
    literals: &["bearer ", "bearer+"],
    find: Find::Code(bearer),
    hits: &[
        "use Bearer a1b2c3d4e5f6a7b8c9d0 for it",
        "'Bearer 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'",
        "https://example.com/?header=Authorization:+Bearer+a1b2c3d4e5f6a7b8c9d0",
    ],
    misses: &[
        "bearer+authentication",
        "bearer authentication",
        "Bearer token",
        "Bearer ${accessToken}",
        "the bearer of-this-letter",
    ],
};

pub(super) const BASIC: Rule = Rule {
    id: "basic",
    description: "a user and a password in base64, as the Basic scheme has them",
    literals: &["basic ", "basic+"],
    find: Find::Code(basic),
    hits: &[
        "fetch with Basic YW5uOmh1bnRlcjI= now",
        "https://example.com/?header=Authorization:+Basic+YW5uOmh1bnRlcjI=",
    ],
    misses: &[
        "Basic+information+about+it",
        "basic authentication",
        "Basic information about it",
        "BASIC aGVsbG8gd29ybGQ=",
    ],
};

pub(super) const COOKIE: Rule = Rule {
    id: "cookie",
    description: "the values of session cookies",
    literals: &["cookie"],
    find: Find::Code(cookie),
    hits: &[
        "Cookie: theme=dark; sessionid=38afes7a8",
        "Set-Cookie: sid=s%3Aabcdef0123456789; Path=/; HttpOnly",
        r#"{"cookie": "auth_token=abcdef123456"}"#,
        "curl --cookie 'PHPSESSID=298zf09hf012fh2' https://example.com",
    ],
    misses: &[
        "Cookie: theme=dark",
        "Set-Cookie: lang=en; Path=/",
        "cookie: Cookie",
        "cookies = parse(header)",
        "Cookie: session=$SESSION",
    ],
};

/// Where the value of a header begins whose name ends at `end`, and where it ends.
fn header_value(bytes: &[u8], end: usize) -> Option<(usize, usize, bool)> {
    let after_name = Quote::open(bytes, end).map_or(end, |(_, after)| after);
    let after_name = run_end(slice(bytes, 0, after_name + 2), after_name, |byte| matches!(byte, b']' | b')'));
    let sign = skip_blanks(bytes, after_name);
    let is_value = match (at(bytes, sign), at(bytes, sign + 1)) {
        (b':', b':') => return None,
        (b':' | b'=', _) => true,
        // `("Authorization", "Bearer ...")`
        (b',', _) => after_name > end && Quote::open(bytes, skip_blanks(bytes, sign + 1)).is_some(),
        _ => false,
    };
    let is_flag = sign > end && has_flag(bytes, end);
    if !is_value && !is_flag {
        return None;
    }
    let from = if is_value {
        run_end(slice(bytes, 0, sign + 3), sign, |byte| matches!(byte, b':' | b'=' | b'>' | b','))
    } else {
        sign
    };
    let from = skip_blanks(bytes, from);
    if let Some(value) = Value::quoted(bytes, from) {
        return (!value.is_format || !value.text.contains(&b'{')).then_some((value.start, value.end, true));
    }
    let line = line_end(bytes, from, LONGEST);
    let value_end = run_end(slice(bytes, 0, line), from, |byte| !matches!(byte, b'"' | b'\'' | b'`' | b'<'));
    let value_end = value_end - usize::from(value_end > from && before(bytes, value_end) == b'\\');
    Some((from, value_end, false))
}

/// Whether the name that ends at `end` is an option: `--cookie`.
fn has_flag(bytes: &[u8], end: usize) -> bool {
    slice(bytes, end.saturating_sub(8), end).eq_ignore_ascii_case(b"--cookie")
}

pub(super) fn authorization(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    // `AWS::Config::AggregationAuthorization` is a type.
    let name = run_start(bytes, literal.start, 64, is_word);
    let is_type = slice(bytes, name.saturating_sub(2), name) == b"::";
    let Some((start, end, is_quoted)) = header_value(bytes, literal.end).filter(|_| !is_type) else { return };
    if let Some(found) = credentials(slice(bytes, start, end), start, end, is_quoted) {
        // A digest's parts are quoted themselves: up to the end of the line.
        let is_digest = slice(bytes, start, start + 7).eq_ignore_ascii_case(b"digest ");
        let found_end = if is_digest { line_end(bytes, found.end, LONGEST) } else { found.end };
        scan.secret(literal.rule, found.start, found_end);
    }
}

/// The credentials in a header's value, which is at `start..end` of its text: what comes after the
/// scheme, or all of it if there is none.
pub(super) fn credentials(value: &[u8], start: usize, end: usize, is_quoted: bool) -> Option<Range<usize>> {
    let value = slice(value, value.len().saturating_sub(end - start), value.len());
    let scheme_end = run_end(value, 0, |byte| is_word(byte) || byte == b'-');
    let rest = skip_blanks(value, scheme_end);
    let has_scheme = rest > scheme_end && scheme_end > 0;
    let from = if has_scheme { rest } else { 0 };
    let text = slice(value, from, value.len()).trim_ascii_end();
    let word = slice(text, 0, run_end(text, 0, |byte| byte != b' '));
    if text.len() < 3 || Value::whole(text).is_reference() || is_put_in(text) {
        return None;
    }
    let is_secret = if has_scheme && is_scheme(slice(value, 0, scheme_end)) {
        // A digest and a signature have several parts, all others have one.
        let is_parts = word.len() > 8 && word.contains(&b'=') && !word.ends_with(b"=");
        is_parts || (word.len() == text.len() && !is_spoken_of(text))
    } else {
        word.len() == text.len() && (is_random(text) || ((has_scheme || is_quoted) && is_mixed(text)))
    };
    is_secret.then(|| start + from..start + from + text.len())
}

/// The schemes that are written before credentials.
fn is_scheme(word: &[u8]) -> bool {
    const SCHEMES: &str = "\
    bearer basic token digest negotiate ntlm apikey api-key key bot hawk oauth jwt geniekey ssws \
    aws4-hmac-sha256 splunk snowflake sharedkey sharedaccesssignature hmac zoho-oauthtoken klaviyo-api-key \
    deepl-auth-key github-bearer nostr aws signature";
    is_one_of(word, SCHEMES)
}

/// `Bearer token`: a word that says what stands there.
fn is_spoken_of(text: &[u8]) -> bool {
    const WORDS: &str = "\
    access_token accesstoken authentication authorization scheme header headers tokens realm";
    text.iter().any(|byte| matches!(byte, b'{' | b'(' | b'$' | b'[')) || is_one_of(text, WORDS)
}

/// Whether a text begins as one does that is put in, or as code.
fn is_put_in(text: &[u8]) -> bool {
    matches!(at(text, 0), b'$' | b'{' | b'<' | b'[' | b'+' | b'%' | b'(' | b'=' | b'"' | b'\'' | b'&')
}

fn bearer(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    if is_word(before(bytes, literal.start)) && before(bytes, literal.start.saturating_sub(1)) != b'\\' {
        return;
    }
    let start = skip_blanks(bytes, literal.end);
    let end = run_end(slice(bytes, 0, start + LONGEST), start, super::super::text::is_token);
    let text = slice(bytes, start, end);
    let is_token =
        text.len() >= 16 && !Value::whole(text).is_reference() && text.iter().any(u8::is_ascii_digit) && is_mixed(text);
    if is_token {
        scan.secret(literal.rule, start, end);
    }
}

fn basic(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let start = skip_blanks(bytes, literal.end);
    let end = run_end(slice(bytes, 0, start + LONGEST), start, super::super::text::is_token);
    let has_colon = base64::decoded(slice(bytes, start, end)).is_some_and(|text| text.contains(':'));
    if has_colon {
        scan.secret(literal.rule, start, end);
    }
}

/// Cookies that are no secret: attributes of a `Set-Cookie`.
const ATTRIBUTES: &str = "\
    path domain expires max-age samesite priority version";

/// What the name of a cookie has in it that is one.
const SESSIONS: &str = "\
    sess sid auth token jwt csrf xsrf remember login secret credential ticket identity";

fn cookie(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let Some((start, end, _)) = header_value(bytes, literal.end) else { return };
    if scan.has_looked(literal, end) {
        return;
    }
    let mut from = start;
    while from < end {
        let pair_end = run_end(slice(bytes, 0, end), from, |byte| byte != b';');
        let name_end = run_end(slice(bytes, 0, pair_end), from, |byte| byte != b'=');
        if is_session(slice(bytes, from, name_end), slice(bytes, name_end + 1, pair_end)) {
            scan.secret(literal.rule, name_end + 1, pair_end);
        }
        from = skip_blanks(bytes, pair_end + 1);
    }
}

fn is_session(name: &[u8], value: &[u8]) -> bool {
    let is_named = SESSIONS.split(' ').any(|part| contains(name, part.as_bytes()));
    let whole = Value::whole(value);
    name.iter().all(|&byte| is_word(byte) || matches!(byte, b'-' | b'.' | b'%' | b'[' | b']'))
        && !is_one_of(name, ATTRIBUTES)
        && !whole.is_reference()
        && !is_put_in(value)
        && ((is_named && value.len() >= 6 && is_mixed(value)) || is_random(value))
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

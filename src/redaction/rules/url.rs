//! Credentials in URLs.

use super::super::scan::Scan;
use super::super::text::{at, before, has, is_one_of, is_word, run_end, run_start, slice};
use super::shape::is_random;
use super::value::Value;
use super::{Find, Literal, Rule};

/// Bytes in which the part of a URL before its path must end.
const LONGEST: usize = 4096;

pub(super) const PASSWORD: Rule = Rule {
    id: "url-password",
    description: "the password, or a token, before the host of a URL",
    literals: &["://", "@tcp(", "@unix(", "@localhost", "@127.0.0.1", ":thin:"],
    find: Find::Code(password),
    hits: &[
        "postgres://admin:CANARYurlpw@db.internal/prod",
        "redis://:hunter2@cache:6379/0",
        "https://0123456789abcdef0123@example.com/r.git",
        "mongodb+srv://ann:p%40ss@cluster0.example.net/?w=majority",
        "amqp://guest:p/w@mq:5672",
        "amqp://guest:guest@mq.internal:5672",
        "postgres://postgres:postgres1@localhost/app",
        "postgres://postgres:postgres@localhost.example.com/app",
        "ann:hunter2@tcp(127.0.0.1:3306)/app",
        "jdbc:oracle:thin:ann/hunter2@//db:1521/x",
    ],
    misses: &[
        "https://git@example.com/r.git",
        "ssh://git@example.com:22/r.git",
        "https://example.com/@ann:x",
        "https://user:password@example.com",
        "https://$USER:$PASS@example.com",
        "postgres://${USER}:${PASS}@db/x",
        "http://localhost:8080/users/a@b.c",
        "https://user:<password>@example.com",
        "amqp://guest:guest@localhost:5672//",
        "postgres:postgres@127.0.0.1:5432/app",
    ],
};

pub(super) const SIGNATURE: Rule = Rule {
    id: "url-signature",
    description: "the signature or the key of a signed URL",
    literals: &["sig=", "signature=", "amz-credential=", "key=", "code=", "ticket=", "sas="],
    find: Find::Code(signature),
    hits: &[
        "https://b.s3.amazonaws.com/o?X-Amz-Expires=60&X-Amz-Signature=0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "https://a.blob.core.windows.net/c/b?sv=2024-01-01&sig=aB3dE5gH7jK9mN1pQ3sT5vW7yZ9%2Bc%3D",
        "https://maps.example.com/js?key=aB3dE5gH7jK9mN1pQ3sT",
        "https://example.com/callback?code=4f9a8b7c6d5e4f3a2b1c",
    ],
    misses: &[
        "?key=name",
        "&code=200",
        "https://example.com/?sig=none",
        "if (key=value) {",
        "?code=E0308",
        "https://play.example.com/?code=0x01+//+QNaN%0A0x02+a1b2c3d4e5f6",
    ],
};

fn password(scan: &mut Scan<'_>, literal: Literal) {
    if slice(scan.bytes, literal.start, literal.end) != b"://" {
        return driver(scan, literal);
    }
    let bytes = scan.bytes;
    let start = literal.end;
    let Some(at_sign) = user_end(bytes, start) else { return };
    let name_end = run_end(slice(bytes, 0, at_sign), start, |byte| byte != b':');
    if name_end < at_sign {
        let (name, password) = (slice(bytes, start, name_end), slice(bytes, name_end + 1, at_sign));
        if is_password(password, name) && !is_default(bytes, name, password, at_sign) {
            scan.secret(literal.rule, name_end + 1, at_sign);
        }
    } else if is_random(slice(bytes, start, at_sign)) {
        scan.secret(literal.rule, start, at_sign);
    }
}

/// The `@` that ends the user and password of the URL whose host part begins at `start`.
fn user_end(bytes: &[u8], start: usize) -> Option<usize> {
    let most = slice(bytes, 0, start.saturating_add(LONGEST));
    let host_end = run_end(most, start, |byte| {
        byte > b' ' && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b'|')
    });
    // `<password>` is in there, too, in what people write for people.
    let end = if matches!(at(bytes, host_end), b'<') {
        run_end(most, host_end, |byte| byte > b' ' && !matches!(byte, b'/' | b'"' | b'\''))
    } else {
        host_end
    };
    if let Some(found) = memchr::memrchr(b'@', slice(bytes, start, end)) {
        return Some(start + found);
    }
    // A slash in a password ought to be escaped, and often is not. What is before it is no port then.
    let colon = run_end(slice(bytes, 0, host_end), start, |byte| byte != b':');
    let is_port = slice(bytes, colon + 1, host_end).iter().all(u8::is_ascii_digit);
    if at(bytes, host_end) != b'/' || colon >= host_end || is_port {
        return None;
    }
    let wide = run_end(slice(bytes, 0, host_end + 128), host_end, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b'@')
    });
    (at(bytes, wide) == b'@').then_some(wide)
}

fn is_password(text: &[u8], name: &[u8]) -> bool {
    let is_dots = text.iter().all(|&byte| matches!(byte, b'*' | b'.' | b'x' | b'-'));
    !text.is_empty()
        && !is_dots
        && !Value::whole(text).is_reference()
        && !matches!(at(text, 0), b'$' | b'{' | b'<' | b'[' | b'%' if !is_escape(text))
        && !matches!(at(name, 0), b'<' | b'{')
        && !text.iter().any(|byte| matches!(byte, b'{' | b'}' | b'(' | b')' | b'<' | b'>'))
}

/// Users whose password is their name wherever nobody gave them another, as in `guest:guest@localhost`.
const DEFAULTS: &str = "guest postgres root admin user test minioadmin rabbitmq mysql mongo";

/// Whether a login is what a program on this very machine has from the start: everybody knows it.
fn is_default(bytes: &[u8], name: &[u8], password: &[u8], at_sign: usize) -> bool {
    let is_here = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
        let end = at_sign + 1 + host.len();
        has(bytes, at_sign + 1, host.as_bytes()) && !is_word(at(bytes, end)) && !matches!(at(bytes, end), b'.' | b'-')
    });
    is_here && name == password && is_one_of(name, DEFAULTS)
}

fn is_escape(text: &[u8]) -> bool {
    at(text, 0) == b'%' && at(text, 1).is_ascii_hexdigit() && at(text, 2).is_ascii_hexdigit()
}

/// `user:password@tcp(host)`, as Go spells it for its driver, and `thin:user/password@host`, as Oracle's.
fn driver(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let is_part = |byte: u8| {
        byte > b' ' && !matches!(byte, b'"' | b'\'' | b'`' | b'=' | b'\\' | b'<' | b'>' | b'(' | b'/' | b':' | b'@')
    };
    if at(bytes, literal.start) == b':' {
        let name_end = run_end(slice(bytes, 0, literal.end + 128), literal.end, is_part);
        let end = run_end(slice(bytes, 0, name_end + 128), name_end + 1, is_part);
        let is_login = at(bytes, name_end) == b'/' && at(bytes, end) == b'@';
        if is_login && is_password(slice(bytes, name_end + 1, end), slice(bytes, literal.end, name_end)) {
            scan.secret(literal.rule, name_end + 1, end);
        }
        return;
    }
    let password = run_start(bytes, literal.start, 128, is_part);
    let name = run_start(bytes, password.saturating_sub(1), 128, is_part);
    let is_login = before(bytes, password) == b':' && name + 1 < password && before(bytes, name) != b'/';
    let (name, text) = (slice(bytes, name, password.saturating_sub(1)), slice(bytes, password, literal.start));
    if is_login && is_password(text, name) && !is_default(bytes, name, text, literal.start) {
        scan.secret(literal.rule, password, literal.start);
    }
}

fn signature(scan: &mut Scan<'_>, literal: Literal) {
    let bytes = scan.bytes;
    let name = run_start(bytes, literal.start, 24, |byte| is_word(byte) || byte == b'-');
    if !matches!(before(bytes, name), b'?' | b'&' | b';' | b'#') {
        return;
    }
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~')
    };
    let end = run_end(bytes, literal.end, is_part);
    let text = slice(bytes, literal.end, end);
    // A playground has a program in its address.
    let is_program = has(bytes, literal.start, b"code=")
        && (text.len() > 256 || text.contains(&b'+') || memchr::memmem::find(text, b"%0A").is_some());
    if is_random(text) && !is_program {
        scan.secret(literal.rule, literal.end, end);
    }
}

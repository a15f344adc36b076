//! What other programs say, made fit for a person: no control characters, no credentials.

/// Where a URL ends inside running text: white space, quotes and brackets.
fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>' | '`')
}

fn is_scheme(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

/// Takes credentials out of every URL in a text: `https://user:token@host/x?key=1` becomes
/// `https://host/x`. The user of an ssh URL (`ssh://git@host`) is no credential and stays; its
/// password goes.
#[must_use]
pub fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let scheme = before.rsplit(|c| !is_scheme(c)).next().unwrap_or_default();
        out.push_str(before);
        out.push_str("://");
        let (url, tail) = after.split_at(after.find(ends_url).unwrap_or(after.len()));
        redact_rest(scheme, url, &mut out);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The part of a URL behind `://`.
fn redact_rest(scheme: &str, url: &str, out: &mut String) {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    match (authority.rsplit_once('@'), path.rsplit_once('@')) {
        (Some((user, host)), _) => {
            if scheme.to_ascii_lowercase().ends_with("ssh") {
                out.push_str(user.split(':').next().unwrap_or_default());
                out.push('@');
            }
            out.push_str(host);
            out.push_str(path);
        }
        // No host ends in a colon and letters: this was a password with a slash in it.
        (None, Some((_, rest))) if authority.contains(':') && !has_port(authority) => out.push_str(rest),
        (None, _) => out.push_str(url),
    }
}

/// Whether what follows the host is a port or nothing (`[::1]:80`, `host:8080`, `host:`).
fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(host, port)| {
        port.bytes().all(|b| b.is_ascii_digit()) && (!host.contains(':') || host.starts_with('['))
    })
}

/// A text without what a terminal would obey: C0 and C1 controls, escape sequences (with their
/// parameters), and the characters that turn the direction of writing. Line feeds stay; tabs become
/// spaces.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            '\u{1b}' => match chars.next() {
                Some('[') => skip_control_sequence(&mut chars),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut chars),
                _ => {}
            },
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            c if c.is_control() || turns_direction(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// `ESC [ parameters final`: the final byte is 0x40 to 0x7e.
fn skip_control_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next_if(|c| ('\u{20}'..='\u{7e}').contains(c)) {
        if c >= '\u{40}' {
            return;
        }
    }
}

/// An operating system command and its kin: up to BEL or ST, at most to the end of the line.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next_if(|&c| c != '\n') {
        if matches!(c, '\u{7}' | '\u{9c}') {
            return;
        }
        if c == '\u{1b}' {
            chars.next_if_eq(&'\\');
            return;
        }
    }
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a program wrote, as it may be shown: known secrets first, then all URLs, then controls.
pub(super) fn presentable(raw: &[u8], secrets: &[String]) -> String {
    let mut text = String::from_utf8_lossy(raw).into_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= 3) {
        text = text.replace(secret.as_str(), "***");
    }
    redact_urls(&printable(&text.replace("\r\n", "\n").replace('\r', "\n")))
}

/// The lines a program printed for other programs: controls but tabs gone, credentials gone.
pub(in crate::git) fn report_lines(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let field = |field: &str| redact_urls(&printable(field));
    text.lines().map(|line| line.split('\t').map(field).collect::<Vec<_>>().join("\t")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_every_url_of_a_text() {
        for (from, to) in [
            (
                "fatal: unable to access 'https://u:tok@h.example/x.git/': no",
                "fatal: unable to access 'https://h.example/x.git/': no",
            ),
            ("https://ghp_token@github.com/o/r", "https://github.com/o/r"),
            ("a https://a:b@h/1 b http://c@h:8080/2?private_token=x c", "a https://h/1 b http://h:8080/2 c"),
            ("https://user@corp:p@ss@h/x", "https://h/x"),
            ("https://user:pa/ss@h/x", "https://h/x"),
            ("ssh://git@h/x and ssh://git:pw@h:22/x", "ssh://git@h/x and ssh://git@h:22/x"),
            ("git@github.com:o/r.git", "git@github.com:o/r.git"),
            ("https://h/x/@scope/y", "https://h/x/@scope/y"),
            ("https://h:8443/x/@scope/y", "https://h:8443/x/@scope/y"),
            ("https://[::1]:80/@y", "https://[::1]:80/@y"),
            ("no url: // at all", "no url: // at all"),
            ("ends with https://", "ends with https://"),
            ("transport::https://u:t@h/x", "transport::https://h/x"),
        ] {
            assert_eq!(redact_urls(from), to);
        }
    }

    #[test]
    fn a_terminal_finds_nothing_to_obey() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\u{7}\u{8}"), "red");
        assert_eq!(printable("\u{1b}]0;title\u{7}x\u{1b}]8;;http://h\u{1b}\\y"), "xy");
        assert_eq!(printable("a\u{9b}2Jb\u{202e}c\u{2066}d\r\ne\tf"), "abcd\ne f");
        assert_eq!(printable("\u{1b}]open\nnext"), "\nnext");
        assert_eq!(printable("naïve 日本語"), "naïve 日本語");
    }

    #[test]
    fn a_known_secret_goes_even_outside_of_a_url() {
        let text = presentable(b"could not resolve host: s3cret@h\r\nbye", &["s3cret".to_owned()]);
        assert_eq!(text, "could not resolve host: ***@h\nbye");
    }
}

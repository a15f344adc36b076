//! The address of a remote: with care for the credentials it may hold.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::process::text;

/// The address of a remote repository as git gives it, credentials and all. It prints itself without
/// them; [`RemoteUrl::expose`] is the only way to the exact text.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    raw: OsString,
}

/// A user name and perhaps a password, percent-decoded, as they stood in a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name. May itself be a token.
    pub user: String,
    /// The password.
    pub password: Option<String>,
}

impl RemoteUrl {
    /// An address as git hands it to a hook or as a configuration has it.
    pub fn new(raw: impl Into<OsString>) -> Self {
        Self { raw: raw.into() }
    }

    /// The exact address. Never print it, never put it into a command line.
    pub fn expose(&self) -> &OsStr {
        &self.raw
    }

    /// What of the address must not be seen anywhere: user and password as written and decoded, and
    /// the values of a query.
    pub(super) fn secrets(&self) -> Vec<String> {
        let raw = self.raw.to_string_lossy();
        let Some((scheme, rest)) = raw.split_once("://") else { return Vec::new() };
        let (userinfo, tail) = split_userinfo(rest);
        let mut secrets = Vec::new();
        if let Some(userinfo) = userinfo {
            let (user, password) = split_login(userinfo);
            let user = (!is_ssh(scheme)).then_some(user);
            for part in [user, password].into_iter().flatten() {
                secrets.push(part.to_owned());
                secrets.push(percent_decode(part));
            }
        }
        if let Some((_, query)) = tail.split_once('?') {
            secrets.extend(query.split(['&', '#']).filter_map(|pair| pair.split_once('=')).map(|(_, v)| v.to_owned()));
        }
        // The longest first, so that no part of one is left behind by another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets
    }

    /// The address without its login, and the login, where git itself would send it by HTTP or FTP.
    /// An ssh user is part of the address and stays.
    pub(super) fn without_login(&self) -> (OsString, Option<Login>) {
        let Some(raw) = self.raw.to_str() else { return (self.raw.clone(), None) };
        let Some((scheme, rest)) = raw.split_once("://") else { return (self.raw.clone(), None) };
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ftp" | "ftps") {
            return (self.raw.clone(), None);
        }
        let (Some(userinfo), tail) = split_userinfo(rest) else { return (self.raw.clone(), None) };
        let (user, password) = split_login(userinfo);
        let login = Login { user: percent_decode(user), password: password.map(percent_decode) };
        (format!("{scheme}://{tail}").into(), Some(login))
    }

    /// One spelling of the address, without credentials, query, default port, trailing slashes and
    /// `.git`; a local path becomes a `file://` address, relative ones below `base`. Two addresses with
    /// one spelling are one destination.
    #[must_use]
    pub fn normalised(&self, base: &Path) -> String {
        let raw = self.raw.to_string_lossy();
        if let Some((scheme, rest)) = raw.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', ':'])) {
            let scheme = scheme.to_ascii_lowercase();
            if scheme == "file" {
                return file_address(Path::new(&format!("/{}", rest.trim_start_matches('/'))), base);
            }
            return normalised_url(&scheme, rest);
        }
        match scp_like(&raw) {
            Some((host, path)) => {
                let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
                let user = user.map(|user| format!("{}@", user.split(':').next().unwrap_or_default()));
                format!("{}{}:{}", user.unwrap_or_default(), host.to_ascii_lowercase(), trim_path(path))
            }
            None if raw.contains("::") => text::redact_urls(&raw),
            None => file_address(Path::new(&self.raw), base),
        }
    }

    /// A short name of the destination that tells nothing about it: 16 hex digits of the SHA-256 of
    /// its one spelling.
    #[must_use]
    pub fn digest(&self, base: &Path) -> String {
        short_digest(self.normalised(base).as_bytes())
    }
}

/// The first 16 hex digits of the SHA-256 of some bytes.
pub(super) fn short_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(digit.into(), 16));
        }
        hex
    })
}

fn normalised_url(scheme: &str, rest: &str) -> String {
    let (userinfo, tail) = split_userinfo(rest);
    let tail = tail.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = tail.split_at(tail.find('/').unwrap_or(tail.len()));
    let user = userinfo.filter(|_| is_ssh(scheme)).map(|info| format!("{}@", split_login(info).0));
    let default = match scheme {
        "http" => ":80",
        "https" => ":443",
        "git" => ":9418",
        _ if is_ssh(scheme) => ":22",
        _ => ":",
    };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(default).unwrap_or(&host);
    format!("{scheme}://{}{host}{}", user.unwrap_or_default(), trim_path(path))
}

fn trim_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/')
}

/// `[user@]host:path`, by git's rule: a colon before any slash. On Windows `C:` is a drive.
fn scp_like(raw: &str) -> Option<(&str, &str)> {
    let (host, path) = raw.split_once(':')?;
    let drive = cfg!(windows) && host.len() == 1;
    (!host.contains('/') && !path.starts_with(':') && !drive).then_some((host, path))
}

/// A local path, absolute, with `.` and `..` resolved by name alone.
fn file_address(path: &Path, base: &Path) -> String {
    let mut whole = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    format!("file://{}", trim_path(&whole.to_string_lossy()))
}

fn is_ssh(scheme: &str) -> bool {
    scheme.to_ascii_lowercase().ends_with("ssh")
}

/// The login before a host, if there is one, and the rest. git ends the host at `/`, `?` or `#`.
fn split_userinfo(rest: &str) -> (Option<&str>, &str) {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    match authority.find('@') {
        Some(at) => {
            let (user, tail) = rest.split_at(at);
            (Some(user), tail.strip_prefix('@').unwrap_or(tail))
        }
        None => (None, rest),
    }
}

fn split_login(userinfo: &str) -> (&str, Option<&str>) {
    userinfo.split_once(':').map_or((userinfo, None), |(user, password)| (user, Some(password)))
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::printable(&text::redact_urls(&self.raw.to_string_lossy())))
    }
}

impl fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &str) -> String {
        RemoteUrl::new(raw).normalised(Path::new("/srv/tree"))
    }

    #[test]
    fn one_destination_has_one_spelling() {
        for (raw, spelling) in [
            ("https://user:tok@GitHub.com/o/r.git/", "https://github.com/o/r"),
            ("https://github.com:443/o/r?private_token=1", "https://github.com/o/r"),
            ("HTTPS://github.com/O/r", "https://github.com/O/r"),
            ("http://h:8080/x.git", "http://h:8080/x"),
            ("ssh://git@h:22/x.git", "ssh://git@h/x"),
            ("ssh://git:pw@h:2222/x", "ssh://git@h:2222/x"),
            ("git@GitHub.com:o/r.git", "git@github.com:o/r"),
            ("host:x", "host:x"),
            ("/srv/x.git", "file:///srv/x"),
            ("file:///srv/x.git", "file:///srv/x"),
            ("../x.git", "file:///srv/x"),
            ("./a:b", "file:///srv/tree/a:b"),
            ("ext::ssh -p 1 https://u:t@h/x", "ext::ssh -p 1 https://h/x"),
        ] {
            assert_eq!(normal(raw), spelling, "{raw}");
        }
        assert_ne!(normal("http://h/x"), normal("https://h/x"));
    }

    #[test]
    fn the_digest_of_a_destination_does_not_depend_on_the_token() {
        let digest = |raw: &str| RemoteUrl::new(raw).digest(Path::new("/"));
        assert_eq!(digest("https://a:b@github.com/o/r.git"), digest("https://github.com/o/r"));
        // printf %s https://github.com/o/r | sha256sum
        assert_eq!(short_digest(b"https://github.com/o/r"), "97393e7e6b5ab8df");
    }

    #[test]
    fn the_login_of_a_url_is_taken_apart_and_decoded() {
        let (url, login) = RemoteUrl::new("https://us%40er:p%2Fw@h/x.git").without_login();
        assert_eq!(url, "https://h/x.git");
        assert_eq!(login, Some(Login { user: "us@er".into(), password: Some("p/w".into()) }));
        let (url, login) = RemoteUrl::new("https://token@h/x").without_login();
        assert_eq!((url.to_str(), login.and_then(|l| l.password)), (Some("https://h/x"), None));
        for untouched in ["ssh://git@h/x", "git@h:x", "/a/@b", "https://h/@x"] {
            assert_eq!(RemoteUrl::new(untouched).without_login(), (untouched.into(), None));
        }
    }

    #[test]
    fn a_url_prints_without_its_credentials() {
        let url = RemoteUrl::new("https://user:tok%2Fen@h/x?key=value1\u{1b}[2J");
        assert_eq!(format!("{url} {url:?}"), "https://h/x RemoteUrl(https://h/x)");
        assert_eq!(url.secrets(), ["value1\u{1b}[2J", "tok%2Fen", "tok/en", "user"]);
    }

    #[test]
    fn broken_percent_escapes_stay_as_they_are() {
        assert_eq!(percent_decode("%zz%4%41%"), "%zz%4A%");
    }
}

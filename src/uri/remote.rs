//! The remote that an address is at, and the remote that a URL names.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::BadUri;

/// The schemes that git speaks itself. Any other would start a helper program of that name.
const SCHEMES: [(&str, &str); 5] = [("https", "443"), ("http", "80"), ("ssh", "22"), ("git", "9418"), ("file", "")];

/// A remote repository. A login is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remote {
    /// At github.com.
    GitHub(Repository),
    /// At gitlab.com.
    GitLab(Project),
    /// Anywhere else.
    Git(CloneUrl),
}

/// A repository at github.com.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    owner: String,
    name: String,
}

/// A project at gitlab.com: groups and a name, joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Project(String);

/// What git can clone from: a URL of a scheme that git speaks itself, `user@host:path`, or an absolute path. Without
/// password, query and anything that git would take for an option or a helper.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CloneUrl(String);

impl Remote {
    /// The remote that a URL names, as git understands URLs. Its login is dropped (an ssh user stays: it is part of
    /// the address).
    ///
    /// # Errors
    /// When it is no URL that others could clone from: a relative path, a helper's address.
    pub fn of_url(url: &str) -> Result<Self, BadUri> {
        let url = CloneUrl::without_login(url)?;
        let known = url.host_and_path().and_then(|(host, path)| {
            let path = path.trim_start_matches('/');
            match host {
                "github.com" | "www.github.com" | "ssh.github.com" => {
                    let (owner, name) = path.split_once('/')?;
                    Repository::new(owner, without_git(name)).ok().map(Self::GitHub)
                }
                "gitlab.com" | "www.gitlab.com" | "altssh.gitlab.com" => {
                    Project::new(without_git(path)).ok().map(Self::GitLab)
                }
                _ => None,
            }
        });
        Ok(known.unwrap_or(Self::Git(url)))
    }

    /// Where git clones it from.
    pub fn url(&self) -> String {
        match self {
            Self::GitHub(Repository { owner, name }) => format!("https://github.com/{owner}/{name}.git"),
            Self::GitLab(Project(project)) => format!("https://gitlab.com/{project}.git"),
            Self::Git(CloneUrl(url)) => url.clone(),
        }
    }

    /// Whether both are one repository, as far as their names tell: with and without `.git`, and in any letter case
    /// where the host does not mind.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Git(one), Self::Git(other)) => without_git(&one.0) == without_git(&other.0),
            (Self::GitHub(_), Self::GitHub(_)) | (Self::GitLab(_), Self::GitLab(_)) => {
                self.url().eq_ignore_ascii_case(&other.url())
            }
            _ => false,
        }
    }
}

impl fmt::Display for Remote {
    /// As it stands in an address: `gh/<owner>/<repo>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(Repository { owner, name }) => write!(f, "gh/{owner}/{name}"),
            Self::GitLab(Project(project)) => write!(f, "gl/{}", URL_SAFE_NO_PAD.encode(project)),
            Self::Git(CloneUrl(url)) => write!(f, "git/{}", URL_SAFE_NO_PAD.encode(url)),
        }
    }
}

impl Repository {
    /// A repository by its owner and name, without `.git`.
    ///
    /// # Errors
    /// When GitHub has no such names.
    pub fn new(owner: &str, name: &str) -> Result<Self, BadUri> {
        if !is_name(owner) {
            return Err(BadUri::part("owner", "is no name at github.com"));
        }
        if !is_name(name) || without_git(name) != name {
            return Err(BadUri::part("repository", "is no name at github.com (it goes without .git)"));
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

impl Project {
    /// A project by its full path, without `.git`.
    ///
    /// # Errors
    /// When GitLab has no such paths.
    pub fn new(path: &str) -> Result<Self, BadUri> {
        if !path.contains('/') || !path.split('/').all(is_name) || without_git(path) != path {
            return Err(BadUri::part("project", "is no path at gitlab.com (it goes without .git)"));
        }
        Ok(Self(path.to_owned()))
    }

    pub(super) fn from_base64(text: &str) -> Result<Self, BadUri> {
        Self::new(&from_base64("project", text)?)
    }
}

impl CloneUrl {
    /// A URL as it is.
    ///
    /// # Errors
    /// When git could not clone from it everywhere, or it has a login in it.
    pub fn new(url: &str) -> Result<Self, BadUri> {
        let plain = Self::without_login(url)?;
        if plain.0 == url { Ok(plain) } else { Err(BadUri::part("remote", "is not a plain URL, or has a login in it")) }
    }

    pub(super) fn from_base64(text: &str) -> Result<Self, BadUri> {
        Self::new(&from_base64("remote", text)?)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes out what is nobody's business, and writes the rest in one way: the host in lower case, no default port,
    /// no slashes at the end.
    fn without_login(url: &str) -> Result<Self, BadUri> {
        let bad = |why| Err(BadUri::part("remote", why));
        if url.contains(char::is_control) || url.is_empty() {
            return bad("is empty, or has control characters");
        }
        if let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', ':'])) {
            let lower = scheme.to_ascii_lowercase();
            let Some((scheme, port)) = SCHEMES.iter().find(|(known, _)| *known == lower) else {
                return bad("has a scheme other than https, http, ssh, git, file");
            };
            return Self::of_scheme(scheme, port, rest);
        }
        if url.starts_with('/') {
            let path = trim_slashes(url);
            return if path.is_empty() { bad("is no repository") } else { Ok(Self(path.to_owned())) };
        }
        match url.split_once(':') {
            // git's rule: a colon before any slash. Two of them would be a helper's address.
            Some((host, path)) if !host.contains('/') && !path.starts_with(':') => Self::of_scp(host, path),
            _ => bad("is a relative path, which means nothing elsewhere"),
        }
    }

    fn of_scheme(scheme: &str, default_port: &str, rest: &str) -> Result<Self, BadUri> {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host.to_ascii_lowercase()),
            None => (None, authority.to_ascii_lowercase()),
        };
        let host = host.strip_suffix(&format!(":{default_port}")).unwrap_or(&host);
        let path = trim_slashes(path);
        let is_good =
            |host: &str| host.split(':').next().is_some_and(|name| !name.is_empty()) && !host.starts_with('-');
        if path.is_empty() || (scheme == "file") != host.is_empty() || (scheme != "file" && !is_good(host)) {
            return Err(BadUri::part("remote", "has no host, or no path"));
        }
        let user = login.filter(|_| scheme == "ssh").and_then(|login| login.split(':').next());
        if user.is_some_and(|user| user.is_empty() || user.starts_with('-')) {
            return Err(BadUri::part("remote", "has no user before its @"));
        }
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        Ok(Self(format!("{scheme}://{user}{host}{path}")))
    }

    fn of_scp(host: &str, path: &str) -> Result<Self, BadUri> {
        let (user, name) = host.rsplit_once('@').map_or((None, host), |(user, name)| (Some(user), name));
        let path = trim_slashes(path);
        let is_good = |text: &str| !text.is_empty() && !text.starts_with('-');
        // `user:password@host:path` is none for git, but somebody may have meant it.
        let may_hold_password = path.split('/').next().is_some_and(|first| first.contains('@'));
        if !is_good(name) || !user.is_none_or(is_good) || !is_good(path) || may_hold_password {
            return Err(BadUri::part("remote", "is no host and path that git can clone from"));
        }
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        Ok(Self(format!("{user}{}:{path}", name.to_ascii_lowercase())))
    }

    /// The host without its port, and the path; nothing for a path on this machine.
    fn host_and_path(&self) -> Option<(&str, &str)> {
        let (authority, path) = match self.0.split_once("://") {
            Some((_, rest)) => rest.split_at(rest.find('/')?),
            None if self.0.starts_with('/') => return None,
            None => self.0.split_once(':')?,
        };
        let host = authority.rsplit('@').next()?;
        Some((host.split(':').next()?, path))
    }
}

/// What is in the names at both hosts: letters, digits, `-`, `_`, `.`; none that a command or a path could misread.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=255).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with('-')
        && !matches!(text, "." | "..")
}

fn without_git(path: &str) -> &str {
    path.strip_suffix(".git").unwrap_or(path)
}

fn trim_slashes(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn from_base64(part: &'static str, text: &str) -> Result<String, BadUri> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadUri::part(part, "is no base64url without padding"))?;
    String::from_utf8(bytes).map_err(|_| BadUri::part(part, "is not UTF-8"))
}

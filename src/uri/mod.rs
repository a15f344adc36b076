//! `os://` addresses: what they say, and their one spelling.
//!
//! ```text
//! os://src/local/<sha256>                                     registered on this machine
//! os://src/gh/<owner>/<repo>/ref/<ref_enc>/path/<path...>     at github.com
//! os://src/gl/<project_b64>/ref/<ref_enc>/path/<path...>      at gitlab.com
//! os://src/git/<remote_b64>/ref/<ref_enc>/path/<path...>      at any other remote
//! os://artifact/<sha256>                                      a handoff
//! ```
//!
//! `ref_enc` and the parts of a path are percent-encoded (RFC 3986: all but letters, digits, `-._~`), `*_b64` is
//! base64url without padding. A web viewer has the remote ones under the same names: `/src/gh/...`.
//!
//! Parsing and printing are inverse: an address has one spelling, and another is refused with the right one. What
//! parses can be handed to git: no part is an option, a helper program, a login, or a way out of its folder.
//!
//! ```
//! use git_opensession::uri::{Reference, Remote, RemoteSource, Source, SourcePath, Uri};
//! let source = RemoteSource {
//!     remote: Remote::of_url("git@github.com:ann/greeter.git")?,
//!     reference: Reference::new("refs/opensession/branches/bWFpbg")?,
//!     path: SourcePath::new("sessions/a.jsonl")?,
//! };
//! let web = source.web_path();
//! let uri = Uri::Source(Source::Remote(source));
//! let text = "os://src/gh/ann/greeter/ref/refs%2Fopensession%2Fbranches%2FbWFpbg/path/sessions/a.jsonl";
//! assert_eq!(uri.to_string(), text);
//! assert_eq!(text.parse::<Uri>()?, uri);
//! assert_eq!(web, text.replacen("os:/", "", 1));
//! # Ok::<(), git_opensession::uri::BadUri>(())
//! ```

mod parts;
mod percent;
mod remote;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use parts::{ObjectName, Reference, SourcePath};
pub use remote::{CloneUrl, Project, Remote, Repository};

/// The beginning of every address.
pub const SCHEME: &str = "os://";

/// The longest address that is read, in bytes.
const LONGEST: usize = 16 << 10;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Uri {
    /// Of a session.
    Source(Source),
    /// Of a handoff.
    Artifact(ObjectName),
}

/// Where a session is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// On this machine: registered in the repository or beside all of them.
    Local(ObjectName),
    /// Where others can read it, too.
    Remote(RemoteSource),
}

/// A file on a ref of a remote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteSource {
    /// The remote.
    pub remote: Remote,
    /// The ref.
    pub reference: Reference,
    /// The file.
    pub path: SourcePath,
}

/// A text that is no address. Quotes nothing but the right spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUri {
    /// It does not begin with `os://`.
    #[error("not an address: it does not begin with {SCHEME}")]
    Scheme,
    /// It is longer than any address.
    #[error("not an address: longer than {LONGEST} bytes")]
    TooLong,
    /// It is neither a source nor an artifact, or it has too few or too many parts.
    #[error(
        "not an address: one of os://src/local/<sha256>, os://src/gh/<owner>/<repo>/ref/<ref>/path/<path>, \
         os://src/gl/<project>/ref/<ref>/path/<path>, os://src/git/<remote>/ref/<ref>/path/<path>, \
         os://artifact/<sha256>"
    )]
    Shape,
    /// A part of it is not what it should be.
    #[error("not an address: the {part} {why}")]
    Part {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It means something, and that is spelled in another way.
    #[error("not the spelling of an address: write {right}")]
    Spelling {
        /// The right one.
        right: String,
    },
}

impl BadUri {
    fn part(part: &'static str, why: &'static str) -> Self {
        Self::Part { part, why }
    }
}

impl Uri {
    /// Whether a text is meant as an address, good or bad.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => source.fmt(f),
            Self::Artifact(name) => write!(f, "{SCHEME}artifact/{name}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => write!(f, "{SCHEME}src/local/{name}"),
            Self::Remote(source) => source.fmt(f),
        }
    }
}

impl fmt::Display for RemoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.below_scheme())
    }
}

impl RemoteSource {
    /// Where a web viewer shows it: `/src/gh/...`.
    pub fn web_path(&self) -> String {
        format!("/{}", self.below_scheme())
    }

    /// Reads [`RemoteSource::web_path`].
    ///
    /// # Errors
    /// When it is no such path, or not spelled as that prints it.
    pub fn from_web_path(path: &str) -> Result<Self, BadUri> {
        let below = path.strip_prefix('/').ok_or(BadUri::Shape)?;
        match parse(below)? {
            Uri::Source(Source::Remote(source)) if source.web_path() == path => Ok(source),
            Uri::Source(Source::Remote(source)) => Err(BadUri::Spelling { right: source.web_path() }),
            Uri::Source(Source::Local(_)) | Uri::Artifact(_) => Err(BadUri::Shape),
        }
    }

    fn below_scheme(&self) -> String {
        let Self { remote, reference, path } = self;
        format!("src/{remote}/ref/{}/path/{path}", percent::encode(reference.as_str()))
    }
}

impl FromStr for Uri {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        let uri = parse(text.strip_prefix(SCHEME).ok_or(BadUri::Scheme)?)?;
        let right = uri.to_string();
        if right == text { Ok(uri) } else { Err(BadUri::Spelling { right }) }
    }
}

/// What comes after the scheme, in any spelling.
fn parse(below: &str) -> Result<Uri, BadUri> {
    if below.len() > LONGEST {
        return Err(BadUri::TooLong);
    }
    let parts: Vec<&str> = below.split('/').collect();
    match parts.as_slice() {
        ["artifact", name] => Ok(Uri::Artifact(name.parse()?)),
        ["src", "local", name] => Ok(Uri::Source(Source::Local(name.parse()?))),
        ["src", "gh", owner, name, "ref", reference, "path", path @ ..] => {
            remote(Remote::GitHub(Repository::new(owner, name)?), reference, path)
        }
        ["src", "gl", project, "ref", reference, "path", path @ ..] => {
            remote(Remote::GitLab(Project::from_base64(project)?), reference, path)
        }
        ["src", "git", url, "ref", reference, "path", path @ ..] => {
            remote(Remote::Git(CloneUrl::from_base64(url)?), reference, path)
        }
        _ => Err(BadUri::Shape),
    }
}

fn remote(remote: Remote, reference: &str, path: &[&str]) -> Result<Uri, BadUri> {
    let reference = Reference::new(&percent::decode("ref", reference)?)?;
    let parts = path.iter().map(|part| percent::decode("path", part));
    let path = SourcePath::of_parts(parts.collect::<Result<_, _>>()?)?;
    Ok(Uri::Source(Source::Remote(RemoteSource { remote, reference, path })))
}

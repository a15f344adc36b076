//! The bytes of a commit: reading one as it is, however odd, and building one.

use super::{Error, Oid, Repo, Result, Signature};

/// A commit, read.
///
/// Text is decoded by the commit's `encoding` where that is Latin-1, and lossily as UTF-8 otherwise. Fields that do not
/// parse (ancient imports have such) are empty or 0: only a commit without a tree is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub oid: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order. They may be missing (shallow).
    pub parents: Vec<Oid>,
    /// Author name.
    pub author_name: String,
    /// Author e-mail.
    pub author_email: String,
    /// When it was written, in seconds since 1970-01-01T00:00:00Z.
    pub author_time: i64,
    /// Committer e-mail.
    pub committer_email: String,
    /// When it was committed, in seconds since 1970-01-01T00:00:00Z.
    pub commit_time: i64,
    /// The whole message.
    pub message: String,
}

/// A commit to be made.
#[derive(Debug, Clone)]
pub struct NewCommit<'a> {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: &'a [Oid],
    /// Who wrote it, and when.
    pub author: &'a Signature,
    /// Who committed it, and when.
    pub committer: &'a Signature,
    /// The message; a line end is added if it has none.
    pub message: &'a str,
}

impl Commit {
    /// The first line of the message.
    pub fn summary(&self) -> &str {
        self.message.trim_start().lines().next().unwrap_or_default()
    }
}

impl Repo {
    /// A commit.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::WrongKind`], [`Error::Damaged`], [`Error::TooLarge`].
    pub fn commit(&self, oid: Oid) -> Result<Commit> {
        let content = self.commit_content(oid)?;
        parse(oid, &content).ok_or_else(|| Error::Damaged { oid, reason: "the commit has no tree".to_owned() })
    }
}

impl NewCommit<'_> {
    /// The bytes of the commit object.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let parents: Vec<String> = self.parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let parents = parents.concat();
        // A NUL would end the message for git.
        let message = self.message.replace('\0', "");
        let end = if message.ends_with('\n') { "" } else { "\n" };
        let Self { tree, author, committer, .. } = self;
        let (author, committer) = (person(author), person(committer));
        format!("tree {tree}\n{parents}author {author}\ncommitter {committer}\n\n{message}{end}").into_bytes()
    }
}

fn person(who: &Signature) -> String {
    let Signature { identity, time, offset } = who;
    let sign = if *offset < 0 { '-' } else { '+' };
    // No place on earth is further than 14 hours from UTC.
    let minutes = offset.unsigned_abs().min(14 * 60);
    let (name, email) = (identity.name(), identity.email());
    format!("{name} <{email}> {} {sign}{:02}{:02}", (*time).max(0), minutes / 60, minutes % 60)
}

fn parse(oid: Oid, content: &[u8]) -> Option<Commit> {
    let (header, message) = match memchr::memmem::find(content, b"\n\n") {
        Some(at) => (content.get(..at)?, content.get(at + 2..)?),
        None => (content, [].as_slice()),
    };
    let fields = || {
        header
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.split_at_checked(line.iter().position(|byte| *byte == b' ')?))
    };
    let named =
        |wanted: &'static [u8]| fields().filter(move |(name, _)| *name == wanted).map(|(_, value)| value.trim_ascii());
    let id = |hex: &[u8]| std::str::from_utf8(hex).ok()?.parse::<Oid>().ok();
    let latin1 = named(b"encoding").next().is_some_and(|encoding| {
        let name = encoding.to_ascii_lowercase();
        matches!(name.as_slice(), b"iso-8859-1" | b"iso8859-1" | b"iso_8859-1" | b"latin1" | b"latin-1")
    });
    let text = |bytes: &[u8]| {
        if latin1 {
            bytes.iter().copied().map(char::from).collect()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    let who = |role| parse_person(&text(named(role).next().unwrap_or_default()));
    let (author_name, author_email, author_time) = who(b"author");
    let (_, committer_email, commit_time) = who(b"committer");
    Some(Commit {
        oid,
        tree: id(named(b"tree").next()?)?,
        parents: named(b"parent").filter_map(id).collect(),
        author_name,
        author_email,
        author_time,
        committer_email,
        commit_time,
        message: text(message),
    })
}

/// Name, e-mail and seconds of `Name <email> seconds offset`.
fn parse_person(text: &str) -> (String, String, i64) {
    // The last `>` ends the e-mail, whatever a broken name holds (as git's ident.c does it).
    let (who, when) = text.rsplit_once('>').unwrap_or((text, ""));
    let (name, email) = who.split_once('<').unwrap_or((who, ""));
    let time = when.split_whitespace().next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    (name.trim().to_owned(), email.trim().to_owned(), time)
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;

    const OID: &str = "1111111111111111111111111111111111111111";
    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn read(text: &[u8]) -> Option<Commit> {
        parse(OID.parse().unwrap(), text)
    }

    #[test]
    fn what_is_built_is_read_back() {
        let who = |name: &str, time, offset| Signature { identity: Identity::new(name, "a@b.c"), time, offset };
        let parents = [OID.parse().unwrap(), "22".repeat(20).parse().unwrap()];
        let (author, committer) = (who("Zoë", 1_700_000_000, -150), who("C", 1_700_000_001, 90));
        let new = NewCommit {
            tree: TREE.parse().unwrap(),
            parents: &parents,
            author: &author,
            committer: &committer,
            message: "one\n\ntwo",
        };
        let bytes = new.to_bytes();
        let expected = format!(
            "tree {TREE}\nparent {OID}\nparent {}\nauthor Zoë <a@b.c> 1700000000 -0230\ncommitter C <a@b.c> 1700000001 +0130\n\none\n\ntwo\n",
            "22".repeat(20)
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        let commit = read(&bytes).unwrap();
        assert_eq!(commit.parents, parents);
        assert_eq!((commit.author_name.as_str(), commit.author_time), ("Zoë", 1_700_000_000));
        assert_eq!((commit.committer_email.as_str(), commit.commit_time), ("a@b.c", 1_700_000_001));
        assert_eq!((commit.summary(), commit.message.as_str()), ("one", "one\n\ntwo\n"));
    }

    #[test]
    fn latin1_is_decoded_and_other_encodings_are_harmless() {
        let commit = |encoding: &str| {
            let head = format!(
                "tree {TREE}\nauthor M\u{1} <m@x> 5 +0000\ncommitter M <m@x> 6 +0000\nencoding {encoding}\n\ncaf"
            );
            let bytes: Vec<u8> = head.bytes().chain([0xe9, b'\n']).collect();
            read(&bytes).unwrap().summary().to_owned()
        };
        assert_eq!(commit("ISO-8859-1"), "café");
        assert_eq!(commit("Shift_JIS"), "caf\u{fffd}");
    }

    #[test]
    fn a_broken_commit_is_read_as_far_as_it_goes() {
        let commit = read(
            format!("tree {TREE}\nauthor no email at all\ncommitter <a> b <x@y> soon\ngpgsig -----\n line\n")
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            (commit.author_name.as_str(), commit.author_email.as_str(), commit.author_time),
            ("no email at all", "", 0)
        );
        assert_eq!(commit.commit_time, 0);
        assert_eq!(commit.message, "");
        assert!(read(b"author x\n\nno tree").is_none());
        assert!(read(b"").is_none());
        // A line of the message is not a header.
        let commit = read(format!("tree {TREE}\n\nparent {OID}\n").as_bytes()).unwrap();
        assert!(commit.parents.is_empty());
    }
}

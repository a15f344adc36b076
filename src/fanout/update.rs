//! What git says on a pre-push hook's standard input (githooks(5)).

use crate::git::{BranchName, Oid, RefName};

/// One ref that a push is about to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushUpdate {
    /// What is pushed, as the user named it: a ref, or an expression like `HEAD~1`. `None` if the
    /// remote's ref is deleted.
    pub source: Option<String>,
    /// The object the remote's ref shall point at; `None` if it is deleted.
    pub new: Option<Oid>,
    /// The remote's ref.
    pub target: RefName,
    /// The object it points at now; `None` if it is not there yet.
    pub old: Option<Oid>,
}

/// A line that is not what githooks(5) describes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the hook's input is not one of git's: {reason}")]
pub struct BadUpdate {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl PushUpdate {
    /// Reads the whole input: `<local ref> SP <local oid> SP <remote ref> SP <remote oid> LF` a line.
    ///
    /// # Errors
    ///
    /// On the first line that is not of this form.
    pub fn read_all(input: &[u8]) -> Result<Vec<Self>, BadUpdate> {
        let lines = input.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        lines.map(|(index, line)| Self::read(line).map_err(|reason| BadUpdate { line: index + 1, reason })).collect()
    }

    fn read(line: &[u8]) -> Result<Self, String> {
        // The first field may hold spaces (`HEAD@{1 day ago}`), the others cannot.
        let mut fields = line.rsplitn(4, |&byte| byte == b' ');
        let mut field = |what: &str| fields.next().ok_or_else(|| format!("no {what}"));
        let old = oid(field("remote object")?)?;
        let target = field("remote ref")?;
        let new = oid(field("local object")?)?;
        let source = String::from_utf8_lossy(field("local ref")?).into_owned();
        let target = RefName::new(target).map_err(|error| error.to_string())?;
        Ok(Self { source: new.map(|_| source), new, target, old })
    }

    /// The branch it moves over there, if it moves one.
    pub fn branch(&self) -> Option<BranchName> {
        self.new.and_then(|_| self.target.branch())
    }

    /// Whether it is about one of this project's refs: `git push --mirror` brings them, too.
    pub fn is_ledger(&self) -> bool {
        self.target.as_bytes().starts_with(b"refs/opensession/")
    }

    /// Whether its commits may have been made in a session: those of ledgers and notes never are.
    pub fn is_work(&self) -> bool {
        !self.is_ledger() && !self.target.as_bytes().starts_with(b"refs/notes/")
    }

    /// Whether it deletes one of this project's refs over there.
    pub fn deletes_ledger(&self) -> bool {
        self.new.is_none() && self.is_ledger()
    }
}

fn oid(hex: &[u8]) -> Result<Option<Oid>, String> {
    let hex = String::from_utf8_lossy(hex);
    Oid::from_hex_or_zero(&hex).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn read(line: &str) -> PushUpdate {
        let mut all = PushUpdate::read_all(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn a_branch_a_tag_a_delete_and_an_expression_are_read() {
        let update = read(&format!("refs/heads/a {ONE} refs/heads/b {ZERO}"));
        assert_eq!((update.source.as_deref(), update.old), (Some("refs/heads/a"), None));
        assert_eq!(update.new.map(|oid| oid.to_string()).as_deref(), Some(ONE));
        assert_eq!(update.branch(), Some(BranchName::new("b").unwrap()));
        assert_eq!(read(&format!("refs/tags/v1 {ONE} refs/tags/v1 {ZERO}")).branch(), None);
        let delete = read(&format!("(delete) {ZERO} refs/heads/b {ONE}"));
        assert_eq!((delete.source.clone(), delete.new, delete.branch()), (None, None, None));
        assert!(!delete.deletes_ledger() && delete.is_work());
        let notes = read(&format!("refs/notes/x {ONE} refs/notes/x {ZERO}"));
        assert!(!notes.is_work() && !notes.is_ledger());
        assert!(read(&format!("(delete) {ZERO} refs/opensession/branches/eA {ONE}")).deletes_ledger());
        assert_eq!(read(&format!("HEAD~1 {ONE} refs/heads/b {ONE}")).source.as_deref(), Some("HEAD~1"));
        let spaces = read(&format!("HEAD@{{1 day ago}} {ONE} refs/heads/b {ONE}"));
        assert_eq!(spaces.source.as_deref(), Some("HEAD@{1 day ago}"));
    }

    #[test]
    fn names_that_are_no_utf_8_and_sha256_ids_are_read() {
        let line = [
            b"x ".to_vec(),
            "2".repeat(64).into_bytes(),
            b" refs/heads/caf\xe9 ".to_vec(),
            "0".repeat(64).into_bytes(),
        ];
        let update = PushUpdate::read_all(&line.concat()).unwrap().remove(0);
        assert_eq!(update.target.as_bytes(), b"refs/heads/caf\xe9");
        assert_eq!(update.new.map(|oid| oid.to_string().len()), Some(64));
    }

    #[test]
    fn nothing_at_all_is_no_update() {
        assert_eq!(PushUpdate::read_all(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_very_long_input_is_read() {
        let input = format!("refs/heads/a {ONE} refs/heads/b {ZERO}\n").repeat(100_000);
        assert_eq!(PushUpdate::read_all(input.as_bytes()).unwrap().len(), 100_000);
    }

    #[test]
    fn a_line_that_is_not_gits_is_named() {
        for (input, line) in [
            ("nonsense\n".to_owned(), 1),
            (format!("a {ONE} refs/heads/b {ONE}\na b c\n"), 2),
            (format!("a {ONE} refs/heads/.. {ONE}\n"), 1),
            (format!("a {ONE} refs/heads/b 12\n"), 1),
        ] {
            let error = PushUpdate::read_all(input.as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{error}");
        }
    }
}

//! The hook file: how ours is written, and how one that lies there is recognised.

use std::io;
use std::path::Path;

use crate::git::process::shell_quoted;
use crate::git::remote_url::short_digest as digest;

/// The script, with its two places to fill in.
const TEMPLATE: &str = include_str!("../../../hooks/pre-push");
const MARKER_PLACE: &str = "@MARKER@";
const CALL_PLACE: &str = "@CALL@\n";
/// What calls us, from a hook file and from the configuration alike. It must not block a push when the program is gone, unless
/// strict; and the sessions of that push must not be forgotten.
const CALL: &str = include_str!("../../../hooks/call");
const BINARY_PLACE: &str = "@OPENSESSION@";

/// How the second line of every hook of ours begins; the version of the script and the digest of the
/// lines below it follow.
const MARKER: &str = "# opensession-hook ";
/// The version of [`TEMPLATE`]. Raise it when the script changes.
pub(super) const VERSION: u32 = 2;
/// A word at the end of the marker: the hooks folder itself was made for this hook.
const FOLDER_MADE: &str = "folder-made";

/// Files larger than this are not read to be recognised: they are none of ours.
const LARGEST: u64 = 1 << 20;

/// What lies where a hook would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFile {
    /// Nothing.
    Absent,
    /// A hook of ours, as some version of ours wrote it.
    Ours {
        /// The version of its script.
        version: u32,
        /// Whether the hooks folder was made for it.
        folder_made: bool,
    },
    /// A hook of ours that somebody has edited since.
    Edited,
    /// Somebody else's hook.
    Foreign {
        /// Whether git would run it.
        executable: bool,
    },
}

/// Our hook for a binary.
pub(super) fn render(binary: &str, folder_made: bool) -> Vec<u8> {
    let script = TEMPLATE.replace(CALL_PLACE, &call(binary));
    let (head, body) = script.split_once(MARKER_PLACE).unwrap_or_default();
    let body = body.strip_prefix('\n').unwrap_or(body);
    let flag = if folder_made { format!(" {FOLDER_MADE}") } else { String::new() };
    format!("{head}{MARKER}{VERSION} {}{flag}\n{body}", digest(body.as_bytes())).into_bytes()
}

/// The value of `hook.opensession.command` for a binary. git runs it by a shell and puts the hook's arguments behind it.
pub(super) fn command(binary: &str) -> String {
    let call = call(binary);
    format!("f() {{\n[ \"${{OPENSESSION_INTERNAL:-}}\" = 1 ] && exit 0\nfeed() {{ \"$@\"; }}\n{call}}}; f")
}

fn call(binary: &str) -> String {
    CALL.replace(BINARY_PLACE, &shell_quoted(binary))
}

/// What the bytes of a hook file are.
pub(super) fn recognise(bytes: &[u8], executable: bool) -> HookFile {
    if !bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
        return HookFile::Foreign { executable };
    }
    intact(bytes).unwrap_or(HookFile::Edited)
}

/// Our hook, if it is one and its digest still holds.
fn intact(bytes: &[u8]) -> Option<HookFile> {
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n');
    let shebang = lines.next()?;
    let marker = std::str::from_utf8(lines.next()?).ok()?.strip_prefix(MARKER)?;
    let body = lines.next()?;
    let mut words = marker.split(' ');
    let version = words.next()?.parse().ok()?;
    let intact = shebang == b"#!/bin/sh" && words.next()? == digest(body);
    let folder_made = match words.next() {
        None => false,
        Some(FOLDER_MADE) => true,
        Some(_) => return None,
    };
    intact.then_some(HookFile::Ours { version, folder_made })
}

/// What lies at a path, and its bytes if it is a plain file of ours.
pub(super) fn look(path: &Path) -> io::Result<(HookFile, Vec<u8>)> {
    let link = match path.symlink_metadata() {
        Err(error) if is_absence(&error) => return Ok((HookFile::Absent, Vec::new())),
        other => other?,
    };
    // A link may point at nothing, or at anything: it is not ours, and it is kept as a link.
    let Ok(target) = path.metadata() else { return Ok((HookFile::Foreign { executable: false }, Vec::new())) };
    let executable = target.is_file() && is_executable(&target);
    if !link.is_file() || link.len() > LARGEST {
        return Ok((HookFile::Foreign { executable }, Vec::new()));
    }
    let bytes = std::fs::read(path)?;
    match recognise(&bytes, executable) {
        foreign @ HookFile::Foreign { .. } => Ok((foreign, Vec::new())),
        ours => Ok((ours, bytes)),
    }
}

/// Whether a path, or a folder on the way, is not there.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_hook_is_recognised_and_an_edit_is_noticed() {
        let hook = render("/opt/it's here/git-opensession", true);
        assert_eq!(recognise(&hook, true), HookFile::Ours { version: VERSION, folder_made: true });
        let text = String::from_utf8(hook).unwrap();
        assert!(text.contains("\nopensession='/opt/it'\\''s here/git-opensession'\n"), "{text}");
        for edited in
            [text.replace("exit 0", "exit 1"), format!("{text}npm test\n"), text.replacen('\n', "\nset -e\n", 1)]
        {
            assert_eq!(recognise(edited.as_bytes(), true), HookFile::Edited);
        }
    }

    #[test]
    fn an_older_script_of_ours_is_recognised_by_its_own_digest() {
        let body = "echo old\n";
        let old = format!("#!/bin/sh\n{MARKER}0 {}\n{body}", digest(body.as_bytes()));
        assert_eq!(recognise(old.as_bytes(), true), HookFile::Ours { version: 0, folder_made: false });
    }

    #[test]
    fn a_strangers_hook_is_not_ours() {
        for text in ["", "#!/bin/sh\ngit opensession hook pre-push \"$@\"\n", "\u{0}ELF"] {
            assert_eq!(recognise(text.as_bytes(), false), HookFile::Foreign { executable: false });
        }
    }

    #[test]
    fn the_templates_have_their_places_and_no_other() {
        let count = |text: &str, place| text.matches(place).count();
        assert_eq!((count(TEMPLATE, MARKER_PLACE), count(TEMPLATE, CALL_PLACE), count(CALL, BINARY_PLACE)), (1, 1, 1));
        assert!(TEMPLATE.starts_with("#!/bin/sh\n@MARKER@\n"));
    }
}

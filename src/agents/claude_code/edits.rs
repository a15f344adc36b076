//! What a tool changed in files, by what its answer says.
//!
//! The real change is in `toolUseResult.structuredPatch`; the strings of the input only say what
//! was asked for. They are used where the answer has nothing better.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;
use similar::TextDiff;

use super::content::{self, Long};
use super::raw::{Raw, count, each, shape, text, words};
use crate::agents::long::Hollow;
use crate::session::{Content, EventKind};

/// Tools whose success changes a file.
pub(super) fn is_edit(tool: &str) -> bool {
    matches!(tool, "Edit" | "MultiEdit" | "Write" | "NotebookEdit")
}

/// `toolUseResult` of such a tool. `originalFile` is left alone: it would repeat the file.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EditResult<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    file_path: Raw<'a>,
    #[serde(borrow)]
    structured_patch: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow, rename = "notebook_path")]
    notebook_path: Raw<'a>,
    #[serde(borrow, rename = "original_file")]
    original_notebook: Raw<'a>,
    #[serde(borrow, rename = "updated_file")]
    updated_notebook: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
}

/// The input of such a tool.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct EditInput<'a> {
    #[serde(borrow)]
    file_path: Raw<'a>,
    #[serde(borrow)]
    notebook_path: Raw<'a>,
    #[serde(borrow)]
    old_string: Raw<'a>,
    #[serde(borrow)]
    new_string: Raw<'a>,
    #[serde(borrow)]
    content: Raw<'a>,
    #[serde(borrow)]
    new_source: Raw<'a>,
    #[serde(borrow)]
    edits: Raw<'a>,
}

/// One hunk of `structuredPatch`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hunk<'a> {
    #[serde(borrow)]
    old_start: Raw<'a>,
    #[serde(borrow)]
    old_lines: Raw<'a>,
    #[serde(borrow)]
    new_start: Raw<'a>,
    #[serde(borrow)]
    new_lines: Raw<'a>,
    #[serde(borrow)]
    lines: Raw<'a>,
}

/// The change that a successful call of an edit tool made, as the kind and the content of an event.
///
/// `said` is what the tool answered in words, `long` what was taken out of the line of its answer; `input` looks the
/// call's input up, which is seldom needed.
pub(super) fn change(
    tool: &str,
    result: Raw<'_>,
    said: &str,
    long: &mut Option<Long>,
    input: impl FnOnce() -> Option<Box<RawValue>>,
) -> Option<(EventKind, Content)> {
    let refused = result.is_some_and(|raw| text(Some(raw)).is_some_and(|said| said.starts_with("Error")));
    if refused || said.starts_with("<tool_use_error>") {
        return None;
    }
    let result: EditResult<'_> = shape(result).unwrap_or_default();
    if words(result.error).is_some() {
        return None;
    }
    if let Some(whole) = from_result(tool, &result, long) {
        return Some(whole);
    }
    let input = input();
    let input: EditInput<'_> = shape(input.as_deref()).unwrap_or_default();
    let path = words(result.file_path)
        .or_else(|| words(result.notebook_path))
        .or_else(|| words(input.file_path))
        .or_else(|| words(input.notebook_path))?;
    Some(from_input(tool, path, &result, &input, said))
}

impl<'a> EditResult<'a> {
    /// The text of a file that was not there before.
    fn made(&self) -> Raw<'a> {
        let is_new = text(self.kind).as_deref() == Some("create");
        self.content.filter(|content| is_new && content.get().starts_with('"'))
    }
}

/// Whether [`change`] will be asked for what was taken out of the line of an answer.
pub(super) fn asks_for(result: Raw<'_>, line: &Hollow) -> bool {
    let made = shape::<EditResult<'_>>(result).and_then(|result| result.made());
    made.is_some_and(|made| line.is_quoted_gap(made.get()))
}

/// The change, if the answer tells all of it.
fn from_result(tool: &str, result: &EditResult<'_>, long: &mut Option<Long>) -> Option<(EventKind, Content)> {
    if tool == "NotebookEdit" {
        let path = words(result.notebook_path)?;
        let (before, after) = (text(result.original_notebook)?, text(result.updated_notebook)?);
        return Some((EventKind::FileEdit { path, diff: diff(&before, &after) }, Content::empty()));
    }
    let path = words(result.file_path)?;
    if tool == "Write"
        && let Some(written) = result.made()
    {
        let content = content::said(Some(written), long).map_or_else(Content::empty, Content::text);
        return Some((EventKind::FileCreate { path }, content));
    }
    let diff = Some(unified(result.structured_patch)?);
    Some((EventKind::FileEdit { path, diff }, Content::empty()))
}

/// The change as far as the input tells it.
fn from_input(
    tool: &str,
    path: String,
    result: &EditResult<'_>,
    input: &EditInput<'_>,
    said: &str,
) -> (EventKind, Content) {
    let old = text(input.old_string).unwrap_or_default();
    let new = text(input.new_string).unwrap_or_default();
    let edit = |diff| (EventKind::FileEdit { path: path.clone(), diff }, Content::empty());
    match tool {
        "Write" => {
            let created = match text(result.kind) {
                Some(kind) => kind == "create",
                None => said.starts_with("File created"),
            };
            match text(result.content).or_else(|| text(input.content)) {
                Some(text) if created => (EventKind::FileCreate { path }, body(text)),
                _ if created => (EventKind::FileCreate { path }, Content::empty()),
                _ => edit(None),
            }
        }
        // An edit of nothing into something makes a file.
        "Edit" if old.is_empty() && input.old_string.is_some() => (EventKind::FileCreate { path }, body(new)),
        "Edit" => edit(diff(&old, &new)),
        "MultiEdit" => {
            let mut diffs = String::new();
            each(input.edits, |step: &RawValue| {
                let Some(step) = shape::<EditInput<'_>>(Some(step)) else { return };
                let (old, new) = (text(step.old_string), text(step.new_string));
                diffs.extend(diff(&old.unwrap_or_default(), &new.unwrap_or_default()));
            });
            edit(Some(diffs).filter(|diffs| !diffs.is_empty()))
        }
        _ => match text(input.new_source) {
            Some(source) => edit(diff("", &source)),
            None => edit(None),
        },
    }
}

fn body(text: Cow<'_, str>) -> Content {
    if text.is_empty() { Content::empty() } else { Content::text(text) }
}

/// `structuredPatch` as a unified diff without file header; `None` if there is nothing in it.
fn unified(hunks: Raw<'_>) -> Option<String> {
    let mut diff = String::new();
    let is_patch = each(hunks, |hunk: Hunk<'_>| {
        let number = |raw| count(raw).unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = writeln!(
            diff,
            "@@ -{},{} +{},{} @@",
            number(hunk.old_start),
            number(hunk.old_lines),
            number(hunk.new_start),
            number(hunk.new_lines)
        );
        each(hunk.lines, |line: &RawValue| {
            diff.push_str(&text(Some(line)).unwrap_or_default());
            diff.push('\n');
        });
    });
    Some(diff).filter(|diff| is_patch && !diff.is_empty())
}

/// How many lines are compared one by one. More, and all old ones give way to all new ones: a diff
/// of two unlike texts takes time that grows with the square.
const COMPARED: usize = 4000;

/// A unified diff of two texts without file header; `None` if they are equal. Line numbers start
/// at the beginning of what is compared.
fn diff(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let (old_lines, new_lines) = (old.lines().count(), new.lines().count());
    if old_lines + new_lines <= COMPARED {
        let compared = TextDiff::from_lines(old, new);
        return Some(compared.unified_diff().missing_newline_hint(false).to_string());
    }
    let start = |lines| usize::from(lines > 0);
    let mut diff = format!("@@ -{},{old_lines} +{},{new_lines} @@\n", start(old_lines), start(new_lines));
    for (sign, text) in [('-', old), ('+', new)] {
        for line in text.lines() {
            diff.push(sign);
            diff.push_str(line);
            diff.push('\n');
        }
    }
    Some(diff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, value::to_raw_value};

    fn changed(tool: &str, result: &Value, input: &Value) -> Option<(EventKind, Content)> {
        let result = to_raw_value(result).unwrap();
        change(tool, Some(&result), "The file has been updated.", &mut None, || to_raw_value(input).ok())
    }

    fn edit(path: &str, diff: &str) -> (EventKind, Content) {
        (EventKind::FileEdit { path: path.into(), diff: Some(diff.into()) }, Content::empty())
    }

    fn create(path: &str, text: &str) -> (EventKind, Content) {
        (EventKind::FileCreate { path: path.into() }, Content::text(text))
    }

    #[test]
    fn the_structured_patch_is_the_change_and_the_input_is_not_asked() {
        let result = json!({"filePath": "/a", "oldString": "x", "newString": "y", "originalFile": "x",
            "structuredPatch": [
                {"oldStart": 3, "oldLines": 2, "newStart": 3, "newLines": 2, "lines": [" c", "-x", "+y"]},
                {"oldStart": 9, "oldLines": 1, "newStart": 9, "newLines": 0, "lines": ["-z", "\\ No newline at end of file"]}]});
        let result = to_raw_value(&result).unwrap();
        let read = change("Edit", Some(&result), "ok", &mut None, || panic!("the answer says it all"));
        assert_eq!(
            read,
            Some(edit("/a", "@@ -3,2 +3,2 @@\n c\n-x\n+y\n@@ -9,1 +9,0 @@\n-z\n\\ No newline at end of file\n"))
        );
    }

    #[test]
    fn a_written_file_is_made_or_changed() {
        let made =
            json!({"type": "create", "filePath": "/a", "content": "x\n", "structuredPatch": [], "originalFile": null});
        assert_eq!(changed("Write", &made, &json!({})), Some(create("/a", "x\n")));
        let hunk = json!([{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-x", "+y"]}]);
        let updated = json!({"type": "update", "filePath": "/a", "content": "y\n", "structuredPatch": hunk});
        assert_eq!(changed("Write", &updated, &json!({})), Some(edit("/a", "@@ -1,1 +1,1 @@\n-x\n+y\n")));
        let same = json!({"type": "update", "filePath": "/a", "content": "y\n", "structuredPatch": []});
        let unchanged = EventKind::FileEdit { path: "/a".into(), diff: None };
        assert_eq!(changed("Write", &same, &json!({})), Some((unchanged, Content::empty())));
    }

    #[test]
    fn where_the_answer_says_too_little_the_input_speaks() {
        let input = json!({"file_path": "/a", "old_string": "one\ntwo", "new_string": "one\n2"});
        assert_eq!(
            changed("Edit", &json!({"newString": "2"}), &input),
            Some(edit("/a", "@@ -1,2 +1,2 @@\n one\n-two\n+2\n"))
        );
        let input = json!({"file_path": "/a", "content": "x\n"});
        assert_eq!(changed("Write", &json!({"type": "create"}), &input), Some(create("/a", "x\n")));
        let input = json!({"file_path": "/a", "old_string": "", "new_string": "x\n"});
        assert_eq!(changed("Edit", &json!("File created successfully at: /a"), &input), Some(create("/a", "x\n")));
        let input = json!({"file_path": "/a", "edits": [
            {"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": "c"}]});
        assert_eq!(
            changed("MultiEdit", &json!(null), &input),
            Some(edit("/a", "@@ -1,1 +1,1 @@\n-a\n+b\n".replace(",1", "").as_str()))
        );
    }

    #[test]
    fn a_failed_edit_changes_nothing() {
        let input = json!({"file_path": "/a", "old_string": "x", "new_string": "y"});
        assert_eq!(changed("Edit", &json!("Error: String to replace not found"), &input), None);
        let said = "<tool_use_error>no</tool_use_error>";
        let refused = change("Edit", None, said, &mut None, || to_raw_value(&input).ok());
        assert_eq!(refused, None);
        let broken = json!({"notebook_path": "/n", "error": "cell not found"});
        assert_eq!(changed("NotebookEdit", &broken, &json!({})), None);
    }

    #[test]
    fn a_notebook_is_compared_as_a_whole() {
        let result =
            json!({"notebook_path": "/n", "error": "", "original_file": "{\n1\n}\n", "updated_file": "{\n2\n}\n"});
        assert_eq!(changed("NotebookEdit", &result, &json!({})), Some(edit("/n", "@@ -1,3 +1,3 @@\n {\n-1\n+2\n }\n")));
        let input = json!({"notebook_path": "/n", "new_source": "x = 1"});
        assert_eq!(
            changed("NotebookEdit", &json!({"new_source": "x = 1"}), &input),
            Some(edit("/n", "@@ -0,0 +1 @@\n+x = 1\n"))
        );
    }

    #[test]
    fn two_long_unlike_texts_are_replaced_whole() {
        let lines = |sign: &str, count| (0..count).map(|n| format!("{sign}{n}")).collect::<Vec<_>>().join("\n");
        let old = lines("o", 3000);
        let new = lines("n", 2000);
        let diff = diff(&old, &new).expect("they differ");
        assert!(diff.starts_with("@@ -1,3000 +1,2000 @@\n-o0\n"));
        assert_eq!(diff.lines().count(), 5001);
    }
}

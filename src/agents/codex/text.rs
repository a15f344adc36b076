//! What the texts in a rollout are: typed by a human, or put in by Codex; and what to call a
//! session by its first prompt.

use std::borrow::Cow;

use serde_json::Value;

use crate::agents::jsonl::LONGEST_DATA;

/// What Codex puts into the conversation as if a user had said it: how it starts, how it ends, and
/// what it is called in [`attr::INJECTED`](crate::session::attr::INJECTED). Upper and lower case
/// are the same here, as in Codex.
const INJECTED: &[(&str, &str, &str)] = &[
    ("<environment_context>", "</environment_context>", "environment_context"),
    ("# AGENTS.md instructions", "</INSTRUCTIONS>", "agents_md"),
    ("<user_instructions>", "</user_instructions>", "user_instructions"),
    ("<skill>", "</skill>", "skill"),
    ("<skills_instructions>", "</skills_instructions>", "skills_instructions"),
    ("<plugins_instructions>", "</plugins_instructions>", "plugins_instructions"),
    ("<apps_instructions>", "</apps_instructions>", "apps_instructions"),
    ("<turn_aborted>", "</turn_aborted>", "turn_aborted"),
    ("<subagent_notification>", "</subagent_notification>", "subagent_notification"),
    ("<user_shell_command>", "</user_shell_command>", "user_shell_command"),
    ("<permissions instructions>", "</permissions instructions>", "permissions"),
    ("<collaboration_mode>", "</collaboration_mode>", "collaboration_mode"),
    ("<personality_spec>", "</personality_spec>", "personality"),
    ("<model_switch>", "</model_switch>", "model_switch"),
    ("<codex_internal_context", "</codex_internal_context>", "internal_context"),
    ("<hook_prompt", "</hook_prompt>", "hook_prompt"),
    ("<goal_context>", "</goal_context>", "goal_context"),
    ("<token_budget>", "</token_budget>", "token_budget"),
    ("<user_action>", "</user_action>", "user_action"),
];

/// What injected this text, if its shape says that Codex did.
pub(super) fn injected(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let known = INJECTED.iter().find(|(start, end, _)| starts_with(text, start) && ends_with(text, end));
    known.map(|(_, _, name)| *name)
}

/// Whether a text is one element from its start to its end: `<tag ...>...</tag>`. Of a text that only
/// the model-facing stream has, that is enough to say that nobody typed it.
pub(super) fn is_element(text: &str) -> bool {
    let text = text.trim();
    let Some(name) = text.strip_prefix('<') else { return false };
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default();
    !name.is_empty() && text.strip_suffix('>').is_some_and(|text| text.ends_with(&format!("</{name}")))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn ends_with(text: &str, end: &str) -> bool {
    let from = text.len().saturating_sub(end.len());
    text.get(from..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The folder that an `<environment_context>` names.
pub(super) fn cwd(context: &str) -> Option<&str> {
    let (_, rest) = context.split_once("<cwd>").or_else(|| context.split_once("Current working directory: "))?;
    let cwd = rest.split(['<', '\n']).next()?.trim();
    (!cwd.is_empty()).then_some(cwd)
}

/// The longest title, in characters.
const TITLE: usize = 120;

/// The editors write what is open before what the user asked, under this line.
const REQUEST: &str = "## My request for Codex:";

/// A title from a prompt: the first line of what the user asked, at most 120 characters.
pub(super) fn title(prompt: &str) -> Option<String> {
    let asked = match prompt.split_once(REQUEST) {
        Some((before, asked)) if before.starts_with("# ") => asked,
        _ => prompt,
    };
    let line = asked.lines().map(str::trim).find(|line| !line.is_empty())?;
    match line.char_indices().nth(TITLE) {
        Some(_) => Some(line.chars().take(TITLE - 1).chain(['…']).collect()),
        None => Some(line.to_owned()),
    }
}

/// A repository's address without the user name and password that may be in it.
pub(super) fn without_credentials(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let authority = rest.find('/').map_or(rest, |end| rest.get(..end).unwrap_or_default());
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default())),
        None => Cow::Borrowed(url),
    }
}

/// A hash that is the same in every build (FNV-1a), for what a checkpoint must recognise again
/// without keeping it.
pub(super) fn hash(salt: &str, text: &str) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let seed = salt.as_bytes().iter().chain(&[0]).fold(0xcbf2_9ce4_8422_2325, step);
    text.trim().as_bytes().iter().fold(seed, step)
}

/// How deep data may be nested to be kept as data: it must still be readable (the reader's limit is
/// 128) inside an event.
const DEEPEST: usize = 100;

/// JSON as data, if it is JSON, and neither longer nor nested deeper than can be kept.
pub(super) fn data(json: &str) -> Option<Value> {
    fn is_shallow(data: &Value, deeper: usize) -> bool {
        match data {
            Value::Array(items) => deeper > 0 && items.iter().all(|data| is_shallow(data, deeper - 1)),
            Value::Object(map) => deeper > 0 && map.values().all(|data| is_shallow(data, deeper - 1)),
            _ => true,
        }
    }
    if json.len() > LONGEST_DATA {
        return None;
    }
    serde_json::from_str(json).ok().filter(|data| is_shallow(data, DEEPEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_codex_puts_in_is_known_by_its_start_and_its_end() {
        assert_eq!(
            injected("<environment_context>\n  <cwd>/r</cwd>\n</environment_context>"),
            Some("environment_context")
        );
        assert_eq!(
            injected("# AGENTS.md instructions for /r\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>\n"),
            Some("agents_md")
        );
        assert_eq!(injected("<SKILL>\n<name>x</name>\n</skill>"), Some("skill"));
        assert_eq!(injected("<environment_context> is what I want to ask about"), None);
        assert_eq!(injected("# AGENTS.md instructions should be shorter"), None);
        assert_eq!(injected("ü"), None);
    }

    #[test]
    fn an_element_is_one_from_its_start_to_its_end() {
        assert!(is_element(" <world_state v=\"1\">x</world_state>\n"));
        assert!(!is_element("<b>bold</b> and more"));
        assert!(!is_element("a < b"));
        assert!(!is_element("<>x</>"));
        assert!(!is_element("<é>"));
    }

    #[test]
    fn the_title_is_the_first_line_of_what_was_asked() {
        assert_eq!(title("\n  fix it \nand test").as_deref(), Some("fix it"));
        let ide = "# Context from my IDE setup:\n\n## Open tabs:\n- a.rs\n\n## My request for Codex:\nfix the tab\n";
        assert_eq!(title(ide).as_deref(), Some("fix the tab"));
        assert_eq!(title(" \n"), None);
        let long = title(&"é".repeat(500)).expect("a title");
        assert_eq!(long.chars().count(), 120);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn credentials_are_taken_out_of_an_address() {
        assert_eq!(without_credentials("https://me:ghp_x@host/o/r.git"), "https://host/o/r.git");
        assert_eq!(without_credentials("https://me:p@ss@host/o@r.git"), "https://host/o@r.git");
        assert_eq!(without_credentials("https://host/o/r@v1.git"), "https://host/o/r@v1.git");
        assert_eq!(without_credentials("git@host:o/r.git"), "git@host:o/r.git");
    }

    #[test]
    fn a_hash_does_not_change_between_builds() {
        assert_eq!(hash("", ""), 0xaf63_bd4c_8601_b7df);
        assert_eq!(hash("u", " yes\n"), hash("u", "yes"));
        assert_ne!(hash("u", "yes"), hash("a", "yes"));
    }

    #[test]
    fn data_is_kept_as_deep_as_it_can_be_read_again() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(data(r#"{"a":"[[[["}"#), Some(serde_json::json!({"a": "[[[["})));
        assert!(data(&nested(100)).is_some());
        assert_eq!(data(&nested(101)), None);
        assert_eq!(data(&nested(500_000)), None);
        assert_eq!(data("[1"), None);
        assert_eq!(data(&format!("[{}1]", "1,".repeat(LONGEST_DATA / 2))), None);
    }
}

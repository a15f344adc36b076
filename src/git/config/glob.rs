//! git's path patterns (wildmatch with `WM_PATHNAME`): `*` and `?` stop at a slash, `**` does not.

use regex::Regex;

/// A compiled pattern; one that cannot be compiled matches nothing.
pub(super) struct Glob(Option<Regex>);

impl Glob {
    /// A pattern for whole paths.
    pub fn path(pattern: &str, ignore_case: bool) -> Self {
        let flags = if ignore_case { "(?si)" } else { "(?s)" };
        Self(Regex::new(&format!("{flags}\\A{}\\z", translate(pattern))).ok())
    }

    pub fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// A text that matches itself.
    pub fn escape(text: &str) -> String {
        let slash = |char| "\\*?[".contains(char).then_some('\\');
        text.chars().flat_map(|char| slash(char).into_iter().chain([char])).collect()
    }
}

fn translate(pattern: &str) -> String {
    let mut regex = String::new();
    let mut rest = pattern;
    let mut at_part_start = true;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let starts = std::mem::replace(&mut at_part_start, first == '/');
        rest = match first {
            '*' if starts && after.starts_with("*/") => {
                at_part_start = true;
                regex.push_str("(?:.*/)?");
                after.get(2..).unwrap_or_default()
            }
            '*' if starts && after == "*" => {
                regex.push_str(".*");
                ""
            }
            '*' => {
                regex.push_str("[^/]*");
                after.trim_start_matches('*')
            }
            '?' => {
                regex.push_str("[^/]");
                after
            }
            '[' => match class(after) {
                Some((class, after)) => {
                    regex.push_str(&class);
                    after
                }
                // An open bracket without its end matches nothing in git: an empty class.
                None => return "[^\\s\\S]".to_owned(),
            },
            '\\' => {
                let escaped = after.chars().next().unwrap_or('\\');
                regex.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
                after.get(escaped.len_utf8()..).unwrap_or_default()
            }
            other => {
                regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4])));
                after
            }
        };
    }
    regex
}

/// The regex of a bracket expression (a slash is never in it), and what follows its `]`.
fn class(after_bracket: &str) -> Option<(String, &str)> {
    let negated = after_bracket.starts_with(['!', '^']);
    let body = after_bracket.get(usize::from(negated)..)?;
    // A `]` right at the beginning is a member.
    let first = body.chars().next()?.len_utf8();
    let end = first + body.get(first..)?.find(']')?;
    let members: String = body
        .get(..end)?
        .chars()
        .map(|char| if "[]&~^".contains(char) { format!("\\{char}") } else { char.to_string() })
        .collect();
    let not = if negated { "^" } else { "" };
    Some((format!("[{not}{members}&&[^/]]"), body.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_git() {
        let cases = [
            ("main", "main", true),
            ("main", "mains", false),
            ("feature/**", "feature/a/b", true),
            ("feature/**", "feature", false),
            ("feature/*", "feature/a/b", false),
            ("**/work/**", "/home/u/work/x/.git", true),
            ("**/work/**", "/home/u/homework/x/.git", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a**b", "a/b", false),
            ("rel-?.[0-9]", "rel-1.7", true),
            ("rel-[!1]", "rel-2", true),
            ("rel-[!1]", "rel-1", false),
            ("a[/]b", "a/b", false),
            ("[]x]", "]", true),
            ("a.b", "axb", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("open[", "open[", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::path(pattern, false).matches(text), expected, "{pattern} {text}");
        }
        assert!(Glob::path("/Users/**", true).matches("/users/x"));
        assert!(Glob::path(&Glob::escape("/a[b]*?\\c"), false).matches("/a[b]*?\\c"));
    }
}

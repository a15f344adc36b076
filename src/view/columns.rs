//! Text in the columns of a terminal: cut and wrapped between characters as a reader sees them.
//!
//! What a reader takes for one character may be several: a letter and its accents, an emoji with a
//! skin tone, a flag of two letters, a family joined with U+200D. And one character may be two
//! columns wide. Nothing here divides the first or counts the second as one.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Safe;

/// How many columns text takes. For text without control characters.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The characters of `text` as a reader sees them.
pub(super) fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = first_cluster(rest)?;
        let (cluster, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(cluster)
    })
}

/// The length in bytes of the first cluster.
fn first_cluster(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, first) = chars.next()?;
    let mut before = first;
    let mut flag_letters = usize::from(is_flag_letter(first));
    for (at, c) in chars {
        let second_of_flag = is_flag_letter(c) && flag_letters == 1;
        flag_letters += usize::from(is_flag_letter(c));
        if !extends(before, c) && !second_of_flag {
            return Some(at);
        }
        before = c;
    }
    Some(text.len())
}

fn extends(before: char, c: char) -> bool {
    const JOINER: char = '\u{200d}';
    let skin_tone = matches!(c, '\u{1f3fb}'..='\u{1f3ff}') && !before.is_ascii();
    let attached = c.width() == Some(0) && !c.is_control() && !before.is_control();
    attached || skin_tone || (before == JOINER && !c.is_ascii())
}

fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// `text` in at most `columns`, with `…` where it was cut.
#[must_use]
pub fn fit(text: &Safe<'_>, columns: usize) -> Safe<'static> {
    let text = text.as_str();
    if width(text) <= columns {
        return Safe::made_of_safe(text.to_owned());
    }
    let (head, _) = split_at_width(text, columns.saturating_sub(1));
    let mut cut = head.trim_end().to_owned();
    if columns > 0 {
        cut.push('…');
    }
    Safe::made_of_safe(cut)
}

/// `text` in exactly `columns`: cut, or filled with spaces.
pub(super) fn pad(text: &Safe<'_>, columns: usize) -> Safe<'static> {
    let mut text = fit(text, columns).as_str().to_owned();
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    Safe::made_of_safe(text)
}

/// As much of `text` as goes into `columns`, and the rest.
fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    let mut length = 0;
    for cluster in clusters(text) {
        used += width(cluster);
        if used > columns {
            break;
        }
        length += cluster.len();
    }
    text.split_at_checked(length).unwrap_or((text, ""))
}

/// The lines of `text`, each at most `columns` wide where `columns` is given.
///
/// A line breaks at spaces; a word that is longer than a line breaks between characters. What was
/// indented stays indented by as much. Without `columns` lines stay as long as they are.
pub(super) fn wrap(text: &Safe<'_>, columns: Option<usize>) -> Vec<Safe<'static>> {
    let mut wrapped = Vec::new();
    for line in text.as_str().lines() {
        match columns {
            Some(columns) => wrap_line(&expand_tabs(line), columns.max(8), &mut wrapped),
            None => wrapped.push(line.trim_end().to_owned()),
        }
    }
    wrapped.into_iter().map(Safe::made_of_safe).collect()
}

/// The lines of Markdown, wrapped like [`wrap`] but where breaks mean something: code between
/// fences and the rows of tables stay as they are.
pub(super) fn wrap_markdown(text: &Safe<'_>, columns: Option<usize>) -> Vec<Safe<'static>> {
    let Some(columns) = columns else { return wrap(text, None) };
    let mut wrapped = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.as_str().lines() {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        let verbatim = fence.is_some() || mark.is_some() || line.trim_start().starts_with('|');
        fence = match (fence, mark) {
            (None, Some(mark)) => Some(mark),
            (Some(open), Some(mark)) if open == mark => None,
            (fence, _) => fence,
        };
        if verbatim {
            wrapped.push(expand_tabs(line.trim_end()));
        } else {
            wrap_line(&expand_tabs(line), columns.max(8), &mut wrapped);
        }
    }
    wrapped.into_iter().map(Safe::made_of_safe).collect()
}

fn wrap_line(line: &str, columns: usize, lines: &mut Vec<String>) {
    let line = line.trim_end();
    if width(line) <= columns {
        lines.push(line.to_owned());
        return;
    }
    let text = line.trim_start_matches(' ');
    let hanging = hanging_indent(text) + (line.len() - text.len());
    let hanging = " ".repeat(if hanging * 2 > columns { 0 } else { hanging });
    let mut current = line.get(..line.len() - text.len()).unwrap_or_default().to_owned();
    let mut used = current.len();
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end_matches(' ');
        if used + width(bare) > columns && !current.trim().is_empty() {
            lines.push(current.trim_end().to_owned());
            current.clone_from(&hanging);
            used = hanging.len();
        }
        let mut rest = word;
        while used + width(rest.trim_end_matches(' ')) > columns {
            let (head, tail) = split_at_width(rest, columns.saturating_sub(used).max(2));
            if head.is_empty() {
                break;
            }
            current.push_str(head);
            lines.push(std::mem::replace(&mut current, hanging.clone()));
            used = hanging.len();
            rest = tail;
        }
        current.push_str(rest);
        used += width(rest);
    }
    if !current.trim().is_empty() {
        lines.push(current.trim_end().to_owned());
    }
}

/// How far a list item's own text is from its mark: `- ` and `* ` 2, `12. ` 4.
fn hanging_indent(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let after = text.get(digits..).unwrap_or_default();
    match digits {
        0 if ["- ", "* ", "+ ", "> "].iter().any(|mark| text.starts_with(mark)) => 2,
        1..=3 if after.starts_with(". ") || after.starts_with(") ") => digits + 2,
        _ => 0,
    }
}

/// Tabs as spaces, to the next multiple of four columns.
pub(super) fn expand_tabs(line: &str) -> String {
    let mut expanded = String::with_capacity(line.len());
    let mut pieces = line.split('\t').peekable();
    while let Some(piece) = pieces.next() {
        expanded.push_str(piece);
        if pieces.peek().is_some() {
            let fill = 4 - width(&expanded) % 4;
            expanded.extend(std::iter::repeat_n(' ', fill));
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(text: &str, columns: usize) -> Vec<String> {
        wrap(&Safe::text(text), Some(columns)).iter().map(Safe::to_string).collect()
    }

    fn fitted(text: &str, columns: usize) -> String {
        fit(&Safe::text(text), columns).to_string()
    }

    #[test]
    fn what_a_reader_sees_as_one_character_is_one_cluster() {
        let text = "ae\u{301}日👍🏽🇫🇷🇩🇪👩\u{200d}💻❤\u{fe0f}";
        let seen: Vec<_> = clusters(text).collect();
        assert_eq!(seen, ["a", "e\u{301}", "日", "👍🏽", "🇫🇷", "🇩🇪", "👩\u{200d}💻", "❤\u{fe0f}"]);
    }

    #[test]
    fn fitting_cuts_before_a_wide_character_that_has_no_room() {
        assert_eq!(fitted("日本語", 6), "日本語");
        assert_eq!(fitted("日本語", 5), "日本…");
        assert_eq!(fitted("日本語", 4), "日…");
        assert_eq!(fitted("👩\u{200d}💻👩\u{200d}💻", 3), "👩\u{200d}💻…");
        assert_eq!(fitted("abc", 0), "");
        assert_eq!(pad(&Safe::text("日本"), 6).as_str(), "日本  ");
    }

    #[test]
    fn lines_break_at_spaces_and_keep_their_indent() {
        assert_eq!(wrapped("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrapped("  - the quick brown fox", 13), ["  - the quick", "    brown fox"]);
        assert_eq!(wrapped("1. one two three", 9), ["1. one", "   two", "   three"]);
        assert_eq!(wrapped("", 10), Vec::<String>::new());
        assert_eq!(wrapped("a\n\nb", 10), ["a", "", "b"]);
    }

    #[test]
    fn long_words_break_between_characters() {
        assert_eq!(wrapped("abcdefghijklmnop", 8), ["abcdefgh", "ijklmnop"]);
        assert_eq!(wrapped("x 日本語日本語日", 8), ["x", "日本語日", "本語日"]);
    }

    #[test]
    fn without_columns_lines_stay() {
        let long = "word ".repeat(100);
        assert_eq!(wrap(&Safe::text(&long), None), [Safe::text(long.trim_end())]);
    }

    #[test]
    fn code_and_tables_in_markdown_are_not_wrapped() {
        let text = "one two three\n```rust\nlet a = 1; let b = 2;\n~~~\n```\n| a | long table |\nfour five six";
        let lines = wrap_markdown(&Safe::text(text), Some(9));
        let lines: Vec<_> = lines.iter().map(Safe::as_str).collect();
        let expected = ["one two", "three", "```rust", "let a = 1; let b = 2;", "~~~", "```", "| a | long table |"];
        assert_eq!(lines[..7], expected);
        assert_eq!(lines[7..], ["four five", "six"]);
    }

    #[test]
    fn tabs_go_to_the_next_stop() {
        assert_eq!(expand_tabs("\ta\tb"), "    a   b");
    }

    proptest! {
        #[test]
        fn no_wrapped_line_is_too_wide_and_no_character_is_lost(text in "[a-z 日é👍\n-]{0,120}", columns in 8_usize..40) {
            let lines = wrapped(&text, columns);
            for line in &lines {
                prop_assert!(width(line) <= columns, "{:?}", line);
            }
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
        }

        #[test]
        fn clusters_are_the_whole_text(text in any::<String>()) {
            prop_assert_eq!(clusters(&text).collect::<String>(), text);
        }

        #[test]
        fn fitted_text_fits(text in "[a-z日👩\u{200d}💻é🇫🇷]{0,40}", columns in 0_usize..30) {
            prop_assert!(width(&fitted(&text, columns)) <= columns);
        }
    }
}

//! A unified diff, with marks on what changed within a line.

use similar::{ChangeTag, TextDiff};

use super::markup::Markup;

/// Lines longer than this are not looked into: generated code, in which marks would help nobody.
const LONGEST_LINE: usize = 600;
/// Of more changed lines in a row, which of the old became which of the new cannot be told.
const LONGEST_RUN: usize = 60;
/// Lines that have less in common are different lines.
const ALIKE: f32 = 0.5;

/// The diff, a line each.
pub(super) fn diff(text: &str) -> Markup {
    let mut html = Markup::new();
    html.html("<pre class=\"diff\" tabindex=\"0\">");
    let (mut removed, mut added): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut in_hunk = false;
    for line in text.lines() {
        in_hunk |= line.starts_with("@@");
        match line.as_bytes().first() {
            Some(b'-') if in_hunk && added.is_empty() => removed.push(line),
            Some(b'+') if in_hunk => added.push(line),
            first => {
                write_run(&mut html, &mut removed, &mut added);
                if first == Some(&b'-') && in_hunk {
                    removed.push(line);
                } else if first == Some(&b'@') {
                    html.html("<span class=\"hunk\">").text(line).html("\n</span>");
                } else {
                    html.text(line).html("\n");
                }
            }
        }
    }
    write_run(&mut html, &mut removed, &mut added);
    html.html("</pre>");
    html
}

/// Removed lines and those that took their place.
fn write_run(html: &mut Markup, removed: &mut Vec<&str>, added: &mut Vec<&str>) {
    let paired = removed.len() == added.len() && removed.len() <= LONGEST_RUN;
    let marks: Vec<_> =
        if paired { removed.iter().zip(&*added).map(|(old, new)| marks(old, new)).collect() } else { Vec::new() };
    for (at, line) in removed.drain(..).enumerate() {
        html.html("<span class=\"del\">");
        write_line(html, line, marks.get(at).and_then(|marks| marks.as_ref()).map(|marks| &marks.0));
    }
    for (at, line) in added.drain(..).enumerate() {
        html.html("<span class=\"ins\">");
        write_line(html, line, marks.get(at).and_then(|marks| marks.as_ref()).map(|marks| &marks.1));
    }
}

fn write_line(html: &mut Markup, line: &str, marked: Option<&Markup>) {
    match marked {
        Some(marked) => html.add(marked),
        None => html.text(line),
    };
    html.html("\n</span>");
}

/// Both lines with marks around what they do not share; `None` for lines that share little.
fn marks(old: &str, new: &str) -> Option<(Markup, Markup)> {
    if old.len().max(new.len()) > LONGEST_LINE {
        return None;
    }
    // Behind the sign.
    let (old, new) = (old.get(1..)?, new.get(1..)?);
    let words = TextDiff::from_words(old, new);
    if words.ratio() < ALIKE {
        return None;
    }
    let (mut before, mut after) = (Markup::new(), Markup::new());
    before.html("-");
    after.html("+");
    for change in words.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                before.text(change.value());
                after.text(change.value());
            }
            ChangeTag::Delete => {
                before.html("<del>").text(change.value()).html("</del>");
            }
            ChangeTag::Insert => {
                after.html("<ins>").text(change.value()).html("</ins>");
            }
        }
    }
    Some((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_within_a_line_is_marked() {
        let html = diff("@@ -1,2 +1,2 @@\n a\n-let x = one();\n+let x = two();\n");
        let expected = "<pre class=\"diff\" tabindex=\"0\"><span class=\"hunk\">@@ -1,2 +1,2 @@\n</span> a\n\
                        <span class=\"del\">-let x = <del>one();</del>\n</span>\
                        <span class=\"ins\">+let x = <ins>two();</ins>\n</span></pre>";
        assert_eq!(html.as_str(), expected);
    }

    #[test]
    fn lines_that_share_little_are_not_marked() {
        let html = diff("@@\n-one\n+something else\n");
        assert!(!html.as_str().contains("<del>"), "{html:?}");
    }

    #[test]
    fn runs_of_another_length_and_headers_are_plain() {
        let html = diff("--- a/x\n+++ b/x\n@@\n-a b\n+a c\n+d\n");
        assert_eq!(html.as_str().matches("class=\"del\"").count(), 1, "{html:?}");
        assert_eq!(html.as_str().matches("class=\"ins\"").count(), 2, "{html:?}");
        assert!(!html.as_str().contains("<del>"), "{html:?}");
    }

    #[test]
    fn a_diff_of_markup_is_text() {
        let html = diff("@@\n-<b>x</b>\n+<i>x</i>\n\\ No newline at end of file\n");
        assert!(!html.as_str().contains("<b>") && html.as_str().contains("\\ No newline"), "{html:?}");
    }
}

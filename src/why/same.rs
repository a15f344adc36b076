//! When two lines are the same, though not byte for byte.

use std::borrow::Cow;

/// How a line of a file is the line that an edit wrote, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sameness {
    /// Character by character.
    Exact,
    /// Only white space differs.
    Whitespace,
    /// A formatter has wrapped, joined or punctuated it anew.
    Formatted,
    /// The session had something taken out of it; what is left is the same.
    Redacted,
}

impl Sameness {
    /// Its name, as it is shown and as it is spelled for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Whitespace => "whitespace",
            Self::Formatted => "formatted",
            Self::Redacted => "redacted",
        }
    }
}

/// The line without white space.
pub(super) fn solid(line: &str) -> Cow<'_, str> {
    without(line, char::is_whitespace)
}

/// The line without white space and what formatters add, take out and exchange: commas, semicolons, quotes.
pub(super) fn bare(line: &str) -> Cow<'_, str> {
    without(line, |c| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\''))
}

fn without(line: &str, drop: impl Fn(char) -> bool) -> Cow<'_, str> {
    if line.chars().any(&drop) { Cow::Owned(line.chars().filter(|c| !drop(*c)).collect()) } else { Cow::Borrowed(line) }
}

/// What redaction puts for a secret, up to the rule's name.
const MARK: &str = "[REDACTED:";

/// A line of which something was taken out: what is left, in order, with a gap between each two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    /// Of a line that redaction has changed, or may have: secrets leave a mark, a home folder is `~`, and a name in
    /// one is `user`. `None` of any other.
    pub fn of(line: &str) -> Option<Self> {
        let mut pieces = vec![String::new()];
        let mut rest = line;
        let mut found = false;
        while !rest.is_empty() {
            if let Some(gap) =
                gap_at(rest, pieces.last().is_none_or(|piece| piece.ends_with(is_before_path) || piece.is_empty()))
            {
                found = true;
                if let Some(piece) = pieces.last_mut() {
                    piece.push_str(rest.get(..gap.keep).unwrap_or_default());
                }
                pieces.push(String::new());
                rest = rest.get(gap.end..).unwrap_or_default();
                continue;
            }
            let Some(next) = rest.chars().next() else { break };
            if let Some(piece) = pieces.last_mut() {
                piece.push(next);
            }
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
        found.then_some(Self { pieces })
    }

    /// Whether a line says the same but for the gaps. White space at both ends does not matter.
    pub fn fits(&self, line: &str) -> bool {
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return false };
        let Some(mut rest) = line.trim().strip_prefix(first.trim_start()) else { return false };
        let Some(middle) = rest.strip_suffix(last.trim_end()) else { return false };
        rest = middle;
        for piece in self.pieces.get(1..self.pieces.len() - 1).unwrap_or_default() {
            // A gap holds at least a character.
            let from = rest.char_indices().nth(1).map_or(rest.len(), |(at, _)| at);
            let Some(at) = rest.get(from..).and_then(|rest| rest.find(piece.as_str())) else { return false };
            rest = rest.get(from + at + piece.len()..).unwrap_or_default();
        }
        !rest.is_empty()
    }

    /// How many letters and digits are left of it: with few of them anything fits.
    pub fn says(&self) -> usize {
        self.pieces.iter().flat_map(|piece| piece.chars()).filter(|c| c.is_alphanumeric()).count()
    }
}

/// Something that was taken out: so many bytes of the text stay, so many it takes in all.
struct Gap {
    keep: usize,
    end: usize,
}

fn gap_at(text: &str, begins_path: bool) -> Option<Gap> {
    if let Some(rule) = text.strip_prefix(MARK) {
        let end = rule.find(']').filter(|end| *end <= 64)?;
        return Some(Gap { keep: 0, end: MARK.len() + end + 1 });
    }
    if begins_path && (text.starts_with("~/") || text.starts_with("~\\")) {
        return Some(Gap { keep: 0, end: 1 });
    }
    ["/home/", "/Users/", "\\Users\\"].into_iter().find_map(|homes| {
        let rest = text.strip_prefix(homes)?.strip_prefix("user")?;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        ends.then_some(Gap { keep: homes.len(), end: homes.len() + "user".len() })
    })
}

/// What may stand before a path.
fn is_before_path(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '.' | '/' | '\\' | '~' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_what_formatters_do_can_be_left_out_of_account() {
        assert_eq!(solid("\tlet x =  1;"), "letx=1;");
        assert!(matches!(solid("abc"), Cow::Borrowed("abc")));
        assert_eq!(bare("f('a', b);"), bare("f(\"a\",b,)"));
        assert_ne!(bare("f(a)"), bare("f(b)"));
    }

    #[test]
    fn what_was_taken_out_fits_anything_and_the_rest_itself_only() {
        let pattern = Pattern::of("    key = \"[REDACTED:stripe-key]\"  # of [REDACTED:email]!").expect("a mark");
        assert!(pattern.fits("key = \"sk_live_1\"  # of ann@example.com!"));
        assert!(!pattern.fits("key = \"\"  # of ann@example.com!"), "a gap is not empty");
        assert!(!pattern.fits("kex = \"sk_live_1\"  # of ann@example.com!"));
        assert!(!pattern.fits("key = \"sk_live_1\"  # of ann@example.com"));
        assert_eq!(pattern.says(), 5);
        assert_eq!(Pattern::of("nothing [REDACTED: here"), None);
        assert_eq!(Pattern::of("x = 1"), None);
    }

    #[test]
    fn homes_and_names_in_them_fit_the_real_ones() {
        let pattern = Pattern::of("path = \"~/x\"").expect("a home");
        assert!(pattern.fits("path = \"/home/ann/x\"") && !pattern.fits("path = \"/home/ann/y\""));
        assert!(Pattern::of("cd /Users/user/x").expect("a name").fits("cd /Users/bob/x"));
        assert_eq!(Pattern::of("a ~= b"), None);
        assert_eq!(Pattern::of("/home/users/x"), None);
    }
}

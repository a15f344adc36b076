//! HTML that was put together with care: the only ways in are literals and escaped text.

use std::fmt::Display;
use std::io;

use crate::view::Safe;

/// A piece of HTML. Text from anywhere gets in by [`Markup::text`] only, which escapes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// HTML that a writer of HTML made, and made safe.
    pub(super) fn made(html: String) -> Self {
        Self(html)
    }

    /// HTML of this program.
    pub(super) fn html(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Any text: without what a reader would be deceived by, and escaped for content and for attributes in quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        push_escaped(&mut self.0, Safe::text(text).as_str());
        self
    }

    /// Any text, as one line.
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        push_escaped(&mut self.0, Safe::line(text).as_str());
        self
    }

    /// A number, or anything else whose print is known: escaped all the same.
    pub(super) fn show(&mut self, value: impl Display) -> &mut Self {
        push_escaped(&mut self.0, &value.to_string());
        self
    }

    /// More of the same.
    pub(super) fn add(&mut self, more: &Self) -> &mut Self {
        self.0.push_str(&more.0);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(self.0.as_bytes())
    }
}

fn push_escaped(html: &mut String, text: &str) {
    html.reserve(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        html.push_str(plain);
        let mut chars = special.chars();
        html.push_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            _ => "&#39;",
        });
        rest = chars.as_str();
    }
    html.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        Markup::new().text(text).as_str().to_owned()
    }

    #[test]
    fn markup_in_a_text_is_text() {
        assert_eq!(escaped("<img src=x onerror='a()'>"), "&lt;img src=x onerror=&#39;a()&#39;&gt;");
        assert_eq!(escaped("\"&amp;\u{0}\u{202e}\""), "&quot;&amp;amp;&quot;");
        assert_eq!(Markup::new().line("a\n </p> b").as_str(), "a &lt;/p&gt; b");
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_or_ends_an_attribute(text in any::<String>()) {
            prop_assert!(!escaped(&text).contains(['<', '>', '"', '\'', '\0']));
        }
    }
}

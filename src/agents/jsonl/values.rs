//! The objects of one line, and what is left of those that cannot be read.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::LineEnd;
use crate::agents::SkipReason;

/// At how many places of a broken line a whole object is looked for, and in how many bytes altogether: each may look as if
/// it went on to the end.
const TEARS: usize = 64;
const TEAR_BYTES: usize = 64 << 20;

/// The JSON objects of one line, glued or not.
#[derive(Debug)]
pub struct Values<'a, T> {
    rest: &'a str,
    end: LineEnd,
    kind: PhantomData<T>,
}

/// Takes the text of a line apart into objects of type `T`.
///
/// What cannot be read is told with its reason, once, and ends the line, unless it is a whole
/// value: then the next one is read. On a line that is still open everything unreadable is
/// [`SkipReason::Torn`]. An empty line has no values.
pub fn values<'a, T: Deserialize<'a>>(text: &'a str, end: LineEnd) -> Values<'a, T> {
    Values { rest: text, end, kind: PhantomData }
}

impl<'a, T: Deserialize<'a>> Iterator for Values<'a, T> {
    type Item = Result<T, SkipReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.trim_ascii_start();
        self.rest = text;
        if text.is_empty() {
            return None;
        }
        if !text.starts_with('{') {
            return Some(Err(self.pass_over(SkipReason::NotAnObject)));
        }
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<T>();
        match stream.next() {
            Some(Ok(value)) => {
                self.rest = text.get(stream.byte_offset()..).unwrap_or_default();
                Some(Ok(value))
            }
            Some(Err(error)) if error.classify() == Category::Data => Some(Err(self.pass_over(SkipReason::BadRecord))),
            Some(Err(_)) => Some(Err(self.give_up())),
            None => None,
        }
    }
}

impl<T> Values<'_, T> {
    /// Whether nothing is left of the line.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.rest.trim_ascii_start().is_empty()
    }

    /// Skips one value of whatever kind.
    fn pass_over(&mut self, reason: SkipReason) -> SkipReason {
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<IgnoredAny>();
        match stream.next() {
            Some(Ok(_)) => {
                self.rest = self.rest.get(stream.byte_offset()..).unwrap_or_default();
                reason
            }
            _ => self.give_up(),
        }
    }

    /// Leaves what cannot be read, up to what was written after it on the same line, if there is such.
    fn give_up(&mut self) -> SkipReason {
        self.rest = after_tear(self.rest).unwrap_or_default();
        if self.end == LineEnd::Open { SkipReason::Torn } else { SkipReason::NotJson }
    }
}

/// The object that a text which begins with none ends with: a writer that was killed in the middle of a record left no line
/// feed, and the next record was appended to that. Objects inside of one that is broken do not reach to the end.
fn after_tear(text: &str) -> Option<&str> {
    let places = (TEAR_BYTES / text.len().max(1)).clamp(1, TEARS);
    let begins = memchr::memmem::find_iter(text.as_bytes(), b"{\"").filter(|at| *at > 0).take(places);
    begins.filter_map(|at| text.get(at..)).find(|rest| {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let is_whole = matches!(stream.next(), Some(Ok(_)));
        is_whole && rest.get(stream.byte_offset()..).is_some_and(|rest| rest.trim_ascii().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn reasons(text: &str, end: LineEnd) -> Vec<Result<Value, SkipReason>> {
        values(text, end).collect()
    }

    #[test]
    fn glued_values_are_all_read() {
        let read = reasons(r#"{"a":1}{"b":2}  {"c":3}"#, LineEnd::Terminated);
        assert_eq!(read.len(), 3);
        assert!(read.iter().all(Result::is_ok));
    }

    #[test]
    fn what_is_no_object_is_told_and_passed_over() {
        let read = reasons(r#"[1,2] {"a":1} "x" 3"#, LineEnd::Terminated);
        let no = Err(SkipReason::NotAnObject);
        assert_eq!(read, [no.clone(), Ok(serde_json::json!({"a": 1})), no.clone(), no]);
        assert_eq!(reasons("no json", LineEnd::Terminated), [Err(SkipReason::NotJson)]);
        assert_eq!(reasons(" \r", LineEnd::Terminated), []);
    }

    #[test]
    fn a_record_of_the_wrong_shape_does_not_hide_the_one_glued_to_it() {
        #[derive(Deserialize)]
        struct Typed {
            n: u32,
        }
        let read: Vec<_> = values::<Typed>(r#"{"n":"x"}{"n":7}{"n":1,"n":2}"#, LineEnd::Terminated).collect();
        assert!(matches!(
            read.as_slice(),
            [Err(SkipReason::BadRecord), Ok(Typed { n: 7 }), Err(SkipReason::BadRecord)]
        ));
    }

    #[test]
    fn an_unfinished_value_is_torn_at_the_end_of_a_log_and_bad_elsewhere() {
        assert_eq!(reasons(r#"{"a":"#, LineEnd::Open), [Err(SkipReason::Torn)]);
        assert_eq!(reasons(r#"{"a":"#, LineEnd::Terminated), [Err(SkipReason::NotJson)]);
    }

    #[test]
    fn a_record_that_was_appended_to_a_torn_one_is_read() {
        let whole = r#"{"type":"user","message":{"content":[{"type":"text","text":"}{\"x\":{}"}]}}"#;
        let read = Ok(serde_json::from_str(whole).unwrap());
        for cut in 1..whole.len() {
            let torn = whole.get(..cut).unwrap();
            for after in ["", " \r"] {
                let line = format!("{torn}{whole}{after}");
                assert_eq!(reasons(&line, LineEnd::Terminated), [Err(SkipReason::NotJson), read.clone()], "{line}");
            }
        }
        assert_eq!(reasons(&format!("\0garbage{whole}"), LineEnd::Open), [Err(SkipReason::Torn), read]);
        let nested = r#"{"a":\x,"b":{"c":1}}"#;
        assert_eq!(reasons(nested, LineEnd::Terminated), [Err(SkipReason::NotJson)], "what is inside is not alone");
    }

    #[test]
    fn a_bomb_of_brackets_is_refused_without_a_crash() {
        let bomb = format!("{{\"a\":{}", "[".repeat(500_000));
        assert_eq!(reasons(&bomb, LineEnd::Terminated), [Err(SkipReason::NotJson)]);
        let whole = format!("{{\"a\":{}{}}}{{}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(reasons(&whole, LineEnd::Terminated), [Err(SkipReason::NotJson)]);
    }
}

//! What a program says, handed on while it still runs.

use super::text;

/// Hands on whole lines of standard error, fit for a person.
pub(super) struct Aloud<'s> {
    said: &'s mut dyn FnMut(&str),
    secrets: Vec<String>,
    rest: Vec<u8>,
}

impl<'s> Aloud<'s> {
    /// To this listener, without these words.
    pub(super) fn new(said: &'s mut dyn FnMut(&str), secrets: Vec<String>) -> Self {
        Self { said, secrets, rest: Vec::new() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.say(&line);
        }
    }

    /// What came without an end of line.
    pub(super) fn finish(mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.say(&rest);
    }

    /// Of a line that a program has written over again and again, what it shows at last.
    fn say(&mut self, line: &[u8]) {
        let shown = text::presentable(line, &self.secrets);
        if let Some(last) = shown.lines().map(str::trim_end).rfind(|line| !line.is_empty()) {
            (self.said)(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_on_whole_clean_and_at_once() {
        let mut heard = Vec::new();
        let mut listen = |line: &str| heard.push(line.to_owned());
        let mut aloud = Aloud::new(&mut listen, vec!["s3cret".to_owned()]);
        for part in ["one\ntw", "o s3cr", "et\x1b[31m https://u:p@h/x\n", "10%\r 20%\rdone\n\n", "the end"] {
            aloud.take(part.as_bytes());
        }
        aloud.finish();
        assert_eq!(heard, ["one", "two *** https://h/x", "done", "the end"]);
    }
}

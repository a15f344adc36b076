//! A place in a line that is taken apart in one pass.

use crate::agents::unescape::{self, Quoted};

/// Whether there are control characters in a text. (Looked at to its end in any case: so it is a matter
/// of vectors.)
pub(super) fn has_control(text: &str) -> bool {
    text.bytes().fold(u8::MAX, u8::min) < b' '
}

/// How deep a value may be nested that is passed over.
pub(super) const DEEPEST: u32 = 32;

/// A place in a line. Nothing it reads is `None` but for what is not as usual.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn at_start_of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while self.byte()? == b' ' {
            self.at += 1;
        }
        self.byte()
    }

    /// Passes over a byte if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> Option<&'a str> {
        self.text.get(self.at..)
    }

    /// For a field that must not have come before.
    pub(super) fn once(&mut self, seen: &mut u64, nth: u32) -> Option<&mut Self> {
        let is_first = *seen & 1 << nth == 0;
        *seen |= 1 << nth;
        is_first.then_some(self)
    }

    /// Reads an object, calling `field` at each value.
    pub(super) fn object(&mut self, mut field: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        if !self.eat(b'{') {
            return None;
        }
        if self.eat(b'}') {
            return Some(());
        }
        loop {
            let key = self.key()?;
            field(self, key)?;
            if !self.eat(b',') {
                return self.eat(b'}').then_some(());
            }
        }
    }

    /// Reads a list, calling `item` at each value.
    pub(super) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.eat(b'[') {
            return None;
        }
        if self.eat(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.eat(b',') {
                return self.eat(b']').then_some(());
            }
        }
    }

    /// A key and its colon. One with escapes is none.
    fn key(&mut self) -> Option<&'a str> {
        if !self.eat(b'"') {
            return None;
        }
        let rest = self.rest()?;
        let length = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        self.at += length;
        if self.byte() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let key = rest.get(..length)?;
        self.eat(b':').then_some(key)
    }

    /// Whether nothing is said; then it is passed over.
    pub(super) fn is_null(&mut self) -> Option<bool> {
        if self.peek()? != b'n' {
            return Some(false);
        }
        self.word("null")?;
        Some(true)
    }

    /// Passes over a word that must come next.
    pub(super) fn word(&mut self, word: &str) -> Option<()> {
        let is_next = self.rest()?.starts_with(word);
        self.at += word.len();
        is_next.then_some(())
    }

    /// A text, decoded.
    pub(super) fn quoted(&mut self) -> Option<Quoted<'a>> {
        if !self.eat(b'"') {
            return None;
        }
        let quoted = unescape::until_quote(self.rest()?)?;
        self.at = self.text.len() - quoted.rest.len();
        Some(quoted)
    }

    /// Passes over a value of any kind. Gives it as it is spelled.
    pub(super) fn skip(&mut self, deeper: u32) -> Option<&'a str> {
        let first = self.peek()?;
        let from = self.at;
        match first {
            b'"' => self.at = self.text.len() - unescape::after_quote(self.text.get(from + 1..)?)?.len(),
            b'{' => {
                let deeper = deeper.checked_sub(1)?;
                self.object(|cursor, _| cursor.skip(deeper).map(drop))?;
            }
            b'[' => {
                let deeper = deeper.checked_sub(1)?;
                self.list(|cursor| cursor.skip(deeper).map(drop))?;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        self.text.get(from..self.at)
    }

    /// Passes over a number: `-0.5e+7`.
    fn number(&mut self) -> Option<()> {
        let sign = usize::from(self.byte() == Some(b'-'));
        self.at += sign;
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over one digit or more.
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }
}

//! One file of git's configuration: its entries with their places, so that one can be changed and
//! every other byte stays. The syntax is that of git-config(1), "CONFIGURATION FILE".

use std::ops::Range;

/// One `name = value` line (or several, with continuations).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git) struct FileEntry {
    /// The whole key: section and name in lower case, subsection as written.
    pub key: String,
    /// The value; `None` for a name without `=`, which git reads as true.
    pub value: Option<String>,
    /// Its bytes in the file: from the line's start (or the name, after a section header on the same line)
    /// to after the line end.
    span: Range<usize>,
}

/// A `[section]` header and what follows it up to the next one.
#[derive(Debug, Clone)]
struct Section {
    /// The key's beginning: `section.` or `section.subsection.`
    prefix: String,
    /// The header's bytes; with the line end, if nothing else is on its line.
    header: Range<usize>,
    /// Where an entry can be added: after the header or after the last entry.
    end: usize,
    /// Whether it holds a comment.
    commented: bool,
}

/// A parsed file and its bytes.
#[derive(Debug, Clone, Default)]
pub(in crate::git) struct ConfigFile {
    bytes: Vec<u8>,
    entries: Vec<FileEntry>,
    sections: Vec<Section>,
}

/// A line that is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git) struct BadLine(pub usize);

impl ConfigFile {
    /// Parses the bytes of a file. Values that are not UTF-8 are read lossily.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BadLine> {
        let mut parser = Parser { bytes: &bytes, at: 0, entries: Vec::new(), sections: Vec::new() };
        if bytes.starts_with(b"\xef\xbb\xbf") {
            parser.at = 3;
        }
        match parser.run() {
            Some(()) => {
                let Parser { entries, sections, .. } = parser;
                Ok(Self { bytes, entries, sections })
            }
            None => {
                Err(BadLine(bytes.iter().take(parser.at.saturating_sub(1)).filter(|byte| **byte == b'\n').count() + 1))
            }
        }
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// The bytes with all values of `key` replaced by this one, where the last of them was.
    pub fn set(&self, key: &str, value: &str) -> Vec<u8> {
        let mut spans: Vec<_> = self.spans(key).collect();
        let Some(last) = spans.pop() else { return self.add(key, value) };
        let mut edits: Vec<_> = spans.into_iter().map(|span| (span, Vec::new())).collect();
        let mut line = self.line(key, value);
        if !self.begins_line(last.start) {
            line.insert(0, b'\n');
        }
        edits.push((last, line));
        self.edited(edits)
    }

    /// The bytes with one more value of `key`.
    pub fn add(&self, key: &str, value: &str) -> Vec<u8> {
        let (prefix, _) = split(key);
        let line = self.line(key, value);
        if let Some(section) = self.sections.iter().rev().find(|section| section.prefix == prefix) {
            let mut text = Vec::new();
            if !self.begins_line(section.end) {
                text.push(b'\n');
            }
            text.extend(line);
            return self.edited(vec![(section.end..section.end, text)]);
        }
        let mut text = Vec::new();
        if !self.begins_line(self.bytes.len()) {
            text.push(b'\n');
        }
        text.extend(header(prefix).into_bytes());
        text.extend(line);
        self.edited(vec![(self.bytes.len()..self.bytes.len(), text)])
    }

    /// The bytes without any value of `key`, and without the section if nothing is left in it.
    pub fn unset(&self, key: &str) -> Vec<u8> {
        let (prefix, _) = split(key);
        let mut edits: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.key == key)
            .map(|entry| {
                let text = if self.begins_line(entry.span.start) { Vec::new() } else { b"\n".to_vec() };
                (entry.span.clone(), text)
            })
            .collect();
        let starts: Vec<_> = self.sections.iter().map(|section| section.header.start).collect();
        for (number, section) in self.sections.iter().enumerate().filter(|(_, section)| section.prefix == prefix) {
            let body = section.header.start..starts.get(number + 1).copied().unwrap_or(self.bytes.len());
            let mut within = self.entries.iter().filter(|entry| body.contains(&entry.span.start)).peekable();
            if within.peek().is_some() && within.all(|entry| entry.key == key) && !section.commented {
                edits.retain(|(span, _)| !body.contains(&span.start));
                edits.push((section.header.start..section.end, Vec::new()));
            }
        }
        self.edited(edits)
    }

    fn spans<'a>(&'a self, key: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.entries.iter().filter(move |entry| entry.key == key).map(|entry| entry.span.clone())
    }

    fn line(&self, key: &str, value: &str) -> Vec<u8> {
        let end = if self.bytes.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
        format!("\t{} = {}{end}", split(key).1, quoted(value)).into_bytes()
    }

    fn begins_line(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| self.bytes.get(before) == Some(&b'\n'))
    }

    fn edited(&self, mut edits: Vec<(Range<usize>, Vec<u8>)>) -> Vec<u8> {
        edits.sort_by_key(|(span, _)| span.start);
        let mut out = Vec::with_capacity(self.bytes.len() + 128);
        let mut kept = 0;
        for (span, text) in edits {
            out.extend_from_slice(self.bytes.get(kept..span.start).unwrap_or_default());
            out.extend(text);
            kept = span.end;
        }
        out.extend_from_slice(self.bytes.get(kept..).unwrap_or_default());
        out
    }
}

/// A key's section (with its dot) and its name.
fn split(key: &str) -> (&str, &str) {
    key.split_at(key.rfind('.').map_or(0, |dot| dot + 1))
}

/// `[section "subsection"]` for a key's beginning.
fn header(prefix: &str) -> String {
    let prefix = prefix.strip_suffix('.').unwrap_or(prefix);
    match prefix.split_once('.') {
        None => format!("[{prefix}]\n"),
        Some((section, sub)) => format!("[{section} \"{}\"]\n", sub.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A value as git writes it.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    for char in value.chars() {
        match char {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '"' | '\\' => text.extend(['\\', char]),
            _ => text.push(char),
        }
    }
    let quotes = value.starts_with(' ') || value.ends_with(' ') || value.contains([';', '#', '\r']);
    if quotes { format!("\"{text}\"") } else { text }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    entries: Vec<FileEntry>,
    sections: Vec<Section>,
}

impl Parser<'_> {
    /// The next byte; a CR before an LF is no byte, as in git.
    fn peek(&self) -> Option<u8> {
        match self.bytes.get(self.at..) {
            Some([b'\r', b'\n', ..]) => Some(b'\n'),
            Some([byte, ..]) => Some(*byte),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += if self.bytes.get(self.at) == Some(&byte) { 1 } else { 2 };
        Some(byte)
    }

    /// The whole file; `None` stops at the line that is wrong.
    fn run(&mut self) -> Option<()> {
        let mut line_start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.next();
                    line_start = self.at;
                }
                b'#' | b';' => {
                    self.comment();
                    self.skip_line();
                }
                b'[' => {
                    self.section()?;
                    line_start = self.at;
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                byte if byte.is_ascii_alphabetic() => {
                    self.entry(line_start)?;
                    line_start = self.at;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn comment(&mut self) {
        if let Some(section) = self.sections.last_mut() {
            section.commented = true;
        }
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn section(&mut self) -> Option<()> {
        let start = self.bytes.get(..self.at)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |lf| lf + 1);
        let start = if self.bytes.get(start..self.at)?.iter().all(u8::is_ascii_whitespace) { start } else { self.at };
        self.next();
        let mut prefix = Vec::new();
        loop {
            match self.next()? {
                b']' => break,
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => {
                    prefix.push(byte.to_ascii_lowercase());
                }
                b' ' | b'\t' => {
                    prefix.push(b'.');
                    self.subsection(&mut prefix)?;
                    break;
                }
                _ => return None,
            }
        }
        prefix.push(b'.');
        let after = self.at;
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.at += 1;
        }
        if self.peek() == Some(b'\n') {
            self.next();
        } else if self.peek().is_some() {
            self.at = after;
        }
        let prefix = String::from_utf8_lossy(&prefix).into_owned();
        self.sections.push(Section { prefix, header: start..self.at, end: self.at, commented: false });
        Some(())
    }

    fn subsection(&mut self, prefix: &mut Vec<u8>) -> Option<()> {
        while matches!(self.peek()?, b' ' | b'\t') {
            self.at += 1;
        }
        if self.next()? != b'"' {
            return None;
        }
        loop {
            match self.next()? {
                b'\n' => return None,
                b'"' => break,
                b'\\' => match self.next()? {
                    b'\n' => return None,
                    byte => prefix.push(byte),
                },
                byte => prefix.push(byte),
            }
        }
        (self.next()? == b']').then_some(())
    }

    fn entry(&mut self, line_start: usize) -> Option<()> {
        // Before any section a name is a key by itself, of which git makes nothing either.
        let mut key = self.sections.last().map_or_else(String::new, |section| section.prefix.clone());
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            key.push(char::from(byte.to_ascii_lowercase()));
            self.at += 1;
        }
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.at += 1;
        }
        let value = match self.peek() {
            None => None,
            Some(b'\n') => {
                self.next();
                None
            }
            Some(b'=') => {
                self.next();
                Some(self.value()?)
            }
            Some(_) => return None,
        };
        self.entries.push(FileEntry { key, value, span: line_start..self.at });
        if let Some(section) = self.sections.last_mut() {
            section.end = self.at;
        }
        Some(())
    }

    /// A value up to and with its line end: blanks at both ends and comments go, quotes and escapes are resolved.
    fn value(&mut self) -> Option<String> {
        let mut value: Vec<u8> = Vec::new();
        // The length without trailing blanks outside of quotes.
        let mut trimmed = 0;
        let mut in_quotes = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' if in_quotes => return None,
                b'\n' => break,
                b'#' | b';' if !in_quotes => {
                    self.comment();
                    self.skip_line();
                }
                b'"' => {
                    in_quotes = !in_quotes;
                    trimmed = value.len();
                }
                b'\\' => {
                    match self.next() {
                        Some(b'\n') | None => {}
                        Some(b't') => value.push(b'\t'),
                        Some(b'b') => value.push(8),
                        Some(b'n') => value.push(b'\n'),
                        Some(byte @ (b'\\' | b'"')) => value.push(byte),
                        Some(_) => return None,
                    }
                    trimmed = value.len();
                }
                byte if byte.is_ascii_whitespace() && !in_quotes => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                }
                byte => {
                    value.push(byte);
                    trimmed = value.len();
                }
            }
        }
        if in_quotes {
            return None;
        }
        value.truncate(trimmed);
        Some(String::from_utf8_lossy(&value).into_owned())
    }
}

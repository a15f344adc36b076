//! Files that a shell command writes with what stands in the command itself: here-documents.
//!
//! Only what can be told without a shell: `cat > file <<'EOF'`, `cat <<EOF >> file`, `tee file <<EOF`. Lines in which
//! the shell puts values for variables are other lines in the file, and match nothing.

/// A file and the lines that a command writes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written<'a> {
    /// The path as the command has it.
    pub path: &'a str,
    /// The lines.
    pub lines: Vec<&'a str>,
}

/// The files that a command writes by here-documents.
pub(super) fn written(command: &str) -> Vec<Written<'_>> {
    let mut all = Vec::new();
    let mut lines = command.lines();
    while let Some(line) = lines.next() {
        for document in documents(line) {
            let mut body = Vec::new();
            for next in lines.by_ref() {
                let plain = if document.tabs { next.trim_start_matches('\t') } else { next };
                if plain == document.end {
                    break;
                }
                body.push(plain);
            }
            all.extend(document.path.map(|path| Written { path, lines: body }));
        }
    }
    all
}

struct Document<'a> {
    end: &'a str,
    tabs: bool,
    path: Option<&'a str>,
}

/// The here-documents that begin in a line, in order.
fn documents(line: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    // One command of several in the line: `mkdir x && cat > x/y <<EOF`.
    for command in line.split(['|', ';', '&']) {
        let Some((_, rest)) = command.split_once("<<") else { continue };
        if rest.starts_with('<') {
            continue;
        }
        let tabs = rest.starts_with('-');
        let word = rest.trim_start_matches('-').trim_start();
        let (end, _) = first_word(word);
        if !end.is_empty() {
            found.push(Document { end: end.trim_start_matches('\\'), tabs, path: target(command) });
        }
    }
    found
}

/// Where the output of a command goes: `> path`, `>> path`, or what `tee` writes.
fn target(command: &str) -> Option<&str> {
    if let Some(at) = command.find('>') {
        let before = command.get(..at)?;
        // `2> errors` is not what was written.
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (path, _) = first_word(command.get(at..)?.trim_start_matches(['>', '|']).trim_start());
        return Some(path).filter(|path| is_path(path));
    }
    let rest = command.trim_start().strip_prefix("tee ")?;
    let words = rest.split_whitespace().take_while(|word| !word.starts_with("<<"));
    words.map(|word| word.trim_matches(['"', '\''])).find(|word| !word.starts_with('-') && is_path(word))
}

fn is_path(word: &str) -> bool {
    !word.is_empty() && !word.contains(['$', '`', '(', '*']) && word != "/dev/null"
}

/// The first word, without its quotes, and what follows.
fn first_word(text: &str) -> (&str, &str) {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return text.get(1..).and_then(|rest| rest.split_once(quote)).unwrap_or(("", ""));
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '>' | '<' | ')')).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &str) -> Vec<(&str, String)> {
        written(command).into_iter().map(|written| (written.path, written.lines.join("|"))).collect()
    }

    #[test]
    fn files_that_are_written_in_the_command_itself_are_known() {
        assert_eq!(told("cat > a.txt <<'EOF'\none\n two\nEOF\nls"), [("a.txt", "one| two".to_owned())]);
        assert_eq!(told("mkdir -p d && cat <<EOF >> \"d/b c\"\nx\nEOF"), [("d/b c", "x".to_owned())]);
        assert_eq!(told("tee -a log <<-END\n\tx\n\tEND\n"), [("log", "x".to_owned())]);
        let two = told("cat >a <<A\n1\nA\ncat >b <<\"B\"\n2\nB");
        assert_eq!(two, [("a", "1".to_owned()), ("b", "2".to_owned())]);
    }

    #[test]
    fn what_goes_elsewhere_is_no_file() {
        for command in [
            "python3 <<EOF\nx\nEOF",
            "cat <<EOF\nx\nEOF",
            "cat > $F <<EOF\nx\nEOF",
            "cat <<< word > a",
            "run 2> a <<EOF\nx\nEOF",
            "echo a > b",
        ] {
            assert_eq!(told(command), [], "{command}");
        }
    }
}

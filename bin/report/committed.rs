//! What of the committed file does not count.

use git_opensession::settings::committed::Problem;

use crate::terminal::Talk;

/// As many problems of the committed file as are told of one by one.
const MOST: usize = 3;

/// Warns of it.
pub fn warn(talk: &Talk, problems: &[Problem]) {
    const FILE: &str = ".opensession/config.toml";
    for Problem { line, kind } in problems.iter().take(MOST) {
        let place = line.map_or_else(String::new, |line| format!(", line {line}"));
        talk.warn(&format!("{FILE}{place}: {kind}"), &[]);
    }
    if problems.len() > MOST {
        talk.warn(&format!("{FILE}: and {} more that do not count", problems.len() - MOST), &[]);
    }
}

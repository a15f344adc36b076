//! What is said in answers: what was chosen, what is asked, what is to be done next. Cautious: where the words do not
//! plainly say so, nothing is found.

/// How an agent says that it chose something.
const CHOOSING: &[&str] = &[
    "decided to ",
    "decided on ",
    "decision: ",
    "i chose ",
    "we chose ",
    "chose to ",
    "opted for ",
    "opted to ",
    "went with ",
    "settled on ",
    "deliberately ",
    "on purpose ",
];

/// How a section about what is left begins.
const NEXT: &[&str] = &[
    "next step",
    "next up",
    "next:",
    "follow-up",
    "follow up",
    "followup",
    "remaining",
    "still to do",
    "still open",
    "to do",
    "todo",
    "what's left",
    "what is left",
    "not done",
    "not yet done",
    "outstanding",
    "open items",
    "future work",
    "next",
];

/// The longest heading of a section.
const HEADING: usize = 60;
/// The longest sentence.
const SENTENCE: usize = 600;
/// How many steps one section may have.
const STEPS: usize = 20;

/// The sentences of an answer that say what was chosen.
pub(super) fn choices(answer: &str) -> Vec<String> {
    let chosen = |sentence: &String| {
        let lower = sentence.to_lowercase();
        sentence.len() <= SENTENCE && !sentence.ends_with('?') && CHOOSING.iter().any(|words| lower.contains(words))
    };
    sentences(answer).into_iter().filter(chosen).collect()
}

/// What an answer asks in the end: the questions of its last paragraph; if that is a list of options, of the one before,
/// and the options.
pub(super) fn question(answer: &str) -> Option<String> {
    let paragraphs: Vec<&str> = answer.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).collect();
    let (last, before) = paragraphs.split_last()?;
    let asked = |text: &str| {
        let asked: Vec<String> = sentences(text).into_iter().filter(|sentence| sentence.ends_with('?')).collect();
        (!asked.is_empty()).then(|| asked.join(" "))
    };
    if last.lines().all(|line| item(line).is_some()) {
        let options = last.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let question = before.last().filter(|text| text.ends_with(['?', ':'])).and_then(|text| asked(text));
        return question.map(|question| format!("{question}\n{options}")).or_else(|| asked(last));
    }
    asked(last)
}

/// The items of the sections of an answer that say what is to be done next.
pub(super) fn next_steps(answer: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut inside = false;
    for line in answer.lines() {
        let step = item(line).map(str::to_owned);
        match step {
            Some(step) if inside => steps.push(step),
            Some(_) => {}
            None if line.trim().is_empty() => {}
            None => {
                let heading = heading(line);
                inside = heading.is_some_and(|heading| is_next(&heading));
            }
        }
    }
    steps.truncate(STEPS);
    steps
}

/// The text of a line that is a heading: `## Next`, `**Next steps**`, `Next steps:`.
fn heading(line: &str) -> Option<String> {
    let line = line.trim();
    let marked = line.starts_with('#') || (line.starts_with("**") && line.trim_end_matches(':').ends_with("**"));
    let bare = line.trim_matches(['#', '*', ' ', '_']);
    let is_heading = bare.len() <= HEADING && (marked || bare.ends_with(':'));
    is_heading.then(|| bare.to_lowercase())
}

fn is_next(heading: &str) -> bool {
    let text = heading.trim_start_matches(|c: char| !c.is_alphabetic());
    NEXT.iter().any(|words| match *words {
        // The bare word only alone: "next" begins too many headings.
        "next" => text.trim_end_matches(':') == "next",
        words => text.starts_with(words) || text.starts_with(&format!("suggested {words}")),
    })
}

/// The text of an item of a list, without a mark that says it is done.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let after = line.strip_prefix(['-', '*', '•']).or_else(|| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < line.len()).then(|| rest.strip_prefix(['.', ')'])).flatten()
    })?;
    let text = after.strip_prefix(' ')?.trim();
    if text.starts_with("[x]") || text.starts_with("[X]") {
        return None;
    }
    let text = text.strip_prefix("[ ]").map_or(text, str::trim_start);
    (!text.is_empty()).then_some(text)
}

/// The sentences of a text, code blocks left out.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code || line.trim().is_empty() {
            continue;
        }
        let line = item(line).unwrap_or_else(|| line.trim());
        let mut rest = line;
        while let Some(end) = sentence_end(rest) {
            let (sentence, after) = rest.split_at(end);
            sentences.push(sentence.trim().to_owned());
            rest = after;
        }
        if !rest.trim().is_empty() {
            sentences.push(rest.trim().to_owned());
        }
    }
    sentences
}

/// Where the first sentence ends, if another follows.
fn sentence_end(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if matches!(c, '.' | '?' | '!') && chars.peek().is_some_and(|(_, next)| *next == ' ') {
            let next = text.get(at + 2..)?.trim_start();
            if next.starts_with(|c: char| c.is_uppercase() || !c.is_ascii_lowercase()) && !next.is_empty() {
                return Some(at + 1);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_sentences_that_say_so() {
        let answer = "All done. I went with a map instead of a list, because lookups dominate. It is fast.\n\n\
                      - We decided to keep the old flag.\n```\nI chose nothing\n```\nShould I have opted for another?";
        let expected =
            ["I went with a map instead of a list, because lookups dominate.", "We decided to keep the old flag."];
        assert_eq!(choices(answer), expected);
    }

    #[test]
    fn only_the_questions_at_the_end_are_open() {
        assert_eq!(question("Why? Because.\n\nDone."), None);
        assert_eq!(question("Done.\n\nIt works. Shall I push? Or wait?").as_deref(), Some("Shall I push? Or wait?"));
        let options = "Which one?\n\n1. This\n2. That";
        assert_eq!(question(options).as_deref(), Some("Which one?\n1. This\n2. That"));
        assert_eq!(question(""), None);
    }

    #[test]
    fn next_steps_are_the_lists_below_their_heading() {
        let answer = "## Done\n- a\n\n## Next steps\n\n1. Write tests\n2. [ ] Ship\n- [x] Done already\n\n## Notes\n- b\n\
                      **Remaining:**\n* c\nNext to that:\n- d";
        assert_eq!(next_steps(answer), ["Write tests", "Ship", "c"]);
        assert_eq!(next_steps("no list"), Vec::<String>::new());
    }
}

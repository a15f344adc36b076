use super::*;
use crate::why::testing::edit;

/// For each line of the file the edit that has it, and how: `0`, `1~` (white space), `0f`, `0r`; `-` if nobody.
fn told(file: &str, edits: &[Edit]) -> String {
    told_of(file, edits, false)
}

fn told_of(file: &str, edits: &[Edit], is_renamed: bool) -> String {
    let lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let candidates: Vec<_> = edits.iter().map(|edit| Candidate { edit, is_renamed }).collect();
    let wanted: Vec<usize> = (0..lines.len()).collect();
    let made = Made { author_time: 1000, commit_time: 1000 };
    let hits = attribute(&File::new(&lines), &wanted, made, &candidates);
    let mark = |hit: &Hit| match hit.sameness {
        Sameness::Exact => "",
        Sameness::Whitespace => "~",
        Sameness::Formatted => "f",
        Sameness::Redacted => "r",
    };
    let of = |line: usize| {
        let hit = hits.iter().find(|hit| hit.line == line);
        hit.map_or_else(|| "-".to_owned(), |hit| format!("{}{}", hit.edit, mark(hit)))
    };
    (0..lines.len()).map(of).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_an_edit_wrote_is_its_and_what_a_human_added_is_not() {
    let made = edit(1, "a", &["+fn first() {", "+    one_call();", "+}"]);
    let file = "fn first() {\n    one_call();\n    by_hand();\n}\n\nfn second() {\n    by_hand_too();\n}\n";
    assert_eq!(told(file, &[made]), "0 0 - 0 - - - -");
}

#[test]
fn braces_are_told_by_what_is_around_them() {
    let one = edit(1, "a", &["+fn first() {", "+    one_call();", "+}", "+"]);
    let two = edit(2, "a", &[" }", " ", "+fn second() {", "+    two_calls();", "+}"]);
    let file = "fn first() {\n    one_call();\n}\n\nfn second() {\n    two_calls();\n}\n";
    assert_eq!(told(file, &[one.clone(), two]), "0 0 0 0 1 1 1");
    assert_eq!(told("}\n}\n", &[one]), "- -", "nothing tells whose they are");
    assert_eq!(told("{\n}\n", &[edit(1, "a", &["+{", "+}"])]), "0 0", "a whole file is told by all of it");
}

#[test]
fn of_several_edits_that_wrote_a_line_the_last_before_the_commit_has_it() {
    let make = edit(1, "a", &["+first line of it", "+second line of it", "+third line of it"]);
    let other = edit(2, "a", &[" first line of it", "+another second line", " third line of it"]);
    let back = edit(3, "a", &[" first line of it", "+second line of it", " third line of it"]);
    let late = edit(5000, "a", &[" first line of it", "+second line of it", " third line of it"]);
    assert_eq!(told("first line of it\nsecond line of it\nthird line of it\n", &[make, other, back, late]), "0 2 0");
}

#[test]
fn a_line_that_a_human_wrote_once_more_stays_his() {
    let made = edit(1, "a", &["+fn first() {", "+    shared_call(value);", "+}"]);
    let file = "fn first() {\n    shared_call(value);\n}\nfn hand() {\n    other();\n    shared_call(value);\n}\n";
    assert_eq!(told(file, &[made]), "0 0 0 - - - -");
}

#[test]
fn what_a_later_edit_let_stand_is_still_the_earlier_ones() {
    let made = edit(1, "a", &["+if old_condition {", "+    old_call();", "+}", "+", "+old_end();"]);
    let later = edit(
        2,
        "a",
        &[
            "-if old_condition {",
            "-    old_call();",
            "+if new_condition {",
            "+    new_call();",
            " }",
            " ",
            "-old_end();",
            "+new_end();",
        ],
    );
    let file = "if new_condition {\n    new_call();\n}\n\nnew_end();\n";
    assert_eq!(told(file, &[made, later.clone()]), "1 1 0 0 1");
    assert_eq!(told(file, &[later]), "0 0 - - 0", "what was there before is nobody's here");
}

#[test]
fn white_space_formatters_and_redaction_are_marked() {
    let made = edit(
        1,
        "a",
        &[
            "+if ready {",
            "+call(first_argument, second_argument)",
            "+}",
            "+stripe_key = \"[REDACTED:stripe-key]\"",
            "+path = ~/x/y",
        ],
    );
    let file = "if ready {\n    call(\n        first_argument,\n        second_argument,\n    )\n}\nstripe_key = \"sk_1\"\npath = /home/ann/x/y\n";
    assert_eq!(told(file, std::slice::from_ref(&made)), "0 0f 0f 0f 0f 0 0r 0r");
    assert_eq!(told("\tif ready {\n", &[made]), "0~");
    let split = edit(1, "a", &["+let total = first_value", "+    + second_value;"]);
    assert_eq!(told("let total = first_value + second_value;\n", &[split]), "0f");
}

#[test]
fn a_part_of_what_an_edit_wrote_is_not_what_it_wrote() {
    let made = edit(1, "a", &["+let value = compute_all(of_it);"]);
    assert_eq!(told("let value = compute_all\n", &[made]), "-");
}

#[test]
fn in_a_renamed_file_only_what_stands_together_counts() {
    let made = edit(1, "old", &["+first line of it", "+second line of it"]);
    assert_eq!(told_of("first line of it\nsecond line of it\n", std::slice::from_ref(&made), true), "0 0");
    assert_eq!(told_of("x\nsecond line of it\n", &[made], true), "- -");
}

#[test]
fn a_file_of_the_same_lines_again_and_again_takes_no_time() {
    let mut lines = vec!["+let all_of_them = [".to_owned()];
    for number in 0..3000 {
        lines.extend(["+{".to_owned(), format!("+    \"number\": {number},"), "+},".to_owned()]);
    }
    lines.push("+];".to_owned());
    let made = edit(1, "a", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let file: String = lines.iter().flat_map(|line| [&line[1..], "\n"]).collect();
    let told = told(&file, &[made]);
    assert_eq!(told.split(' ').filter(|whose| *whose == "0").count(), lines.len());
}

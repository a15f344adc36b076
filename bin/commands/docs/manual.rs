//! The man page `git-opensession(1)`: what the command tree says of every verb, between what people wrote.
//!
//! It is one page for all verbs, because git makes `man git-opensession` of `git opensession --help` and has no
//! page for the verb of another program's.

use std::fmt::Write as _;

use clap::Command;
use clap_mangen::Man;

use crate::cli::{Cli, NAME};

const DESCRIPTION: &str = include_str!("description.roff");
const REST: &str = include_str!("rest.roff");

/// What clap's text uses for an apostrophe: said once for the page, and not again with the options of each verb.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The page, as roff.
pub fn text() -> String {
    let tree = Cli::shown_command();
    let mut page = format!(
        "{APOSTROPHE}.TH GIT-OPENSESSION 1 \"\" \"git-opensession {}\" \"Git Manual\"\n.SH NAME\n{NAME} \\- {}\n",
        env!("CARGO_PKG_VERSION"),
        escaped(about(&tree).trim_end_matches('.')),
    );
    page.push_str(".SH SYNOPSIS\n.nf\n\\fBgit opensession\\fR\n");
    page.push_str("\\fBgit opensession\\fR [\\fIoptions\\fR] \\fIverb\\fR [\\fIarguments\\fR]\n.fi\n");
    page.push_str(DESCRIPTION);
    page.push_str(".SH VERBS\n");
    for verb in tree.get_subcommands() {
        write_verb(&mut page, verb, "git opensession");
    }
    page.push_str(".SH OPTIONS\nEvery verb understands these.\n");
    page.push_str(&options(&tree));
    page.push_str(REST);
    page
}

/// A verb, and those below it.
fn write_verb(page: &mut String, verb: &Command, above: &str) {
    let name = format!("{above} {}", verb.get_name());
    if verb.has_subcommands() {
        verb.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| write_verb(page, below, &name));
        return;
    }
    let mut usage = verb.clone().bin_name(&name).disable_help_flag(true);
    usage.build();
    let usage = usage.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(page, ".SS {}\n{}", escaped(&usage), escaped(&about(verb)));
    page.push_str(&options(verb));
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(|about| about.to_string().trim_end_matches('.').to_owned() + ".").unwrap_or_default()
}

/// The options of a command without a heading: it is part of a section.
fn options(command: &Command) -> String {
    let mut written = Vec::new();
    let command = command.clone().disable_help_flag(true).disable_version_flag(true).disable_help_subcommand(true);
    // A vector takes all.
    let _ = Man::new(command).render_options_section(&mut written);
    let text = String::from_utf8_lossy(&written).into_owned();
    let is_ours = |line: &&str| ![".SH", ".ie", ".el"].iter().any(|control| line.starts_with(control));
    text.lines().filter(is_ours).flat_map(|line| [line, "\n"]).collect()
}

/// Text that roff takes for nothing else.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines =
        text.lines().map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs(command: &Command, above: &str, found: &mut Vec<String>) {
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = format!("{above} {}", verb.get_name());
            if verb.has_subcommands() {
                verbs(verb, &name, found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn every_verb_is_in_it_with_every_option() {
        let page = text();
        let mut names = Vec::new();
        verbs(&Cli::shown_command(), "git opensession", &mut names);
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            let heading = format!(".SS {}", escaped(&name));
            assert!(page.lines().any(|line| line.starts_with(&heading)), "{heading}");
        }
        for option in ["\\-\\-fanout\\-mode", "\\-\\-no\\-open", "\\-\\-max\\-count", "\\-\\-no\\-pager"] {
            assert!(page.contains(option), "{option}");
        }
        assert!(!page.contains("hook pre"), "what only git calls is not in it");
    }

    #[test]
    fn its_sections_are_those_of_a_man_page() {
        let page = text();
        let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let expected = ["NAME", "SYNOPSIS", "DESCRIPTION", "VERBS", "OPTIONS", "CONFIGURATION", "ENVIRONMENT", "FILES"];
        assert_eq!(sections[..8], expected);
        assert_eq!(sections[8..], ["\"EXIT STATUS\"", "EXAMPLES", "\"SEE ALSO\""]);
        let name = page.lines().skip_while(|line| *line != ".SH NAME").nth(1);
        assert_eq!(name, Some("git-opensession \\- Keep AI coding sessions where the code is: in git"));
    }

    #[test]
    fn what_it_takes_for_an_apostrophe_is_defined_once_and_first() {
        let page = text();
        assert!(page.starts_with(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n.TH "), "{}", &page[..60]);
        assert!(page.contains("an agent\\*(Aqs log"));
        assert_eq!(page.matches(".ds Aq").count(), 2);
    }
}

//! An address in the clipboard, or not.

use serde::{Serialize, Serializer};

use crate::context::Context;
use crate::report::Exit;
use crate::terminal::clipboard;

/// What came of the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// A program took it.
    By(&'static str),
    /// The terminal was asked to.
    ByTerminal,
    /// Nobody took it.
    No,
}

impl Copied {
    /// Copies a text, by whatever is there.
    pub fn copy(context: &Context, text: &str) -> Self {
        match clipboard::copy(text, &context.git_environment, &context.cwd) {
            Some(program) => Self::By(program),
            None if context.talk.ask_to_copy(text) => Self::ByTerminal,
            None => Self::No,
        }
    }

    /// Says so.
    pub fn say(self, context: &Context) {
        match self {
            Self::By(program) => context.talk.say(&format!("the address is in the clipboard ({program})")),
            Self::ByTerminal => context.talk.say("the terminal was asked to put the address into the clipboard"),
            Self::No => {
                let programs: Vec<_> = clipboard::PROGRAMS.iter().map(|(program, _)| *program).collect();
                let why = format!("there is no terminal, and no program that can ({})", programs.join(", "));
                context.talk.warn(&format!("the address is not in the clipboard: {why}"), &[]);
            }
        }
    }

    /// The exit code of a command that was also to copy.
    pub fn exit(copied: Option<Self>, exit: Exit) -> Exit {
        if exit == Exit::Done && copied == Some(Self::No) { Exit::Partly } else { exit }
    }
}

impl Serialize for Copied {
    /// The program, `terminal`, or null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::By(program) => serializer.serialize_some(program),
            Self::ByTerminal => serializer.serialize_some("terminal"),
            Self::No => serializer.serialize_none(),
        }
    }
}

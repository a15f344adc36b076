//! stdout: the data.

use std::io::{self, BufWriter, Write};

use git_opensession::agents::Environment;
use git_opensession::session::Timestamp;
use git_opensession::view::{Look, Palette};

use super::pager::Pager;
use super::{Terminals, columns};
use crate::report::Failure;

/// Where data goes: stdout, or a pager in front of it.
pub struct Output {
    sink: Sink,
    look: Look,
    is_terminal: bool,
    may_page: bool,
}

enum Sink {
    Stdout(BufWriter<io::Stdout>),
    Pager(BufWriter<Pager>),
}

impl Output {
    /// To stdout, not paged. `palette` is that of stdout; `may_page` is false where the user wants no pager.
    pub fn new(
        terminals: Terminals,
        environment: &Environment,
        palette: Palette,
        now: Timestamp,
        may_page: bool,
    ) -> Self {
        let behind_pager = super::is_on(environment, "GIT_PAGER_IN_USE");
        let is_terminal = terminals.stdout || behind_pager;
        let look = Look { columns: is_terminal.then(|| columns(environment)), palette, now };
        let sink = Sink::Stdout(BufWriter::new(io::stdout()));
        Self { sink, look, is_terminal, may_page: may_page && terminals.stdout && !behind_pager }
    }

    /// Whether a human reads it: a terminal, or the pager in front of one.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Puts git's pager in front of a terminal, for output that may be long.
    pub fn page(&mut self, environment: &Environment) {
        if !self.may_page || matches!(self.sink, Sink::Pager(_)) {
            return;
        }
        if let Some(pager) = Pager::start(environment) {
            self.sink = Sink::Pager(BufWriter::new(pager));
        }
    }

    /// Writes with `write`: a function of the view, or one that writes bytes that no terminal gets unseen. A human has it
    /// before anything else is said, or asked.
    ///
    /// # Errors
    /// [`Failure::Pipe`] when the reader went away, [`Failure::Output`] for anything else.
    pub fn write<T>(&mut self, write: impl FnOnce(&mut dyn Write, &Look) -> io::Result<T>) -> Result<T, Failure> {
        let out: &mut dyn Write = match &mut self.sink {
            Sink::Stdout(out) => out,
            Sink::Pager(out) => out,
        };
        let written = write(out, &self.look).map_err(Failure::output)?;
        match &mut self.sink {
            Sink::Stdout(out) if self.is_terminal => out.flush().map_err(Failure::output)?,
            Sink::Stdout(_) | Sink::Pager(_) => {}
        }
        Ok(written)
    }

    /// Hands on all that was written, and waits for the user to close the pager.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn finish(self) -> Result<(), Failure> {
        match self.sink {
            Sink::Stdout(mut out) => out.flush().map_err(Failure::output),
            Sink::Pager(mut out) => {
                let flushed = out.flush().map_err(Failure::output);
                let (pager, _) = out.into_parts();
                pager.finish();
                flushed
            }
        }
    }
}

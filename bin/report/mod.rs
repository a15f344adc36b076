//! What the user is told when something did not go well: every sentence, every next command, every
//! exit code.

mod asking;
pub mod cleanup;
pub mod committed;
pub mod doctor;
mod exit;
pub mod explain;
mod failure;
mod former;
pub mod fsck;
mod handoff;
mod hint;
pub mod matched;
pub mod push;
pub mod rolling;
pub mod settings;
mod sharing;
mod stumble;
mod together;
pub mod verify;

pub use asking::Asking;
pub use cleanup::CleanupFailure;
pub use exit::Exit;
pub use failure::Failure;
pub use former::Former;
pub use handoff::HandoffFailure;
pub use hint::Hint;
pub use settings::SettingFailure;
pub use sharing::Sharing;
pub use stumble::Stumble;
pub use together::Together;

use std::error::Error;

/// An error and what caused it, in one line. What a cause repeats of its error is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.ends_with(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = error.source();
    }
    said
}

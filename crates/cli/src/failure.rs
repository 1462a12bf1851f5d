//! Why the program gives up: a message for a person, and exit code 2.

use std::fmt::Display;
use std::io;

/// A message that says what could not be done, to what, and why.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// For `map_err`: what was being done, and the error's own words.
    pub(crate) fn while_doing<E: Display>(what: impl Display) -> impl FnOnce(E) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }

    pub(crate) fn message(&self) -> &str {
        &self.0
    }
}

impl From<tidegate::Error> for Failure {
    fn from(error: tidegate::Error) -> Self {
        Self(error.to_string())
    }
}

/// The outcome of writing to the standard output. A reader that has seen enough (`head`) is no
/// failure.
pub(crate) fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

//! The result of a replay, shown to a person, a program, or a browser. Nothing here counts.

mod chart;
mod html;
mod json;
mod place;
mod scale;
mod table;
mod text;

use std::fmt::Display;
use std::path::Path;

use same_file::Handle;
use tidegate::{Limit, Policy};

use crate::failure::{Failure, Result};
use crate::input::Source;
use crate::replay::Outcome;
use crate::trace::Trace;

pub use html::document;
pub(crate) use json::policy as policy_json;
use place::Place;
pub use scale::numbers;
pub use table::{Heading, Table, left, right};
pub(crate) use text::HEADING;

/// All that there is to show.
pub(crate) struct Report<'a> {
    /// The names of the logs.
    pub(crate) sources: Vec<String>,
    /// Whom the policy was applied to, and what a request cost, as the arguments say it.
    pub(crate) key: String,
    pub(crate) cost: String,
    pub(crate) trace: &'a Trace,
    pub(crate) main: &'a Outcome,
    /// The policies to compare with the main one.
    pub(crate) what_if: &'a [Outcome],
    /// How many keys the lists have at most.
    pub(crate) top: usize,
}

impl Report<'_> {
    pub(crate) fn requests(&self) -> u64 {
        self.trace.events.len() as u64
    }

    /// The main policy's outcome, then those to compare it with.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        std::iter::once(self.main).chain(self.what_if)
    }

    /// As tables, with colours as ANSI sequences.
    pub(crate) fn text(&self) -> String {
        text::render(self)
    }

    /// As one JSON object.
    pub(crate) fn json(&self) -> Result<String> {
        json::render(self).map_err(Failure::while_doing("cannot write the result as JSON"))
    }

    /// Writes the page.
    pub(crate) fn write_page(&self, path: &Path) -> Result<()> {
        let page = html::render(self);
        Place::at(path).and_then(|place| place.put(page.as_bytes())).map_err(cannot_write(path))
    }
}

/// Whether a page can be put at `path` at all, before an hour goes into its numbers, and without
/// harm to what is read.
pub(crate) fn check_place(path: &Path, inputs: &[Source]) -> Result<()> {
    let place = Place::at(path).map_err(cannot_write(path))?;
    if let Some(input) = inputs.iter().find(|input| place.is(input.handle())) {
        return Err(cannot_write(path)(format!("it is the same file as {input}, which is read")));
    }
    if place.is(Handle::stdout()) {
        return Err(cannot_write(path)("it is the standard output, to which the result is written"));
    }
    Ok(())
}

/// For `map_err`.
fn cannot_write<E: Display>(path: &Path) -> impl FnOnce(E) -> Failure {
    Failure::while_doing(format!("cannot write {}", path.display()))
}

/// The policy as it is called: its name in the policy file and its notation.
pub(crate) fn title(policy: &Policy) -> String {
    match policy.name() {
        Some(name) => format!("{name} ({policy})"),
        None => policy.to_string(),
    }
}

/// One limit in the notation, without its name.
pub(crate) fn quota(limit: &Limit) -> String {
    let text = Policy::new([limit.clone()]).map(|policy| policy.to_string()).unwrap_or_default();
    match text.split_once(": ") {
        Some((_, quota)) => quota.to_owned(),
        None => text,
    }
}

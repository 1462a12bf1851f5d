//! The result of a replay, shown to a person, a program, or a browser. Nothing here counts.

mod chart;
mod html;
mod json;
mod scale;
mod table;
mod text;

use std::io::Write;
use std::path::Path;

use tidegate::{Limit, Policy};

use crate::failure::{Failure, Result};
use crate::replay::Outcome;
use crate::trace::Trace;

pub use html::document;
pub(crate) use json::policy as policy_json;
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

    /// Writes the page. A reader never sees half of it: it is written beside its place and then
    /// takes it at once.
    pub(crate) fn write_page(&self, path: &Path) -> Result<()> {
        let page = html::render(self);
        save(path, page.as_bytes()).map_err(Failure::while_doing(format!("cannot write {}", path.display())))
    }
}

/// Whether a page can be put at `path` at all, before an hour goes into its numbers.
pub(crate) fn check_place(path: &Path) -> Result<()> {
    let wrong = |what: &str| Err(Failure::new(format!("cannot write {}: {what}", path.display())));
    if path.is_dir() {
        return wrong("it is a folder; name a file in it");
    }
    if folder(path).is_dir() { Ok(()) } else { wrong("the folder does not exist") }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn save(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tidegate-report-");
    // As for any new file the umask decides; the default for temporary files is too private.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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

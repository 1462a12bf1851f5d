//! A run as it is kept: everything that tables, verdicts and the chart are made from.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::harness::{ModeResult, Series, Settings};
use crate::machine::Machine;
use crate::memory::CaseResult;
use crate::targets::Verdict;
use crate::{chart, report};

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Where and with what.
    pub machine: Machine,
    /// Rounds of every figure.
    pub rounds: usize,
    /// Timed work of a contender in a round, at least, in milliseconds.
    pub batch_ms: u64,
    /// Times, mode by mode.
    pub modes: Vec<ModeResult>,
    /// Memory, case by case.
    pub memory: Vec<CaseResult>,
    /// What must be shown, and whether it was.
    pub targets: Vec<Verdict>,
}

impl Record {
    /// A run's results, judged.
    #[must_use]
    pub fn new(
        machine: Machine,
        settings: Settings,
        modes: Vec<ModeResult>,
        memory: Vec<CaseResult>,
    ) -> Self {
        let batch_ms = settings.batch.as_millis() as u64;
        let mut record =
            Self { machine, rounds: settings.rounds, batch_ms, modes, memory, targets: Vec::new() };
        record.targets = crate::targets::judge(&record);
        record
    }

    /// A contender's figures in a mode, if both were measured.
    #[must_use]
    pub fn series(&self, mode: &str, contender: &str) -> Option<&Series> {
        let mode = self.modes.iter().find(|m| m.id == mode)?;
        mode.contenders.iter().find(|series| series.name == contender)
    }

    /// A memory case, if it was measured.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&CaseResult> {
        self.memory.iter().find(|case| case.id == id)
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// A file that cannot be read or is no record.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?)
    }

    /// Writes `<date>-<machine>.json`, the tables beside it, and the chart; returns their paths.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(folder)?;
        let named = |ending: &str| folder.join(format!("{}.{ending}", self.machine.slug()));
        let files = [
            (named("json"), serde_json::to_string_pretty(self)? + "\n"),
            (named("md"), report::markdown(self)),
            (folder.join("peers.svg"), chart::svg(self)),
        ];
        for (path, text) in &files {
            fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

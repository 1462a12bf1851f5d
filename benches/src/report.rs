//! A record as text for the terminal and as Markdown for the repository.

use std::fmt::Write;

use crate::harness::{ModeResult, Series};
use crate::memory::CaseResult;
use crate::record::Record;
use crate::subjects::governor::YARDSTICK;
use crate::targets::Verdict;

/// A table before it is drawn: the first column is text, the others are numbers.
struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// One mode's table for a terminal, shown while the run goes on.
#[must_use]
pub fn mode_text(mode: &ModeResult) -> String {
    times(mode).text()
}

/// The verdicts of what was measured, for a terminal.
#[must_use]
pub fn verdicts_text(verdicts: &[Verdict]) -> String {
    let measured: Vec<_> = verdicts.iter().filter(|verdict| verdict.figure.is_some()).cloned().collect();
    judged(&measured).text()
}

/// The memory table for a terminal.
#[must_use]
pub fn memory_text(cases: &[CaseResult]) -> String {
    memory(cases).text()
}

/// The record as a page.
#[must_use]
pub fn markdown(record: &Record) -> String {
    let machine = &record.machine;
    let mut page = format!("# Benchmarks, {}\n\n", machine.date);
    let crates = machine.crates.iter().map(|(name, version)| format!("{name} {version}"));
    let facts = [
        (
            "Machine",
            format!("{}, {} cores, {} GB, {}", machine.cpu, machine.cores, machine.memory_gb, machine.system),
        ),
        ("Load in the minute before", machine.load_before.clone()),
        ("Compiler", machine.rustc.clone()),
        ("Commit", machine.commit.clone()),
        ("Crates", crates.collect::<Vec<_>>().join(", ")),
        ("Rounds", format!("{}, at least {} ms each", record.rounds, record.batch_ms)),
    ];
    for (name, value) in facts {
        // Writing to a `String` does not fail.
        let _ = writeln!(page, "- {name}: {value}");
    }
    page.push_str("\nHow these were measured, and how to read them: [METHODOLOGY.md](../METHODOLOGY.md).\n");
    for table in tables(record) {
        page.push('\n');
        page.push_str(&table.markdown());
    }
    page
}

fn tables(record: &Record) -> Vec<Table> {
    let mut tables = vec![judged(&record.targets)];
    tables.extend(record.modes.iter().map(times));
    tables.push(memory(&record.memory));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn times(mode: &ModeResult) -> Table {
    let yardstick = mode.contenders.iter().find(|series| series.name == YARDSTICK);
    let against = yardstick.or(mode.contenders.first()).map_or(f64::NAN, |series| series.median);
    let row = |series: &Series| {
        let ratio = format!("{:.2}", series.median / against);
        vec![series.name.clone(), one(series.median), one(series.min), one(series.max), ratio]
    };
    let last = if yardstick.is_some() { "× governor" } else { "× first" };
    Table {
        title: format!("{} (`{}`)", mode.title, mode.id),
        columns: vec!["ns a check", "median", "min", "max", last],
        rows: mode.contenders.iter().map(row).collect(),
    }
}

fn memory(cases: &[CaseResult]) -> Table {
    let row = |case: &CaseResult| {
        let growth = case.growth().map_or_else(String::new, |growth| format!("{growth:.3}"));
        vec![case.title.clone(), one(case.bytes_per_key()), growth]
    };
    let keys = cases.first().map_or(0, |case| case.keys);
    Table {
        title: format!("Resident memory with {keys} keys"),
        columns: vec!["limiter", "B a key", "× after ten times the keys"],
        rows: cases.iter().map(row).collect(),
    }
}

fn judged(verdicts: &[Verdict]) -> Table {
    let row = |verdict: &Verdict| {
        let figure = verdict.figure.map_or_else(|| "not measured".to_owned(), |f| amount(f, &verdict.unit));
        let met = match verdict.met() {
            Some(true) => "met",
            Some(false) => "falls short",
            None => "",
        };
        vec![verdict.what.clone(), figure, amount(verdict.bound, &verdict.unit), met.to_owned()]
    };
    Table {
        title: "What must be shown".to_owned(),
        columns: vec!["target", "measured", "at most", ""],
        rows: verdicts.iter().map(row).collect(),
    }
}

fn one(figure: f64) -> String {
    format!("{figure:.1}")
}

fn amount(figure: f64, unit: &str) -> String {
    if unit == "×" { format!("{figure:.2} ×") } else { format!("{figure:.0} {unit}") }
}

impl Table {
    fn text(&self) -> String {
        let widths = self.widths();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded = cells.zip(&widths).enumerate().map(|(i, (cell, &width))| {
                if i == 0 { format!("  {cell:width$}") } else { format!("  {cell:>width$}") }
            });
            padded.collect::<String>().trim_end().to_owned() + "\n"
        };
        let mut text =
            format!("{}\n{}", self.title.replace('`', ""), line(&mut self.columns.iter().copied()));
        text.extend(self.rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
        text
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
            let head = self.columns.get(column).copied();
            cells.chain(head).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..self.columns.len()).map(width).collect()
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let rule = (0..self.columns.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
        let mut text = format!("## {}\n\n{}{}", self.title, line(self.columns.clone()), line(rule));
        text.extend(self.rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            title: "T (`t`)".into(),
            columns: vec!["who", "×"],
            rows: vec![vec!["a".into(), "1.00".into()], vec!["long".into(), "12.00".into()]],
        }
    }

    #[test]
    fn text_is_aligned_by_characters() {
        assert_eq!(table().text(), "T (t)\n  who       ×\n  a      1.00\n  long  12.00\n");
    }

    #[test]
    fn markdown_is_a_table() {
        assert_eq!(
            table().markdown(),
            "## T (`t`)\n\n| who | × |\n| --- | ---: |\n| a | 1.00 |\n| long | 12.00 |\n"
        );
    }
}

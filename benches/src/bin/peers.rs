//! tidegate and its peers side by side in one run: tables, verdicts, and on request a record.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tidegate_benches::harness::{self, ModeResult, Settings};
use tidegate_benches::machine::Machine;
use tidegate_benches::record::Record;
use tidegate_benches::{Result, chart, memory, modes, report};

/// tidegate and its peers, side by side in one run. METHODOLOGY.md says how to read it.
#[derive(Parser)]
struct Options {
    /// A few milliseconds a mode: shows that everything runs; the figures mean nothing.
    #[arg(long, conflicts_with = "record")]
    quick: bool,

    /// Only modes whose name contains TEXT; `memory` is one of them.
    #[arg(long, value_name = "TEXT", conflicts_with = "record")]
    only: Option<String>,

    /// Rounds that count.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,

    /// Timed work of a contender in a round, at least, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u16).range(1..))]
    batch_ms: Option<u16>,

    /// Write `<date>-<machine>.json` and `.md`, and `peers.svg`, to the record folder.
    #[arg(long)]
    record: bool,

    /// The record folder.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/record"))]
    record_dir: PathBuf,

    /// Measure nothing: draw the chart of a record, to standard output.
    #[arg(long, value_name = "RECORD.json", conflicts_with_all = ["record", "quick", "only"])]
    chart: Option<PathBuf>,

    /// List the modes.
    #[arg(long)]
    list: bool,
}

impl Options {
    fn settings(&self) -> Settings {
        let base = if self.quick { Settings::QUICK } else { Settings::FULL };
        Settings {
            rounds: self.rounds.map_or(base.rounds, usize::from),
            batch: self.batch_ms.map_or(base.batch, |ms| Duration::from_millis(ms.into())),
            ..base
        }
    }

    fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|text| id.contains(text.as_str()))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    #[cfg(target_os = "linux")]
    if tidegate_benches::subjects::segment::run_if_child()? {
        return Ok(());
    }
    if memory::run_if_child()? {
        return Ok(());
    }
    let options = Options::parse();
    if options.list {
        modes::ALL.iter().for_each(|entry| println!("{}", entry.id));
        println!("memory");
    } else if let Some(path) = &options.chart {
        print!("{}", chart::svg(&Record::read(path)?));
    } else {
        measure(&options)?;
    }
    Ok(())
}

fn measure(options: &Options) -> Result<()> {
    let machine = Machine::here()?;
    if machine.unoptimised && !options.quick {
        eprintln!("peers: built without optimisation; use `cargo run --release`");
    }
    let times = measure_times(options)?;
    let memory = measure_memory(options)?;
    let record = Record::new(machine, options.settings(), times, memory);
    if !options.quick {
        println!("{}", report::verdicts_text(&record.targets));
    }
    if options.record {
        wrote(&record.write(&options.record_dir)?);
    }
    Ok(())
}

fn measure_times(options: &Options) -> Result<Vec<ModeResult>> {
    let mut results = Vec::new();
    for entry in modes::ALL.iter().filter(|entry| options.wants(entry.id)) {
        let mut mode = (entry.make)(entry.id, options.settings())?;
        let result = harness::run(&mut mode, options.settings())?;
        println!("{}", report::mode_text(&result));
        results.push(result);
    }
    Ok(results)
}

fn measure_memory(options: &Options) -> Result<Vec<memory::CaseResult>> {
    if !options.wants("memory") {
        return Ok(Vec::new());
    }
    let keys = if options.quick { memory::KEYS / 50 } else { memory::KEYS };
    let results = memory::measure_all(keys)?;
    println!("{}", report::memory_text(&results));
    Ok(results)
}

fn wrote(paths: &[impl AsRef<Path>]) {
    paths.iter().for_each(|path| println!("wrote {}", path.as_ref().display()));
}

//! Resident memory a key, for tidegate and its peers, each case in a process of its own.

use std::process::ExitCode;

use clap::Parser;
use tidegate_benches::{Result, memory, report};

/// Resident memory a key, each case in a process of its own (Linux).
#[derive(Parser)]
struct Options {
    /// A fiftieth of the keys: shows that it runs; the figures mean nothing.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    if memory::run_if_child()? {
        return Ok(());
    }
    let keys = if Options::parse().quick { memory::KEYS / 50 } else { memory::KEYS };
    print!("{}", report::memory_text(&memory::measure_all(keys)?));
    Ok(())
}

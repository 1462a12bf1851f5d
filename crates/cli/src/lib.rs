//! The program `tidegate`: replays access logs against rate-limit policies, and looks into segments.
//!
//! A library only so that its parts can be tested and fuzzed, and shared with the demo: [`log`] is the
//! part that meets strangers' bytes, [`show`] the look of tables and pages.

#![warn(missing_docs)]

pub mod log;
pub mod show;

mod args;
mod cost;
mod engine;
mod explain;
mod failure;
mod generate;
mod gzip;
mod input;
#[cfg(target_os = "linux")]
mod inspect;
mod policies;
mod progress;
mod replay;
mod report;
mod run;
mod text;
mod trace;

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::Parser;

/// Exit code for what could not be done; the same as for arguments that make no sense.
const FAILED: u8 = 2;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    match run::run(args::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let red = AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{red}error:{red:#} {}", failure.message());
            ExitCode::from(FAILED)
        }
    }
}

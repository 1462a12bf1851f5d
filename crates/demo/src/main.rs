//! See the library.

use std::process::ExitCode;

use clap::Parser;
use tidegate_demo::{args::Args, run};

fn main() -> ExitCode {
    match run::run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            anstream::eprintln!("demo: {why}");
            ExitCode::from(2)
        }
    }
}

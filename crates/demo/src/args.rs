//! The arguments of the demo.

use std::path::PathBuf;

use clap::Parser;

/// Drives servers in several languages on one quota, and judges them. Exit code 1 on any difference.
#[derive(Clone, Debug, Parser)]
#[command(name = "tidegate-demo", version)]
pub struct Args {
    /// The policies `clients` and `flood`
    #[arg(long, value_name = "FILE")]
    pub policy_file: PathBuf,
    /// The access log whose clients are the callers
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
    /// Where the page and the servers' output go
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write the picture of the flood there too
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// The built example server in C
    #[arg(long, value_name = "PROGRAM")]
    pub c: Option<PathBuf>,
    /// The built example server in Go
    #[arg(long, value_name = "PROGRAM")]
    pub go: Option<PathBuf>,
    /// A Python with the package, FastAPI and uvicorn
    #[arg(long, value_name = "PROGRAM", requires = "python_app")]
    pub python: Option<PathBuf>,
    /// The example server in Python
    #[arg(long, value_name = "FILE")]
    pub python_app: Option<PathBuf>,
    /// The example server in Node
    #[arg(long, value_name = "FILE")]
    pub node: Option<PathBuf>,
    /// How many requests of the log are sent, at most
    #[arg(long, default_value_t = 10_000)]
    pub requests: usize,
    /// How long the flood lasts
    #[arg(long, default_value_t = 8)]
    pub seconds: u64,
    /// Worker processes of the Python server
    #[arg(long, default_value_t = 3)]
    pub workers: usize,
}

//! What a segment counts at this moment: for a person, on a page or live, or for a program.

mod json;
mod live;
mod look;
mod screen;
mod text;

use std::io::IsTerminal;

use crate::args::{Inspect, Output};
use crate::failure::Result;
use look::Look;

/// Keys that are listed where nothing bounds them.
const TOP: usize = 10;

/// Shows the segment as it is wanted.
pub(crate) fn run(args: &Inspect, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    let look = Look::at(&args.file, &args.key, args.top.unwrap_or(TOP))?;
    match args.format {
        Output::Json => print(&json::render(&look)?),
        Output::Text if args.once || !is_for_eyes() => print(&text::render(&look)),
        Output::Text => live::run(args, look),
    }
}

/// Whether somebody sits before the output, at a terminal that can draw.
fn is_for_eyes() -> bool {
    let draws = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
    draws && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

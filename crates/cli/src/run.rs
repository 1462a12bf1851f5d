//! What each command does, from its arguments to its output.

use std::io::{self, BufWriter, Write};

use clap::CommandFactory;
use tidegate::{Policy, PolicyFile};

use crate::args::{Cli, Command, Explain, Generate, Output, Replay};
use crate::engine::Engine;
use crate::explain;
use crate::failure::{Failure, Result, written};
use crate::generate::generate;
use crate::input::Source;
use crate::log::Parser;
use crate::policies;
use crate::progress::Progress;
use crate::replay::{Outcome, replay};
use crate::report::{self, Report};
use crate::trace::{self, Reading, Trace};

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Replay(args) => run_replay(&args),
        Command::Explain(args) => run_explain(&args),
        Command::Generate(args) => run_generate(&args),
        #[cfg(target_os = "linux")]
        Command::Inspect(args) => crate::inspect::run(&args, print),
        #[cfg(not(target_os = "linux"))]
        Command::Inspect(_) => Err(Failure::new("segments need Linux")),
        Command::Completions { shell } => print(&completions(shell)),
    }
}

fn run_replay(args: &Replay) -> Result<()> {
    let chosen = policies::choose(&args.policy, &args.what_if)?;
    let sources = Source::all(&args.logs);
    if let Some(path) = &args.report {
        let policies = args.policy.policy_file.clone().map(Source::File);
        report::check_place(path, &sources.iter().cloned().chain(policies).collect::<Vec<_>>())?;
    }
    let progress = Progress::new(!args.no_progress, trace::total_size(&sources)?);
    let trace = Trace::read(&sources, &reading(args), &progress)?;
    let all: Vec<_> = std::iter::once(&chosen.main).chain(&chosen.what_if).collect();
    let outcomes = judge(&trace, &all, args, &progress)?;
    progress.finish();
    for warning in trace::warnings(&trace, &args.key) {
        anstream::eprintln!("{warning}");
    }
    let Some((main, what_if)) = outcomes.split_first() else { return Ok(()) };
    let sources = sources.iter().map(Source::to_string).collect();
    let (key, cost) = (args.key.to_string(), args.cost.to_string());
    show(&Report { sources, key, cost, trace: &trace, main, what_if, top: args.top }, args)
}

fn reading(args: &Replay) -> Reading {
    let options = &args.reading;
    let parser = Parser {
        format: options.input_format,
        time_field: options.time_field.clone(),
        address_field: options.ip_field.clone(),
    };
    Reading { parser, key: args.key.clone(), cost: args.cost.clone(), ipv6_prefix: options.ipv6_prefix }
}

fn judge(trace: &Trace, policies: &[&Policy], args: &Replay, progress: &Progress) -> Result<Vec<Outcome>> {
    progress.deciding((trace.events.len() * policies.len()) as u64);
    let max_keys = args.max_keys.map_or_else(|| Engine::room_for(trace.keys.len()), usize::from);
    policies.iter().map(|policy| replay(trace, policy, max_keys, progress)).collect()
}

/// The page first: a reader of the standard output may go away early.
fn show(report: &Report<'_>, args: &Replay) -> Result<()> {
    if let Some(path) = &args.report {
        report.write_page(path)?;
    }
    match args.format {
        Output::Text => print(&report.text()),
        Output::Json => print(&report.json()?),
    }
}

fn run_explain(args: &Explain) -> Result<()> {
    let policies = match (&args.policy, &args.policy_file) {
        (Some(text), _) => vec![text.parse::<Policy>()?],
        (None, Some(path)) => in_file(&PolicyFile::load(path)?, args.tier.as_deref())?,
        (None, None) => return Err(Failure::new("a policy or a policy file is needed")),
    };
    match args.format {
        Output::Text => print(&explain::text(&policies)),
        Output::Json => print(&explain::json(&policies)?),
    }
}

fn in_file(file: &PolicyFile, tier: Option<&str>) -> Result<Vec<Policy>> {
    match tier {
        Some(name) => Ok(vec![file.require(name)?.clone()]),
        None => Ok(file.policies().to_vec()),
    }
}

fn run_generate(args: &Generate) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    written(generate(args, &mut out)?)
}

/// The script as text first: the generator panics where it cannot write.
fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes to the standard output, with colours where they can be seen and are wanted.
fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

//! Processes that share segments and are killed at any moment.
//!
//! ```sh
//! cargo run --release -p tidegate-tests --bin kills -- --kills 2000 --processes 6 --seed 1
//! cargo run --release -p tidegate-tests --bin kills -- stops --holding 50
//! kills hammer --record one.rec /dev/shm/quota key 10 &   # and again, in any language
//! kills judge --policy 100/second one.rec two.rec
//! ```
//!
//! The exit code is 0 only if every claim held.

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("segments need Linux");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Error, Result};
    use std::path::PathBuf;
    use std::process::ExitCode;
    use std::time::Duration;

    use clap::{Args, Parser, Subcommand};
    use tidegate::OnUnavailable;
    use tidegate_tests::kills::scene::Scene;
    use tidegate_tests::kills::{hammer, report, run, stops, verdict, work};

    /// Kills processes that share segments, and judges what they were granted.
    #[derive(Parser)]
    #[command(args_conflicts_with_subcommands = true)]
    struct Arguments {
        #[command(subcommand)]
        command: Option<Command>,
        #[command(flatten)]
        kills: Kills,
    }

    #[derive(Args)]
    struct Kills {
        /// How many processes are killed.
        #[arg(long, default_value_t = 200)]
        kills: u64,
        /// How many work at once.
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
        processes: u64,
        /// Where the random choices start.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Write the result as a page, too.
        #[arg(long, value_name = "FILE.md")]
        record: Option<PathBuf>,
    }

    #[derive(Subcommand)]
    enum Command {
        /// Stops one process again and again, and measures the others
        Stops {
            /// How often it is to be stopped while it holds a lock.
            #[arg(long, default_value_t = 20)]
            holding: u64,
            /// How many work at once.
            #[arg(long, default_value_t = 4)]
            processes: u64,
            /// Where the random choices start.
            #[arg(long, default_value_t = 1)]
            seed: u64,
            /// Calls that cannot have their key are admitted instead of denied.
            #[arg(long)]
            allow_unavailable: bool,
        },
        /// Takes as much of one key as it is given, as one of several processes
        Hammer {
            /// The segment.
            segment: PathBuf,
            /// The key.
            key: String,
            /// For how long.
            seconds: f64,
            /// The policy.
            #[arg(long, default_value = "100/second")]
            policy: String,
            /// Where the admissions are written down.
            #[arg(long)]
            record: PathBuf,
        },
        /// Judges what several processes have written down
        Judge {
            /// Their policy.
            #[arg(long, default_value = "100/second")]
            policy: String,
            /// The least part of the quota that must have been used, in percent.
            #[arg(long, default_value_t = 0.0, requires = "seconds")]
            used: f64,
            /// For how long they took what they could: best a little less than a whole number of
            /// windows, since of one that has just begun nobody can take all.
            #[arg(long)]
            seconds: Option<f64>,
            /// Their records.
            #[arg(required = true)]
            files: Vec<PathBuf>,
        },
        /// One of the processes
        #[command(hide = true)]
        Worker {
            folder: PathBuf,
            number: u64,
            seed: u64,
            #[arg(long)]
            allow_unavailable: bool,
        },
    }

    pub(crate) fn main() -> ExitCode {
        match dispatch(Arguments::parse()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(2)
            }
        }
    }

    /// Whether every claim held.
    fn dispatch(arguments: Arguments) -> Result<bool> {
        match arguments.command {
            None => kill(&arguments.kills),
            Some(Command::Stops { holding, processes, seed, allow_unavailable }) => {
                let on_unavailable = choice(allow_unavailable);
                stop(&stops::run(processes, holding, seed, on_unavailable)?, on_unavailable)
            }
            Some(Command::Hammer { segment, key, seconds, policy, record }) => {
                let time = Duration::try_from_secs_f64(seconds).map_err(Error::other)?;
                println!("{} calls", hammer::hammer(&segment, &policy, &key, time, &record)?);
                Ok(true)
            }
            Some(Command::Judge { policy, used, seconds, files }) => {
                let time = seconds.map(Duration::try_from_secs_f64).transpose().map_err(Error::other)?;
                judge(&policy, used, time, &files)
            }
            Some(Command::Worker { folder, number, seed, allow_unavailable }) => {
                work::work(&Scene { folder }, number, seed, choice(allow_unavailable)).map(|()| true)
            }
        }
    }

    fn choice(allow_unavailable: bool) -> OnUnavailable {
        if allow_unavailable { OnUnavailable::Allow } else { OnUnavailable::Deny }
    }

    fn kill(arguments: &Kills) -> Result<bool> {
        let Kills { kills, processes, seed, ref record } = *arguments;
        let plan = run::Plan { kills, processes, seed };
        let outcome = run::run(plan)?;
        let rows = report::rows(plan, &outcome);
        let faults: Vec<_> = outcome.violations.iter().chain(&outcome.faults).cloned().collect();
        print!("{}", report::text(&rows, &faults));
        if let Some(path) = record {
            let command = format!("kills --kills {kills} --processes {processes} --seed {seed}");
            std::fs::write(path, report::page(&command, &rows, &faults))?;
        }
        Ok(outcome.is_good())
    }

    fn stop(outcome: &stops::Outcome, on_unavailable: OnUnavailable) -> Result<bool> {
        print!("{}", report::text(&report::rows_of_stops(outcome), &outcome.violations));
        Ok(outcome.is_good(on_unavailable))
    }

    fn judge(policy: &str, used: f64, time: Option<Duration>, files: &[PathBuf]) -> Result<bool> {
        let policy = policy.parse().map_err(Error::other)?;
        let judged = verdict::judge_files(&policy, files, time)?;
        print!("{}", judged.text);
        Ok(judged.is_kept && judged.used * 100.0 >= used)
    }
}

//! Random checks on the engine and the model, side by side, for as long as one likes.
//!
//! `cargo run --release -p tidegate-tests --bin compare -- --checks 100000000 --seed 1`

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tidegate_tests::{Mismatch, Pair, Script, Tally};

/// Steps on one limiter before the next policy is drawn.
const STEPS: usize = 4000;

/// Compares the engine with the reference model.
#[derive(Parser)]
struct Arguments {
    /// How many decisions to compare.
    #[arg(long, default_value_t = 1_000_000)]
    checks: u64,
    /// Where the random words start; the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (started, mut random) = (Instant::now(), oorandom::Rand64::new(u128::from(arguments.seed)));
    let (mut total, mut policies, mut mismatches) = (Tally::default(), 0_u64, 0_u64);
    while total.checks < arguments.checks {
        let script = draw(&mut random);
        policies += 1;
        if let Err(Mismatch(what)) = run(&script, &mut total) {
            mismatches += 1;
            eprintln!("policy {policies} of seed {}, {:?}: {what}", arguments.seed, script.policy);
        }
    }
    println!("seed              {}", arguments.seed);
    println!("policies          {policies}");
    println!(
        "checks            {} ({} admitted, {} denied)",
        total.checks, total.admitted, total.denied_briefly
    );
    println!("mismatches        {mismatches}");
    println!("over-admissions   {}", total.over);
    println!("late denials      {}", total.late);
    println!("seconds           {:.1}", started.elapsed().as_secs_f64());
    if mismatches + total.over + total.late == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A policy of one to eight limits, few more often than many, and the steps on it.
fn draw(random: &mut oorandom::Rand64) -> Script {
    let limits = 1 + random.rand_range(0..8).min(random.rand_range(0..8)).min(random.rand_range(0..8));
    let mut words = |count: usize| (0..count).map(|_| random.rand_u64()).collect::<Vec<_>>();
    let (start, policy, steps) = (words(1), words(usize::try_from(limits).unwrap_or(1)), words(STEPS));
    Script::new(start.first().copied().unwrap_or(0), &policy, &steps)
}

/// Runs a script, and adds what happened to the total.
fn run(script: &Script, total: &mut Tally) -> Result<(), Mismatch> {
    let mut pair = Pair::new(&script.policy, script.start)?;
    let outcome = pair.steps(&script.steps);
    let tally = pair.tally();
    total.checks += tally.checks;
    total.admitted += tally.admitted;
    total.denied_briefly += tally.denied_briefly + tally.denied.iter().sum::<u64>();
    total.over += tally.over;
    total.late += tally.late;
    outcome
}

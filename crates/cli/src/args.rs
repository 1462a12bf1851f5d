//! The command line: what can be asked, and how it is explained.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cost::Cost;
use crate::log::{Format, Selector};

/// The policy that is replayed when none is given.
pub(crate) const DEFAULT_POLICY: &str = "100/minute; 10/second token-bucket";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Exact rate limits, tried on the traffic that you have.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, styles = STYLES, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay access logs against a policy: who would have been denied, when, by which limit
    Replay(Box<Replay>),
    /// Show a policy's limits as they are understood, or what is wrong with its notation
    Explain(Explain),
    /// Write a made-up access log: a steady crowd, bursts, and an attacker
    Generate(Generate),
    /// Look into a segment: its policy, its processes, the keys that have used most
    Inspect(Inspect),
    /// Write a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Where the policy comes from.
#[derive(Debug, Args)]
pub(crate) struct PolicyChoice {
    /// The policy, in the notation: limits separated by `;`
    /// [default: "100/minute; 10/second token-bucket"]
    #[arg(short, long, value_name = "POLICY", conflicts_with = "policy_file")]
    pub(crate) policy: Option<String>,

    /// A TOML file of named policies
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) policy_file: Option<PathBuf>,

    /// The policy's name in the file; needed if the file has several
    #[arg(short, long, value_name = "NAME", requires = "policy_file")]
    pub(crate) tier: Option<String>,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  tidegate replay access.log
  tidegate replay --policy '100/minute; 10/second token-bucket burst=20' access.log access.log.*.gz
  tidegate replay --policy-file policies.toml --tier free --key header:x-api-key requests.jsonl
  tidegate replay --policy 100/minute --what-if 60/minute --what-if 10/second access.log
  tidegate replay --report report.html access.log
  zstdcat access.log.zst | tidegate replay --format json | jq .denied_by

Exit code: 0 when the logs were replayed (whatever was denied), 2 when that could not be done.";

/// Replay access logs against a policy: who would have been denied, when, by which limit.
///
/// Reads combined and common logs (Apache, nginx) and JSON lines, plain or gzip, in any mixture.
/// All lines are replayed in the order of their times; those of the same time stay in the order
/// in which they were read. Lines that cannot be read are counted and named, never fatal.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct Replay {
    /// The logs; `-`, or none, is the standard input
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) policy: PolicyChoice,

    /// Another policy (notation, or a name in the policy file) to compare; can be repeated
    #[arg(short, long, value_name = "POLICY")]
    pub(crate) what_if: Vec<String>,

    /// Whom the policy is applied to: ip, header:NAME or field:N
    ///
    /// `ip`: the client's address; IPv6 addresses count by network (see --ipv6-prefix).
    /// `header:NAME`: of a combined log referer or user-agent, of a JSON line any field; dots
    /// reach into objects. `field:N`: the N-th column of a text log, counted from 1, where quotes
    /// and brackets hold a column together. Requests without the value share the key `-`.
    #[arg(short, long, value_name = "KEY", default_value = "ip", verbatim_doc_comment)]
    pub(crate) key: Selector,

    /// What a request costs: a number, header:NAME or field:N (bytes of a combined log: field:7)
    ///
    /// A value that is missing or 0 counts as 1.
    #[arg(short, long, value_name = "COST", default_value = "1")]
    pub(crate) cost: Cost,

    /// How the result is written to the standard output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Output,

    /// Also write the result as a self-contained page, with charts
    #[arg(short, long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// How many of the most denied keys are listed
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,

    #[command(flatten, next_help_heading = "Reading")]
    pub(crate) reading: Reading,

    /// Limit the table of keys to N keys, as a server would [default: room for all keys]
    #[arg(long, value_name = "N")]
    pub(crate) max_keys: Option<NonZeroUsize>,

    /// Show no progress bar (there is none anyway unless stderr is a terminal)
    #[arg(long)]
    pub(crate) no_progress: bool,
}

/// How the lines are read.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// How the lines are written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) input_format: Format,

    /// The field of a JSON line with the time [default: the usual names]
    #[arg(long, value_name = "NAME")]
    pub(crate) time_field: Option<String>,

    /// The field of a JSON line with the client's address [default: the usual names]
    #[arg(long, value_name = "NAME")]
    pub(crate) ip_field: Option<String>,

    /// The bits of an IPv6 address that make a client
    #[arg(long, value_name = "BITS", default_value_t = 64, value_parser = clap::value_parser!(u8).range(0..=128))]
    pub(crate) ipv6_prefix: u8,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables to read
    #[default]
    Text,
    /// One JSON object, for programs
    Json,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  tidegate explain '100/minute; 10/second token-bucket burst=20'
  tidegate explain --policy-file policies.toml";

/// Show a policy's limits as they are understood, or what is wrong with its notation.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct Explain {
    /// The policy, in the notation
    #[arg(value_name = "POLICY", conflicts_with = "policy_file", required_unless_present = "policy_file")]
    pub(crate) policy: Option<String>,

    /// A TOML file of named policies; all are shown
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) policy_file: Option<PathBuf>,

    /// Only the policy of that name in the file
    #[arg(short, long, value_name = "NAME", requires = "policy_file")]
    pub(crate) tier: Option<String>,

    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Output,
}

/// Write a made-up access log: a steady crowd, bursts, and an attacker.
///
/// In the combined format, to the standard output. The same options give the same bytes, on
/// every machine.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate generate --seed 7 | tidegate replay --report report.html")]
pub(crate) struct Generate {
    /// Which of the many possible logs
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many lines, at most 100 million
    #[arg(short, long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    pub(crate) requests: u32,

    /// How many addresses, the attacker's among them
    #[arg(short, long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(3..=100_000))]
    pub(crate) keys: u32,

    /// How long a time, in hours
    #[arg(long, value_name = "H", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub(crate) hours: u32,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  tidegate inspect /dev/shm/quota
  tidegate inspect --key alice --key 192.0.2.7 /dev/shm/quota
  tidegate inspect --format json /dev/shm/quota | jq '.top[0].fingerprint'

Exit code: 0 when the segment was shown, 2 when there is none, or the file is something else.";

/// Look into a segment: its policy, its processes, the keys that have used most.
///
/// Takes no part in it and changes nothing. On a terminal the picture is drawn anew until q or Esc
/// is pressed; elsewhere, or with --once, the text is written once. A segment does not hold the keys
/// themselves, only a fingerprint of each: name a key with --key to see which one is its.
#[derive(Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
pub(crate) struct Inspect {
    /// The segment's file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Show this key whatever it has used, and its name beside its fingerprint; can be repeated
    #[arg(short, long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) key: Vec<String>,

    /// How many keys are listed, those that have used most first
    /// [default: 10; on a terminal as many as it has room for]
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) top: Option<usize>,

    /// Write it once and end, on a terminal too
    #[arg(short = '1', long)]
    pub(crate) once: bool,

    /// Seconds between two looks on a terminal
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub(crate) interval: std::time::Duration,

    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Output,
}

/// A time between two looks: long enough to be seen, short enough to be worth waiting for.
fn interval(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.05..=3600.0).contains(seconds));
    seconds.map(std::time::Duration::from_secs_f64).ok_or_else(|| "expected 0.05 to 3600 seconds".to_owned())
}

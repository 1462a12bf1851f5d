//! Where and with what a record was measured, so that two records can be told apart.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Result;

/// Crates whose versions a record names.
const CRATES: &[&str] = &[
    "tidegate",
    "governor",
    "rate-net",
    "gcra",
    "throttlecrab",
    "ratelimit",
    "ahash",
    "foldhash",
    "dashmap",
    "quanta",
    "parking_lot",
];

/// The machine, its load and the software of a run. What cannot be found out is `unknown`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The day of the run, in UTC: `2026-11-24`.
    pub date: String,
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Main memory in gigabytes of 10⁹ bytes.
    pub memory_gb: u64,
    /// Operating system, kernel release and architecture.
    pub system: String,
    /// The load average over the minute before the run: what else was going on.
    pub load_before: String,
    /// `rustc --version`.
    pub rustc: String,
    /// Whether the program was built without optimisation, which makes its figures worthless.
    pub unoptimised: bool,
    /// The commit that was measured, if this is a checkout.
    pub commit: String,
    /// Versions by crate, from `Cargo.lock`; several where several are built.
    pub crates: BTreeMap<String, String>,
}

impl Machine {
    /// This machine, now.
    ///
    /// # Errors
    /// A `Cargo.lock` that is none.
    pub fn here() -> Result<Self> {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Ok(Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            cpu: field(&cpu_info, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gb: memory_gb(),
            system: system(),
            load_before: first_word("/proc/loadavg"),
            rustc: output("rustc", &["--version"]),
            unoptimised: cfg!(debug_assertions),
            commit: output("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
            crates: versions(include_str!("../../Cargo.lock"))?,
        })
    }

    /// The name of a record's files: the date and the machine in lowercase letters, digits and `-`.
    #[must_use]
    pub fn slug(&self) -> String {
        let name = format!("{}-{}-{}-core", self.date, self.cpu, self.cores).to_lowercase();
        let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// The value of `name : value` in the files of `/proc`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(':').filter(|(n, _)| n.trim() == name);
    text.lines().find_map(named).map(|(_, value)| value.trim())
}

fn memory_gb() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = field(&info, "MemTotal").and_then(|value| value.strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024 / 1_000_000_000
}

fn system() -> String {
    let kernel = first_word("/proc/sys/kernel/osrelease");
    format!("{} {kernel} {}", std::env::consts::OS, std::env::consts::ARCH)
}

fn first_word(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.ok().filter(|o| o.status.success()).and_then(|o| String::from_utf8(o.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn versions(lock: &str) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let mut versions = BTreeMap::<String, String>::new();
    for Package { name, version } in toml::from_str::<Lock>(lock)?.package {
        if CRATES.contains(&name.as_str()) {
            versions.entry(name).and_modify(|all| *all = format!("{all}, {version}")).or_insert(version);
        }
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_machine_has_a_plain_slug_and_all_versions() {
        let machine = Machine {
            cpu: "AMD EPYC (tm) 7".into(),
            cores: 2,
            date: "2026-11-24".into(),
            ..Machine::here().unwrap()
        };
        assert_eq!(machine.slug(), "2026-11-24-amd-epyc-tm-7-2-core");
        assert_eq!(machine.crates.len(), CRATES.len(), "{:?}", machine.crates);
    }

    #[test]
    fn fields_of_proc_are_found_by_their_whole_name() {
        let text = "model\t\t: 1\nmodel name\t: AMD EPYC\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "name"), None);
    }
}

//! The demo from its beginning to its end.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tempfile::TempDir;
use tidegate::{Policy, PolicyFile};
use tidegate_reference::Limit;
use tidegate_tests::reference_limits;

use crate::answers::{self, Case, Same};
use crate::args::Args;
use crate::judge::{self, Exact, Tally};
use crate::log::{FLOOD, Requests};
use crate::progress::{Progress, answered};
use crate::servers::{self, Crew, Shared};
use crate::traffic::{Drive, Live, Load, Outcome, Sample, Server};
use crate::{Result, page, table, timeline};

/// Connections to each server.
const CONNECTIONS: usize = 4;

/// In the flood, between an answer and the next question: so that the asking leaves the servers some of
/// the processor, and none of them is asked much more than another.
const PAUSE: Duration = Duration::from_millis(4);

/// What the log's run brought.
pub struct Calls {
    /// Who was asked.
    pub servers: Vec<Server>,
    /// The policy.
    pub policy: Policy,
    /// How many keys asked.
    pub keys: usize,
    /// The counts of each server.
    pub tallies: Vec<Tally>,
    /// The flood's share of all.
    pub flood: Tally,
    /// What the model says.
    pub exact: Exact,
    /// What all servers answered alike, or what differs.
    pub answers: Vec<std::result::Result<Same, String>>,
    /// What else went wrong.
    pub faults: Vec<String>,
}

/// What the flood's run brought.
pub struct Flood {
    /// Who was asked.
    pub servers: Vec<Server>,
    /// The policy.
    pub policy: Policy,
    /// The same, as the judge reads it.
    pub limits: Vec<Limit>,
    /// Every request.
    pub samples: Vec<Sample>,
    /// How long it lasted.
    pub length: Duration,
    /// When a worker of which server was killed.
    pub killed: Option<(Duration, usize)>,
    /// What went wrong.
    pub faults: Vec<String>,
}

impl Calls {
    /// Everything that is not as it should be.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let answers = self.answers.iter().filter_map(|answer| answer.as_ref().err());
        self.faults.iter().chain(&self.exact.differences).chain(answers).cloned().collect()
    }
}

/// Runs all of it; whether there was no difference.
///
/// # Errors
/// It could not be run to its end.
pub fn run(args: &Args) -> Result<bool> {
    let stop = interruption()?;
    let policies = PolicyFile::load(&args.policy_file).map_err(|error| error.to_string())?;
    let requests = Requests::read(&args.log, args.requests)?;
    let cannot_write = |error| format!("{}: {error}", args.out.display());
    fs::create_dir_all(&args.out).map_err(cannot_write)?;
    let folder = segments(&args.out)?;
    let policy = |name| policies.require(name).cloned().map_err(|error| error.to_string());

    let shared = |name| Shared { file: &args.policy_file, policy: name, segment: folder.path() };
    let segment = folder.path().join("clients");
    let crew = Crew::start(args, Shared { segment: &segment, ..shared("clients") }, &stop)?;
    table::begin(crew.servers(), &policy("clients")?, &requests);
    let calls = calls(crew.servers(), &policy("clients")?, &requests, &stop)?;
    drop(crew);
    table::calls(&calls);

    let segment = folder.path().join("flood");
    let crew = Crew::start(args, Shared { segment: &segment, ..shared("flood") }, &stop)?;
    table::begin_flood(&policy("flood")?, args.seconds);
    let flood = flood(crew.servers(), &policy("flood")?, Duration::from_secs(args.seconds), &stop)?;
    drop(crew);
    table::flood(&flood);

    let page = args.out.join("index.html");
    fs::write(&page, page::page(&calls, &flood)).map_err(cannot_write)?;
    if let Some(path) = &args.svg {
        fs::write(path, timeline::document(&flood))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let differences: Vec<_> = calls.differences().into_iter().chain(flood.faults.clone()).collect();
    table::end(&differences, &page);
    Ok(differences.is_empty())
}

/// Set when the demo shall end: by Ctrl-C, by a terminal that goes away, by `kill`.
fn interruption() -> Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(|error| error.to_string())?;
    }
    Ok(stop)
}

/// A folder for the segments, in memory where there is one for that; it goes away with the demo.
fn segments(out: &Path) -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory } else { out };
    tempfile::Builder::new()
        .prefix("tidegate-demo-")
        .tempdir_in(parent)
        .map_err(|error| format!("{}: {error}", parent.display()))
}

/// An error once the demo shall end.
pub(crate) fn unless(stop: &AtomicBool) -> Result<()> {
    if stop.load(Relaxed) { Err("interrupted".to_owned()) } else { Ok(()) }
}

fn lives(servers: &[Server]) -> Vec<Live> {
    servers.iter().map(|_| Live::default()).collect()
}

/// The log's requests, each to the next server; then the answers side by side.
///
/// # Errors
/// It was interrupted.
pub fn calls(servers: &[Server], policy: &Policy, requests: &Requests, stop: &AtomicBool) -> Result<Calls> {
    let (live, limits) = (lives(servers), reference_limits(policy));
    let mut progress = Progress::new(servers, &live, (requests.order.len() / servers.len().max(1)) as u64);
    let load = Load::Requests(&requests.order);
    let drive = Drive { servers, connections: CONNECTIONS, load, keys: &requests.keys, live: &live, stop };
    let samples = drive.run(|elapsed| progress.look(elapsed, answered));
    drop(progress);
    unless(stop)?;
    let exact = judge::exact(&limits, &requests.keys, &samples);
    let spent = spent(&requests.keys, &samples);
    let answers = Case::ALL.map(|case| answers::compare(servers, case, &spent)).into();
    unless(stop)?;
    Ok(Calls {
        servers: servers.to_vec(),
        policy: policy.clone(),
        keys: requests.keys.len(),
        tallies: judge::by_server(&samples, servers.len()),
        flood: Tally::of(samples.iter().filter(|s| requests.keys.get(s.key).is_some_and(|key| key == FLOOD))),
        exact,
        answers,
        faults: judge::faults(servers, &samples, |_| false),
    })
}

/// The keys that were denied: nothing of theirs comes back while the demo runs.
fn spent(keys: &[String], samples: &[Sample]) -> Vec<String> {
    let is_spent = |number: usize| samples.iter().any(|s| s.key == number && s.outcome == Outcome::Denied);
    keys.iter().enumerate().filter(|(number, _)| is_spent(*number)).map(|(_, key)| key.clone()).collect()
}

/// Everybody asks for one key, and in the middle of it a worker is killed, if one says which it is.
///
/// # Errors
/// It was interrupted.
pub fn flood(servers: &[Server], policy: &Policy, length: Duration, stop: &AtomicBool) -> Result<Flood> {
    let (live, limits, keys) = (lives(servers), reference_limits(policy), [FLOOD.to_owned()]);
    let mut progress = Progress::new(servers, &live, u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
    let load = Load::Flood(length, PAUSE);
    let drive = Drive { servers, connections: CONNECTIONS, load, keys: &keys, live: &live, stop };
    let mut killed = None;
    let samples = drive.run(|elapsed| {
        progress.look(elapsed, |_| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        if killed.is_none() && elapsed > length / 2 {
            killed = kill_one(&live).map(|server| (elapsed, server));
        }
    });
    drop(progress);
    unless(stop)?;
    let was_killed = |server| killed.is_some_and(|(_, killed)| killed == server);
    let mut faults = judge::faults(servers, &samples, was_killed);
    faults.extend(judge::windows(&limits, &samples).into_iter().map(|why| format!("flood: {why}")));
    Ok(Flood { servers: servers.to_vec(), policy: policy.clone(), limits, samples, length, killed, faults })
}

/// Kills the worker that answered last, of the first server that has workers.
fn kill_one(live: &[Live]) -> Option<usize> {
    live.iter().position(|live| {
        let worker = live.worker.load(Relaxed);
        worker != 0 && servers::kill(worker)
    })
}

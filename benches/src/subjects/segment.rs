//! tidegate in a shared segment: beside tidegate in one process, and two processes beside two
//! threads.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tidegate::{Clock, Limiter};

use super::Situation;
use super::tidegate::{Ask, WIDEST, check, prepared_seed};
use crate::Result;
use crate::contender::{Contender, Worker, count_allowed};
use crate::harness::pin_to_core;
use crate::keys::{Chunk, Questions};
use crate::targets::{ALLOW_IN_SEGMENT, IN_SEGMENT, TWO_PROCESSES, TWO_THREADS};

/// The environment variable that makes a child of this program.
const CHILD: &str = "TIDEGATE_BENCH_SEGMENT";

/// A folder in memory, where there is one: what is measured is no disk.
fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }?)
}

/// The seed's policy in a segment.
///
/// # Errors
/// A segment that cannot be made, or keys that cannot be prepared.
pub fn seed(ask: Ask, situation: Situation<'_>) -> Result<Contender> {
    let folder = folder()?;
    let builder = super::tidegate::seed_builder(situation.keys.len());
    let limiter = Arc::new(builder.segment(folder.path().join("quota")).build()?);
    let contender = keeping(folder, prepared_seed(ask, &limiter, situation));
    let name = if ask == Ask::Allow { ALLOW_IN_SEGMENT } else { IN_SEGMENT };
    Ok(Contender { name, ..contender })
}

/// Two threads that share a segment's limiter.
///
/// # Errors
/// As for [`seed`].
pub fn threads(situation: Situation<'_>) -> Result<Contender> {
    let (folder, limiter) = widest(situation)?;
    let contender = Contender::sharing(TWO_THREADS, &limiter, 2, check);
    Ok(keeping(folder, taking_back(contender, &limiter, situation)))
}

/// This process and a child, which share a segment.
///
/// # Errors
/// As for [`seed`]; a child that does not start.
pub fn processes(situation: Situation<'_>, questions: &Questions) -> Result<Contender> {
    let (folder, limiter) = widest(situation)?;
    let mut remote = Remote::start(&folder.path().join("quota"), questions)?;
    let own = Arc::clone(&limiter);
    let here: Worker = Box::new(move |chunk| count_allowed(chunk.keys, |key| check(&own, key)));
    let there: Worker = Box::new(move |_| remote.ask().unwrap_or(0));
    let contender = Contender::with_workers(TWO_PROCESSES, vec![here, there]);
    Ok(keeping(folder, taking_back(contender, &limiter, situation)))
}

fn widest(situation: Situation<'_>) -> Result<(TempDir, Arc<Limiter>)> {
    let folder = folder()?;
    let builder = Limiter::builder(WIDEST).max_keys(100).clock(Clock::Coarse);
    let limiter = builder.segment(folder.path().join("quota")).build()?;
    if !situation.undo {
        situation.keys.iter().try_for_each(|key| exhaust(&limiter, key))?;
    }
    Ok((folder, Arc::new(limiter)))
}

fn exhaust(limiter: &Limiter, key: &str) -> Result<()> {
    while limiter.allow(key)? {}
    Ok(())
}

fn taking_back(contender: Contender, limiter: &Arc<Limiter>, situation: Situation<'_>) -> Contender {
    if !situation.undo {
        return exhausting(contender, limiter, situation);
    }
    let limiter = Arc::clone(limiter);
    contender.undoing(move |chunk| {
        let _ = chunk.keys.first().map(|key| limiter.refund(key, 2 * chunk.keys.len() as u64));
    })
}

/// The bucket fills up between rounds.
fn exhausting(contender: Contender, limiter: &Arc<Limiter>, situation: Situation<'_>) -> Contender {
    let (limiter, keys) = (Arc::clone(limiter), situation.keys.to_vec());
    contender.preparing(move || keys.iter().try_for_each(|key| exhaust(&limiter, key)))
}

/// The folder lives as long as the contender.
fn keeping(folder: TempDir, contender: Contender) -> Contender {
    let mut prepare = contender.prepare;
    let kept = move || {
        let _ = &folder;
        prepare()
    };
    Contender { prepare: Box::new(kept), ..contender }
}

/// A child that asks about the same keys when it is told to.
struct Remote {
    child: Child,
}

impl Remote {
    fn start(segment: &Path, questions: &Questions) -> Result<Self> {
        let chunk = questions.chunk(0);
        let question = format!("{} {}", chunk.keys.len(), segment.display());
        let child = Command::new(std::env::current_exe()?)
            .env(CHILD, question)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut remote = Self { child };
        // The answer to an empty question: the child is ready.
        remote.receive()?;
        Ok(remote)
    }

    fn ask(&mut self) -> Result<u64> {
        let stdin = self.child.stdin.as_mut().ok_or("the child has no standard input")?;
        stdin.write_all(b"?")?;
        self.receive()
    }

    fn receive(&mut self) -> Result<u64> {
        let mut answer = [0; 8];
        self.child.stdout.as_mut().ok_or("the child has no standard output")?.read_exact(&mut answer)?;
        Ok(u64::from_ne_bytes(answer))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// In a child: answers until its input ends, and returns true. Elsewhere nothing.
///
/// # Errors
/// A segment that cannot be opened.
pub fn run_if_child() -> Result<bool> {
    let Ok(question) = std::env::var(CHILD) else { return Ok(false) };
    let (count, path) = question.split_once(' ').ok_or("a child is told a number and a path")?;
    let limiter = Limiter::builder(WIDEST).segment(PathBuf::from(path)).build()?;
    let questions = Questions::in_runs(1, count.parse()?);
    let chunk: Chunk<'_> = questions.chunk(0);
    pin_to_core(1);
    let (mut input, mut output) = (std::io::stdin(), std::io::stdout());
    output.write_all(&0_u64.to_ne_bytes())?;
    output.flush()?;
    while input.read_exact(&mut [0]).is_ok() {
        let allowed = count_allowed(chunk.keys, |key| check(&limiter, key));
        output.write_all(&allowed.to_ne_bytes())?;
        output.flush()?;
    }
    Ok(true)
}

//! Drives servers: many connections at once, and what each request brought.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, Question};

/// Where a server listens, and what it is called.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its language.
    pub name: String,
    /// Where it is asked.
    pub url: String,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 200.
    Admitted,
    /// 429.
    Denied,
    /// No answer: it may have been admitted.
    Unanswered,
    /// Another status, which nobody should see.
    Other(u16),
}

/// One request. Times in nanoseconds since the beginning of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The number of the server that was asked.
    pub server: usize,
    /// The number of the key.
    pub key: usize,
    /// No later than the decision.
    pub sent: u64,
    /// No earlier than the decision.
    pub answered: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub enum Load<'a> {
    /// These keys by their numbers, each to the next server.
    Requests(&'a [usize]),
    /// The first key alone, for so long, with a pause between an answer and the next question.
    Flood(Duration, Duration),
}

/// The numbers so far, for those who watch.
#[derive(Debug, Default)]
pub struct Live {
    /// Requests that were admitted.
    pub admitted: AtomicU64,
    /// Requests that were denied.
    pub denied: AtomicU64,
    /// Requests without an answer, or with one that nobody should see.
    pub failed: AtomicU64,
    /// The process that answered last, where the server says which.
    pub worker: AtomicU32,
}

/// A run of one load.
pub struct Drive<'a> {
    /// Who is asked.
    pub servers: &'a [Server],
    /// Connections to each server.
    pub connections: usize,
    /// What is sent.
    pub load: Load<'a>,
    /// The names of the keys.
    pub keys: &'a [String],
    /// For each server.
    pub live: &'a [Live],
    /// Ends the run early.
    pub stop: &'a AtomicBool,
}

impl Drive<'_> {
    /// Sends all of the load. `watch` is called now and then with the time since the beginning.
    pub fn run(&self, mut watch: impl FnMut(Duration)) -> Vec<Sample> {
        let (origin, next) = (Instant::now(), self.servers.iter().map(|_| AtomicUsize::new(0)));
        let next: Vec<_> = next.collect();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.servers.len() * self.connections)
                .map(|i| i % self.servers.len().max(1))
                .map(|server| {
                    let next = &next;
                    scope.spawn(move || self.connection(server, origin, next))
                })
                .collect();
            while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
                watch(origin.elapsed());
                thread::sleep(Duration::from_millis(30));
            }
            watch(origin.elapsed());
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        })
    }

    /// One connection to a server.
    fn connection(&self, server: usize, origin: Instant, next: &[AtomicUsize]) -> Vec<Sample> {
        let (client, mut samples) = (Client::default(), Vec::new());
        let (Some(at), Some(next), Some(live)) =
            (self.servers.get(server), next.get(server), self.live.get(server))
        else {
            return samples;
        };
        while let Some(key) = self.key(server, next, origin) {
            let Some(name) = self.keys.get(key) else { break };
            let sent = nanos(origin);
            let outcome = ask(&client, &at.url, name, live);
            samples.push(Sample { server, key, sent, answered: nanos(origin), outcome });
            if let Load::Flood(_, pause) = self.load {
                thread::sleep(pause);
            }
        }
        samples
    }

    /// The key of this server's next request, if there is one.
    fn key(&self, server: usize, next: &AtomicUsize, origin: Instant) -> Option<usize> {
        if self.stop.load(Relaxed) {
            return None;
        }
        match self.load {
            Load::Requests(keys) => {
                keys.get(next.fetch_add(1, Relaxed) * self.servers.len() + server).copied()
            }
            Load::Flood(length, _) => (origin.elapsed() < length).then_some(0),
        }
    }
}

fn ask(client: &Client, url: &str, key: &str, live: &Live) -> Outcome {
    let question = Question { key, ..Question::default() };
    let (outcome, count) = match client.ask(url, question) {
        Ok(answer) if answer.status == 200 => {
            if let Some(worker) = answer.number("worker") {
                live.worker.store(worker, Relaxed);
            }
            (Outcome::Admitted, &live.admitted)
        }
        Ok(answer) if answer.status == 429 => (Outcome::Denied, &live.denied),
        Ok(answer) => (Outcome::Other(answer.status), &live.failed),
        Err(_) => (Outcome::Unanswered, &live.failed),
    };
    count.fetch_add(1, Relaxed);
    outcome
}

fn nanos(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

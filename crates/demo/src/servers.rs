//! Starts the example servers as a user would, and ends them whatever happens.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::args::Args;
use crate::client::{Client, Question};
use crate::traffic::Server;

/// How long a server may take until it answers: an interpreter on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to end before it is killed.
const FAREWELL: Duration = Duration::from_secs(5);

/// What all servers of one run share.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The policy file.
    pub file: &'a Path,
    /// The name of a policy in it.
    pub policy: &'a str,
    /// The segment.
    pub segment: &'a Path,
}

/// Servers that run. They end with this.
pub struct Crew {
    members: Vec<Member>,
    servers: Vec<Server>,
}

struct Member {
    child: Child,
    said: PathBuf,
    /// Where it listens, if it was told.
    told: Option<String>,
}

/// How a server is started.
struct Start {
    name: &'static str,
    command: Command,
    /// The socket that it is given, as its standard input.
    listener: Option<TcpListener>,
}

impl Crew {
    /// Starts the servers of all languages that the arguments have a program for.
    ///
    /// # Errors
    /// One can't be started, or does not answer; it was interrupted.
    pub fn start(args: &Args, shared: Shared<'_>, stop: &AtomicBool) -> Result<Self> {
        let mut crew = Self { members: Vec::new(), servers: Vec::new() };
        for start in starts(args, shared)? {
            let said = args.out.join(format!("{}.log", start.name.to_lowercase()));
            crew.servers.push(Server { name: start.name.to_owned(), url: String::new() });
            crew.members.push(Member::start(start, said)?);
        }
        for (member, server) in crew.members.iter_mut().zip(&mut crew.servers) {
            server.url = member.url(&server.name, stop)?;
        }
        Ok(crew)
    }

    /// Where they listen.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.signal(rustix::process::Signal::TERM);
        }
        let end = Instant::now() + FAREWELL;
        for member in &mut self.members {
            while matches!(member.child.try_wait(), Ok(None)) && Instant::now() < end {
                thread::sleep(Duration::from_millis(10));
            }
            // Its workers too, should it have left any.
            member.signal(rustix::process::Signal::KILL);
            let _ = member.child.wait();
        }
    }
}

/// The languages that there are, each with its server.
fn starts(args: &Args, shared: Shared<'_>) -> Result<Vec<Start>> {
    let plain = |name, command| Start { name, command: with_flags(command, shared), listener: None };
    let mut starts = Vec::new();
    starts.extend(args.c.as_ref().map(|program| plain("C", Command::new(program))));
    starts.extend(args.go.as_ref().map(|program| plain("Go", Command::new(program))));
    if let (Some(python), Some(app)) = (&args.python, &args.python_app) {
        let listener = listener().map_err(|error| format!("no port for Python: {error}"))?;
        let command = uvicorn(python, app, args.workers, shared);
        starts.push(Start { name: "Python", command, listener: Some(listener) });
    }
    starts.extend(args.node.as_ref().map(|app| {
        let mut command = Command::new("node");
        command.arg(app);
        plain("Node", command)
    }));
    Ok(starts)
}

fn with_flags(mut command: Command, shared: Shared<'_>) -> Command {
    command.arg("--policy-file").arg(shared.file).args(["--policy", shared.policy]);
    command.arg("--segment").arg(shared.segment).args(["--port", "0"]);
    command
}

/// A socket that sends at once. uvicorn with several workers leaves its own as it is, and since it sends
/// head and body apart, each answer would wait 40 ms for an acknowledgement.
fn listener() -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
    Ok(listener)
}

/// uvicorn has the command line for itself, so its application has the settings from the environment.
fn uvicorn(python: &Path, app: &Path, workers: usize, shared: Shared<'_>) -> Command {
    let (folder, name) = (app.parent().unwrap_or(Path::new(".")), app.file_stem().unwrap_or_default());
    let mut command = Command::new(python);
    command.args(["-m", "uvicorn", &format!("{}:app", name.to_string_lossy()), "--app-dir"]).arg(folder);
    command.args(["--fd", "0", "--no-access-log", "--workers", &workers.to_string()]);
    command.env("POLICY_FILE", shared.file).env("POLICY", shared.policy).env("SEGMENT", shared.segment);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

impl Member {
    /// In a process group of its own, so that Ctrl-C ends the demo first, and the demo its servers.
    fn start(start: Start, said: PathBuf) -> Result<Self> {
        use std::os::unix::process::CommandExt;

        let Start { name, mut command, listener } = start;
        let cannot = |error| format!("{name} can't be started: {error}");
        let told = listener.as_ref().map(|listener| listener.local_addr().map(|at| format!("http://{at}/")));
        let told = told.transpose().map_err(cannot)?;
        let output = File::create(&said).map_err(cannot)?;
        let errors = output.try_clone().map_err(cannot)?;
        command.stdin(listener.map_or_else(Stdio::null, |listener| OwnedFd::from(listener).into()));
        command.stdout(output).stderr(errors).process_group(0);
        Ok(Self { child: command.spawn().map_err(cannot)?, said, told })
    }

    /// Where it listens: it says so, and then it answers.
    fn url(&mut self, name: &str, stop: &AtomicBool) -> Result<String> {
        let (client, end) = (Client::default(), Instant::now() + PATIENCE);
        while Instant::now() < end {
            crate::run::unless(stop)?;
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err(format!("{name} has ended; it said:\n{}", self.last_words()));
            }
            let question = Question { key: "is-it-up", ..Question::default() };
            if let Some(url) = self.told.clone().or_else(|| said_url(&self.output()))
                && client.ask(&url, question).is_ok_and(|answer| answer.status < 500)
            {
                return Ok(url);
            }
            thread::sleep(Duration::from_millis(30));
        }
        Err(format!("{name} does not answer; it said:\n{}", self.last_words()))
    }

    fn output(&self) -> String {
        fs::read(&self.said).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let output = self.output();
        let lines: Vec<_> = output.lines().collect();
        lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
    }

    /// To the whole group; one that has ended already is no failure.
    fn signal(&self, signal: rustix::process::Signal) {
        if let Ok(number) = i32::try_from(self.child.id())
            && let Some(group) = rustix::process::Pid::from_raw(number)
        {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

/// The first address of this machine in what a server says.
fn said_url(said: &str) -> Option<String> {
    const HERE: &str = "http://127.0.0.1:";
    let (_, rest) = said.split_once(HERE)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest.get(..end).filter(|port| !port.is_empty()).map(|port| format!("{HERE}{port}/"))
}

/// Kills a worker process, as the system does that runs out of memory.
pub fn kill(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_servers_say() {
        assert_eq!(said_url("http://127.0.0.1:4312/\n").as_deref(), Some("http://127.0.0.1:4312/"));
        let said = "INFO: Uvicorn running on http://127.0.0.1:9 (Press CTRL+C to quit)\n";
        assert_eq!(said_url(said).as_deref(), Some("http://127.0.0.1:9/"));
        // Half of a line that is being written.
        assert_eq!(said_url("http://127.0.0.1:43"), None);
        assert_eq!(said_url("http://127.0.0.1:\n"), None);
    }
}

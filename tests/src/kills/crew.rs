//! The workers as processes: started, stopped, let go on, killed.

use std::io::{Error, Result};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tidegate::OnUnavailable;

use super::pulse::{self, Pulse};
use super::record::now;
use super::scene::Scene;

/// A worker that runs, or is stopped.
#[derive(Debug)]
pub struct Member {
    /// Its number: every worker has one of its own.
    pub number: u64,
    child: Child,
    /// When it was started, or last let go on.
    running_since: u64,
}

impl Member {
    /// Starts a worker: this program once more, as `worker FOLDER NUMBER SEED`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(scene: &Scene, number: u64, seed: u64, on_unavailable: OnUnavailable) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("worker").arg(&scene.folder).args([number, seed].map(|word| word.to_string()));
        if on_unavailable == OnUnavailable::Allow {
            command.arg("--allow-unavailable");
        }
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Self { number, child, running_since: now() })
    }

    /// Its number among the processes of the machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn kernel_pid(&self) -> Result<Pid> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| Error::other("no process has this number"))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.kernel_pid()?, signal)?)
    }

    /// Stops it, and waits until it stands still.
    ///
    /// # Errors
    /// It has ended.
    pub fn stop(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.kernel_pid()?), options)?;
        if status.is_some_and(|status| status.stopped()) {
            // Taken back, so that the next stop is told anew.
            waitid(WaitId::Pid(self.kernel_pid()?), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG)?;
            return Ok(());
        }
        Err(Error::other(format!("worker {} has ended by itself", self.number)))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It has ended.
    pub fn go_on(&mut self) -> Result<()> {
        self.running_since = now();
        self.signal(Signal::CONT)
    }

    /// Kills it, stopped or not, and waits until it is gone.
    ///
    /// # Errors
    /// It had ended by itself.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        let status = self.child.wait()?;
        let killed = status.signal() == Some(Signal::KILL.as_raw());
        if killed {
            Ok(())
        } else {
            Err(Error::other(format!("worker {} ended by itself: {status}", self.number)))
        }
    }

    /// Its last sign of life.
    #[must_use]
    pub fn pulse(&self, scene: &Scene) -> Pulse {
        pulse::read(&scene.pulse(self.number)).unwrap_or_default()
    }

    /// For how long it has given no sign of life although it was not stopped.
    #[must_use]
    pub fn silent_for(&self, scene: &Scene) -> Duration {
        let last = self.pulse(scene).at.max(self.running_since);
        Duration::from_nanos(now().saturating_sub(last))
    }
}

/// A worker that is left over when the parent gives up goes with it.
impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

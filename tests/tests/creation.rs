//! Many processes that open a segment which is not there yet, at once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tidegate::SegmentView;
use tidegate_tests::kills::scene::folder;

const PROCESSES: usize = 16;
const ROUNDS: usize = 10;

/// One that opens the segment when it is told to.
struct Newcomer {
    child: Child,
    says: std::io::Lines<BufReader<ChildStdout>>,
}

impl Newcomer {
    fn start(folder: &Path, policy: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newcomer"));
        command.arg(folder.join("quota")).arg(policy).arg(folder.join("go"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, says }
    }

    fn says(&mut self) -> String {
        self.says.next().unwrap().unwrap()
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Lets them all open it at once; what each said, and what is left in the folder.
fn race(policy: impl Fn(usize) -> String, look: impl Fn(&Path, &[String])) {
    for _ in 0..ROUNDS {
        let folder = folder().unwrap();
        let mut all: Vec<_> = (0..PROCESSES).map(|n| Newcomer::start(folder.path(), &policy(n))).collect();
        all.iter_mut().for_each(|newcomer| assert_eq!(newcomer.says(), "ready"));
        std::fs::write(folder.path().join("go"), "").unwrap();
        let said: Vec<_> = all.iter_mut().map(Newcomer::says).collect();
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["go", "quota"], "{said:?}");
        look(&folder.path().join("quota"), &said);
    }
}

#[test]
fn all_share_the_one_that_is_made() {
    race(
        |_| "100/hour".to_owned(),
        |segment, said| {
            let mut left: Vec<u64> = said.iter().map(|said| said.parse().unwrap()).collect();
            left.sort_unstable();
            assert!(left.iter().copied().eq(100 - PROCESSES as u64..100), "{left:?}");
            assert_eq!(SegmentView::open(segment).unwrap().snapshot(0).processes.len(), PROCESSES);
        },
    );
}

#[test]
fn of_several_policies_one_wins() {
    race(
        |n| format!("{}/hour", 100 * (1 + n % 4)),
        |segment, said| {
            let won = SegmentView::open(segment).unwrap().policy().limits()[0].quota();
            let (mut left, others): (Vec<u64>, Vec<&String>) = (
                said.iter().filter_map(|said| said.parse().ok()).collect(),
                said.iter().filter(|said| said.parse::<u64>().is_err()).collect(),
            );
            left.sort_unstable();
            assert!(left.iter().copied().eq(won - PROCESSES as u64 / 4..won), "{won}: {said:?}");
            assert!(others.iter().all(|said| *said == "segment-policy"), "{said:?}");
        },
    );
}

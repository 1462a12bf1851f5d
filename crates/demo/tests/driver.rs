//! The demo in small, on servers that are threads of the test: honest ones find no difference, and each
//! kind of wrong one is found.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use tidegate::{Body, Limiter, Policy, PolicyFile, Style};
use tidegate_demo::log::Requests;
use tidegate_demo::run::{Calls, Flood, calls, flood};
use tidegate_demo::traffic::Server;
use tidegate_demo::{page, timeline};

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// It admits every tenth that it has to deny.
    Admits,
    /// It says that the limit is one more.
    Says,
    /// It answers every hundredth with 503.
    Fails,
}

struct Serving {
    limiter: Limiter,
    wrong: Wrong,
    asked: AtomicU64,
}

/// A server that lasts as long as the test.
fn serve(limiter: Limiter, wrong: Wrong, name: &str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = Arc::new(Serving { limiter, wrong, asked: AtomicU64::new(0) });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serving) = (stream.unwrap(), Arc::clone(&serving));
            thread::spawn(move || while serving.exchange(&stream).is_some() {});
        }
    });
    Server { name: name.to_owned(), url }
}

impl Serving {
    /// One request and its answer; `None` at the end of the connection.
    fn exchange(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        while head.last().is_none_or(|line: &String| line != "\r\n") {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            head.push(line);
        }
        let value = |name: &str| {
            let lines = head.iter().filter_map(|line| line.split_once(": "));
            lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let length = value("content-length").map_or(0, |length| length.parse().unwrap());
        reader.read_exact(&mut vec![0; length]).ok()?;
        let answer = self.answer(value("x-api-key").unwrap(), value("accept").unwrap_or(""), length as u64);
        (&mut &*stream).write_all(answer.as_bytes()).ok()
    }

    fn answer(&self, key: &str, accept: &str, length: u64) -> String {
        let asked = self.asked.fetch_add(1, Relaxed);
        if let Some(most) = self.limiter.policy().max_body().filter(|most| length > *most) {
            return refusal("", &Body::content_too_large(most));
        }
        let decision = self.limiter.check(key).unwrap();
        let mut head = decision.headers(Style::XRateLimit | Style::Ietf).to_string();
        if self.wrong == Wrong::Says {
            head = head.replace("X-RateLimit-Limit: 40", "X-RateLimit-Limit: 41");
        }
        match (decision.body_for(accept), self.wrong) {
            (_, Wrong::Fails) if asked % 100 == 50 => {
                "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".to_owned()
            }
            (Some(body), wrong) if wrong != Wrong::Admits || !asked.is_multiple_of(10) => {
                refusal(&head, &body)
            }
            _ => format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 2\r\n\r\nhi"),
        }
    }
}

fn refusal(head: &str, body: &Body) -> String {
    format!(
        "HTTP/1.1 {} No\r\n{head}Content-Type: {}\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n{}",
        body.status,
        body.content_type,
        body.text.len(),
        body.text
    )
}

static POLICIES: LazyLock<PolicyFile> =
    LazyLock::new(|| PolicyFile::load(concat!(env!("CARGO_MANIFEST_DIR"), "/policies.toml")).unwrap());

/// Two servers on one segment, of which the second is wrong.
fn servers(policy: &Policy, wrong: Wrong) -> (Vec<Server>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let limiter =
        || Limiter::builder(policy.clone()).segment(folder.path().join("quota")).build().expect("a segment");
    let servers = vec![serve(limiter(), Wrong::Nothing, "One"), serve(limiter(), wrong, "Other")];
    (servers, folder)
}

fn of_calls(wrong: Wrong) -> Calls {
    let policy = POLICIES.require("clients").unwrap();
    let (servers, _folder) = servers(policy, wrong);
    let clients = (0..900).map(|i| format!("192.0.2.{}", i % 9));
    calls(&servers, policy, &Requests::of(clients), &AtomicBool::new(false)).unwrap()
}

fn of_flood(wrong: Wrong) -> Flood {
    let policy = POLICIES.require("flood").unwrap();
    let (servers, _folder) = servers(policy, wrong);
    flood(&servers, policy, Duration::from_millis(700), &AtomicBool::new(false)).unwrap()
}

#[test]
fn honest_servers_agree_with_the_model_and_with_each_other() {
    let calls = of_calls(Wrong::Nothing);
    assert_eq!(calls.differences(), Vec::<String>::new());
    assert_eq!((calls.flood.sent, calls.flood.admitted), (180, 40));
    assert_eq!(calls.tallies.iter().map(|tally| tally.sent).sum::<u64>(), 1_080);
    let flood = of_flood(Wrong::Nothing);
    assert_eq!(flood.faults, Vec::<String>::new());
    let page = page::page(&calls, &flood);
    assert!(page.contains("equal for each of") && !page.contains("<script"));
    assert!(timeline::document(&flood).starts_with("<svg"));
}

#[test]
fn a_server_that_admits_too_much_is_found() {
    let calls = of_calls(Wrong::Admits);
    let found = calls.exact.differences.iter().filter(|difference| difference.ends_with("40 by the model"));
    assert!(found.count() > 0, "{:?}", calls.exact.differences);
    assert!(page::page(&calls, &of_flood(Wrong::Nothing)).contains("40 by the model"));
}

#[test]
fn a_server_that_says_something_else_is_found() {
    let differences = of_calls(Wrong::Says).differences();
    let expected = "One says `x-ratelimit-limit: 40` where Other says `x-ratelimit-limit: 41`";
    assert!(differences.iter().any(|difference| difference.contains(expected)), "{differences:?}");
}

#[test]
fn a_server_that_fails_is_found() {
    let differences = of_calls(Wrong::Fails).differences();
    assert!(
        differences.iter().any(|one| one.starts_with("Other answered 5 requests with 503")),
        "{differences:?}"
    );
}

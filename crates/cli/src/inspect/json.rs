//! A look as one JSON object. Its fields are described in `docs/cli.md`; their names and their
//! order do not change.

use serde::Serialize;

use super::look::{Key, Look};
use super::text::fingerprint;
use crate::failure::{Failure, Result};
use crate::report::policy_json;
use crate::text::rfc3339;

pub(super) fn render(look: &Look) -> Result<String> {
    let view = View {
        file: look.path.display().to_string(),
        layout_version: look.layout_version,
        created: rfc3339(look.created),
        clock: if look.is_manual { "manual" } else { "system" },
        policy: policy_json(&look.policy),
        max_keys: look.max_keys,
        file_bytes: look.size.0,
        space_bytes: look.size.1,
        processes: look.pids.iter().map(|&pid| Process { pid }).collect(),
        keys: look.keys,
        live: look.live,
        locked: look.locked,
        asked: look.asked.iter().map(KeyView::from).collect(),
        top: look.top.iter().map(KeyView::from).collect(),
    };
    let text = serde_json::to_string_pretty(&view).map_err(Failure::while_doing("cannot write JSON"))?;
    Ok(text + "\n")
}

#[derive(Serialize)]
struct View<P: Serialize> {
    file: String,
    layout_version: u64,
    created: String,
    clock: &'static str,
    policy: P,
    max_keys: u64,
    file_bytes: u64,
    space_bytes: u64,
    processes: Vec<Process>,
    keys: u64,
    live: u64,
    locked: u64,
    asked: Vec<KeyView>,
    top: Vec<KeyView>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
}

/// A fingerprint needs all of its 64 bits, which a number of JSON does not keep everywhere.
#[derive(Serialize)]
struct KeyView {
    fingerprint: String,
    key: Option<String>,
    used: f64,
    limits: Vec<LimitView>,
}

#[derive(Serialize)]
struct LimitView {
    name: String,
    used: u64,
    capacity: u64,
    remaining: u64,
    reset_after: f64,
}

impl From<&Key> for KeyView {
    fn from(key: &Key) -> Self {
        let limits = key.limits.iter().map(|limit| LimitView {
            name: limit.name.clone(),
            used: limit.used(),
            capacity: limit.capacity,
            remaining: limit.remaining,
            reset_after: limit.reset.as_secs_f64(),
        });
        Self {
            fingerprint: fingerprint(key.fingerprint),
            key: key.name.clone(),
            used: key.used,
            limits: limits.collect(),
        }
    }
}

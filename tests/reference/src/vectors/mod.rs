//! The scenarios that every language runs, and the files that hold them.
//!
//! Each file is described in `tests/vectors/README.md`. The inputs are written here by hand; the
//! expected numbers come from the model, the expected policies and errors are plain data.

mod addresses;
mod bodies;
mod decisions;
pub mod format;
mod headers;
mod json;
mod policies;
mod scenario;

/// The files, by name, as they must stand in `tests/vectors`.
#[must_use]
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("policies.json", json::text(&policies::file())),
        ("decisions.json", json::text(&decisions::file())),
        ("headers.json", json::text(&headers::file())),
        ("bodies.json", json::text(&bodies::file())),
        ("addresses.json", json::text(&addresses::file())),
    ]
}

//! The demo: servers in several languages on one segment and one policy file, driven over HTTP and
//! judged against the reference model. `scripts/demo` builds the servers and runs this.
//!
//! How the judgement can be exact although nobody knows at which nanosecond a server decided:
//!
//! * *The log.* Every request of an access log, with its client as the API key, and a flood on one key
//!   between them, under limits of which nothing comes back while the run lasts. Then how much a key is
//!   admitted depends on nothing but how often it asks, whichever server it asks and when; the model is
//!   fed the same requests, and key for key the sums must be equal ([`judge::exact`]). A run that takes
//!   so long that something does come back is said to be no proof.
//! * *The flood.* One key under limits that refill all the time, while a worker is killed. A server
//!   decided between the question and its answer, so an admission lies within a span if both do: no span
//!   may hold more than its limit promises ([`judge::windows`]). This can't blame a quota that was kept,
//!   on a machine however slow. What the killed worker left unanswered may or may not have been admitted.
//! * *The bytes.* Headers and bodies are compared when the numbers in them stand still: the first server
//!   is asked again at the end, and has to say the same ([`answers`]).

pub mod answers;
pub mod args;
pub mod client;
pub mod judge;
pub mod log;
pub mod page;
pub mod progress;
pub mod run;
pub mod servers;
pub mod table;
pub mod timeline;
pub mod traffic;

/// What went wrong, in words for whoever runs the demo.
pub type Result<T> = std::result::Result<T, String>;

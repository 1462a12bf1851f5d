//! tidegate for C, and for every language that can call C: `include/tidegate.h` is generated from
//! here. `docs/c-api.md` tells the rules; what is decided, and how, is the core's affair.
//!
//! Every function that can fail is a small body inside [`boundary::guard`], which turns what went
//! wrong (a panic too) into a [`tg_status`] and a text. Pointers become references in `input`,
//! results become caller-owned memory in `output`, and nowhere else.

#![allow(unsafe_code, non_camel_case_types)]

mod address;
mod batch;
mod body;
mod boundary;
mod check;
mod clock;
mod counters;
mod decision;
mod headers;
mod info;
mod input;
mod joint;
mod key;
mod limiter;
mod options;
mod output;
mod status;
mod version;

pub use address::*;
pub use batch::*;
pub use body::*;
pub use boundary::*;
pub use check::*;
pub use clock::*;
pub use counters::*;
pub use decision::*;
pub use headers::*;
pub use info::*;
pub use joint::*;
pub use key::*;
pub use limiter::*;
pub use options::*;
pub use status::*;
pub use version::*;

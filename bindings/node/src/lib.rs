//! The native half of the npm package `tidegate`: free functions, which its JavaScript half calls and
//! nobody else.
//!
//! A call into a native library costs more than a check, so every function takes as little as it can.
//! Keys, costs and results pass through memory that both halves see; a call has a handle and a number or
//! two, and the objects that users hold are made in JavaScript.
//!
//! A panic would be a fault of ours, and end the process of somebody else: it becomes an exception.

// What a value of JavaScript's becomes is decided by napi-rs; what is shared with it is raw memory.
#![allow(unsafe_code)]
// Seen by the package's other half alone, which has the documentation.
#![allow(missing_docs, unreachable_pub)]

mod address;
mod batch;
mod call;
mod check;
mod clock;
mod fault;
mod limiter;
mod memory;
mod policy;
mod text;

/// The version that all packages of tidegate share.
#[napi_derive::napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

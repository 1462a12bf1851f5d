//! Which library this is.

use std::ffi::{CStr, c_char};

/// The number of the binary interface, which is the SONAME's too. It changes only when a program
/// that was compiled against an older header could no longer run.
pub const TG_ABI_VERSION: u32 = 0;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The ABI version of the library that is running; compare it with `TG_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn tg_abi_version() -> u32 {
    TG_ABI_VERSION
}

/// The version of the library that is running, such as "1.2.3"; it lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn tg_version() -> *const c_char {
    VERSION.as_ptr()
}

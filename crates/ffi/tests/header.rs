//! That the committed header is the one that the sources give, and has their version.

#![allow(clippy::unwrap_used)]

#[path = "../examples/header/generate.rs"]
mod generate;

const COMMITTED: &str = include_str!("../../../include/tidegate.h");

#[test]
fn the_header_is_what_the_sources_say() {
    let generated = generate::header().unwrap();
    let differs =
        COMMITTED.lines().zip(generated.lines()).find(|(committed, generated)| committed != generated);
    assert!(COMMITTED == generated, "include/tidegate.h is stale, run `make header`: {differs:?}");
}

#[test]
fn all_say_the_same_version() {
    let defined =
        |name: &str| COMMITTED.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
    assert_eq!(defined("TG_VERSION"), Some(concat!("\"", env!("CARGO_PKG_VERSION"), "\"")));
    assert_eq!(defined("TG_VERSION_MAJOR"), Some(env!("CARGO_PKG_VERSION_MAJOR")));
    assert_eq!(defined("TG_VERSION_MINOR"), Some(env!("CARGO_PKG_VERSION_MINOR")));
    assert_eq!(defined("TG_VERSION_PATCH"), Some(env!("CARGO_PKG_VERSION_PATCH")));
    assert_eq!(defined("TG_ABI_VERSION"), Some(tidegate_ffi::tg_abi_version().to_string().as_str()));
}

/// The library is named by its ABI: `build.rs` can't see the constant.
#[test]
fn the_soname_is_the_abi_version() {
    let soname = format!("libtidegate.so.{}\"", tidegate_ffi::TG_ABI_VERSION);
    assert!(include_str!("../build.rs").contains(&soname), "{soname}");
}

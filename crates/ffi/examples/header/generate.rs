//! The C header as text. The test that compares it with the committed one shares this.

use std::path::Path;

/// The header that the sources give.
pub(crate) fn header() -> Result<String, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    config.after_includes = Some(version(env!("CARGO_PKG_VERSION")));
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // What Rust has under this heading is what the caller has to see to.
    Ok(String::from_utf8(text)?.replace("// # Safety\n// ", "// Requires: "))
}

/// `1.2.3-rc.1` has the numbers 1, 2 and 3.
fn version(version: &str) -> String {
    let numbers = version.split(['.', '-', '+']);
    let macros = ["MAJOR", "MINOR", "PATCH"].into_iter().zip(numbers);
    let macros: String =
        macros.map(|(part, number)| format!("\n#define TG_VERSION_{part} {number}")).collect();
    format!(
        "\n// The version of this header; tg_version() is that of the library.\n#define TG_VERSION \"{version}\"{macros}"
    )
}

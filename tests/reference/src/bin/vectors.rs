//! Writes `tests/vectors/*.json` anew from the model.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("vectors");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in tidegate_reference::vectors::files() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

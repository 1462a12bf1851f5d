//! Draws the bars that it reads as JSON: `title`, two `notes`, `panels` of `title` and `bars`, each with
//! `label`, `nanos` and `ours`.

use tidegate_benches::{Result, bars};

fn main() -> Result<()> {
    print!("{}", bars::svg(&serde_json::from_reader(std::io::stdin())?));
    Ok(())
}

//! Writes the C header: `cargo run -p tidegate-ffi --example header -- include/tidegate.h`.

mod generate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("say where the header is to go")?;
    Ok(std::fs::write(path, generate::header()?)?)
}

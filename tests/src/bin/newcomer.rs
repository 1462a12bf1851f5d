//! One of many processes that open a segment at once: `newcomer SEGMENT POLICY GO`. Opens it once
//! the file GO is there, takes one unit, says what it got, and stays until its input ends.

use std::io::Read;
use std::path::Path;

use tidegate::Limiter;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [segment, policy, go] = arguments.as_slice() else { return };
    println!("ready");
    while !Path::new(go).exists() {
        std::hint::spin_loop();
    }
    let built = Limiter::builder(policy.as_str()).max_keys(100).segment(segment).build();
    let taken =
        built.and_then(|limiter| limiter.check("key").map(|d| d.remaining()).map(|left| (left, limiter)));
    match &taken {
        Ok((left, _)) => println!("{left}"),
        Err(error) => println!("{}", error.code()),
    }
    let _ = std::io::stdin().read(&mut [0]);
}

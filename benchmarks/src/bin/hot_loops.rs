//! Prints for every hot loop of the engine how near it comes to what one core can do: its part of the multiply-adds that registers alone
//! reach, or its nanoseconds a value and gigabytes a second. A loop that is not vectorised shows.
//!
//! ```text
//! cargo run --release --manifest-path benchmarks/Cargo.toml --bin hot_loops                              # what this machine has
//! ENKODER_INSTRUCTIONS=avx2 cargo run --release --manifest-path benchmarks/Cargo.toml --bin hot_loops    # without AVX-512
//! cargo run --release --manifest-path benchmarks/Cargo.toml --bin hot_loops loss                         # those whose name has this word
//! ```

use std::time::{Duration, Instant};

use enkoder::hot_loops::{HotLoop, Work, all, limit};

/// How long and how often each loop is timed at least: its shortest time counts, which other work on the machine disturbs least.
const TRIED: Duration = Duration::from_millis(100);
const TIMINGS: usize = 100;

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    let (mut limit, instructions) = (limit(), std::env::var("ENKODER_INSTRUCTIONS"));
    let Work::Products(products) = limit.work else { panic!("the limit is one of products") };
    let limit = products as f64 / shortest(&mut limit);
    println!(
        "one thread, {} instructions: {:.1} Gflop/s in registers\n",
        instructions.as_deref().unwrap_or("all"),
        2e-9 * limit
    );
    println!("| loop | microseconds | of the limit |\n|---|---|---|");
    for mut one in all().into_iter().filter(|one| one.name.contains(&word)) {
        let seconds = shortest(&mut one);
        let reached = match one.work {
            Work::Products(products) => format!("{:.2}", products as f64 / seconds / limit),
            Work::Values(values, bytes) => {
                let each = seconds / values as f64;
                format!("{:.2} ns a value, {:.0} GB/s", 1e9 * each, 1e-9 * bytes as f64 / each)
            }
        };
        println!("| {} | {:.1} | {reached} |", one.name, 1e6 * seconds);
    }
}

/// Seconds of a run: the shortest of many timings of about a fifth of a millisecond each.
fn shortest(one: &mut HotLoop) -> f64 {
    let mut timed = |repeats: u32| {
        let start = Instant::now();
        (0..repeats).for_each(|_| (one.run)());
        start.elapsed().as_secs_f64() / f64::from(repeats)
    };
    let repeats = (2e-4 / timed(3)).ceil().clamp(1.0, 1e4) as u32;
    let begin = Instant::now();
    let mut shortest = f64::INFINITY;
    let mut timings = 0;
    while begin.elapsed() < TRIED || timings < TIMINGS {
        shortest = shortest.min(timed(repeats));
        timings += 1;
    }
    shortest
}

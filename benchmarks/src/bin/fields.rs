//! Compression without a model beside the ratios recorded of SZ3: every float variable of 100 kB and more of some NetCDF files, and
//! the runs of a climate model. Every byte of the file counts, and nothing is learned from any other file.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release --manifest-path benchmarks/Cargo.toml --bin fields -- [EFFORT]
//! ```
//!
//! FOLDER holds `netcdf/sz3_ratios.jsonl` with a line for each variable, the files that it names, and `climate/` with the runs.
//! SZ3's ratio of run 61 is that of `climate` in `benchmarks/codecs`, which needs SZ3 itself.

use std::error::Error;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use enkoder::codec::{AloneOptions, Bound, EnkFile, SampleSource, compress_alone};
use enkoder_data::{ArrayOptions, ReadOptions, Source};
use serde_json::Value;

const BOUNDS: [f64; 3] = [1e-2, 1e-3, 1e-4];
const RUNS: [u32; 4] = [57, 59, 60, 61];
/// Ratios of SZ3 3.3 for run 61.
const SZ3_OF_RUN_61: [f64; 3] = [41.8, 9.9, 4.8];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let folder = std::env::var("ENKODER_TEST_DATA").map_err(|_| "ENKODER_TEST_DATA is not set")?;
    let effort = std::env::args().nth(1).map_or(Ok(5), |effort| effort.parse())?;
    println!(
        "| variable | MB | {} |",
        BOUNDS.map(|bound| format!("{bound}: ratio | SZ3 | times | MB/s in, out")).join(" | ")
    );
    println!("|{}", "---|".repeat(2 + 4 * BOUNDS.len()));
    let recorded = std::fs::read_to_string(format!("{folder}/netcdf/sz3_ratios.jsonl"))?;
    let (mut gains, mut left_out) = ([const { Vec::new() }; BOUNDS.len()], Vec::new());
    for line in recorded.lines() {
        let record: Value = serde_json::from_str(line)?;
        let (file, variable) = (record["file"].as_str().unwrap_or(""), record["var"].as_str().unwrap_or(""));
        match arrays(&[format!("{folder}/netcdf/{file}")], vec![variable.to_owned()]) {
            Ok(mut source) => {
                let peer = |bound: f64| record[format!("sz_{bound}")].as_f64();
                let found = row(&format!("{file} `{variable}`"), source.as_mut(), effort, peer)?;
                gains.iter_mut().zip(found).for_each(|(gains, found)| gains.extend(found));
            }
            Err(error) => left_out.push(format!("{file} {variable}: {error}")),
        }
    }
    let run = |number: &u32| format!("{folder}/climate/trefht_run{number}.npy");
    let of_run =
        |bound: f64| BOUNDS.into_iter().zip(SZ3_OF_RUN_61).find(|(known, _)| *known == bound).map(|(_, sz3)| sz3);
    row("run 61", arrays(&[run(&61)], Vec::new())?.as_mut(), effort, of_run)?;
    let all: Vec<String> = RUNS.iter().map(run).collect();
    row("runs 57, 59, 60 and 61", arrays(&all, Vec::new())?.as_mut(), effort, |_| None)?;
    println!();
    for (bound, gains) in BOUNDS.into_iter().zip(&gains) {
        let mean = (gains.iter().map(|gain| gain.ln()).sum::<f64>() / gains.len() as f64).exp();
        let worst = gains.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{bound}: geometric mean of {} variables {mean:.3}, worst {worst:.3}", gains.len());
    }
    left_out.iter().for_each(|what| println!("left out: {what}"));
    Ok(())
}

fn arrays(names: &[String], variables: Vec<String>) -> Result<Box<dyn SampleSource>, Box<dyn Error>> {
    let options =
        ReadOptions { arrays: ArrayOptions { variables, ..ArrayOptions::default() }, ..ReadOptions::default() };
    let arrays = Source::find_all(names)?.open_arrays(&options)?.ok_or("no arrays")?;
    Ok(Box::new(arrays))
}

/// Prints the ratios of an array, and for each bound how many times those of a peer they are, where that is known.
fn row(
    name: &str,
    source: &mut dyn SampleSource,
    effort: u8,
    peer: impl Fn(f64) -> Option<f64>,
) -> Result<[Option<f64>; BOUNDS.len()], Box<dyn Error>> {
    let bytes = source.samples() * (source.shape().iter().product::<usize>() * source.element().bytes()) as u64;
    print!("| {name} | {:.1} |", bytes as f64 / 1e6);
    let mut gains = [None; BOUNDS.len()];
    for (bound, gain) in BOUNDS.into_iter().zip(&mut gains) {
        let options = AloneOptions { effort, ..AloneOptions::new(Bound::Relative(bound)) };
        let (mut file, start) = (Vec::new(), Instant::now());
        compress_alone(source, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
        let compress = start.elapsed();
        let start = Instant::now();
        let mut opened = EnkFile::open(Cursor::new(&file))?;
        let samples = opened.samples();
        opened.each(0, samples, &mut |_| Ok(()))?;
        let decompress = start.elapsed();
        let ratio = bytes as f64 / file.len() as f64;
        *gain = peer(bound).map(|peer| ratio / peer);
        let [sz3, times] = [peer(bound), *gain].map(|of| of.map_or("–".to_owned(), |of| format!("{of:.2}")));
        let speed = |time: std::time::Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        print!(" {ratio:.2} | {sz3} | {times} | {:.0}, {:.0} |", speed(compress), speed(decompress));
    }
    println!();
    Ok(gains)
}

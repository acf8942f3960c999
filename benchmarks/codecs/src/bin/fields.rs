//! Compression without a model beside the ratios recorded of SZ3: every float variable of 100 kB and more of some NetCDF files, and
//! the runs of a climate model. Every byte of the file counts, and nothing is learned from any other file.
//! `cargo run --release --bin fields [EFFORT]`, with `ENKODER_TEST_DATA` set.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Instant;

use enkoder::codec::{AloneOptions, Bound, EnkFile, SampleSource, compress_alone};
use enkoder_codec_benchmarks::{Failure, sz3};
use enkoder_data::{ArrayOptions, ReadOptions, Source};
use serde_json::Value;

const BOUNDS: [f64; 3] = [1e-2, 1e-3, 1e-4];
const RUNS: [u32; 4] = [57, 59, 60, 61];

fn main() -> Result<(), Failure> {
    let folder = std::env::var("ENKODER_TEST_DATA").map_err(|_| "ENKODER_TEST_DATA is not set")?;
    let effort = std::env::args().nth(1).map_or(Ok(5), |effort| effort.parse())?;
    println!("ratios at bounds of {BOUNDS:?} of the range, and how many times those of SZ3 they are; MB/s in and out");
    let recorded = std::fs::read_to_string(format!("{folder}/netcdf/sz3_ratios.jsonl"))?;
    let mut gains = [const { Vec::new() }; BOUNDS.len()];
    for line in recorded.lines() {
        let record: Value = serde_json::from_str(line)?;
        let (file, variable) = (record["file"].as_str().unwrap_or(""), record["var"].as_str().unwrap_or(""));
        let variables = vec![variable.to_owned()];
        match arrays(&[format!("{folder}/netcdf/{file}")], variables) {
            Ok(mut source) => {
                print!("{:<44}", format!("{file:.24} {variable:.18}"));
                for (bound, gains) in BOUNDS.into_iter().zip(&mut gains) {
                    let peer = record[format!("sz_{bound}")].as_f64().ok_or("a ratio is missing")?;
                    gains.push(measure(source.as_mut(), bound, effort, peer)?);
                }
                println!();
            }
            Err(error) => println!("{file} {variable} is left out: {}", error.to_string().replace('\n', " ")),
        }
    }
    for (bound, gains) in BOUNDS.into_iter().zip(&gains) {
        let mean = (gains.iter().map(|gain| gain.ln()).sum::<f64>() / gains.len() as f64).exp();
        let worst = gains.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{bound}: geometric mean of {} variables {mean:.3}, worst {worst:.3}", gains.len());
    }
    let run = |number: &u32| format!("{folder}/climate/trefht_run{number}.npy");
    for names in [vec![run(&61)], RUNS.iter().map(run).collect()] {
        let mut source = arrays(&names, Vec::new())?;
        print!("{:<44}", if names.len() == 1 { "run 61" } else { "runs 57, 59, 60 and 61" });
        let steps = source.samples() as usize;
        let values: Vec<f32> = source.element().to_f32(&source.read(0, steps)?);
        let shape = [steps, source.shape()[0], source.shape()[1]];
        let (min, max) = values.iter().fold((f32::MAX, f32::MIN), |(min, max), &x| (min.min(x), max.max(x)));
        for bound in BOUNDS {
            let peer = sz3(&values, shape, bound * (f64::from(max) - f64::from(min)))?;
            measure(source.as_mut(), bound, effort, 4.0 * values.len() as f64 / peer.bytes as f64)?;
        }
        println!();
    }
    Ok(())
}

fn arrays(names: &[String], variables: Vec<String>) -> Result<Box<dyn SampleSource>, Failure> {
    let options =
        ReadOptions { arrays: ArrayOptions { variables, ..ArrayOptions::default() }, ..ReadOptions::default() };
    let arrays = Source::find_all(names)?.open_arrays(&options)?.ok_or("no arrays")?;
    Ok(Box::new(arrays))
}

/// Prints the ratio of an array; how many times that of a peer it is.
fn measure(source: &mut dyn SampleSource, bound: f64, effort: u8, peer: f64) -> Result<f64, Failure> {
    let options = AloneOptions { effort, ..AloneOptions::new(Bound::Relative(bound)) };
    let (mut file, start) = (Vec::new(), Instant::now());
    let summary = compress_alone(source, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
    let compress = start.elapsed();
    let start = Instant::now();
    let mut opened = EnkFile::open(Cursor::new(&file))?;
    let samples = opened.samples();
    opened.each(0, samples, &mut |_| Ok(()))?;
    let decompress = start.elapsed();
    let megabytes = summary.original_bytes as f64 / 1e6;
    let ratio = summary.original_bytes as f64 / file.len() as f64;
    print!(
        " | {ratio:>8.2} {:>5.2}× {:>4.0} {:>4.0}",
        ratio / peer,
        megabytes / compress.as_secs_f64(),
        megabytes / decompress.as_secs_f64()
    );
    Ok(ratio / peer)
}

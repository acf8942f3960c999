//! The codec on the climate runs: ratios and speed at each bound, with the model and without. The model is learned from runs 57,
//! 59 and 60 and never sees run 61, which is compressed. `cargo run --release -p enkoder-benchmarks --bin codec`, with
//! `ENKODER_TEST_DATA` set.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Instant;

use enkoder::codec::{Bound, Calibration, CompressOptions, EnkFile, FixedDecoder, Samples, compress};
use enkoder::{Autoencoder, Dataset, Scaling, fit_pca};

const SHAPE: [usize; 2] = [64, 128];
const BOUNDS: [f64; 5] = [2e-2, 1e-2, 5e-3, 1e-3, 1e-4];
const COMPONENTS: usize = 150;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = std::env::var("ENKODER_TEST_DATA").map_err(|_| "ENKODER_TEST_DATA is not set")?;
    let run = |number: u32| -> Result<Dataset, Failure> {
        let path = format!("{folder}/climate/trefht_run{number}.npy");
        Ok(enkoder_data::open(&path, &enkoder_data::ReadOptions::default())?)
    };
    let start = Instant::now();
    let model = model(&[run(57)?, run(59)?, run(60)?])?;
    println!("model: {COMPONENTS} components, fitted in {:.1} s", start.elapsed().as_secs_f64());
    let held_out = run(61)?;
    let four: Vec<f32> =
        [57, 59, 60, 61].into_iter().map(run).collect::<Result<Vec<_>, _>>()?.iter().flat_map(values).collect();

    for bits in [16, 8] {
        let model_bytes = FixedDecoder::new(&model, bits)?.to_bytes().len() as u64;
        println!("\n{bits}-bit weights: model of {model_bytes} bytes");
        println!(
            "bound    latents    bytes   codes residual   ratio  with model   compress  decompress  largest error/bound"
        );
        for bound in BOUNDS {
            let mut options = CompressOptions::new(Bound::Relative(bound));
            (options.weight_bits, options.embed_model) = (bits, false);
            let mut samples = Samples::from_values(SHAPE, &values(&held_out))?;
            let mut file = Vec::new();
            let summary = compress(&model, &mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
            let ratio = summary.original_bytes as f64 / summary.file_bytes as f64;
            let with_model = summary.original_bytes as f64 / (summary.file_bytes + model_bytes) as f64;

            // Time on the four runs together, so that there is a block for each thread.
            let mut samples = Samples::from_values(SHAPE, &four)?;
            let mut file = Vec::new();
            let start = Instant::now();
            let timed = compress(&model, &mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
            let megabytes = timed.original_bytes as f64 / 1e6;
            let compressed = megabytes / start.elapsed().as_secs_f64();
            let mut file = EnkFile::open(Cursor::new(file))?.with_model(&model)?;
            let start = Instant::now();
            let back = file.read(0, timed.samples, u64::MAX)?;
            let decompressed = megabytes / start.elapsed().as_secs_f64();
            assert_eq!(back.len() as u64, timed.samples);
            println!(
                "{bound:<8} {:>7} {:>8} {:>7} {:>8} {ratio:>7.1} {with_model:>11.2} {compressed:>7.0} MB/s {decompressed:>6.0} MB/s  {:.6}",
                summary.active_latents,
                summary.file_bytes,
                summary.code_bytes,
                summary.residual_bytes,
                summary.largest_error / (bound * summary.range),
            );
            let stages = timed.stages;
            println!(
                "         plan {:.2} s, encode {:.2} s, write {:.2} s, verify {:.2} s (summed over threads)",
                stages.plan.as_secs_f64(),
                stages.encode.as_secs_f64(),
                stages.write.as_secs_f64(),
                stages.verify.as_secs_f64()
            );
        }
    }
    Ok(())
}

/// Principal components of all runs, with the spread of the residuals of each run around components of the others.
fn model(runs: &[Dataset]) -> Result<Autoencoder, Failure> {
    let mut squares = vec![0.0f64; SHAPE.iter().product()];
    let mut codes = vec![0.0f64; COMPONENTS];
    for left_out in 0..runs.len() {
        let others: Vec<&Dataset> =
            (0..runs.len()).filter(|&index| index != left_out).map(|index| &runs[index]).collect();
        let fold = fit_pca(&together(&others)?, &runs[left_out], COMPONENTS, Scaling::UnitRange)?;
        let calibration = Calibration::from_held_out(&fold, &runs[left_out])?;
        for (square, &spread) in squares.iter_mut().zip(&calibration.residual_spread) {
            *square += f64::from(spread).powi(2) / runs.len() as f64;
        }
        for (square, &spread) in codes.iter_mut().zip(&calibration.code_spread) {
            *square += f64::from(spread).powi(2) / runs.len() as f64;
        }
    }
    let all: Vec<&Dataset> = runs.iter().collect();
    let model = fit_pca(&together(&all)?, &runs[0], COMPONENTS, Scaling::UnitRange)?;
    let residual_spread = squares.into_iter().map(|square| square.sqrt() as f32).collect();
    let code_spread = codes.into_iter().map(|square| square.sqrt() as f32).collect();
    Ok(model.with_calibration(Calibration { residual_spread, code_spread })?)
}

fn values(data: &Dataset) -> Vec<f32> {
    data.to_array().into_iter().collect()
}

fn together(runs: &[&Dataset]) -> Result<Dataset, Failure> {
    let samples: usize = runs.iter().map(|run| run.len()).sum();
    let values: Vec<f32> = runs.iter().flat_map(|run| values(run)).collect();
    let array = ndarray::Array2::from_shape_vec((samples, SHAPE.iter().product()), values)?;
    Ok(Dataset::from_f32("climate", array)?.with_shape(SHAPE)?)
}

//! The codec beside SZ3 and zfp on annual surface temperature: ratios and speed at each bound, with the model and without. Models
//! are learned from runs 57, 59 and 60 and never see run 61, which is compressed.
//! `cargo run --release --bin climate [PEERS.json]`, with `ENKODER_TEST_DATA` set; the file is for `enkoder eval --codec --peers`.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::Duration;

use enkoder::codec::{
    Bound, Calibration, CompressOptions, CompressSummary, EnkFile, FixedDecoder, SampleArray, compress,
};
use enkoder::{Architecture, Autoencoder, Dataset, Scaling, Trainer, TrainingConfig, fit_pca};
use enkoder_codec_benchmarks::{Coded, Failure, coded, sz3, timed, zfp};
use serde_json::json;

const SHAPE: [usize; 2] = [64, 128];
const BOUNDS: [f64; 5] = [2e-2, 1e-2, 5e-3, 1e-3, 1e-4];
const COMPONENTS: usize = 150;
const TIMES: usize = 5;

fn main() -> Result<(), Failure> {
    let folder = std::env::var("ENKODER_TEST_DATA").map_err(|_| "ENKODER_TEST_DATA is not set")?;
    let run = |number: u32| -> Result<Dataset, Failure> {
        let path = format!("{folder}/climate/trefht_run{number}.npy");
        Ok(enkoder_data::open(&path, &enkoder_data::ReadOptions::default())?)
    };
    let runs = [run(57)?, run(59)?, run(60)?];
    let values: Vec<f32> = run(61)?.to_array().into_iter().collect();
    let shape = [values.len() / SHAPE.iter().product::<usize>(), SHAPE[0], SHAPE[1]];
    let (min, max) = values.iter().fold((f32::MAX, f32::MIN), |(min, max), &x| (min.min(x), max.max(x)));
    let range = f64::from(max) - f64::from(min);
    let peers: [(&str, Peer); 2] = [("SZ3", sz3), ("zfp", zfp)];

    let linear = linear(&runs, COMPONENTS)?;
    let bytes = |model: &Autoencoder, bits| FixedDecoder::new(model, bits).map(|decoder| decoder.to_bytes().len());
    let (wide, narrow) = (bytes(&linear, 16)?, bytes(&linear, 8)?);
    println!(
        "run 61: {shape:?} f32, {} bytes, range {range}; {} threads",
        4 * values.len(),
        rayon::current_num_threads()
    );
    println!("linear model of {COMPONENTS} components: {wide} bytes with 16-bit weights, {narrow} with 8-bit");
    println!("\nratio, compressing and decompressing in MB/s, largest error beside the bound");
    let mut points = vec![Vec::new(); peers.len()];
    for bound in BOUNDS {
        println!("\nbound {bound} of the range");
        let mut sizes = Vec::new();
        for ((name, peer), points) in peers.iter().zip(&mut points) {
            let coded = timed(TIMES, || peer(&values, shape, bound * range))?;
            let line = line(name, &coded, &values, bound * range);
            println!("{line}");
            points.push(json!({ "bytes": coded.bytes, "psnr": psnr(&values, &coded.decoded, range), "largest_error": largest(&values, &coded.decoded) }));
            sizes.push(coded.bytes);
        }
        for (bits, model_bytes) in [(16, wide), (8, narrow)] {
            let mut summary = CompressSummary::default();
            let coded = timed(TIMES, || ours(&linear, bits, &values, bound, &mut summary))?;
            let line = line(&format!("Enkoder, {bits}-bit weights"), &coded, &values, bound * range);
            println!("{line}");
            let with_model = 4.0 * values.len() as f64 / (coded.bytes + model_bytes) as f64;
            let saved = (sizes[0] as f64 - coded.bytes as f64) / shape[0] as f64;
            println!(
                "    codes {} of {} latents, residual {}; with the model {with_model:.2}; paid for beside SZ3 after {:.0} fields",
                summary.code_bytes,
                summary.active_latents,
                summary.residual_bytes,
                model_bytes as f64 / saved
            );
            let stages = &summary.stages;
            println!(
                "    plan {:.1} ms; encode {:.1}, write {:.1}, verify {:.1} ms summed over threads",
                1e3 * stages.plan.as_secs_f64(),
                1e3 * stages.encode.as_secs_f64(),
                1e3 * stages.write.as_secs_f64(),
                1e3 * stages.verify.as_secs_f64()
            );
        }
    }

    let mut all: Vec<f32> = runs.iter().flat_map(Dataset::to_array).collect();
    all.extend(&values);
    println!("\nspeed on the four runs together, {} bytes, MB/s", 4 * all.len());
    for bound in BOUNDS {
        let frames = [all.len() / SHAPE.iter().product::<usize>(), SHAPE[0], SHAPE[1]];
        let ours = timed(TIMES, || ours(&linear, 16, &all, bound, &mut CompressSummary::default()))?;
        let sz3 = timed(TIMES, || sz3(&all, frames, bound * range))?;
        let speed = |time: Duration| 4e-6 * all.len() as f64 / time.as_secs_f64();
        println!(
            "  {bound:<8} Enkoder {:>5.0} {:>5.0}, SZ3 {:>5.0} {:>5.0}",
            speed(ours.compress),
            speed(ours.decompress),
            speed(sz3.compress),
            speed(sz3.decompress)
        );
    }

    println!(
        "\nsmaller models, 8-bit weights: model bytes; ratios without and with the model at the bounds {BOUNDS:?}"
    );
    for (name, model) in smaller(&runs)? {
        let model_bytes = bytes(&model, 8)?;
        print!("{name:<28} {model_bytes:>8}:");
        for bound in BOUNDS {
            let coded = ours(&model, 8, &values, bound, &mut CompressSummary::default())?;
            let ratio = |bytes: usize| 4.0 * values.len() as f64 / bytes as f64;
            print!("  {:.1} ({:.1})", ratio(coded.bytes), ratio(coded.bytes + model_bytes));
        }
        println!();
    }
    if let Some(path) = std::env::args().nth(1) {
        let peers: Vec<_> =
            peers.iter().zip(points).map(|((name, _), points)| json!({ "name": name, "points": points })).collect();
        std::fs::write(path, serde_json::to_string_pretty(&peers)?)?;
    }
    Ok(())
}

type Peer = fn(&[f32], [usize; 3], f64) -> Result<Coded<f32>, Failure>;

fn ours(
    model: &Autoencoder,
    weight_bits: u32,
    values: &[f32],
    bound: f64,
    summary: &mut CompressSummary,
) -> Result<Coded<f32>, Failure> {
    let mut samples = SampleArray::from_values(SHAPE, values)?;
    let options = CompressOptions { weight_bits, embed_model: false, ..CompressOptions::new(Bound::Relative(bound)) };
    coded(
        || {
            let mut file = Vec::new();
            *summary = compress(model, &mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
            Ok(file)
        },
        Vec::len,
        |file| {
            let mut file = EnkFile::open(Cursor::new(file))?.with_model(model)?;
            let samples = file.samples();
            Ok(file.read(0, samples, u64::MAX)?.values::<f32>().ok_or("the file has other values")?)
        },
    )
}

fn line(name: &str, coded: &Coded<f32>, values: &[f32], bound: f64) -> String {
    let bytes = 4.0 * values.len() as f64;
    format!(
        "  {name:<24} {:>8} bytes  {:>7.1}  {:>5.0} {:>5.0} MB/s  {:.6}",
        coded.bytes,
        bytes / coded.bytes as f64,
        bytes / 1e6 / coded.compress.as_secs_f64(),
        bytes / 1e6 / coded.decompress.as_secs_f64(),
        largest(values, &coded.decoded) / bound
    )
}

fn largest(values: &[f32], decoded: &[f32]) -> f64 {
    values.iter().zip(decoded).map(|(&x, &y)| (f64::from(x) - f64::from(y)).abs()).fold(0.0, f64::max)
}

fn psnr(values: &[f32], decoded: &[f32], range: f64) -> f64 {
    let squares: f64 = values.iter().zip(decoded).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum();
    10.0 * (range * range * values.len() as f64 / squares).log10()
}

/// Principal components of all runs. What they miss, and how far codes spread, is learned from each run with components of the
/// others.
fn linear(runs: &[Dataset], components: usize) -> Result<Autoencoder, Failure> {
    let mut squares = [vec![0.0f64; SHAPE.iter().product()], vec![0.0f64; components]];
    for left_out in 0..runs.len() {
        let others: Vec<&Dataset> =
            (0..runs.len()).filter(|&index| index != left_out).map(|index| &runs[index]).collect();
        let fold = fit_pca(&together(&others)?, &runs[left_out], components, Scaling::UnitRange)?;
        let Calibration { residual_spread, code_spread } = Calibration::from_held_out(&fold, &runs[left_out])?;
        for (squares, spreads) in squares.iter_mut().zip([residual_spread, code_spread]) {
            squares.iter_mut().zip(spreads).for_each(|(sum, spread)| *sum += f64::from(spread).powi(2));
        }
    }
    let all: Vec<&Dataset> = runs.iter().collect();
    let model = fit_pca(&together(&all)?, &runs[0], components, Scaling::UnitRange)?;
    let root = |squares: Vec<f64>| squares.into_iter().map(|sum| (sum / runs.len() as f64).sqrt() as f32).collect();
    let [residual_spread, code_spread] = squares.map(root);
    Ok(model.with_calibration(Calibration { residual_spread, code_spread })?)
}

/// Models that cost less than the large one: fewer components, and a dense network.
fn smaller(runs: &[Dataset]) -> Result<Vec<(String, Autoencoder)>, Failure> {
    let mut models = Vec::new();
    for components in [10, 25, 60] {
        models.push((format!("linear, {components} components"), linear(runs, components)?));
    }
    let all: Vec<&Dataset> = runs.iter().collect();
    let (train, held_out) = together(&all)?.split(0.2, 0)?;
    let config = TrainingConfig { epochs: 200, batch_size: 16, ..TrainingConfig::default() };
    let network = Trainer::new(Architecture::dense(SHAPE, &[64], 16), config).fit(&train, &held_out)?;
    let calibration = Calibration::from_held_out(&network, &held_out)?;
    models.push(("dense network, 64-16-64".to_owned(), network.with_calibration(calibration)?));
    Ok(models)
}

fn together(runs: &[&Dataset]) -> Result<Dataset, Failure> {
    let samples: usize = runs.iter().map(|run| run.len()).sum();
    let values: Vec<f32> = runs.iter().flat_map(|run| run.to_array()).collect();
    let array = ndarray::Array2::from_shape_vec((samples, SHAPE.iter().product()), values)?;
    Ok(Dataset::from_f32("climate", array)?.with_shape(SHAPE)?)
}

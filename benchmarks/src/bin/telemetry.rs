//! Detectors of series on a spacecraft's telemetry (Hundman et al., KDD 2018), each channel fitted to its training part without
//! labels and scored on its test part.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release --manifest-path benchmarks/Cargo.toml --bin telemetry -- [METHOD]
//! ```
//!
//! FOLDER holds `telemetry/` with an NPZ for each channel: `train`, `test` and `labels`. AUROC and average precision are by point,
//! means over channels. At the default threshold: the part of normal moments flagged, labelled spans that a flagged moment lies in,
//! and incidents outside of any, an incident being flagged moments of which each follows within a quarter of a window. Nothing is
//! chosen by labels or by a channel's name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use enkoder::Dataset;
use enkoder::anomaly::{Detector, DetectorConfig, Method, Windows};
use enkoder::metrics::{auroc, average_precision};
use enkoder_benchmarks::{Failure, finish, processor_seconds};
use enkoder_data::ReadOptions;

fn main() -> ExitCode {
    finish(run())
}

/// What came of one channel, or of all.
#[derive(Default)]
struct Found {
    rows: usize,
    auroc: f64,
    precision: f64,
    /// The part of normal moments flagged.
    flagged: f64,
    spans: usize,
    hit: usize,
    others: usize,
    fit: f64,
    score: f64,
    /// Processor time.
    spent: f64,
}

fn run() -> Result<(), Failure> {
    let method = std::env::args().nth(1).map_or(Ok(Method::Auto), |text| text.parse())?;
    let folder = std::env::var("ENKODER_TEST_DATA")
        .map_err(|_| "ENKODER_TEST_DATA is not set: it names the folder with telemetry/")?;
    let entries = std::fs::read_dir(Path::new(&folder).join("telemetry"))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "npz"));
    paths.sort();
    println!(
        "| channel | window | AUROC | average precision | normal moments flagged | spans hit | other incidents | fitted in s |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let mut all = Found::default();
    for path in &paths {
        let (found, window) = channel(path, method)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let Found { rows, auroc, precision, flagged, spans, hit, others, fit, score, spent } = found;
        println!(
            "| {name} | {window} | {auroc:.3} | {precision:.3} | {flagged:.3} | {hit} of {spans} | {others} | {fit:.2} |"
        );
        all.rows += rows;
        all.auroc += auroc / paths.len() as f64;
        all.precision += precision / paths.len() as f64;
        all.flagged += flagged / paths.len() as f64;
        (all.spans, all.hit, all.others) = (all.spans + spans, all.hit + hit, all.others + others);
        (all.fit, all.score, all.spent) = (all.fit + fit, all.score + score, all.spent + spent);
    }
    let Found { rows, auroc, precision, flagged, spans, hit, others, fit, score, spent } = all;
    println!(
        "| **all** | | **{auroc:.3}** | **{precision:.3}** | **{flagged:.3}** | **{hit} of {spans}** | **{others}** | {fit:.1} |"
    );
    println!(
        "\n{rows} moments scored, {:.0} a second, {:.0} in one of processor time; an incident outside of any span for {:.0} of them",
        rows as f64 / score,
        rows as f64 / spent,
        rows as f64 / others as f64
    );
    Ok(())
}

fn channel(path: &Path, method: Method) -> Result<(Found, usize), Failure> {
    let array = |name: &str| -> Result<Dataset, Failure> {
        Ok(enkoder_data::open(format!("{}:{name}", path.display()), &ReadOptions::default())?)
    };
    let (train, test, labels) = (array("train")?, array("test")?, array("labels")?);
    let positive: Vec<bool> = labels.to_array().iter().map(|&label| label > 0.5).collect();
    let series = std::slice::from_ref(&train);
    let windows = Windows::suited_to(series);
    let config = DetectorConfig { method, ..DetectorConfig::default() };
    let start = Instant::now();
    let detector = Detector::fit_series(series, windows, &config)?;
    let fit = start.elapsed().as_secs_f64();
    let (start, begun) = (Instant::now(), processor_seconds());
    let scores = detector.score(&test)?;
    let score = start.elapsed().as_secs_f64();
    let spent = processor_seconds().zip(begun).map_or(f64::NAN, |(now, begun)| now - begun);
    let mut threshold = detector.adaptive_threshold(config.rule)?;
    let flags: Vec<bool> = scores.iter().map(|&score| threshold.flags(score)).collect();
    let normal = positive.iter().filter(|&&positive| !positive).count();
    let false_alarms = flags.iter().zip(&positive).filter(|&(&flag, &positive)| flag && !positive).count();
    let spans = runs(&positive, 1);
    let incidents = runs(&flags, (windows.length / 4).max(1));
    let hit = spans.iter().filter(|span| flags[span.0..span.1].contains(&true)).count();
    let others = incidents.iter().filter(|incident| !positive[incident.0..incident.1].contains(&true)).count();
    let found = Found {
        rows: test.len(),
        auroc: auroc(&scores, &positive)?,
        precision: average_precision(&scores, &positive)?,
        flagged: false_alarms as f64 / normal as f64,
        spans: spans.len(),
        hit,
        others,
        fit,
        score,
        spent,
    };
    Ok((found, windows.length))
}

/// From where to where it is true, each following within `gap` rows.
fn runs(values: &[bool], gap: usize) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (row, _) in values.iter().enumerate().filter(|&(_, &value)| value) {
        match runs.last_mut() {
            Some(last) if row < last.1 + gap => last.1 = row + 1,
            _ => runs.push((row, row + 1)),
        }
    }
    runs
}

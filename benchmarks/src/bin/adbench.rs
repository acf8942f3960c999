//! Detectors of anomalies on the tables of ADBench, beside the figures published for others.
//!
//! ```text
//! ENKODER_TEST_DATA=FOLDER cargo run --release --manifest-path benchmarks/Cargo.toml --bin adbench -- [SEEDS] [METHOD …]
//! ```
//!
//! The protocol is ADBench's (Han et al., NeurIPS 2022): sets of fewer than 1,000 rows are resampled to 1,000, of more than
//! 10,000 subsampled; a stratified 70 % of the rows, with their anomalies and without labels, to fit; min-max scaling; AUROC and
//! average precision on the other 30 %; the mean over seeds 1 to SEEDS (default 3). A method sees rows and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use enkoder::anomaly::{Detector, DetectorConfig, Method};
use enkoder::metrics::{auroc, average_precision};
use enkoder_benchmarks::{Failure, adbench, finish};

const METHODS: [Method; 5] = [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble, Method::Auto];
/// Published detectors shown beside ours: the three best of 14 by mean AUROC, and the two others for comparison.
const PUBLISHED: [&str; 5] = ["IForest", "PCA", "COPOD", "ECOD", "KNN"];

fn main() -> ExitCode {
    finish(run())
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seeds: u64 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let mut methods = arguments.map(|name| name.parse()).collect::<Result<Vec<Method>, _>>()?;
    if methods.is_empty() {
        methods = METHODS.to_vec();
    }
    let folder = std::env::var("ENKODER_TEST_DATA")
        .map_err(|_| "ENKODER_TEST_DATA is not set: it names the folder with adbench/")?;
    let folder = Path::new(&folder).join("adbench");
    let published = [published(&folder.join("published_aucroc.csv"))?, published(&folder.join("published_aucpr.csv"))?];

    let sets = adbench::sets(&folder)?;
    // For each set, for AUROC and average precision, a mean over the seeds for each method.
    let mut rows: Vec<(String, [Vec<f64>; 2])> = Vec::new();
    let mut seconds = vec![0.0; methods.len()];
    for (set, path) in &sets {
        let data = adbench::open(path)?;
        let mut sums = [vec![0.0; methods.len()], vec![0.0; methods.len()]];
        for seed in 1..=seeds {
            let (train, test, positive) = adbench::protocol(&data, seed)?;
            for (index, &method) in methods.iter().enumerate() {
                let start = Instant::now();
                let config = DetectorConfig { method, seed, ..DetectorConfig::default() };
                let scores = Detector::fit(&train, &config)?.score(&test)?;
                seconds[index] += start.elapsed().as_secs_f64();
                sums[0][index] += auroc(&scores, &positive)? / seeds as f64;
                sums[1][index] += average_precision(&scores, &positive)? / seeds as f64;
            }
        }
        eprintln!("{set}");
        rows.push((set.clone(), sums));
    }
    for (metric, title) in ["AUROC", "average precision"].into_iter().enumerate() {
        print_table(title, &methods, &rows, metric, &published[metric])?;
    }
    for (method, seconds) in methods.iter().zip(seconds) {
        println!("{method}: fitted and scored the {} sets in {:.1} s", sets.len(), seconds / seeds as f64);
    }
    Ok(())
}

fn print_table(
    title: &str,
    methods: &[Method],
    rows: &[(String, [Vec<f64>; 2])],
    metric: usize,
    published: &BTreeMap<String, BTreeMap<String, f64>>,
) -> Result<(), Failure> {
    println!(
        "| {title} | {} | {} |",
        list(methods.iter().map(Method::to_string)),
        list(PUBLISHED.map(|name| format!("{name} (published)")))
    );
    println!("|---{}|", "|---:".repeat(methods.len() + PUBLISHED.len()));
    let mut means = vec![0.0; methods.len() + PUBLISHED.len()];
    for (set, values) in rows {
        let known = published.get(set).ok_or_else(|| format!("nothing is published of {set}"))?;
        let others = PUBLISHED.iter().map(|name| known.get(*name).copied().unwrap_or(f64::NAN));
        let all: Vec<f64> = values[metric].iter().copied().chain(others).collect();
        println!("| {set} | {} |", list(all.iter().map(|value| format!("{value:.3}"))));
        means.iter_mut().zip(&all).for_each(|(mean, value)| *mean += value / rows.len() as f64);
    }
    println!("| **mean** | {} |\n", list(means.iter().map(|value| format!("**{value:.3}**"))));
    Ok(())
}

fn list(cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().collect::<Vec<_>>().join(" | ")
}

/// By set and detector.
fn published(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, f64>>, Failure> {
    let mut reader = csv::Reader::from_path(path)?;
    let names = reader.headers()?.clone();
    let mut table = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let figures = names.iter().zip(&record).skip(1);
        let figures = figures.filter_map(|(name, figure)| Some((name.to_owned(), figure.parse().ok()?)));
        table.insert(record[0].to_owned(), figures.collect());
    }
    Ok(table)
}

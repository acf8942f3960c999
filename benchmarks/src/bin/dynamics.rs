//! Detectors of series on motions that windows do not tell: chaotic maps and flows, a pendulum, a tank whose level its valve moves, and two
//! straight ones.
//!
//! ```text
//! cargo run --release --manifest-path benchmarks/Cargo.toml --bin dynamics -- [SEEDS] [METHOD] [BUDGET]
//! ```
//!
//! Each motion has 3,000 normal rows to learn from and 3,000 with eight faults: the motion has another parameter, the first reading hangs,
//! or it runs backwards. AUROC and average precision by moment, the mean over seeds 1 to SEEDS (default 3).
//! With a BUDGET of 0.001 (seconds; default 4) `auto` has no time for forecasts, and shows what they add.

use std::f32::consts::TAU;
use std::process::ExitCode;

use enkoder::Dataset;
use enkoder::anomaly::{Detector, DetectorConfig, Method, Windows};
use enkoder::metrics::{auroc, average_precision};
use enkoder_benchmarks::{Failure, finish};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const ROWS: usize = 3000;
const FAULTS: usize = 8;
/// Rows of the four kinds of faults: two parameters, a reading that hangs, one that runs backwards.
const LENGTHS: [usize; 4] = [40, 25, 60, 30];
const KINDS: [&str; 8] = ["henon", "ikeda", "mackey-glass", "lorenz", "pendulum", "tank", "ar(2)", "wave"];

fn main() -> ExitCode {
    finish(run())
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seeds: u64 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let method = arguments.next().map_or(Ok(Method::Auto), |text| text.parse())?;
    let budget = arguments.next().map_or(Ok(DetectorConfig::default().budget), |text| text.parse())?;
    println!("| motion | AUROC | average precision |\n|---|---:|---:|");
    let mut means = [0.0; 2];
    for kind in KINDS {
        let mut found = [0.0; 2];
        for seed in 1..=seeds {
            let (train, test, positive) = series(kind, seed)?;
            let train = [train];
            let config = DetectorConfig { method, budget, ..DetectorConfig::default() };
            let scores = Detector::fit_series(&train, Windows::suited_to(&train), &config)?.score(&test)?;
            found[0] += auroc(&scores, &positive)? / seeds as f64;
            found[1] += average_precision(&scores, &positive)? / seeds as f64;
        }
        println!("| {kind} | {:.3} | {:.3} |", found[0], found[1]);
        means.iter_mut().zip(found).for_each(|(mean, found)| *mean += found / KINDS.len() as f64);
    }
    println!("| **mean** | **{:.3}** | **{:.3}** |", means[0], means[1]);
    Ok(())
}

/// Rows to learn from, rows to judge, and which of these are within a fault.
fn series(kind: &str, seed: u64) -> Result<(Dataset, Dataset, Vec<bool>), Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let faults: Vec<usize> = (0..FAULTS).map(|fault| ROWS + 200 + fault * 340 + random.random_range(0..60)).collect();
    let fault = |row: usize| {
        let at = faults
            .iter()
            .enumerate()
            .find(|(number, begins)| (**begins..**begins + LENGTHS[number % 4]).contains(&row));
        at.map(|(number, begins)| (number % 4, row - begins))
    };
    let (mut state, mut past, mut set, mut on) = ([0.1f32, 0.1, 0.2], vec![1.2f32; 200], 2.0, 0.0);
    let mut rows: Vec<Vec<f32>> = Vec::new();
    for row in 0..2 * ROWS {
        let changed = fault(row).map(|(kind, _)| kind);
        let or = |usual: f32, first: f32, second: f32| match changed {
            Some(0) => first,
            Some(1) => second,
            _ => usual,
        };
        let mut noise = |size: f32| size * random.sample::<f32, _>(StandardNormal);
        let [x, y, z] = state;
        let mut values = match kind {
            "henon" => {
                state = [1.0 - or(1.4, 1.25, 1.4) * x * x + y, or(0.3, 0.3, 0.2) * x, 0.0];
                // From another parameter's motion it may not come back.
                if state[0].abs() > 1.5 {
                    state = [0.1, 0.1, 0.0];
                }
                vec![state[0] + noise(0.01)]
            }
            "ikeda" => {
                let turn = 0.4 - or(6.0, 6.0, 5.0) / (1.0 + x * x + y * y);
                let shrink = or(0.85, 0.75, 0.85);
                state[0] = 1.0 + shrink * (x * turn.cos() - y * turn.sin());
                state[1] = shrink * (x * turn.sin() + y * turn.cos());
                vec![state[0] + noise(0.01), state[1] + noise(0.01)]
            }
            "mackey-glass" => {
                for _ in 0..10 {
                    let (now, before) = (past[past.len() - 1], past[past.len() - 170]);
                    let grown = or(0.2, 0.17, 0.2) * before / (1.0 + before.powi(10));
                    past.push(now + 0.1 * (grown - or(0.1, 0.1, 0.11) * now));
                }
                vec![past[past.len() - 1] + noise(0.005)]
            }
            "lorenz" => {
                for _ in 0..5 {
                    let [x, y, z] = state;
                    state[0] += 0.1 * (y - x);
                    state[1] += 0.01 * (x * (or(28.0, 24.0, 28.0) - z) - y);
                    state[2] += 0.01 * (x * y - or(8.0 / 3.0, 8.0 / 3.0, 2.2) * z);
                }
                state.map(|value| value + noise(0.1)).to_vec()
            }
            "pendulum" => {
                let push = if (row / 50) % 2 == 0 { 0.8 } else { -0.8 };
                for _ in 0..5 {
                    state[1] += 0.04 * (push - or(1.0, 0.8, 1.0) * state[0].sin() - or(0.15, 0.15, 0.35) * state[1]);
                    state[0] += 0.04 * state[1];
                }
                vec![state[0] + noise(0.02), state[1] + noise(0.02), push]
            }
            "tank" => {
                if noise(1.0) > 2.33 {
                    set = 2.5 + noise(0.7).clamp(-1.5, 1.5);
                }
                on = if (x - set).abs() > 0.1 { f32::from(x < set) } else { on };
                let valve = if (row / 37) % 3 == 0 { 1.0 } else { 0.4 };
                let out = valve * 0.1 * x.sqrt();
                state[0] = (x + or(0.3, 0.3, 0.22) * on - out - or(0.0, 0.05, 0.0) * x.sqrt()).max(0.0);
                vec![state[0] + noise(0.01), out + noise(0.002), on, valve]
            }
            "ar(2)" => {
                state = [or(1.8, 1.5, 1.8) * x - 0.9 * y + noise(or(0.1, 0.1, 0.25)), x, z];
                vec![state[0]]
            }
            _ => {
                let moment = row as f32 * TAU;
                let wave = (moment / or(23.0, 20.0, 23.0)).sin() + 0.5 * (moment / 171.0).sin();
                vec![wave + noise(or(0.1, 0.1, 0.3)), (moment / 23.0 + 1.0).cos().powi(3) + noise(0.1)]
            }
        };
        match fault(row) {
            Some((2, into)) => values[0] = rows[row - into - 1][0] + noise(0.003),
            Some((3, into)) => values[0] = rows[row - 2 * into - 1][0],
            _ => {}
        }
        rows.push(values);
    }
    let part = |first: usize| {
        Dataset::from_f32(kind, Array2::from_shape_fn((ROWS, rows[0].len()), |(row, column)| rows[first + row][column]))
    };
    Ok((part(0)?, part(ROWS)?, (ROWS..2 * ROWS).map(|row| fault(row).is_some()).collect()))
}

//! How a detector's members are fitted. Some of the rows may be anomalies, so what a first fit finds oddest is not learned from:
//! for the linear model and the ensemble a fit in closed form, for the autoencoder a short training of its own, since what
//! is far out along a bent relation is odd only to a straight one.

use rayon::prelude::*;

use super::choice::{DetectorConfig, Method, Networks};
use super::detector::Beforehand;
use super::error::AnomalyError;
use super::marginal::Marginal;
use super::members::{BLOCK_ROWS, Members};
use super::preparation::Preparation;
use super::residuals::{ResidualNetwork, ResidualScratch, SIGHT, in_sight, spread_of};
use super::shapes::{Shapes, Way};
use super::stop::Stop;
use super::surprise::Reference;
use super::unchanging::Unchanging;
use super::whitening::Whitening;
use crate::dataset::Dataset;
use crate::network::Architecture;
use crate::pca::{PcaError, principal_components};
use crate::scaling::{Scaler, Scaling};
use crate::training::{Adam, History, Trainer, TrainingConfig};

/// Epochs without improvement on the rows held out, after which more are not expected to help.
const PATIENCE: usize = 30;
/// Epochs of the training that only tells which rows are odd.
const FIRST_EPOCHS: usize = 10;
/// The part of the variance that a code must be long enough for, if relations were straight.
const EXPLAINED: f64 = 0.95;
/// Directions with less than this part of the variance are noise of rounding.
const RANK: f64 = 1e-6;
const LONGEST_CODE: usize = 64;
/// One row in so many is held out from training.
const HELD_OUT: u64 = 5;
/// The rows that others are compared with, so many that scoring stays fast.
const NEIGHBOURS: usize = 128;
/// The tail of the linear model's scores is the part by which one in a hundred exceeds one in ten: about 0.5 where all rows are of
/// one kind. A shorter one says no more.
const SHORTEST_TAIL: f64 = 0.05;
const MOST_VOTES: f64 = 50.0;
/// With fewer votes than this a network only costs time.
const FEWEST_VOTES: f64 = 0.05;
/// Neither side of the cut has less than one row in so many.
const FEWEST_ON_A_SIDE: usize = 20;

/// What was learned from rows.
pub(super) struct Learned {
    pub(super) preparation: Preparation,
    pub(super) members: Members,
    /// What it is, in words.
    pub(super) chosen: String,
}

/// Learns nothing of the columns that are known to be clocks.
pub(super) fn learn(learned: &Dataset, known: &Beforehand, config: &DetectorConfig) -> Result<Learned, AnomalyError> {
    let preparation = Preparation::fit(learned, &known.clocks, &known.extents);
    let width = preparation.width();
    let unchanging = Unchanging::of(&preparation, config.unchanging);
    if width == 0 && unchanging.is_empty() {
        if known.clocks.is_empty() {
            return Err(AnomalyError::NothingVaries { features: learned.features() });
        }
        let name = |&column: &usize| preparation.columns[column].name.clone();
        return Err(AnomalyError::OnlyClocks { columns: known.clocks.iter().map(name).collect() });
    }
    let mut members = Members { unchanging, ..Members::default() };
    let mut chosen = Vec::new();
    if width == 0 {
        chosen.push("whether what never changed changes".to_owned());
        return Ok(Learned { preparation, members, chosen: chosen.join("; ") });
    }
    if config.has(Method::Marginal) {
        members.marginal = Some(marginal_member(learned, &preparation));
        chosen.push("how rare each value is in its column".to_owned());
    }
    if config.method != Method::Marginal {
        let prepared = prepare(learned, &preparation);
        let mut closed_form = members.clone();
        closed_form.linear = Some(linear_member(&prepared, &prepared)?);
        let trusted = without_oddest(&prepared, &closed_form.score(&preparation, learned), config.trim());
        if config.has(Method::Linear) {
            members.linear = Some(linear_member(&trusted, &prepared)?);
            chosen.push("the linear model".to_owned());
        }
        let latent = code_length(&trusted)?;
        let ensemble = Networks::ensemble(config, learned.len(), width);
        let autoencoder = Networks::autoencoder(config, learned.len(), width, latent, ensemble.as_ref());
        let (ensemble, autoencoder) = rayon::join(
            || ensemble.map(|networks| fit_ensemble(&networks, &trusted, &prepared, config)).transpose(),
            || autoencoder.map(|networks| fit_autoencoder(&networks, &prepared, config)).transpose(),
        );
        if let Some((networks, words)) = ensemble? {
            members.ensemble = networks;
            chosen.push(words);
        }
        members.votes_of_autoencoder = 1.0;
        if let Some(((network, words), gain)) = autoencoder? {
            if let (Some(gain), Some((_, reference))) = (gain, &members.linear) {
                members.votes_of_autoencoder = votes(gain, reference) as f32;
            }
            if f64::from(members.votes_of_autoencoder) >= FEWEST_VOTES {
                members.autoencoder = Some(network);
                chosen.push(words);
            }
        }
        if config.method == Method::Auto {
            members.neighbours = Some(neighbours_member(&trusted, &prepared)?);
            chosen.push("how far the nearest rows are".to_owned());
        }
    }
    Ok(Learned { preparation, members, chosen: chosen.join("; ") })
}

/// A network as a member, with what it is in words.
type Member<T> = (T, String);

fn fit_ensemble(
    networks: &Networks,
    trusted: &Dataset,
    prepared: &Dataset,
    config: &DetectorConfig,
) -> Result<Member<Vec<(ResidualNetwork, Reference)>>, AnomalyError> {
    let rows = evenly(trusted, networks.rows);
    let fitted = networks.architectures.par_iter().enumerate().map(|(number, architecture)| {
        // Every network is held to other rows.
        let seed = config.seed.wrapping_add(number as u64);
        let (member, _) = train(architecture, &rows, networks.epochs, None, seed, &config.stop)?;
        let reference = reference_of(&member, prepared);
        Ok((member, reference))
    });
    let fitted = fitted.collect::<Result<Vec<_>, AnomalyError>>()?;
    let names: Vec<String> = networks.architectures.iter().map(Architecture::summary).collect();
    let (count, epochs, names) = (names.len(), networks.epochs, names.join(", "));
    let of = sample_in_words(&rows, trusted);
    Ok((fitted, format!("{count} small autoencoders trained for {epochs} epochs{of}: {names}")))
}

/// An autoencoder, and in company how much better it reproduces rows held out than principal components, as the logarithm of the ratio of
/// what they leave.
type Autoencoder = (Member<(ResidualNetwork, Reference)>, Option<f64>);

fn fit_autoencoder(
    networks: &Networks,
    prepared: &Dataset,
    config: &DetectorConfig,
) -> Result<Autoencoder, AnomalyError> {
    let architecture = &networks.architectures[0];
    let seed = config.seed;
    let sample = evenly(prepared, networks.rows);
    let rows = if config.trim() > 0.0 {
        let (first, _) = train(architecture, &sample, FIRST_EPOCHS, None, seed, &config.stop)?;
        without_oddest(&sample, &scores(&first, &sample), config.trim())
    } else {
        sample.clone()
    };
    let patience = networks.stops.then_some(PATIENCE);
    let (member, history) = train(architecture, &rows, networks.epochs, patience, seed, &config.stop)?;
    // Alone it has nobody to be compared with.
    let gain = (config.method == Method::Auto).then(|| gain_over_components(&member, &rows, seed)).transpose()?;
    let reference = reference_of(&member, prepared);
    let (name, epochs, of) = (architecture.summary(), history.epochs.len(), sample_in_words(&sample, prepared));
    let best = match history.best_epoch {
        best if best == epochs => String::new(),
        best => format!(", best on rows held out after {best}"),
    };
    Ok((((member, reference), format!("the autoencoder {name} trained for {epochs} epochs{of}{best}")), gain))
}

/// By the rows that it was not trained on, and as many components as its code has numbers.
fn gain_over_components(member: &ResidualNetwork, rows: &Dataset, seed: u64) -> Result<f64, AnomalyError> {
    let (learned, held_out) = split_distinct(rows, seed)?;
    let most = learned.features().min(learned.len() - 1);
    let scaler = Scaler::fit(Scaling::None, &learned).map_err(PcaError::from)?;
    let components = principal_components(&learned, &scaler, member.architecture.latent().min(most))?;
    let components = Shapes::new(Way::Linear, components.mean, components.directions);
    let values = held_out.to_array();
    let values = values.as_slice().expect("a new array is contiguous");
    let left = components.distances(values).into_iter().map(|distance| distance * distance);
    Ok((spread_of(left.collect()) / spread_of(member.errors(&held_out))).ln())
}

/// The votes of an autoencoder in company: what it gains, and less where some rows are far from the others, by the linear
/// model, since a network that trains for long learns to reproduce such rows, too.
fn votes(gain: f64, linear: &Reference) -> f64 {
    let [one_in_ten, one_in_hundred] = [10f32, 100.0].map(|rarity| f64::from(linear.score_of(rarity.ln())));
    let tail = (one_in_hundred / one_in_ten.max(f64::MIN_POSITIVE) - 1.0).max(SHORTEST_TAIL);
    (2.0 * gain / (tail * tail)).clamp(0.0, MOST_VOTES)
}

fn neighbours_member(trusted: &Dataset, prepared: &Dataset) -> Result<(Shapes, Reference), AnomalyError> {
    let kept = evenly(trusted, NEIGHBOURS).to_array().mapv_into(|value| value.clamp(-SIGHT, SIGHT));
    let kept = kept.as_slice().expect("a new array is contiguous");
    let neighbours = Shapes::fit(Way::Nearest, kept, trusted.features())?;
    let distances =
        by_blocks(prepared, |rows, scores, _| scores.copy_from_slice(&neighbours.distances(&in_sight(rows))));
    Ok((neighbours, Reference::of(distances)))
}

fn sample_in_words(sample: &Dataset, all: &Dataset) -> String {
    if sample.len() == all.len() { String::new() } else { format!(" with {} of the rows", sample.len()) }
}

/// A network that reproduces prepared rows, and the spread of its residuals on those of them that it was not trained on.
fn train(
    architecture: &Architecture,
    rows: &Dataset,
    epochs: usize,
    patience: Option<usize>,
    seed: u64,
    stop: &Stop,
) -> Result<(ResidualNetwork, History), AnomalyError> {
    let (learned, held_out) = split_distinct(rows, seed)?;
    let seen =
        |rows: &Dataset| Dataset::from_f32(rows.name(), rows.to_array().mapv_into(|value| value.clamp(-SIGHT, SIGHT)));
    let training = TrainingConfig {
        epochs,
        patience,
        batch_size: 64,
        optimizer: Adam { learning_rate: 3e-3, ..Adam::default() },
        gradient_clip: Some(5.0),
        scaling: Scaling::None,
        seed,
        threads: Some(1),
        ..TrainingConfig::default()
    };
    let trainer = Trainer::new(architecture.clone(), training).with_progress(|news| stop.after(news));
    let model = trainer.fit(&seen(&learned)?, &seen(&held_out)?);
    stop.check()?;
    let model = model?;
    let history = model.record().history.clone().expect("a trained network has a history");
    Ok((ResidualNetwork::fit(architecture.clone(), model.network, &held_out)?, history))
}

/// Rows to train on and rows to judge by. Equal rows go to the same side: a network that only remembers the rows it has seen
/// would otherwise be taken for one that understands those it has not.
fn split_distinct(rows: &Dataset, seed: u64) -> Result<(Dataset, Dataset), AnomalyError> {
    let mut row = vec![0.0; rows.features()];
    let (held_out, learned): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&index| {
        rows.copy_row(index, &mut row);
        row_hash(&row, seed).is_multiple_of(HELD_OUT)
    });
    // Of few different rows, such as flags and states have, all or nearly all may come to one side.
    if learned.len().min(held_out.len()) < (rows.len() / FEWEST_ON_A_SIDE).max(1) {
        return Ok(rows.split(1.0 / HELD_OUT as f64, seed)?);
    }
    Ok((rows.select(&learned), rows.select(&held_out)))
}

/// FNV-1a over the values' bits, with the finish of SplitMix64 so that all bits depend on all values.
pub(super) fn row_hash(row: &[f32], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed;
    let hash = row.iter().fold(start, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// How long a code must be to hold nearly all that varies, if relations were straight. It is shorter than all there is that
/// varies: a longer one would only copy.
fn code_length(rows: &Dataset) -> Result<usize, PcaError> {
    let scaler = Scaler::fit(Scaling::None, rows)?;
    let components = principal_components(rows, &scaler, rows.features().min(rows.len() - 1).min(LONGEST_CODE))?;
    let total = components.total_variance;
    let mut held = 0.0;
    let before = components.variances.iter().take_while(|&&variance| {
        let needed = held < EXPLAINED * total;
        held += variance;
        needed
    });
    let needed = before.count();
    let rank = components.variances.iter().filter(|&&variance| variance > RANK * total).count();
    Ok(needed.min(rank.saturating_sub(1)).max(1))
}

/// At most `count` rows, from everywhere.
fn evenly(rows: &Dataset, count: usize) -> Dataset {
    if rows.len() <= count {
        return rows.clone();
    }
    rows.select(&(0..count).map(|index| index * rows.len() / count).collect::<Vec<_>>())
}

/// Without the part of the rows that has the highest scores; at least two are left.
fn without_oddest(rows: &Dataset, scores: &[f32], part: f64) -> Dataset {
    if part == 0.0 {
        return rows.clone();
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.truncate((((1.0 - part) * scores.len() as f64).ceil() as usize).max(2));
    order.sort_unstable();
    rows.select(&order)
}

fn marginal_member(learned: &Dataset, preparation: &Preparation) -> (Marginal, Reference) {
    let marginal = Marginal::fit(learned, preparation);
    let mut row = vec![0.0; learned.features()];
    let scores = (0..learned.len()).map(|index| {
        learned.copy_row(index, &mut row);
        marginal.score(&row)
    });
    let reference = Reference::of(scores.collect());
    (marginal, reference)
}

fn linear_member(trusted: &Dataset, prepared: &Dataset) -> Result<(Whitening, Reference), AnomalyError> {
    let whitening = Whitening::fit(trusted)?;
    let scores = by_blocks(prepared, |rows, scores, scratch| whitening.scores(rows, scores, &mut scratch.whitening));
    Ok((whitening, Reference::of(scores)))
}

fn reference_of(member: &ResidualNetwork, prepared: &Dataset) -> Reference {
    Reference::of(scores(member, prepared))
}

fn scores(member: &ResidualNetwork, prepared: &Dataset) -> Vec<f32> {
    by_blocks(prepared, |rows, scores, scratch| member.scores(rows, &in_sight(rows), scores, scratch))
}

/// The scores that a member gives prepared rows.
fn by_blocks(prepared: &Dataset, score: impl Fn(&mut [f32], &mut [f32], &mut ResidualScratch) + Sync) -> Vec<f32> {
    let mut scores = vec![0.0; prepared.len()];
    scores.par_chunks_mut(BLOCK_ROWS).enumerate().for_each_init(
        ResidualScratch::default,
        |scratch, (block, scores)| {
            let first = block * BLOCK_ROWS;
            let mut rows = prepared.rows(first..first + scores.len());
            score(rows.as_slice_mut().expect("a new array is contiguous"), scores, scratch);
        },
    );
    scores
}

fn prepare(data: &Dataset, preparation: &Preparation) -> Dataset {
    let width = preparation.width();
    let mut prepared = ndarray::Array2::zeros((data.len(), width));
    let values: &mut [f32] = prepared.as_slice_mut().expect("a new array is contiguous");
    values.par_chunks_mut(BLOCK_ROWS * width).enumerate().for_each_init(
        || vec![0.0; data.features()],
        |row, (block, prepared)| {
            for (index, prepared) in prepared.chunks_exact_mut(width).enumerate() {
                data.copy_row(block * BLOCK_ROWS + index, row);
                preparation.prepare(row, prepared);
            }
        },
    );
    Dataset::from_f32(data.name(), prepared).expect("as many rows as before")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn equal_rows_are_never_on_both_sides() {
        let rows = Array2::from_shape_fn((600, 3), |(row, column)| ((row % 60) * (column + 2)) as f32);
        let (learned, held_out) = split_distinct(&Dataset::from_f32("rows", rows).unwrap(), 7).unwrap();
        let first = |rows: &Dataset| rows.to_array().column(0).to_vec();
        assert!(first(&held_out).iter().all(|value| !first(&learned).contains(value)));
        assert_eq!(learned.len() + held_out.len(), 600);
        assert!((60..240).contains(&held_out.len()), "{}", held_out.len());
    }

    #[test]
    fn a_code_is_shorter_than_what_varies_independently() {
        // Two independent numbers, seen by six sensors.
        let rows = Array2::from_shape_fn((400, 6), |(row, sensor)| {
            let (a, b) = ((row as f32 * 0.7).sin(), (row as f32 * 1.9).cos());
            a * (sensor as f32 - 2.0) + b * (1.0 + sensor as f32)
        });
        assert_eq!(code_length(&Dataset::from_f32("rows", rows).unwrap()).unwrap(), 1);
        let noise = |row: u32, column: u32| row.wrapping_mul(2654435761).rotate_left(column * 5) % 1000;
        let rows = Array2::from_shape_fn((900, 6), |(row, column)| noise(row as u32, column as u32) as f32);
        assert_eq!(code_length(&Dataset::from_f32("rows", rows).unwrap()).unwrap(), 5);
    }

    #[test]
    fn an_autoencoder_has_votes_for_what_it_gains_and_fewer_where_some_rows_are_far() {
        let linear = |farthest: f32| {
            let far = |row: u32| if row.is_multiple_of(50) { farthest } else { 1.0 + row as f32 * 1e-4 };
            Reference::of((0..1000).map(far).collect())
        };
        assert!(votes(0.5, &linear(1.2)) > 10.0 && votes(0.5, &linear(9.0)) < 0.1);
        assert_eq!((votes(-0.2, &linear(1.2)), votes(5.0, &linear(1.0))), (0.0, MOST_VOTES));
    }
}

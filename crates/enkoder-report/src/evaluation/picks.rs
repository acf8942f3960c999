//! Which samples are shown: the best, the median and the worst by the network's error, and some at random.

use enkoder::{Autoencoder, Dataset, ModelError};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{DataFacts, ModelErrors, View, Viewer};
use crate::picture::Layout;

/// Images with a side of at most this many pixels are shown in larger numbers.
const SMALL_IMAGE: usize = 40;
/// Longest side of a shown sample, in pixels.
const MOST_PIXELS: usize = 112;
/// Longest side in the overview of the data.
const MOST_PIXELS_OVERVIEW: usize = 64;

/// A sample of the overview.
#[derive(Clone, Debug)]
pub(crate) struct SamplePicture {
    pub(crate) class: Option<String>,
    pub(crate) view: View,
}

/// A sample beside its reconstructions.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub(crate) index: usize,
    pub(crate) class: Option<String>,
    pub(crate) original: View,
    pub(crate) network: View,
    pub(crate) baseline: View,
    pub(crate) error: f32,
    pub(crate) baseline_error: f32,
}

/// Samples shown together.
#[derive(Clone, Debug)]
pub(crate) struct PickGroup {
    pub(crate) name: &'static str,
    pub(crate) picks: Vec<Pick>,
}

/// `count` numbers below `len`, or all where there are fewer, at random in rising order.
pub(super) fn spread(len: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut indices = rand::seq::index::sample(rng, len, count.min(len)).into_vec();
    indices.sort_unstable();
    indices
}

/// Samples for the overview of the data: as many of each class as there is room for, class by class.
pub(super) fn samples(data: &Dataset, facts: &DataFacts, viewer: &Viewer, rng: &mut ChaCha8Rng) -> Vec<SamplePicture> {
    let wanted = match facts.layout {
        Layout::Image { width, height, .. } if width.max(height) <= SMALL_IMAGE => 40,
        Layout::Image { .. } => 20,
        Layout::Vector => 6,
    };
    let mut order = spread(data.len(), 4000, rng);
    order.shuffle(rng);
    // Take turns among the classes: the first of each, then the second of each …
    let mut seen = vec![0usize; facts.classes.len()];
    let mut turns: Vec<(usize, usize)> = Vec::with_capacity(order.len());
    for index in order {
        let turn = data.label(index).and_then(|class| seen.get_mut(class as usize)).map_or(0, |seen| {
            *seen += 1;
            *seen
        });
        turns.push((turn, index));
    }
    turns.sort_by_key(|&(turn, _)| turn);
    turns.truncate(wanted);
    turns.sort_by_key(|&(_, index)| data.label(index));
    let mut row = vec![0.0; data.features()];
    turns
        .into_iter()
        .map(|(_, index)| {
            data.copy_row(index, &mut row);
            let class = facts.class(data.label(index)).map(str::to_owned);
            SamplePicture { class, view: viewer.view(&row, MOST_PIXELS_OVERVIEW) }
        })
        .collect()
}

/// The groups of samples shown beside their reconstructions. An error says whether it was the baseline's.
pub(super) fn groups(
    [network, baseline]: [&Autoencoder; 2],
    [errors, baseline_errors]: [&ModelErrors; 2],
    data: &Dataset,
    facts: &DataFacts,
    viewer: &Viewer,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<PickGroup>, (bool, ModelError)> {
    let wanted = match facts.layout {
        Layout::Image { width, height, .. } if width.max(height) <= SMALL_IMAGE => 8,
        Layout::Image { .. } => 5,
        Layout::Vector => 3,
    };
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.sort_by(|&a, &b| errors.per_sample[a].total_cmp(&errors.per_sample[b]).then(a.cmp(&b)));
    let len = order.len();
    let chosen = if len <= 2 * wanted {
        vec![("All samples, from the smallest error to the largest", order)]
    } else {
        let middle = (len - wanted) / 2;
        let worst = order[len - wanted..].iter().rev().copied().collect();
        vec![
            ("Best", order[..wanted].to_vec()),
            ("Median", order[middle..middle + wanted].to_vec()),
            ("Worst", worst),
            ("At random", spread(len, wanted, rng)),
        ]
    };
    let pick = |index: usize| -> Result<Pick, (bool, ModelError)> {
        let one = data.select(&[index]);
        let mut original = vec![0.0; data.features()];
        data.copy_row(index, &mut original);
        let of_network = network.reconstruct(&one).map_err(|error| (false, error))?;
        let of_baseline = baseline.reconstruct(&one).map_err(|error| (true, error))?;
        let view = |values: &[f32]| viewer.view(values, MOST_PIXELS);
        Ok(Pick {
            index,
            class: facts.class(data.label(index)).map(str::to_owned),
            original: view(&original),
            network: view(&of_network.row(0).to_vec()),
            baseline: view(&of_baseline.row(0).to_vec()),
            error: errors.per_sample[index],
            baseline_error: baseline_errors.per_sample[index],
        })
    };
    chosen
        .into_iter()
        .map(|(name, indices)| Ok(PickGroup { name, picks: indices.into_iter().map(pick).collect::<Result<_, _>>()? }))
        .collect()
}

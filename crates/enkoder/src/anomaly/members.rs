//! What a detector consists of, and the score they give a row together: the mean of their surprises, so that members of any
//! kind count alike. Only the autoencoder has more votes or fewer than one, by what it was seen to know that the others do not.

use std::ops::Range;

use rayon::prelude::*;

use super::marginal::Marginal;
use super::preparation::Preparation;
use super::residuals::{ResidualNetwork, ResidualScratch, in_sight};
use super::scores::has_infinite;
use super::shapes::Shapes;
use super::surprise::Reference;
use super::unchanging::Unchanging;
use super::whitening::Whitening;
use crate::dataset::Dataset;

/// Rows scored together: whole blocks keep matrix products fast, and small ones give every thread some.
pub(super) const BLOCK_ROWS: usize = 256;

/// The members, each with the scores of the rows it learned from.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) marginal: Option<(Marginal, Reference)>,
    pub(super) linear: Option<(Whitening, Reference)>,
    /// Small networks, which together weigh as much as one other member.
    pub(super) ensemble: Vec<(ResidualNetwork, Reference)>,
    pub(super) autoencoder: Option<(ResidualNetwork, Reference)>,
    /// Above 0 where there is one.
    pub(super) votes_of_autoencoder: f32,
    /// Some of the rows learned from, as prepared and seen by networks: the distance that counts is that to the nearest but a few.
    pub(super) neighbours: Option<(Shapes, Reference)>,
    /// No member, for it has nothing to say of most rows: what it says is added to the mean of the members' surprises.
    pub(super) unchanging: Unchanging,
}

/// Buffers of one thread that scores.
#[derive(Default)]
struct ScoreScratch {
    row: Vec<f32>,
    prepared: Vec<f32>,
    work: Vec<f32>,
    raw: Vec<f32>,
    /// Which rows have no score: an infinite value, or none at all.
    unusable: Vec<bool>,
    /// How surprising the changes are of what never changed.
    changes: Vec<f32>,
    residuals: ResidualScratch,
}

impl Members {
    /// Whether there is nothing to score with.
    pub(super) fn is_empty(&self) -> bool {
        let Self { marginal, linear, ensemble, autoencoder, neighbours, unchanging, .. } = self;
        let networks = !ensemble.is_empty() || autoencoder.is_some();
        !networks && marginal.is_none() && linear.is_none() && neighbours.is_none() && unchanging.is_empty()
    }

    /// Whether all that they compute with is finite.
    pub(super) fn are_sound(&self) -> bool {
        let networks = self.ensemble.iter().chain(&self.autoencoder);
        let mut whitened = networks.map(|(network, reference)| (&network.whitening, reference));
        self.marginal.iter().all(|(_, reference)| reference.is_sound())
            && self.linear.iter().all(|(whitening, reference)| whitening.is_sound() && reference.is_sound())
            && self.neighbours.iter().all(|(_, reference)| reference.is_sound())
            && whitened.all(|(whitening, reference)| whitening.is_sound() && reference.is_sound())
    }

    /// All networks, each with its weight.
    pub(super) fn networks(&self) -> impl Iterator<Item = (f32, &ResidualNetwork, &Reference)> {
        let share = 1.0 / self.ensemble.len().max(1) as f32;
        let ensemble = self.ensemble.iter().map(move |(network, reference)| (share, network, reference));
        let votes = self.votes_of_autoencoder;
        ensemble.chain(self.autoencoder.iter().map(move |(network, reference)| (votes, network, reference)))
    }

    /// The sum of all votes, by which the sum of surprises is divided; 1 where there is no member.
    pub(super) fn votes(&self) -> f32 {
        let there =
            [self.marginal.is_some(), self.linear.is_some(), !self.ensemble.is_empty(), self.neighbours.is_some()];
        let ones = there.into_iter().filter(|&there| there).count();
        match &self.autoencoder {
            Some(_) => ones as f32 + self.votes_of_autoencoder,
            None => ones.max(1) as f32,
        }
    }

    /// The features that are judged.
    pub(super) fn judged<'a>(&'a self, preparation: &'a Preparation) -> impl Iterator<Item = usize> + 'a {
        let inputs = preparation.inputs.iter().map(|input| input.feature);
        inputs.chain(self.unchanging.features(preparation))
    }

    /// Whether a row has a value of what is judged. Of members that judge windows it may be one of their rows.
    pub(super) fn judge(&self, preparation: &Preparation, row: &[f32]) -> bool {
        self.judged(preparation).any(|feature| !row[feature % row.len()].is_nan())
    }

    /// The score of each row, NaN where a value of it is infinite, or nothing of it can be judged.
    pub(super) fn score(&self, preparation: &Preparation, data: &Dataset) -> Vec<f32> {
        let mut scores = vec![0.0; data.len()];
        scores.par_chunks_mut(BLOCK_ROWS).enumerate().for_each_init(
            ScoreScratch::default,
            |scratch, (block, scores)| {
                let first = block * BLOCK_ROWS;
                self.score_block(preparation, data, first..first + scores.len(), scores, scratch);
            },
        );
        scores
    }

    fn score_block(
        &self,
        preparation: &Preparation,
        data: &Dataset,
        rows: Range<usize>,
        scores: &mut [f32],
        scratch: &mut ScoreScratch,
    ) {
        let width = preparation.width();
        scratch.prepared.resize(scores.len() * width, 0.0);
        scratch.row.resize(data.features(), 0.0);
        scratch.raw.resize(scores.len(), 0.0);
        scratch.unusable.clear();
        scratch.changes.clear();
        scores.fill(0.0);
        for (place, (index, raw)) in rows.zip(&mut scratch.raw).enumerate() {
            data.copy_row(index, &mut scratch.row);
            scratch.unusable.push(has_infinite(&scratch.row) || !self.judge(preparation, &scratch.row));
            scratch.changes.push(self.unchanging.surprise(preparation, &scratch.row));
            preparation.prepare(&scratch.row, &mut scratch.prepared[place * width..(place + 1) * width]);
            if let Some((marginal, _)) = &self.marginal {
                *raw = marginal.score(&scratch.row);
            }
        }
        if let Some((_, reference)) = &self.marginal {
            reference.add_surprises(&scratch.raw, 1.0, scores);
        }
        if let Some((whitening, reference)) = &self.linear {
            scratch.work.clone_from(&scratch.prepared);
            whitening.scores(&mut scratch.work, &mut scratch.raw, &mut scratch.residuals.whitening);
            reference.add_surprises(&scratch.raw, 1.0, scores);
        }
        let seen = in_sight(&scratch.prepared);
        for (weight, network, reference) in self.networks() {
            network.scores(&scratch.prepared, &seen, &mut scratch.raw, &mut scratch.residuals);
            reference.add_surprises(&scratch.raw, weight, scores);
        }
        if let Some((rows, reference)) = &self.neighbours {
            reference.add_surprises(&rows.distances(&seen), 1.0, scores);
        }
        let votes = self.votes();
        for ((score, &unusable), changes) in scores.iter_mut().zip(&scratch.unusable).zip(&scratch.changes) {
            *score = if unusable { f32::NAN } else { *score / votes + changes };
        }
    }
}

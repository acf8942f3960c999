//! Many adaptive probabilities mixed into one, in integers: logistic mixing as in the PAQ family (Mahoney, Adaptive weighing of
//! context models for lossless data compression, 2005). Each context's vote is weighed by how much it has been worth lately.

use std::sync::OnceLock;

use super::entropy::{Bit, Coder, Corrupt, PRECISION};
use super::exponential::{ONE_BITS, exp_negative};

/// Fraction bits of a probability's logarithm of odds, and the largest magnitude that is told apart.
const ODDS_BITS: u32 = 8;
pub(crate) const MOST_ODDS: i32 = 2815;
/// Fraction bits of a weight.
pub(crate) const WEIGHT_BITS: u32 = 16;
/// Bits of a probability that the table of odds tells apart.
const TABLE_BITS: usize = 16;
/// Seen bits after which a context forgets as fast as it learns.
const WINDOW: u32 = 254;
const SLOTS: usize = 1 << 16;

pub(crate) struct Tables {
    /// Probability for each logarithm of odds from −[`MOST_ODDS`] on.
    pub(crate) probability: Vec<u32>,
    /// Logarithm of odds for each probability.
    pub(crate) odds: Vec<i16>,
}

pub(crate) fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let probability: Vec<u32> = (-MOST_ODDS..=MOST_ODDS)
            .map(|odds| {
                let e = exp_negative(u64::from(odds.unsigned_abs()) << (20 - ODDS_BITS));
                let larger = ((1u64 << (ONE_BITS as usize + PRECISION)) / ((1 << ONE_BITS) + e)) as u32;
                if odds < 0 { (1 << PRECISION) - larger } else { larger }
            })
            .collect();
        let mut odds = Vec::with_capacity(1 << TABLE_BITS);
        let mut index = 0;
        for cell in 0..1u32 << TABLE_BITS {
            let middle = (2 * cell + 1) << (PRECISION - TABLE_BITS - 1);
            while index + 1 < probability.len() && probability[index] < middle {
                index += 1;
            }
            odds.push((index as i32 - MOST_ODDS) as i16);
        }
        Tables { probability, odds }
    })
}

/// Contexts whose probabilities are mixed.
pub(crate) struct Mixture<const CONTEXTS: usize> {
    slots: Vec<Bit>,
    /// For each set, a weight for every context's odds and for its confidence.
    weights: [Vec<[[i32; 2]; CONTEXTS]>; 2],
    /// Corrections of the mixed probability by what was seen at about the same one.
    refined: Vec<[Bit; 33]>,
    tables: &'static Tables,
}

impl<const CONTEXTS: usize> Mixture<CONTEXTS> {
    /// With weights for `sets` kinds of bits, seen in two ways.
    pub(crate) fn new(sets: [usize; 2]) -> Self {
        let tables = tables();
        let start = [(1 << WEIGHT_BITS) / CONTEXTS as i32 + (1 << (WEIGHT_BITS - 4)), 0];
        let refined = std::array::from_fn(|cell| {
            let odds = (cell as i32 * 2 * MOST_ODDS / 32).clamp(0, 2 * MOST_ODDS);
            Bit::expecting(tables.probability[odds as usize], 20)
        });
        Self {
            slots: vec![Bit::EVEN; SLOTS * CONTEXTS],
            weights: sets.map(|sets| vec![[start; CONTEXTS]; sets]),
            refined: vec![refined; sets[0]],
            tables,
        }
    }

    /// Codes a bit by contexts (any numbers) and the sets that it belongs to.
    pub(crate) fn code(
        &mut self,
        coder: &mut impl Coder,
        contexts: &[u32; CONTEXTS],
        node: u32,
        sets: [usize; 2],
        bit: bool,
    ) -> Result<bool, Corrupt> {
        let mut inputs = [[0i32; 2]; CONTEXTS];
        let mut places = [0usize; CONTEXTS];
        for (index, (&context, input)) in contexts.iter().zip(&mut inputs).enumerate() {
            let hash = (context.wrapping_mul(0x9E37_79B1) ^ node.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
            let place = index * SLOTS + (hash >> 16) as usize;
            places[index] = place;
            let slot = self.slots[place];
            let probability = slot.probability();
            let odds = i32::from(self.tables.odds[(probability >> (PRECISION - TABLE_BITS)) as usize]);
            *input = [odds, (probability as i32 - (1 << (PRECISION - 1))) >> (PRECISION - 11)];
        }
        let mixed: [i32; 2] = std::array::from_fn(|way| {
            let weights = &self.weights[way][sets[way]];
            let sum: i64 = weights
                .iter()
                .zip(&inputs)
                .map(|(weights, input)| {
                    i64::from(weights[0]) * i64::from(input[0]) + i64::from(weights[1]) * i64::from(input[1])
                })
                .sum();
            (sum >> WEIGHT_BITS).clamp(i64::from(-MOST_ODDS), i64::from(MOST_ODDS)) as i32
        });
        let probability_of = |odds: i32| self.tables.probability[(odds + MOST_ODDS) as usize];
        let odds = (mixed[0] + mixed[1]) >> 1;
        let average = probability_of(odds);
        // Between the two nearest corrections.
        let position = (odds + MOST_ODDS) * 32;
        let (cell, part) = ((position / (2 * MOST_ODDS + 1)) as usize, position % (2 * MOST_ODDS + 1));
        let refined = &self.refined[sets[0]];
        let (low, high) = (i64::from(refined[cell].probability()), i64::from(refined[cell + 1].probability()));
        let corrected = low + (high - low) * i64::from(part) / i64::from(2 * MOST_ODDS + 1);
        let probability = ((i64::from(average) + corrected) / 2).clamp(16, (1 << PRECISION) - 16) as u32;

        let bit = coder.bit_of(probability, bit)?;

        let target = if bit { 1i64 << PRECISION } else { 0 };
        for way in 0..2 {
            let error = target - i64::from(probability_of(mixed[way]));
            let weights = &mut self.weights[way][sets[way]];
            for (weights, input) in weights.iter_mut().zip(&inputs) {
                for (weight, &input) in weights.iter_mut().zip(input) {
                    let change = (i64::from(input) * error * RATE + (1 << 23)) >> 24;
                    *weight = (i64::from(*weight) + change).clamp(-(1 << 20), 1 << 20) as i32;
                }
            }
        }
        for place in places {
            self.slots[place].learn(bit, WINDOW);
        }
        let refined = &mut self.refined[sets[0]];
        refined[cell + usize::from(2 * part > 2 * MOST_ODDS + 1)].learn(bit, WINDOW);
        Ok(bit)
    }
}

/// How fast weights learn.
const RATE: i64 = 3;

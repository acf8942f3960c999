//! Votes of many contexts on a bit, mixed twice: each of several sets of weights mixes all votes, and one set mixes what these say
//! (Mahoney, Adaptive weighing of context models for lossless data compression, 2005). All in integers.

use super::super::entropy::{Coder, Corrupt, PRECISION};
use super::super::mixing::{MOST_ODDS, Tables, WEIGHT_BITS, tables};

/// Bits of a slot's probability; the rest count what it has seen.
const SLOT_BITS: u32 = 22;
/// Seen bits after which a slot forgets as fast as it learns.
const WINDOW: u32 = 255;
/// The largest size of a weight, in 2^−16.
const MOST_WEIGHT: i32 = 1 << 19;
/// How fast weights learn: those of votes, those of mixtures, and corrections.
const RATE: i64 = 2;
const LAST_RATE: u32 = 21;
const CORRECTION_RATE: u32 = 6;
/// Slots that lie together: those of at most three bits of a value.
const GROUP: usize = 8;
/// Cells of a correction.
const CELLS: usize = 33;
const WIDTH: i32 = 2 * MOST_ODDS + 1;

/// Sizes of what is told apart.
pub(super) struct Sizes<const SETS: usize> {
    /// Groups of slots of each context, as a power of two.
    pub(super) slots: u32,
    /// Sets of weights of each way to choose one.
    pub(super) sets: [usize; SETS],
    pub(super) last: usize,
    pub(super) corrections: [usize; 2],
}

/// What a value is coded by.
#[derive(Clone, Copy)]
pub(super) struct Seen<const CONTEXTS: usize, const SETS: usize> {
    pub(super) contexts: [u32; CONTEXTS],
    /// Numbers below those of [`Sizes`].
    pub(super) sets: [usize; SETS],
    pub(super) last: usize,
    pub(super) corrections: [usize; 2],
}

/// Everything that learns. `INPUTS` is two for each context, filled up to whole vectors.
pub(super) struct Network<const CONTEXTS: usize, const INPUTS: usize, const SETS: usize> {
    sizes: Sizes<SETS>,
    slots: Vec<[u32; GROUP]>,
    /// The group of slots of each context for the bits that come next.
    places: [usize; CONTEXTS],
    weights: [Vec<[i32; INPUTS]>; SETS],
    last: Vec<[i32; SETS]>,
    corrections: [Vec<[u32; CELLS]>; 2],
    tables: &'static Tables,
    /// 2^16/(n + 3/2), and 2^8·n/(n + 3/2).
    rates: [(u32, i32); WINDOW as usize + 1],
}

impl<const CONTEXTS: usize, const INPUTS: usize, const SETS: usize> Network<CONTEXTS, INPUTS, SETS> {
    /// For `kinds` kinds of bits.
    pub(super) fn new(kinds: usize, sizes: Sizes<SETS>) -> Self {
        let tables = tables();
        let mut start = [0; INPUTS];
        start[..CONTEXTS].fill((1 << WEIGHT_BITS) / 4);
        let cell = |cell: usize| tables.probability[(cell as i32 * WIDTH / 32).min(WIDTH - 1) as usize];
        Self {
            slots: vec![[1 << 31; GROUP]; CONTEXTS << sizes.slots],
            places: [0; CONTEXTS],
            weights: sizes.sets.map(|sets| vec![start; kinds * sets]),
            last: vec![[(1 << WEIGHT_BITS) / SETS as i32; SETS]; kinds * sizes.last],
            corrections: sizes.corrections.map(|sets| vec![std::array::from_fn(cell); kinds * sets]),
            tables,
            rates: std::array::from_fn(|n| ((2 << 16) / (2 * n as u32 + 3), (n as i32 * 512) / (2 * n as i32 + 3))),
            sizes,
        }
    }

    /// Goes to the slots of a few bits of a value, which have this number.
    #[inline(always)]
    pub(super) fn turn(&mut self, seen: &Seen<CONTEXTS, SETS>, group: u32) {
        let (of_group, shift) = (group.wrapping_mul(0x85EB_CA6B), u32::BITS - self.sizes.slots);
        for (index, (place, context)) in self.places.iter_mut().zip(&seen.contexts).enumerate() {
            *place = index << self.sizes.slots | ((context ^ of_group).wrapping_mul(0xC2B2_AE35) >> shift) as usize;
        }
    }

    /// Codes a bit of a kind, by the slots of this number in their groups.
    #[inline(always)]
    pub(super) fn code(
        &mut self,
        coder: &mut impl Coder,
        seen: &Seen<CONTEXTS, SETS>,
        (kind, number): (usize, usize),
        bit: bool,
    ) -> Result<bool, Corrupt> {
        let mut inputs = [0i32; INPUTS];
        for (index, &place) in self.places.iter().enumerate() {
            let slot = self.slots[place][number % GROUP];
            let probability = slot >> (u32::BITS - SLOT_BITS);
            let confidence = self.rates[(slot & 0xff) as usize].1;
            inputs[index] = i32::from(self.tables.odds[(probability >> (SLOT_BITS - 16)) as usize]);
            inputs[CONTEXTS + index] = ((((probability as i32) - (1 << (SLOT_BITS - 1))) >> 12) * confidence) >> 8;
        }

        let (mut sets, mut mixed) = ([0; SETS], [0; SETS]);
        for (way, (set, mixed)) in sets.iter_mut().zip(&mut mixed).enumerate() {
            *set = kind * self.sizes.sets[way] + seen.sets[way];
            let mut sum = 0;
            for (weight, input) in self.weights[way][*set].iter().zip(&inputs) {
                sum += (weight * input) >> 6;
            }
            *mixed = (sum >> (WEIGHT_BITS - 6)).clamp(-MOST_ODDS, MOST_ODDS);
        }
        let last = kind * self.sizes.last + seen.last;
        let mut sum = 0i64;
        for (&weight, &odds) in self.last[last].iter().zip(&mixed) {
            sum += i64::from(weight) * i64::from(odds);
        }
        let odds = ((sum >> WEIGHT_BITS) as i32).clamp(-MOST_ODDS, MOST_ODDS);
        let probability_of = |odds: i32| self.tables.probability[(odds + MOST_ODDS) as usize] as i32;
        let plain = probability_of(odds);
        // Between the two nearest cells of each correction.
        let position = (odds + MOST_ODDS) * (CELLS as i32 - 1);
        let (cell, part) = ((position / WIDTH) as usize, position % WIDTH);
        let mut sum = 2 * plain;
        let mut corrections = [0; 2];
        for (way, set) in corrections.iter_mut().enumerate() {
            *set = kind * self.sizes.corrections[way] + seen.corrections[way];
            let cells = &self.corrections[way][*set];
            let (low, high) = (cells[cell] as i32, cells[cell + 1] as i32);
            sum += low + (i64::from(high - low) * i64::from(part) / i64::from(WIDTH)) as i32;
        }
        let probability = (sum >> 2).clamp(16, (1 << PRECISION) - 16) as u32;

        let bit = coder.bit_of(probability, bit)?;

        let target = if bit { 1 << PRECISION } else { 0 };
        let error = i64::from(target - plain);
        for (weight, &odds) in self.last[last].iter_mut().zip(&mixed) {
            let change = (error * i64::from(odds)) >> LAST_RATE;
            *weight = (*weight + change as i32).clamp(-MOST_WEIGHT, MOST_WEIGHT);
        }
        for ((weights, set), odds) in self.weights.iter_mut().zip(sets).zip(mixed) {
            let error = ((i64::from(target - probability_of(odds)) * RATE) >> 6) as i32;
            for (weight, input) in weights[set].iter_mut().zip(&inputs) {
                *weight = (*weight + ((input * error + (1 << 13)) >> 14)).clamp(-MOST_WEIGHT, MOST_WEIGHT);
            }
        }
        let nearer = cell + usize::from(2 * part > WIDTH);
        for (way, set) in corrections.into_iter().enumerate() {
            let cell = &mut self.corrections[way][set][nearer];
            *cell = (*cell as i32 + ((target - *cell as i32) >> CORRECTION_RATE)) as u32;
        }
        let target = if bit { (1i64 << SLOT_BITS) - 1 } else { 0 };
        for place in self.places {
            let slot = &mut self.slots[place][number % GROUP];
            let (probability, count) = (*slot >> (u32::BITS - SLOT_BITS), *slot & 0xff);
            let change = ((target - i64::from(probability)) * i64::from(self.rates[count as usize].0)) >> 16;
            let probability = (i64::from(probability) + change) as u32;
            *slot = probability << (u32::BITS - SLOT_BITS) | (count + u32::from(count < WINDOW));
        }
        Ok(bit)
    }
}

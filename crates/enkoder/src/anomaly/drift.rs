//! Drift: whether the scores of a stream still come in the order of chance. A conformal test martingale is the money of a gambler who
//! bets that they do not: while rows are exchangeable no way of betting wins, so that great wealth is proof of drift.
//!
//! Each score has a smoothed conformal p-value among the scores before it, and p-values of exchangeable scores are independent and
//! uniform (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005, theorem 8.2). The bets are linear,
//! 1 + ε(p − ½), as in Fedorova, Gammerman, Nouretdinov and Vovk, "Plug-in martingales for testing exchangeability on-line",
//! ICML 2012. A stream may change at any time, so the gambler begins anew with a small part of the money at every row, which makes the
//! delay grow with the logarithm of the rows before and not with their number.

use serde::{Deserialize, Serialize};

/// The slopes of the bets: on scores that become higher, and lower.
const SLOPES: [f64; 4] = [-1.5, -0.75, 0.75, 1.5];
/// Of the money that is not at stake yet, row k stakes HURRY / ((k + HURRY − 1)(k + HURRY)): in all of it, in time. A small number would
/// stake so much at once that a dozen odd rows at the beginning were drift.
const HURRY: f64 = 100.0;
/// Scores are told apart by the first 13 bits, within 6 %, so that a stream of any length takes the same memory.
const DROPPED_BITS: u32 = 19;
const BINS: usize = 1 << (32 - DROPPED_BITS);
/// Bins that are counted together.
const BLOCK: usize = 64;

/// Watches the scores of one stream for drift. `T` is what the caller knows a row by.
///
/// The alarm comes with a probability of at most 1/threshold, however long the stream is, while its rows and those calibrated on are
/// exchangeable: any order of them is as likely. It means less where rows depend on those before them, as readings that follow each other
/// closely do: there the order of chance is broken without any change, and an alarm may come that means no more than that. Give it only
/// rows that are as far apart as [`Detector::rows_apart`](super::Detector::rows_apart) says.
///
/// ```
/// use enkoder::anomaly::Drift;
///
/// let mut drift = Drift::new(100.0, (0..500).map(|row| (row * 37 % 101) as f32));
/// assert!((0..1000).all(|row| drift.push((row * 53 % 101) as f32, || row).is_none()));
/// // From here on all scores are higher by forty.
/// let alarm = (1000..1200).find_map(|row| drift.push(40.0 + (row * 53 % 101) as f32, || row).cloned());
/// assert!(alarm.is_some_and(|alarm| alarm.higher && alarm.since >= 990));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drift<T> {
    threshold: f64,
    seen: Counts,
    /// Rows so far, and the money that is at stake with each slope.
    rows: u64,
    stakes: [f64; SLOPES.len()],
    /// Where each slope began to win.
    gains: [Gain<T>; SLOPES.len()],
    alarm: Option<DriftAlarm<T>>,
}

/// The logarithm of what a bet has won since its lowest point, and where that is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gain<T> {
    since: Option<T>,
    logarithm: f64,
}

/// That a stream is no longer like its beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriftAlarm<T> {
    /// The row from which on the best bet has won: the likeliest beginning, which by chance may lie a little before.
    pub since: T,
    /// The row that showed it.
    pub seen_at: T,
    /// Whether the scores became higher, or lower.
    pub higher: bool,
}

impl<T: Clone> Drift<T> {
    /// Watches for an alarm with a probability of at most 1/`threshold`. `calibration` are scores that the stream's are compared with
    /// from the first on; without any it is compared with its own beginning.
    pub fn new(threshold: f64, calibration: impl IntoIterator<Item = f32>) -> Self {
        let mut seen = Counts::from(Vec::new());
        calibration.into_iter().filter(|score| !score.is_nan()).for_each(|score| seen.add(bin_of(score), 1));
        let gains = SLOPES.map(|_| Gain { since: None, logarithm: 0.0 });
        Self { threshold, seen, rows: 0, stakes: [0.0; SLOPES.len()], gains, alarm: None }
    }

    /// Takes the next score, and gives the alarm where this is the first to show drift. `row` is asked where the row is to be remembered.
    pub fn push(&mut self, score: f32, mut row: impl FnMut() -> T) -> Option<&DriftAlarm<T>> {
        if score.is_nan() || self.alarm.is_some() {
            return None;
        }
        let p_value = self.p_value(bin_of(score));
        let begins = HURRY / ((self.rows as f64 + HURRY) * (self.rows as f64 + HURRY + 1.0)) / SLOPES.len() as f64;
        self.rows += 1;
        for ((stake, gain), slope) in self.stakes.iter_mut().zip(&mut self.gains).zip(SLOPES) {
            let wins = 1.0 + slope * (p_value - 0.5);
            *stake = (*stake + begins) * wins;
            if gain.since.is_none() || gain.logarithm <= 0.0 {
                *gain = Gain { since: Some(row()), logarithm: 0.0 };
            }
            gain.logarithm += wins.ln();
        }
        if self.wealth() < self.threshold {
            return None;
        }
        let most = (0..SLOPES.len()).max_by(|&a, &b| self.gains[a].logarithm.total_cmp(&self.gains[b].logarithm))?;
        let since = self.gains[most].since.clone()?;
        self.alarm = Some(DriftAlarm { since, seen_at: row(), higher: SLOPES[most] < 0.0 });
        self.alarm.as_ref()
    }

    /// The alarm, once there was one: it comes once.
    pub fn alarm(&self) -> Option<&DriftAlarm<T>> {
        self.alarm.as_ref()
    }

    /// How many times the money has grown: the martingale, which begins with 1.
    pub fn wealth(&self) -> f64 {
        let kept = HURRY / (self.rows as f64 + HURRY);
        self.stakes.iter().sum::<f64>() + kept
    }

    /// The smoothed p-value of a score among those so far and itself, which it then is one of.
    fn p_value(&mut self, bin: usize) -> f64 {
        let (above, equal) = (self.seen.above(bin), self.seen.of(bin));
        let p_value = (above as f64 + uniform(self.rows) * (equal + 1) as f64) / (self.seen.total + 1) as f64;
        self.seen.add(bin, 1);
        p_value
    }
}

/// The bin of a score: higher scores are in the same or higher bins.
fn bin_of(score: f32) -> usize {
    let bits = score.to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    (ascending >> DROPPED_BITS) as usize
}

/// A number from 0 to 1 that breaks the ties of a row: splitmix64 (Steele, Lea and Flood, OOPSLA 2014) of its number.
fn uniform(row: u64) -> f64 {
    let mut bits = (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ bits >> 31) >> 11) as f64 / (1u64 << 53) as f64
}

/// How often each bin was seen. It is saved as the bins that were.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(u16, u64)>", into = "Vec<(u16, u64)>")]
struct Counts {
    bins: Vec<u64>,
    blocks: Vec<u64>,
    total: u64,
}

impl Counts {
    fn add(&mut self, bin: usize, count: u64) {
        for counted in [&mut self.bins[bin], &mut self.blocks[bin / BLOCK], &mut self.total] {
            *counted = counted.saturating_add(count);
        }
    }

    fn of(&self, bin: usize) -> u64 {
        self.bins[bin]
    }

    fn above(&self, bin: usize) -> u64 {
        let block = bin / BLOCK;
        let within: u64 = self.bins[bin + 1..(block + 1) * BLOCK].iter().sum();
        within + self.blocks[block + 1..].iter().sum::<u64>()
    }
}

impl From<Vec<(u16, u64)>> for Counts {
    fn from(seen: Vec<(u16, u64)>) -> Self {
        let mut counts = Self { bins: vec![0; BINS], blocks: vec![0; BINS / BLOCK], total: 0 };
        let known = seen.into_iter().filter(|&(bin, _)| usize::from(bin) < BINS);
        known.for_each(|(bin, count)| counts.add(bin.into(), count));
        counts
    }
}

impl From<Counts> for Vec<(u16, u64)> {
    fn from(counts: Counts) -> Self {
        let seen = counts.bins.into_iter().enumerate().filter(|&(_, count)| count > 0);
        seen.map(|(bin, count)| (bin as u16, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A bell curve, by the sum of twelve uniform numbers.
    fn bell(random: &mut ChaCha8Rng) -> f32 {
        (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
    }

    fn stream(seed: u64) -> (ChaCha8Rng, Drift<u64>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let calibration: Vec<f32> = (0..300).map(|_| bell(&mut random)).collect();
        (random, Drift::new(100.0, calibration))
    }

    #[test]
    fn of_two_thousand_exchangeable_streams_at_most_one_in_a_hundred_gives_an_alarm() {
        let alarms = (0..2000u64).filter(|&seed| {
            let (mut random, mut drift) = stream(seed);
            // Scores of many ties in every fourth stream.
            let score = |value: f32| if seed % 4 == 0 { value.round() } else { value };
            (0..1000).any(|row| drift.push(score(bell(&mut random)), || row).is_some())
        });
        let alarms = alarms.count();
        assert!(alarms <= 20, "{alarms} of 2000");
    }

    #[test]
    fn a_shift_of_one_deviation_is_told_within_two_hundred_rows() {
        // Where the shift began is an estimate, which may be early by chance.
        let mut early = 0;
        for (seed, before) in (0..100).map(|seed| (seed, [0, 500, 20_000][seed as usize % 3])) {
            let (mut random, mut drift) = stream(seed);
            (0..before).for_each(|row| assert!(drift.push(bell(&mut random), || row).is_none(), "{seed}: {row}"));
            let shift = if seed % 2 == 0 { 1.0 } else { -1.0 };
            let row = (before..before + 200).find(|&row| drift.push(shift + bell(&mut random), || row).is_some());
            let row = row.unwrap_or_else(|| panic!("stream {seed}: wealth {}", drift.wealth()));
            let alarm = drift.alarm().unwrap();
            assert_eq!((alarm.higher, alarm.seen_at), (shift > 0.0, row), "stream {seed}");
            assert!(alarm.since <= row, "stream {seed}: {alarm:?}");
            early += usize::from(alarm.since + 40 < before);
        }
        assert!(early <= 5, "{early} of 100");
    }

    #[test]
    fn a_stream_that_is_saved_and_resumed_goes_on_as_if_it_had_not_been() {
        let (mut random, mut whole) = stream(1);
        let mut cut = whole.clone();
        for row in 0..400 {
            let score = bell(&mut random) + row as f32 / 200.0;
            let alarm = whole.push(score, || row).cloned();
            cut = serde_json::from_str(&serde_json::to_string(&cut).unwrap()).unwrap();
            assert_eq!(cut.push(score, || row), alarm.as_ref());
            assert_eq!(cut.wealth(), whole.wealth());
        }
        assert!(whole.alarm().is_some());
    }

    #[test]
    fn the_bins_keep_the_order_of_scores() {
        let scores = [f32::NEG_INFINITY, -2.0, -1e-20, 0.0, 1e-20, 0.5, 1.0, 1.1, 3e38, f32::INFINITY];
        assert!(scores.windows(2).all(|pair| bin_of(pair[0]) < bin_of(pair[1])));
        assert!(bin_of(f32::INFINITY) < BINS);
    }
}

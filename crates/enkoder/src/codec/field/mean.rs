//! What the samples of an array have in common: their mean, coded before them as an array of its own. From there on only how each
//! value differs from it is predicted. A series of fields, or members of an ensemble, are far more alike in it than from one to the next.

use super::super::bytes::{Reader, put_unsigned};
use super::super::entropy::Corrupt;
use super::super::quantiser::Quantiser;
use super::scale::Scale;
use super::traversal::{Feature, Pass};
use super::{choice, decode, encode};

/// Samples, and values of each, that a mean is worth coding for.
const LEAST_SAMPLES: usize = 8;
const LEAST_VALUES: usize = 64;
/// Cycles of which each phase is worth a mean of its own, and samples of one at most.
const LEAST_CYCLES: usize = 3;
const LONGEST_CYCLE: usize = 400;
/// Series that are looked at to find cycles, and the part of their variance that repeats at least.
const LOOKED_AT: usize = 32;
const REPEATS: f64 = 0.3;
/// What predictions leave of the variance between neighbours, about.
const LEFT: f64 = 0.25;
/// About the bits of a mean: of each of its values on top of the logarithm of how often their mean deviation holds a step, and of all else.
const BITS: f64 = 1.5;
const BITS_ONCE: f64 = 400.0;

/// What a mean is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    /// Leading axes.
    pub(crate) axes: usize,
    /// Samples, which are the indices of these axes, have a mean of their own for each phase of a cycle of so many.
    pub(crate) period: usize,
}

impl Over {
    /// The shape of the mean of an array of a shape.
    pub(crate) fn shape(self, of: &[usize]) -> Vec<usize> {
        let phases = (self.period > 1).then_some(self.period);
        phases.into_iter().chain(of[self.axes..].iter().copied()).collect()
    }

    /// Samples of an array of this shape.
    pub(crate) fn samples(self, shape: &[usize]) -> usize {
        shape[..self.axes].iter().product()
    }
}

/// The mean of an array over its leading axes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mean {
    over: Over,
    /// What its values are coded in: they are of any scale.
    step: f64,
    /// One for each place along the other axes, in each phase; 0 where nothing is known.
    values: Vec<f64>,
    /// How it is coded.
    streams: [Vec<u8>; 2],
}

impl Mean {
    /// The mean of what is known of an array, in steps. What is missing is NaN.
    pub(crate) fn new(known: &[f64], shape: &[usize], over: Over, step: f64, effort: u8) -> Option<Self> {
        let shape = over.shape(shape);
        let in_steps = |mean: f64| (mean / step) as f32;
        let values: Vec<f32> = means(known, shape.iter().product()).into_iter().map(in_steps).collect();
        if values.iter().any(|value| value.is_infinite()) {
            return None;
        }
        let scale = Scale::Free(Quantiser::Steps { step: 1.0, bound: 0.5 });
        let field = choice::choose_mean(&values, &shape, scale, effort);
        let mut decoded = values.clone();
        let streams = encode(&field, &shape, &mut decoded);
        Some(Self { over, step, values: known_of(&decoded, step), streams })
    }

    /// One of these values, of which nothing is to be written.
    pub(crate) fn of(over: Over, values: Vec<f64>) -> Self {
        Self { over, step: 1.0, values, streams: Default::default() }
    }

    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        let lengths = self.streams.iter().map(Vec::len);
        let numbers = [self.over.axes, self.over.period].into_iter().chain(lengths);
        numbers.for_each(|number| put_unsigned(bytes, number as u64));
        bytes.extend(self.step.to_le_bytes());
        self.streams.iter().for_each(|stream| bytes.extend(stream));
    }

    /// The mean of an array of this shape, from bytes that may be anything.
    pub(crate) fn read(reader: &mut Reader<'_>, shape: &[usize]) -> Result<Self, Corrupt> {
        let mut number = |most: usize| reader.up_to(most, "a number of a mean").map_err(|_| Corrupt);
        let axes = number(shape.len().saturating_sub(1))?;
        let over = Over { axes, period: number(shape[..axes].iter().product())? };
        let lengths = [number(usize::MAX)?, number(usize::MAX)?];
        let step = reader.f64("the step of a mean").map_err(|_| Corrupt)?;
        if axes == 0 || over.period == 0 || !(step > 0.0 && step.is_finite()) {
            return Err(Corrupt);
        }
        let mut take = |length: usize| reader.take(length, "a mean").map_err(|_| Corrupt);
        let streams = [take(lengths[0])?, take(lengths[1])?];
        let (_, decoded) = decode::<f32>(streams, &over.shape(shape))?;
        Ok(Self { over, step, values: known_of(&decoded, step), streams: streams.map(<[u8]>::to_vec) })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.streams.iter().map(Vec::len).sum()
    }

    /// One value for each place along the axes that it is not over, in each phase.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }
}

fn known_of(decoded: &[f32], step: f64) -> Vec<f64> {
    let known = decoded.iter().map(|&value| f64::from(value) * step);
    known.map(|value| if value.is_finite() { value } else { 0.0 }).collect()
}

/// The means of what is known in the places of each so many values; NaN where all is missing.
pub(crate) fn means(known: &[f64], of: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; of], vec![0u32; of]);
    for cycle in known.chunks(of.max(1)) {
        for ((sum, count), &value) in sums.iter_mut().zip(&mut counts).zip(cycle) {
            let is_there = !value.is_nan();
            *sum += if is_there { value } else { 0.0 };
            *count += u32::from(is_there);
        }
    }
    sums.iter().zip(&counts).map(|(sum, &count)| if count > 0 { sum / f64::from(count) } else { f64::NAN }).collect()
}

/// Subtracts means from what is known.
pub(crate) fn subtract(known: &mut [f64], means: &[f64]) {
    for cycle in known.chunks_mut(means.len().max(1)) {
        cycle.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean);
    }
}

/// What means of an array of this shape may be over.
pub(crate) fn worth_trying(shape: &[usize]) -> Vec<Over> {
    let mut axes = vec![1, shape.len().saturating_sub(2)];
    axes.dedup();
    axes.retain(|axes| (1..shape.len()).contains(axes));
    let overs = axes.into_iter().map(|axes| Over { axes, period: 1 });
    let is_worth = |over: &Over| {
        over.samples(shape) >= LEAST_SAMPLES && over.shape(shape).iter().product::<usize>() >= LEAST_VALUES
    };
    overs.filter(is_worth).collect()
}

/// The number of samples, of so many values each, after which they repeat best, if they do: by the autocorrelation of some of their
/// values.
pub(crate) fn period(known: &[f64], of: usize) -> Option<usize> {
    let samples = known.len() / of.max(1);
    let longest = (samples / LEAST_CYCLES).min(LONGEST_CYCLE);
    let (mut products, mut squares) = (vec![0.0; longest + 2], 0.0);
    // Squares of numbers of any scale are to be held.
    let scale = known.iter().filter(|value| !value.is_nan()).fold(0.0f64, |most, value| most.max(value.abs()));
    let scale = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
    for place in (0..of).step_by(of.div_ceil(LOOKED_AT)) {
        let series: Vec<f64> = known.iter().skip(place).step_by(of).copied().collect();
        let mean = means(&series, 1)[0];
        let series: Vec<f64> =
            series.iter().map(|value| if value.is_nan() { 0.0 } else { (value - mean) / scale }).collect();
        squares += series.iter().map(|value| value * value).sum::<f64>();
        for (lag, product) in products.iter_mut().enumerate().take(samples) {
            let pairs = series.iter().zip(&series[lag..]);
            *product += pairs.map(|(a, b)| a * b).sum::<f64>() * samples as f64 / (samples - lag) as f64;
        }
    }
    let peaks = (2..=longest).filter(|&lag| products[lag] > products[lag - 1] && products[lag] >= products[lag + 1]);
    let peaks: Vec<usize> = peaks.filter(|&lag| products[lag] > REPEATS * squares).collect();
    // The multiples of a cycle are cycles too.
    let best = peaks.iter().map(|&lag| products[lag]).fold(0.0, f64::max);
    peaks.into_iter().find(|&lag| products[lag] >= 0.9 * best)
}

/// The root mean square of how neighbours differ, along the axis where it is least.
pub(crate) fn least_difference(known: &[f64], shape: &[usize]) -> f64 {
    let along = |(&stride, &length): (&usize, &usize)| {
        let pairs = known.iter().zip(known.iter().skip(stride)).enumerate();
        let inside = pairs.filter(|(index, _)| index / stride % length + 1 < length);
        let differences = inside.map(|(_, (a, b))| a - b).filter(|difference| !difference.is_nan());
        root_mean_square(&differences.collect::<Vec<_>>())
    };
    super::predictor::strides(shape).iter().zip(shape).filter_map(along).fold(f64::INFINITY, f64::min)
}

/// Of numbers of any scale, whose squares may be too small or too large to hold; none of no numbers.
fn root_mean_square(numbers: &[f64]) -> Option<f64> {
    let largest = numbers.iter().fold(0.0f64, |largest, number| largest.max(number.abs()));
    if largest == 0.0 || largest.is_infinite() {
        return (!numbers.is_empty()).then_some(largest);
    }
    let sum: f64 = numbers.iter().map(|number| (number / largest).powi(2)).sum();
    Some(largest * (sum / numbers.len() as f64).sqrt())
}

/// The steps for the mean of so many samples whose own steps and [`least_difference`] from it are these. An error of the mean adds to
/// what predictions leave of all samples, which is no less than the error of their steps. The bits of the mean and of the
/// samples are fewest where its variance is that of what is left, over the number of samples.
pub(crate) fn step_for(least: f64, step: f64, samples: usize) -> f64 {
    let parts = [LEFT.sqrt() * least, step / 12f64.sqrt()];
    // The root of the sum of both squares.
    (24.0 / samples as f64).sqrt() * root_mean_square(&parts).unwrap_or(0.0)
}

/// About the bits of a mean with so many values, in steps, by a part of it of this shape.
pub(crate) fn bits_of(part: &[f64], shape: &[usize], step: f64, values: usize) -> f64 {
    // How values differ from the plane through those before, or from the one before.
    let above = if shape.len() > 1 { shape[shape.len() - 1] } else { 0 };
    let miss = |index: usize| part[index] - part[index - 1] - (part[index - above] - part[(index - above).max(1) - 1]);
    let misses =
        (above + 1..part.len()).map(|index| if above > 0 { miss(index) } else { part[index] - part[index - 1] });
    let (sum, count) =
        misses.filter(|miss| !miss.is_nan()).fold((0.0, 0usize), |(sum, n), miss| (sum + miss.abs(), n + 1));
    values as f64 * ((1.0 + sum / count.max(1) as f64 / step).log2() + BITS) + BITS_ONCE
}

/// Lets predictions tend to the mean: what is around need not be believed in full.
pub(crate) fn let_return(pass: &mut Pass) {
    pass.features.extend(
        pass.base
            .nearest(pass.start.len())
            .map(|nearest: Feature| nearest.into_iter().map(|(offset, factor)| (offset, -factor)).collect()),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::super::element::Element;
    use super::super::traversal::Traversal;
    use super::super::{Coding, Field, Predicts, SAME, Special, decode_over, has_weights, step_of_part};
    use super::*;

    /// Values about a mean that differs from place to place, and anything else that has 32 bits.
    fn arrays() -> impl Strategy<Value = (Vec<usize>, Vec<f32>)> {
        let shape = (8usize..12, proptest::collection::vec(1usize..7, 1..4))
            .prop_map(|(samples, rest)| [vec![samples], rest].concat());
        shape.prop_flat_map(|shape| {
            let cells: usize = shape[1..].iter().product();
            let other = prop_oneof![
                any::<u32>().prop_map(f32::from_bits),
                Just(f32::NAN),
                Just(f32::INFINITY),
                Just(-0.0),
                Just(7.0)
            ];
            let miss = prop_oneof![12 => (-1f32..1.0).prop_map(Ok), 1 => other.prop_map(Err)];
            let values =
                (proptest::collection::vec(-300f32..300.0, cells), proptest::collection::vec(miss, shape[0] * cells));
            let about = move |(mean, misses): (Vec<f32>, Vec<Result<f32, f32>>)| {
                let value = |(at, miss): (usize, Result<f32, f32>)| {
                    miss.map_or_else(|other| other, |miss| mean[at % cells] + miss)
                };
                misses.into_iter().enumerate().map(value).collect()
            };
            (Just(shape), values.prop_map(about))
        })
    }

    proptest! {
        #[test]
        fn values_over_a_mean_keep_their_bound_and_decode_as_they_were_written((shape, values) in arrays(), bound in 1e-5f64..10.0, number in any::<u64>()) {
            let choose = |of: u64| number % of == 0;
            let steps = Scale::Free(Quantiser::Steps { step: 2.0 * bound, bound });
            let part = (bound / 20.0).max(1e-6);
            let relative = |predicts| step_of_part(part, f32::TYPE).map(|step| Scale::Relative { step, part, predicts });
            let scales = [Some(Scale::Free(Quantiser::Exact)), Some(steps), Some(Scale::Lattice { step: bound, bound }),
                relative(Predicts::Values), relative(Predicts::Positions)];
            let special = |value: f32, is_value| Special { bits: u64::from(value.to_bits()), is_value };
            for scale in scales.into_iter().flatten() {
                let known: Vec<f64> = values.iter().map(|&v| if v.is_finite() { scale.known(v) } else { f64::NAN }).collect();
                let over = Over { axes: 1 + number as usize % (shape.len() - 1), period: 1 + number as usize % 3 };
                let over = Over { period: over.period.min(over.samples(&shape)), ..over };
                let Some(mean) = Mean::new(&known, &shape, over, bound, 5) else { continue };
                let mut field = Field {
                    coding: if choose(2) { Coding::Bits } else { Coding::Symbols },
                    traversal: if choose(3) { Traversal::Levels } else { Traversal::Rows },
                    scale,
                    fineness: SAME,
                    specials: vec![special(f32::NAN, false), special(7.0, true)],
                    weights: Vec::new(),
                    mean: Some(Arc::new(mean)),
                };
                let weight = |feature: usize| (number >> (feature % 50) & 255) as i32 - 128;
                let weights = |pass: &Pass| (0..pass.features.len()).map(|i| if has_weights(pass) { weight(i) } else { 0 }).collect();
                field.weights = field.passes(&shape).iter().map(weights).collect();
                let (mut written, mut bytes) = (values.clone(), Vec::new());
                let [head, tail] = encode(&field, &shape, &mut written);
                field.mean().unwrap().put(&mut bytes);
                let mut reader = Reader::new(&bytes, 0);
                let mean = Mean::read(&mut reader, &shape).unwrap();
                reader.finish("a mean").unwrap();
                let (_, decoded) = decode_over::<f32>(Some(mean), [&head, &tail], &shape).unwrap();
                for ((&value, written), decoded) in values.iter().zip(&written).zip(&decoded) {
                    prop_assert_eq!(written.to_bits(), decoded.to_bits());
                    let kept = match scale {
                        Scale::Relative { .. } => super::super::is_within_part(value, *decoded, part),
                        Scale::Free(Quantiser::Exact) => false,
                        _ => value.is_finite() && value.within(*decoded, bound),
                    };
                    prop_assert!(kept || value.to_bits() == decoded.to_bits(), "{scale:?}: {value} {decoded}");
                }
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic((shape, values) in arrays(), bytes: Vec<u8>, at: proptest::sample::Index, change in 1u8..) {
            let _ = Mean::read(&mut Reader::new(&bytes, 0), &shape);
            let known: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            let Some(mean) = Mean::new(&known, &shape, Over { axes: 1, period: 2 }, 0.5, 5) else { return Ok(()) };
            let mut bytes = Vec::new();
            mean.put(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let _ = Mean::read(&mut Reader::new(&bytes, 0), &shape);
        }
    }

    #[test]
    fn what_is_missing_leaves_the_mean_as_it_is() {
        let known = [1.0, f64::NAN, 3.0, f64::NAN, 5.0, 7.0];
        assert_eq!(means(&known, 2), [3.0, 7.0]);
        // The last cycle may be cut short.
        assert_eq!(means(&[1.0, 2.0, 3.0, 4.0, 6.0], 3), [2.5, 4.0, 3.0]);
        let axes = |shape: &[usize]| worth_trying(shape).iter().map(|over| over.axes).collect::<Vec<_>>();
        assert_eq!(axes(&[9, 70]), [1]);
        assert_eq!(axes(&[9, 60]), [0; 0]);
        assert_eq!(axes(&[7, 60]), [0; 0]);
        assert_eq!(axes(&[4, 9, 8, 9]), [2]);
        assert_eq!(axes(&[9, 9, 8, 9]), [1, 2]);
        assert_eq!(axes(&[40]), [0; 0]);
    }

    #[test]
    fn cycles_are_found_where_there_are_some() {
        let noise = |number: usize| {
            let bits = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let month =
            |sample: usize, cell: usize| ((sample as f64 + cell as f64 * 0.1) * std::f64::consts::TAU / 12.0).sin();
        let series = |size: f64| (0..120 * 40).map(|i| size * month(i / 40, i % 40) + noise(i)).collect::<Vec<f64>>();
        assert_eq!(period(&series(1.0), 40), Some(12));
        assert_eq!(period(&series(0.1), 40), None);
        assert_eq!(period(&series(1.0)[..24 * 40], 40), None, "too few cycles");
    }
}

//! What fields are tried on: a part of an array on each scale, as it is and over means. Nothing here is needed to
//! decode.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::super::element::Element;
use super::mean::{self, Over};
use super::predictor::strides;
use super::scale::Scale;
use super::{Mean, Special};

/// A part of an array on one scale, as it is or over a mean.
pub(crate) struct Seen {
    pub(crate) scale: Scale,
    /// What is known of its values, or how that differs from the mean.
    pub(crate) known: Vec<f64>,
    pub(crate) mean: Option<Tried>,
}

/// A mean that is tried on a part of an array.
pub(crate) struct Tried {
    pub(crate) over: Over,
    pub(crate) step: f64,
    /// As it would decode, for the part; and about the bits of all of it.
    pub(crate) of_part: Arc<Mean>,
    pub(crate) bits: f64,
}

/// An array of which a field is to be chosen.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) shape: &'a [usize],
    pub(crate) specials: &'a [Special],
}

impl Seen {
    /// What lies in a window of an array, on each of the scales, as it is and over means.
    pub(crate) fn all<T: Element>(
        data: Data<'_, T>,
        part: &[T],
        window: &[Range<usize>],
        scales: &[Scale],
        overs: &[Over],
    ) -> Vec<Self> {
        let mut seen = Vec::new();
        for &scale in scales {
            let known = known(part, data.specials, scale);
            seen.extend(overs.iter().flat_map(|&over| over_means(data, scale, over, (&known, window))));
            seen.push(Self { scale, known, mean: None });
        }
        seen
    }
}

/// A part of an array over the mean of the whole array, and over means of the phases of a cycle where there is one.
fn over_means<T: Element>(
    Data { values, shape, specials }: Data<'_, T>,
    scale: Scale,
    over: Over,
    (of_part, window): (&[f64], &[Range<usize>]),
) -> Vec<Seen> {
    let all: Vec<_> =
        shape[..over.axes].iter().map(|&length| 0..length).chain(window[over.axes..].iter().cloned()).collect();
    let known_of_all = if all == window {
        Cow::Borrowed(of_part)
    } else {
        Cow::Owned(known(&cut(values, shape, &all), specials, scale))
    };
    let cells = known_of_all.len() / over.samples(shape);
    // Only samples in a row have phases.
    let period = (over.axes == 1).then(|| mean::period(&known_of_all, cells)).flatten();
    let overs = [Some(over), period.map(|period| Over { period, ..over })];
    let tried = |over: Over| {
        let mut means = mean::means(&known_of_all, over.period * cells);
        let part_shape = lengths(window);
        // The part may begin in the middle of a cycle.
        means.rotate_left(window[0].start % over.period * cells);
        let mut known = of_part.to_vec();
        mean::subtract(&mut known, &means);
        let samples = over.samples(shape) / over.period;
        let least = mean::least_difference(&known, &part_shape);
        let step = mean::step_for(least, scale.step_of_predictions(), samples);
        if !(step > 0.0 && step.is_finite()) {
            return None;
        }
        let bits = mean::bits_of(&means, &over.shape(&part_shape), step, over.shape(shape).iter().product());
        for mean in &mut means {
            *mean = if mean.is_nan() { 0.0 } else { (*mean / step).round() * step };
        }
        known.copy_from_slice(of_part);
        mean::subtract(&mut known, &means);
        let mean = Some(Tried { over, step, of_part: Arc::new(Mean::of(over, means)), bits });
        Some(Seen { scale, known, mean })
    };
    overs.into_iter().flatten().filter_map(tried).collect()
}

/// What weights are fitted on: what will be known of values, and NaN where one is missing.
pub(crate) fn known<T: Element>(values: &[T], specials: &[Special], scale: Scale) -> Vec<f64> {
    values.iter().map(|&value| known_of(value, specials, scale)).collect()
}

pub(crate) fn known_of<T: Element>(value: T, specials: &[Special], scale: Scale) -> f64 {
    let is_missing = specials.iter().any(|special| !special.is_value && special.bits == value.to_bits());
    if !value.is_finite() || is_missing { f64::NAN } else { scale.known(value) }
}

/// How many indices a window has along each axis.
pub(crate) fn lengths(window: &[Range<usize>]) -> Vec<usize> {
    window.iter().map(ExactSizeIterator::len).collect()
}

/// The middle of an array of this shape, at most about so many values: all of the short axes and as much of each of the long ones.
pub(crate) fn middle(shape: &[usize], most: usize) -> Vec<Range<usize>> {
    if shape.iter().product::<usize>() <= most {
        return shape.iter().map(|&length| 0..length).collect();
    }
    let mut by_length: Vec<usize> = (0..shape.len()).collect();
    by_length.sort_by_key(|&axis| shape[axis]);
    let (mut part, mut left) = (shape.to_vec(), most);
    for (axes, &axis) in (1..=shape.len() as u32).rev().zip(&by_length) {
        let fits = |&length: &usize| length.checked_pow(axes).is_some_and(|values| values <= left);
        part[axis] = (2..=shape[axis]).take_while(fits).last().unwrap_or(1);
        left /= part[axis];
    }
    let around = |(&part, &length): (&usize, &usize)| (length - part) / 2..(length - part) / 2 + part;
    part.iter().zip(shape).map(around).collect()
}

/// What lies between these indices of an array.
pub(crate) fn cut<'a, T: Copy>(values: &'a [T], shape: &[usize], window: &[Range<usize>]) -> Cow<'a, [T]> {
    let count: usize = window.iter().map(ExactSizeIterator::len).product();
    let Some((row, outer)) = window.split_last().filter(|_| count < values.len()) else { return Cow::Borrowed(values) };
    // Whole rows are copied, from the places whose indices along the other axes are counted up.
    let strides = strides(shape);
    let mut taken = Vec::with_capacity(count);
    for number in 0..outer.iter().map(ExactSizeIterator::len).product() {
        let (mut number, mut index) = (number, row.start);
        for (within, stride) in outer.iter().zip(&strides).rev() {
            index += (within.start + number % within.len()) * stride;
            number /= within.len();
        }
        taken.extend_from_slice(&values[index..index + row.len()]);
    }
    Cow::Owned(taken)
}

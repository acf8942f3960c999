//! Operators that make images larger: pixels repeated, channels as pixels, a border.

use super::shapes::{strides, taken};
use super::{Call, Fault, MOST_PIXELS, count};
use crate::tensor::Tensor;

/// Each pixel several times; other ways to resize are not known here.
pub(super) fn resize(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let factors = factors_of_resize(call, &x.shape)?;
    let shape: Vec<usize> =
        x.shape.iter().zip(&factors).map(|(length, factor)| length.saturating_mul(*factor)).collect();
    let all = count(&shape)?;
    let (from, to) = (strides(&x.shape), strides(&shape));
    let place = |at: usize| {
        (0..shape.len()).map(|axis| at / to[axis] % shape[axis] / factors[axis] * from[axis]).sum::<usize>()
    };
    let places: Vec<usize> = (0..all).map(place).collect();
    Ok(taken(x, shape.clone(), places.into_iter()))
}

/// The whole number of times that each axis becomes longer.
pub(crate) fn factors_of_resize(call: &Call<'_>, shape: &[usize]) -> Result<Vec<usize>, Fault> {
    if call.text("mode").unwrap_or("nearest") != "nearest" {
        return Err("resizes by other than the nearest pixel, which is not known here".into());
    }
    let factors: Option<Vec<usize>> = match (call.optional(2).filter(|scales| scales.len() > 0), call.optional(3)) {
        (Some(scales), _) => scales.as_floats().and_then(|scales| {
            scales.iter().map(|&scale| (scale >= 1.0 && scale.fract() == 0.0).then_some(scale as usize)).collect()
        }),
        (None, Some(sizes)) => sizes.as_integers().filter(|sizes| sizes.len() == shape.len()).and_then(|sizes| {
            let factor = |(&size, &length): (&i64, &usize)| {
                let size = usize::try_from(size).ok()?;
                (length > 0 && size >= length && size.is_multiple_of(length)).then(|| size / length)
            };
            sizes.iter().zip(shape).map(factor).collect()
        }),
        (None, None) => None,
    };
    let factors = factors.filter(|factors| factors.len() == shape.len());
    let factors = factors.ok_or("resizes by what is no whole number of times")?;
    // All ways of counting agree where each pixel becomes a whole number of alike ones, but for those that round up.
    let rounds = call.text("nearest_mode").unwrap_or("round_prefer_floor");
    let counts = call.text("coordinate_transformation_mode").unwrap_or("half_pixel");
    match (counts, rounds) {
        ("asymmetric", "floor") | ("half_pixel" | "pytorch_half_pixel", "round_prefer_floor" | "round_prefer_ceil") => {
            Ok(factors)
        }
        _ => Err(format!("resizes by {counts} and {rounds}, which is not known here").into()),
    }
}

pub(super) fn depth_to_space(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let size = usize::try_from(call.int("blocksize", 0)).ok().filter(|&size| size > 0).ok_or("has no blocksize")?;
    let &[batch, channels, height, width] = &x.shape[..] else { return Err("reads what are no images".into()) };
    let area = size.checked_mul(size).filter(|area| channels.is_multiple_of(*area));
    let deep = channels / area.ok_or("has too few channels for its blocks")?;
    let columns_first = call.text("mode") == Some("CRD");
    let shape = vec![batch, deep, height * size, width * size];
    let place = |at: usize| {
        let (column, row) = (at % (width * size), at / (width * size) % (height * size));
        let (channel, sample) =
            (at / (width * size * height * size) % deep, at / (width * size * height * size * deep));
        let block = row % size * size + column % size;
        let from = if columns_first { channel * size * size + block } else { block * deep + channel };
        ((sample * channels + from) * height + row / size) * width + column / size
    };
    let places: Vec<usize> = (0..x.len()).map(place).collect();
    Ok(taken(x, shape, places.into_iter()))
}

/// Zeros around the values; other borders are not known here.
pub(super) fn pad(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let borders = borders_of_pad(call, x.shape.len())?;
    let shape: Vec<usize> =
        x.shape.iter().zip(&borders).map(|(length, (before, behind))| length + before + behind).collect();
    let mut values = vec![0.0; count(&shape)?];
    let (from, to) = (strides(&x.shape), strides(&shape));
    for (at, &value) in call.floats(0)?.iter().enumerate() {
        let place = |axis: usize| (at / from[axis] % x.shape[axis] + borders[axis].0) * to[axis];
        values[(0..shape.len()).map(place).sum::<usize>()] = value;
    }
    Ok(Tensor::floats(shape, values))
}

/// How many zeros stand before and behind each axis.
pub(crate) fn borders_of_pad(call: &Call<'_>, axes: usize) -> Result<Vec<(usize, usize)>, Fault> {
    let fill = call.optional(2).and_then(Tensor::as_floats).and_then(<[f32]>::first);
    if call.text("mode").unwrap_or("constant") != "constant"
        || fill.is_some_and(|&fill| fill != 0.0)
        || call.optional(3).is_some()
    {
        return Err("makes a border of other than zeros around the whole, which is not known here".into());
    }
    let pads = call.integers(1)?;
    let pads: Option<Vec<usize>> =
        pads.iter().map(|&pad| usize::try_from(pad).ok().filter(|&pad| pad <= MOST_PIXELS)).collect();
    let pads = pads.filter(|pads| pads.len() == 2 * axes).ok_or("has borders that do not go with its value")?;
    Ok(pads[..axes].iter().copied().zip(pads[axes..].iter().copied()).collect())
}

//! Operators that put numbers into another order or shape, take some of them, or add them up along axes.

use super::{Call, Fault, count, pixels};
use crate::proto::element;
use crate::tensor::{Numbers, Tensor};

pub(super) fn evaluate(call: &Call<'_>) -> Option<Result<Tensor, Fault>> {
    Some(match call.operator() {
        "Identity" | "Dropout" => call.input(0).cloned(),
        "Constant" => constant(call),
        "Cast" => cast(call),
        "Shape" => call.input(0).map(|x| {
            let lengths: Vec<i64> = x.shape.iter().map(|&length| length as i64).collect();
            Tensor::integers([lengths.len()], lengths)
        }),
        "Reshape" => reshape(call),
        "Flatten" => flatten(call),
        "Unsqueeze" => unsqueeze(call),
        "Squeeze" => squeeze(call),
        "Transpose" => transpose(call),
        "Concat" => concat(call),
        "Gather" => gather(call),
        "Slice" => slice(call),
        "ConstantOfShape" => constant_of_shape(call),
        "Resize" => pixels::resize(call),
        "DepthToSpace" => pixels::depth_to_space(call),
        "Pad" => pixels::pad(call),
        "ReduceSum" => reduce(call, 0.0, |sum, value| sum + value, false),
        "ReduceMean" => reduce(call, 0.0, |sum, value| sum + value, true),
        "ReduceMax" => reduce(call, f32::NEG_INFINITY, f32::max, false),
        "ArgMax" => arg_max(call),
        _ => return None,
    })
}

/// An axis, counted from the end where it is negative.
fn axis(axis: i64, axes: usize) -> Result<usize, Fault> {
    let from_start = if axis < 0 { axis.saturating_add(axes as i64) } else { axis };
    let found = usize::try_from(from_start).ok().filter(|&axis| axis < axes);
    found.ok_or_else(|| format!("names axis {axis} of {axes}").into())
}

fn axes(names: &[i64], count: usize) -> Result<Vec<usize>, Fault> {
    names.iter().map(|&name| axis(name, count)).collect()
}

/// Axes as an input, or as older versions have them.
fn axes_of<'a>(call: &Call<'a>) -> Result<Option<&'a [i64]>, Fault> {
    match call.optional(1) {
        Some(_) => call.integers(1).map(Some),
        None => Ok(call.ints("axes")),
    }
}

/// The numbers at these places.
pub(super) fn taken(x: &Tensor, shape: Vec<usize>, places: impl Iterator<Item = usize>) -> Tensor {
    let numbers = match &x.numbers {
        Numbers::Float(values) => Numbers::Float(places.map(|place| values[place]).collect()),
        Numbers::Int(values) => Numbers::Int(places.map(|place| values[place]).collect()),
        Numbers::Truth(values) => Numbers::Truth(places.map(|place| values[place]).collect()),
    };
    Tensor { shape, numbers }
}

fn shaped(x: &Tensor, shape: Vec<usize>) -> Result<Tensor, Fault> {
    if count(&shape)? != x.len() {
        return Err(format!("makes {shape:?} of {:?}", x.shape).into());
    }
    Ok(Tensor { shape, numbers: x.numbers.clone() })
}

fn constant(call: &Call<'_>) -> Result<Tensor, Fault> {
    if let Some(tensor) = call.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        return Tensor::of(tensor).map_err(|error| error.to_string().into());
    }
    if let Some(value) = call.attribute("value_float").and_then(|attribute| attribute.f) {
        return Ok(Tensor::floats([], vec![value]));
    }
    if let Some(value) = call.attribute("value_int").and_then(|attribute| attribute.i) {
        return Ok(Tensor::integers([], vec![value]));
    }
    if let Some(values) = call.ints("value_ints") {
        return Ok(Tensor::integers([values.len()], values.to_vec()));
    }
    Err("is a constant of a kind that is not known here".into())
}

fn cast(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let numbers = match (&x.numbers, call.int("to", 0) as i32) {
        (Numbers::Float(values), element::FLOAT) => Numbers::Float(values.clone()),
        (Numbers::Float(values), element::INT32 | element::INT64) => {
            Numbers::Int(values.iter().map(|&value| value as i64).collect())
        }
        (Numbers::Float(values), element::BOOL) => Numbers::Truth(values.iter().map(|&value| value != 0.0).collect()),
        (Numbers::Int(values), element::FLOAT) => Numbers::Float(values.iter().map(|&value| value as f32).collect()),
        (Numbers::Int(values), element::INT32 | element::INT64) => Numbers::Int(values.clone()),
        (Numbers::Truth(values), element::FLOAT) => {
            Numbers::Float(values.iter().map(|&value| f32::from(u8::from(value))).collect())
        }
        (Numbers::Truth(values), element::INT32 | element::INT64) => {
            Numbers::Int(values.iter().map(|&value| i64::from(value)).collect())
        }
        (_, to) => return Err(format!("makes {}, which is not known here", element::name(to)).into()),
    };
    Ok(Tensor { shape: x.shape.clone(), numbers })
}

fn reshape(call: &Call<'_>) -> Result<Tensor, Fault> {
    let (x, target) = (call.input(0)?, call.integers(1)?);
    let mut shape = Vec::new();
    let mut open = None;
    for (at, &length) in target.iter().enumerate() {
        shape.push(match length {
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            0 if call.int("allowzero", 0) == 0 => *x.shape.get(at).ok_or("keeps an axis that is not there")?,
            length => usize::try_from(length).map_err(|_| format!("makes the shape {target:?}"))?,
        });
    }
    let known = count(&shape)?;
    if let Some(at) = open {
        shape[at] = x.len().checked_div(known).ok_or("makes the rest of nothing")?;
    }
    shaped(x, shape)
}

fn flatten(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let at = call.int("axis", 1);
    let at = if at == x.shape.len() as i64 { x.shape.len() } else { axis(at, x.shape.len())? };
    shaped(x, vec![x.shape[..at].iter().product(), x.shape[at..].iter().product()])
}

fn unsqueeze(call: &Call<'_>) -> Result<Tensor, Fault> {
    let (x, names) = (call.input(0)?, axes_of(call)?.ok_or("names no axes")?);
    let mut new = axes(names, x.shape.len() + names.len())?;
    new.sort_unstable();
    let mut shape = x.shape.clone();
    for at in new {
        if at > shape.len() {
            return Err("adds an axis twice".into());
        }
        shape.insert(at, 1);
    }
    shaped(x, shape)
}

fn squeeze(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let gone = match axes_of(call)? {
        Some(names) => axes(names, x.shape.len())?,
        None => (0..x.shape.len()).filter(|&at| x.shape[at] == 1).collect(),
    };
    let kept = x.shape.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, &length)| length);
    shaped(x, kept.collect())
}

pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

fn transpose(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let axes_count = x.shape.len();
    let order = match call.ints("perm") {
        Some(order) => axes(order, axes_count)?,
        None => (0..axes_count).rev().collect(),
    };
    if order.len() != axes_count || (0..axes_count).any(|axis| !order.contains(&axis)) {
        return Err(format!("puts {axes_count} axes into the order {order:?}").into());
    }
    let from = strides(&x.shape);
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    let to = strides(&shape);
    let place = |at: usize| (0..axes_count).map(|axis| at / to[axis] % shape[axis] * from[order[axis]]).sum();
    let places: Vec<usize> = (0..x.len()).map(place).collect();
    Ok(taken(x, shape.clone(), places.into_iter()))
}

fn concat(call: &Call<'_>) -> Result<Tensor, Fault> {
    let all = call.all();
    let first = *all.first().ok_or("joins nothing")?;
    let at = axis(call.int("axis", 0), first.shape.len())?;
    let fits = |other: &&Tensor| {
        let same = |axis: usize| axis == at || other.shape[axis] == first.shape[axis];
        other.shape.len() == first.shape.len() && (0..first.shape.len()).all(same)
    };
    if !all.iter().all(fits) {
        return Err("joins values whose other lengths differ".into());
    }
    let mut shape = first.shape.clone();
    shape[at] = all.iter().map(|tensor| tensor.shape[at]).sum();
    count(&shape)?;
    let (before, behind) = (shape[..at].iter().product(), shape[at + 1..].iter().product::<usize>());
    let each = |tensor: &Tensor| tensor.shape[at] * behind;
    fn join<'a, T: Copy + 'a>(parts: &[(&'a [T], usize)], before: usize) -> Vec<T> {
        let row = |row: usize| parts.iter().flat_map(move |&(values, each)| &values[row * each..(row + 1) * each]);
        (0..before).flat_map(row).copied().collect()
    }
    let numbers = match &first.numbers {
        Numbers::Float(_) => {
            let parts: Option<Vec<_>> = all.iter().map(|one| Some((one.as_floats()?, each(one)))).collect();
            Numbers::Float(join(&parts.ok_or("joins two types")?, before))
        }
        Numbers::Int(_) => {
            let parts: Option<Vec<_>> = all.iter().map(|one| Some((one.as_integers()?, each(one)))).collect();
            Numbers::Int(join(&parts.ok_or("joins two types")?, before))
        }
        Numbers::Truth(_) => {
            let parts: Option<Vec<_>> = all.iter().map(|one| Some((one.as_truths()?, each(one)))).collect();
            Numbers::Truth(join(&parts.ok_or("joins two types")?, before))
        }
    };
    Ok(Tensor { shape, numbers })
}

fn gather(call: &Call<'_>) -> Result<Tensor, Fault> {
    let (x, which) = (call.input(0)?, call.input(1)?);
    let at = axis(call.int("axis", 0), x.shape.len())?;
    let length = x.shape[at];
    let which_places = call.integers(1)?.iter().map(|&place| {
        let place = if place < 0 { place.saturating_add(length as i64) } else { place };
        let place = usize::try_from(place).ok().filter(|&place| place < length);
        place.ok_or_else(|| Fault::from(format!("takes what lies beyond an axis of {length}")))
    });
    let which_places = which_places.collect::<Result<Vec<_>, _>>()?;
    let shape = [&x.shape[..at], &which.shape, &x.shape[at + 1..]].concat();
    count(&shape)?;
    let (before, behind): (usize, usize) = (x.shape[..at].iter().product(), x.shape[at + 1..].iter().product());
    let places = (0..before).flat_map(|row| which_places.iter().map(move |&place| (row * length + place) * behind));
    Ok(taken(x, shape, places.flat_map(|first| first..first + behind)))
}

/// Along each axis named, from one place to another by a step that is not 0.
fn slice(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let (starts, ends) = (call.integers(1)?, call.integers(2)?);
    let all: Vec<i64> = (0..starts.len() as i64).collect();
    let names = call.optional(3).map_or(Ok(&all[..]), |_| call.integers(3))?;
    let ones = vec![1; starts.len()];
    let steps = call.optional(4).map_or(Ok(&ones[..]), |_| call.integers(4))?;
    if [ends, names, steps].iter().any(|other| other.len() != starts.len()) {
        return Err("cuts along axes of which it does not say all".into());
    }
    let mut cut = x.clone();
    for (((&name, &start), &end), &step) in names.iter().zip(starts).zip(ends).zip(steps) {
        let at = axis(name, cut.shape.len())?;
        let length = cut.shape[at] as i64;
        let from_start = |place: i64| if place < 0 { place.saturating_add(length) } else { place };
        let chosen: Vec<usize> = match usize::try_from(step.unsigned_abs()) {
            Ok(stride) if step > 0 => {
                let [start, end] = [start, end].map(|place| from_start(place).clamp(0, length) as usize);
                (start..end).step_by(stride).collect()
            }
            Ok(stride) if step < 0 => {
                let [start, end] = [start, end].map(|place| from_start(place).clamp(-1, length - 1) + 1);
                (end as usize..start as usize).rev().step_by(stride).collect()
            }
            _ => return Err("cuts by steps of 0".into()),
        };
        cut = selected(&cut, at, &chosen);
    }
    Ok(cut)
}

/// What lies at these places of an axis.
fn selected(x: &Tensor, at: usize, chosen: &[usize]) -> Tensor {
    let (length, mut shape) = (x.shape[at], x.shape.clone());
    shape[at] = chosen.len();
    let (before, behind): (usize, usize) = (x.shape[..at].iter().product(), x.shape[at + 1..].iter().product());
    let places = (0..before).flat_map(|row| chosen.iter().map(move |&place| (row * length + place) * behind));
    taken(x, shape, places.flat_map(|first| first..first + behind))
}

/// The same number everywhere.
fn constant_of_shape(call: &Call<'_>) -> Result<Tensor, Fault> {
    let length = |&length: &i64| usize::try_from(length).map_err(|_| Fault::from(format!("has a length of {length}")));
    let shape = call.integers(0)?.iter().map(length).collect::<Result<Vec<_>, _>>()?;
    let all = count(&shape)?;
    let value = call.attribute("value").and_then(|attribute| attribute.t.as_ref()).map(Tensor::of).transpose();
    match value.map_err(|error| Fault::from(error.to_string()))? {
        None => Ok(Tensor::floats(shape, vec![0.0; all])),
        Some(value) if value.len() == 1 => Ok(taken(&value, shape, std::iter::repeat_n(0, all))),
        Some(_) => Err("has other than one value".into()),
    }
}

fn reduce(call: &Call<'_>, start: f32, join: impl Fn(f32, f32) -> f32, mean: bool) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let gone = match axes_of(call)? {
        Some(names) => axes(names, x.shape.len())?,
        None => (0..x.shape.len()).collect(),
    };
    let kept: Vec<usize> =
        x.shape.iter().enumerate().map(|(at, &length)| if gone.contains(&at) { 1 } else { length }).collect();
    let (from, to) = (strides(&x.shape), strides(&kept));
    let mut values = vec![start; count(&kept)?];
    for (at, &value) in call.floats(0)?.iter().enumerate() {
        let place: usize = (0..kept.len())
            .map(|axis| if kept[axis] == 1 { 0 } else { at / from[axis] % x.shape[axis] * to[axis] })
            .sum();
        values[place] = join(values[place], value);
    }
    if mean {
        let count = (x.len() / values.len().max(1)) as f32;
        values.iter_mut().for_each(|value| *value /= count);
    }
    let keeps = call.int("keepdims", 1) != 0;
    let shape = kept.iter().enumerate().filter(|(at, _)| keeps || !gone.contains(at)).map(|(_, &length)| length);
    Ok(Tensor::floats(shape.collect::<Vec<_>>(), values))
}

/// The place of the largest value of each row; of equal ones the first.
fn arg_max(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let (&[rows, width], 1) = (&x.shape[..], call.int("axis", 0)) else {
        return Err("looks along another axis than that of rows, which is not known here".into());
    };
    if width == 0 {
        return Err("looks for the largest of nothing".into());
    }
    let largest = call
        .floats(0)?
        .chunks_exact(width)
        .map(|row| (0..width).fold(0, |best, at| if row[at] > row[best] { at } else { best }) as i64);
    let shape = if call.int("keepdims", 1) != 0 { vec![rows, 1] } else { vec![rows] };
    Ok(Tensor::integers(shape, largest.collect()))
}

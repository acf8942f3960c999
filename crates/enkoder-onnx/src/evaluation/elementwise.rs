//! Operators that take their values number by number, the shorter shape being repeated over the longer one.

use super::{Call, Fault, count};
use crate::tensor::{Numbers, Tensor};

pub(super) fn evaluate(call: &Call<'_>) -> Option<Result<Tensor, Fault>> {
    Some(match call.operator() {
        "Add" => arithmetic(call, |a, b| a + b, i64::checked_add),
        "Sub" => arithmetic(call, |a, b| a - b, i64::checked_sub),
        "Mul" => arithmetic(call, |a, b| a * b, i64::checked_mul),
        "Div" => arithmetic(call, |a, b| a / b, i64::checked_div),
        "Sum" => sum(call),
        "Min" => arithmetic(call, f32::min, |a, b| Some(a.min(b))),
        "Max" => arithmetic(call, f32::max, |a, b| Some(a.max(b))),
        "Pow" => arithmetic(call, f32::powf, |a, b| a.checked_pow(u32::try_from(b).ok()?)),
        "Mod" => arithmetic(call, |a, b| a % b, |a, b| a.checked_rem_euclid(b).filter(|_| b > 0)),
        "Greater" => compare(call, |a, b| a > b, |a, b| a > b),
        "GreaterOrEqual" => compare(call, |a, b| a >= b, |a, b| a >= b),
        "Less" => compare(call, |a, b| a < b, |a, b| a < b),
        "LessOrEqual" => compare(call, |a, b| a <= b, |a, b| a <= b),
        "Equal" => compare(call, |a, b| a == b, |a, b| a == b),
        "And" => truths(call, |a, b| a && b),
        "Or" => truths(call, |a, b| a || b),
        "Not" => match call.input(0).map(Tensor::as_truths) {
            Ok(Some(values)) => same_shape(call, |_| Numbers::Truth(values.iter().map(|value| !value).collect())),
            Ok(None) => Err("negates what are no truths".into()),
            Err(fault) => Err(fault),
        },
        "IsNaN" => test(call, f32::is_nan),
        "IsInf" => test(call, f32::is_infinite),
        "Where" => choose(call),
        "Expand" => expand(call),
        "Clip" => clip(call),
        "Relu" => each(call, |x| if x > 0.0 || x.is_nan() { x } else { 0.0 }),
        "LeakyRelu" => {
            let alpha = call.float("alpha", 0.01);
            each(call, |x| if x < 0.0 { alpha * x } else { x })
        }
        "Elu" => {
            let alpha = call.float("alpha", 1.0);
            each(call, |x| if x < 0.0 { alpha * x.exp_m1() } else { x })
        }
        "Gelu" if call.text("approximate") == Some("tanh") => {
            each(call, |x| 0.5 * x * (1.0 + (0.797_884_6 * x * (1.0 + 0.044_715 * x * x)).tanh()))
        }
        "Gelu" if matches!(call.text("approximate"), None | Some("none")) => {
            each(call, |x| (f64::from(x) * 0.5 * (1.0 + erf(f64::from(x) * std::f64::consts::FRAC_1_SQRT_2))) as f32)
        }
        "Erf" => each(call, |x| erf(f64::from(x)) as f32),
        "Swish" => {
            let alpha = call.float("alpha", 1.0);
            each(call, |x| x / (1.0 + (-alpha * x).exp()))
        }
        "Tanh" => each(call, f32::tanh),
        "Sigmoid" => each(call, |x| 1.0 / (1.0 + (-x).exp())),
        "Abs" => each(call, f32::abs),
        "Neg" => negated(call),
        "Log" => each(call, f32::ln),
        "Sqrt" => each(call, f32::sqrt),
        "Floor" => each(call, f32::floor),
        _ => return None,
    })
}

/// The error function, to about twelve digits: its series near 0, and further out the continued fraction of its complement
/// (Abramowitz & Stegun 1964, 7.1.6 and 7.1.14).
pub(crate) fn erf(x: f64) -> f64 {
    let square = x * x;
    if x.is_nan() {
        x
    } else if square < 9.0 {
        let terms = (0..60).scan(x, |term, at| {
            let now = *term;
            *term *= 2.0 * square / f64::from(2 * at + 3);
            Some(now)
        });
        terms.sum::<f64>() * (-square).exp() * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let fraction = (1..60).rev().fold(x.abs(), |below, at| x.abs() + 0.5 * f64::from(at) / below);
        x.signum() * (1.0 - (-square).exp() * 0.5 * std::f64::consts::FRAC_2_SQRT_PI / fraction)
    }
}

fn negated(call: &Call<'_>) -> Result<Tensor, Fault> {
    match &call.input(0)?.numbers {
        Numbers::Int(values) => {
            same_shape(call, |_| Numbers::Int(values.iter().map(|value| value.wrapping_neg()).collect()))
        }
        _ => each(call, |x| -x),
    }
}

fn each(call: &Call<'_>, of: impl Fn(f32) -> f32) -> Result<Tensor, Fault> {
    let values = call.floats(0)?;
    same_shape(call, |_| Numbers::Float(values.iter().map(|&value| of(value)).collect()))
}

fn test(call: &Call<'_>, of: impl Fn(f32) -> bool) -> Result<Tensor, Fault> {
    let values = call.floats(0)?;
    same_shape(call, |_| Numbers::Truth(values.iter().map(|&value| of(value)).collect()))
}

fn same_shape(call: &Call<'_>, numbers: impl Fn(&Tensor) -> Numbers) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    Ok(Tensor { shape: x.shape.clone(), numbers: numbers(x) })
}

/// The shape that two have together: lengths are the same, or one of them is 1.
fn joined(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Fault> {
    let axes = a.len().max(b.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(axes).map_or(1, |at| shape[at]);
    let shape = (0..axes).map(|axis| match (length(a, axis), length(b, axis)) {
        (one, other) if one == other || other == 1 => Ok(one),
        (1, other) => Ok(other),
        _ => Err(format!("joins values of the shapes {a:?} and {b:?}").into()),
    });
    let shape = shape.collect::<Result<Vec<_>, Fault>>()?;
    count(&shape)?;
    Ok(shape)
}

/// For each place in `shape` the place in a value that is repeated over it.
fn places(shape: &[usize], repeated: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let skipped = shape.len() - repeated.len();
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..repeated.len()).rev() {
        strides[skipped + axis] = if repeated[axis] == 1 { 0 } else { stride };
        stride *= repeated[axis];
    }
    let lengths = shape.to_vec();
    (0..shape.iter().product()).map(move |mut at: usize| {
        let mut place = 0;
        for (length, stride) in lengths.iter().zip(&strides).rev() {
            place += at % length * stride;
            at /= length;
        }
        place
    })
}

/// For each place in `shape` the place in a value that is repeated over it, where it can be.
pub(crate) fn repeated(shape: &[usize], value: &[usize]) -> Option<impl Iterator<Item = usize> + use<>> {
    let fits = joined(shape, value).is_ok_and(|joined| joined == shape);
    fits.then(|| places(shape, value))
}

/// What `join` makes of each pair.
fn pairs<T: Copy, U>(
    [a, b]: [&Tensor; 2],
    [x, y]: [&[T]; 2],
    join: impl Fn(T, T) -> U,
) -> Result<(Vec<usize>, Vec<U>), Fault> {
    let shape = joined(&a.shape, &b.shape)?;
    let pairs = places(&shape, &a.shape).zip(places(&shape, &b.shape));
    let values = pairs.map(|(a, b)| join(x[a], y[b])).collect();
    Ok((shape, values))
}

fn arithmetic(
    call: &Call<'_>,
    floats: impl Fn(f32, f32) -> f32,
    integers: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Tensor, Fault> {
    let both = [call.input(0)?, call.input(1)?];
    match both.map(|tensor| &tensor.numbers) {
        [Numbers::Float(a), Numbers::Float(b)] => {
            let (shape, values) = pairs(both, [a, b], floats)?;
            Ok(Tensor::floats(shape, values))
        }
        [Numbers::Int(a), Numbers::Int(b)] => {
            let (shape, values) = pairs(both, [a, b], integers)?;
            let values: Option<Vec<i64>> = values.into_iter().collect();
            Ok(Tensor::integers(shape, values.ok_or("computes a whole number that does not fit")?))
        }
        _ => Err("joins numbers of two types".into()),
    }
}

/// All inputs, one after the other.
fn sum(call: &Call<'_>) -> Result<Tensor, Fault> {
    let mut all = call.all().into_iter();
    let mut sum = all.next().ok_or("adds nothing")?.clone();
    for next in all {
        let (Some(a), Some(b)) = (sum.as_floats(), next.as_floats()) else {
            return Err("adds what are no numbers with fractions".into());
        };
        let (shape, values) = pairs([&sum, next], [a, b], |a, b| a + b)?;
        sum = Tensor::floats(shape, values);
    }
    Ok(sum)
}

fn compare(
    call: &Call<'_>,
    floats: impl Fn(f32, f32) -> bool,
    integers: impl Fn(i64, i64) -> bool,
) -> Result<Tensor, Fault> {
    let both = [call.input(0)?, call.input(1)?];
    let (shape, values) = match both.map(|tensor| &tensor.numbers) {
        [Numbers::Float(a), Numbers::Float(b)] => pairs(both, [a, b], floats)?,
        [Numbers::Int(a), Numbers::Int(b)] => pairs(both, [a, b], integers)?,
        _ => return Err("compares numbers of two types".into()),
    };
    Ok(Tensor::truths(shape, values))
}

fn truths(call: &Call<'_>, join: impl Fn(bool, bool) -> bool) -> Result<Tensor, Fault> {
    let both = [call.input(0)?, call.input(1)?];
    let [Some(a), Some(b)] = both.map(Tensor::as_truths) else { return Err("joins what are no truths".into()) };
    let (shape, values) = pairs(both, [a, b], join)?;
    Ok(Tensor::truths(shape, values))
}

/// The second where the first is true, else the third.
fn choose(call: &Call<'_>) -> Result<Tensor, Fault> {
    let [condition, yes, no] = [call.input(0)?, call.input(1)?, call.input(2)?];
    let truths = condition.as_truths().ok_or("chooses by what are no truths")?;
    let shape = joined(&joined(&condition.shape, &yes.shape)?, &no.shape)?;
    let chosen = places(&shape, &condition.shape).zip(places(&shape, &yes.shape)).zip(places(&shape, &no.shape));
    fn of<T: Copy>(
        chosen: impl Iterator<Item = ((usize, usize), usize)>,
        truths: &[bool],
        [yes, no]: [&[T]; 2],
    ) -> Vec<T> {
        chosen.map(|((condition, at), other)| if truths[condition] { yes[at] } else { no[other] }).collect()
    }
    match (&yes.numbers, &no.numbers) {
        (Numbers::Float(yes), Numbers::Float(no)) => Ok(Tensor::floats(shape, of(chosen, truths, [yes, no]))),
        (Numbers::Int(yes), Numbers::Int(no)) => Ok(Tensor::integers(shape, of(chosen, truths, [yes, no]))),
        _ => Err("chooses between numbers of two types".into()),
    }
}

/// A value repeated over a shape.
fn expand(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let length = |&length: &i64| usize::try_from(length).map_err(|_| Fault::from(format!("has a length of {length}")));
    let asked = call.integers(1)?.iter().map(length).collect::<Result<Vec<_>, _>>()?;
    let shape = joined(&x.shape, &asked)?;
    let places = places(&shape, &x.shape);
    Ok(super::shapes::taken(x, shape, places))
}

fn clip(call: &Call<'_>) -> Result<Tensor, Fault> {
    let bound = |at: usize, otherwise: f32| match call.optional(at) {
        None => Ok(otherwise),
        Some(bound) => bound.as_floats().and_then(<[f32]>::first).copied().ok_or("has no number as a bound"),
    };
    let (least, most) = (bound(1, f32::NEG_INFINITY)?, bound(2, f32::INFINITY)?);
    each(call, |value| {
        if value < least {
            least
        } else if value > most {
            most
        } else {
            value
        }
    })
}

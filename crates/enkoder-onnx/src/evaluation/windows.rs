//! The operators with weights, and the pools.

use super::{Call, Fault, MOST_PIXELS, count};
use crate::tensor::{Numbers, Tensor};

/// Most multiplications of one node: minutes of plain loops.
const MOST_WORK: usize = 1 << 36;

/// Windows over images of `batch × channels × height × width`, or over series of `batch × channels × steps`, which are images of one
/// column.
#[derive(Debug)]
pub(crate) struct Windows {
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    /// Groups of channels, each of which has weights of its own.
    pub(crate) groups: usize,
    /// At the top, left, bottom and right.
    pub(crate) pads: [usize; 4],
    /// Rows and columns added at the bottom and the right of what a transposed convolution makes.
    pub(crate) extra: [usize; 2],
}

impl Windows {
    /// Windows over images of these heights and widths, where they are known.
    pub(crate) fn of(call: &Call<'_>, kernel: Option<[usize; 2]>, image: Option<[usize; 2]>) -> Result<Self, Fault> {
        let pair = |name: &str, otherwise: Option<[usize; 2]>| -> Result<[usize; 2], Fault> {
            let found = match lengths(call, name)?.as_deref() {
                Some(&[height, width]) => Some([height, width]),
                Some(&[length]) => Some([length, 1]),
                Some(_) => None,
                None => otherwise,
            };
            found.filter(|sizes| !sizes.contains(&0)).ok_or_else(|| format!("has no two numbers as {name}").into())
        };
        if pair("dilations", Some([1; 2]))? != [1; 2] {
            return Err("has gaps between the pixels of its windows (dilations), which are not known here".into());
        }
        let groups = usize::try_from(call.int("group", 1)).ok().filter(|&groups| groups > 0);
        let groups = groups.ok_or("has no number of groups")?;
        if call.int("ceil_mode", 0) != 0 {
            return Err("has windows that reach beyond the image (ceil_mode), which are not known here".into());
        }
        let (kernel, strides) = (pair("kernel_shape", kernel)?, pair("strides", Some([1; 2]))?);
        let mut pads = match lengths(call, "pads")?.as_deref() {
            None => [0; 4],
            Some(&[top, left, bottom, right]) => [top, left, bottom, right],
            Some(&[before, behind]) => [before, 0, behind, 0],
            Some(other) => return Err(format!("has the pads {other:?}").into()),
        };
        match (call.text("auto_pad").unwrap_or("NOTSET"), image) {
            ("NOTSET", _) => {}
            ("VALID", _) => pads = [0; 4],
            (how @ ("SAME_UPPER" | "SAME_LOWER"), Some(image)) => {
                for axis in 0..2 {
                    let steps = image[axis].div_ceil(strides[axis]).saturating_sub(1) * strides[axis];
                    let missing = (steps + kernel[axis]).saturating_sub(image[axis]);
                    (pads[axis], pads[axis + 2]) = shared(missing, how == "SAME_UPPER");
                }
            }
            (how, _) => return Err(format!("pads by {how}, which is not known here").into()),
        }
        Ok(Self { kernel, strides, groups, pads, extra: [0; 2] })
    }

    /// The windows of a transposed convolution over images of this height and width.
    pub(crate) fn transposed(call: &Call<'_>, kernel: [usize; 2], image: [usize; 2]) -> Result<Self, Fault> {
        let how = call.text("auto_pad").unwrap_or("NOTSET");
        // What is cut off follows from the size that is made.
        let mut windows = Self::of(call, Some(kernel), Some(image).filter(|_| how != "NOTSET"))?;
        windows.extra = match lengths(call, "output_padding")?.as_deref() {
            None => [0; 2],
            Some(&[rows, columns]) => [rows, columns],
            Some(&[steps]) => [steps, 0],
            Some(other) => return Err(format!("has the output_padding {other:?}").into()),
        };
        let asked = match lengths(call, "output_shape")?.as_deref() {
            Some(&[height, width]) => Some([height, width]),
            Some(&[length]) => Some([length, 1]),
            Some(other) => return Err(format!("has the output_shape {other:?}").into()),
            None if how.starts_with("SAME") => Some([image[0] * windows.strides[0], image[1] * windows.strides[1]]),
            None => None,
        };
        for axis in 0..2 {
            if let Some(asked) = asked {
                let whole = image[axis].saturating_sub(1) * windows.strides[axis] + kernel[axis] + windows.extra[axis];
                let cut = whole.checked_sub(asked[axis]).ok_or("makes more pixels than its windows cover")?;
                (windows.pads[axis], windows.pads[axis + 2]) = shared(cut, how == "SAME_UPPER");
            }
        }
        Ok(windows)
    }
}

/// A number of pixels before and behind, of an odd number the more behind or before.
fn shared(pixels: usize, more_behind: bool) -> (usize, usize) {
    let (less, more) = (pixels / 2, pixels - pixels / 2);
    if more_behind { (less, more) } else { (more, less) }
}

/// Numbers of pixels.
fn lengths(call: &Call<'_>, name: &str) -> Result<Option<Vec<usize>>, Fault> {
    let Some(ints) = call.ints(name) else { return Ok(None) };
    let length = |&value: &i64| usize::try_from(value).ok().filter(|&length| length <= MOST_PIXELS);
    let lengths: Option<Vec<usize>> = ints.iter().map(length).collect();
    lengths.map(Some).ok_or_else(|| format!("has {name} {ints:?}").into())
}

/// Of images or series: how many, channels, height and width.
fn image(tensor: &Tensor) -> Result<[usize; 4], Fault> {
    match tensor.shape[..] {
        [batch, channels, height, width] => Ok([batch, channels, height, width]),
        [batch, channels, length] => Ok([batch, channels, length, 1]),
        _ => Err(format!("reads a value of {:?} instead of images", tensor.shape).into()),
    }
}

/// Images or, where those read were, series.
fn images(call: &Call<'_>, shape: [usize; 4], values: Vec<f32>) -> Result<Tensor, Fault> {
    Ok(Tensor::floats(&shape[..call.input(0)?.shape.len()], values))
}

fn check_work(factors: &[usize]) -> Result<(), Fault> {
    let work = factors.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor));
    work.filter(|&work| work <= MOST_WORK).map(drop).ok_or_else(|| "takes too many multiplications".into())
}

/// One number for each channel, or none.
fn bias<'a>(call: &Call<'a>, channels: usize) -> Result<Option<&'a [f32]>, Fault> {
    let Some(bias) = call.optional(2) else { return Ok(None) };
    let bias = bias.as_floats().filter(|bias| bias.len() == channels);
    bias.map(Some).ok_or_else(|| "has biases that do not go with its weights".into())
}

pub(super) fn convolution(call: &Call<'_>) -> Result<Tensor, Fault> {
    let [batch, inputs, height, width] = image(call.input(0)?)?;
    let [outputs, own, down, across] = image(call.input(1)?)?;
    let Windows { kernel, strides, groups, pads, .. } = Windows::of(call, Some([down, across]), Some([height, width]))?;
    if own.checked_mul(groups) != Some(inputs) || !outputs.is_multiple_of(groups) || kernel != [down, across] {
        return Err(format!("has weights for {own} channels in each of {groups} groups and gets {inputs}").into());
    }
    let out = |length: usize, axis: usize| -> Result<usize, Fault> {
        let padded = length.checked_add(pads[axis]).and_then(|sum| sum.checked_add(pads[axis + 2]));
        let room = padded.and_then(|padded| padded.checked_sub(kernel[axis]));
        Ok(room.ok_or("has windows larger than the image")? / strides[axis] + 1)
    };
    let shape = [batch, outputs, out(height, 0)?, out(width, 1)?];
    let mut values = vec![0.0; count(&shape)?];
    check_work(&[values.len(), own, down, across])?;
    let (x, weight, bias) = (call.floats(0)?, call.floats(1)?, bias(call, outputs)?);
    for (at, value) in values.iter_mut().enumerate() {
        let (column, row) = (at % shape[3], at / shape[3] % shape[2]);
        let (out, sample) = (at / (shape[2] * shape[3]) % outputs, at / (shape[2] * shape[3] * outputs));
        let mut sum = bias.map_or(0.0, |bias| bias[out]);
        let group = out / (outputs / groups);
        for input in 0..own {
            let plane = &x[(sample * inputs + group * own + input) * height * width..][..height * width];
            let weights = &weight[(out * own + input) * down * across..][..down * across];
            for dy in 0..down {
                let Some(y) = (row * strides[0] + dy).checked_sub(pads[0]).filter(|&y| y < height) else { continue };
                for dx in 0..across {
                    let Some(x) = (column * strides[1] + dx).checked_sub(pads[1]).filter(|&x| x < width) else {
                        continue;
                    };
                    sum += plane[y * width + x] * weights[dy * across + dx];
                }
            }
        }
        *value = sum;
    }
    images(call, shape, values)
}

pub(super) fn transposed_convolution(call: &Call<'_>) -> Result<Tensor, Fault> {
    let [batch, inputs, height, width] = image(call.input(0)?)?;
    let [own, each, down, across] = image(call.input(1)?)?;
    let Windows { kernel, strides, groups, pads, extra } = Windows::transposed(call, [down, across], [height, width])?;
    if own != inputs || !inputs.is_multiple_of(groups) || kernel != [down, across] {
        return Err(format!("has weights for {own} channels in {groups} groups and gets {inputs}").into());
    }
    let outputs = each.checked_mul(groups).ok_or("makes too many channels")?;
    let out = |length: usize, axis: usize| -> Result<usize, Fault> {
        let whole = length.checked_sub(1).and_then(|steps| steps.checked_mul(strides[axis]));
        let whole = whole.and_then(|whole| whole.checked_add(kernel[axis])?.checked_add(extra[axis]));
        let cut = pads[axis].checked_add(pads[axis + 2]);
        let left = whole.zip(cut).and_then(|(whole, cut)| whole.checked_sub(cut));
        left.ok_or_else(|| "cuts off more than there is".into())
    };
    let shape = [batch, outputs, out(height, 0)?, out(width, 1)?];
    let mut values = vec![0.0; count(&shape)?];
    check_work(&[batch, inputs, height, width, each, down, across])?;
    let (x, weight, bias) = (call.floats(0)?, call.floats(1)?, bias(call, outputs)?);
    let plane = shape[2] * shape[3];
    for sample in 0..batch {
        for out in 0..outputs {
            let y = &mut values[(sample * outputs + out) * plane..][..plane];
            y.fill(bias.map_or(0.0, |bias| bias[out]));
            let of_group = inputs / groups;
            for input in out / each * of_group..(out / each + 1) * of_group {
                let x = &x[(sample * inputs + input) * height * width..][..height * width];
                let weights = &weight[(input * each + out % each) * down * across..][..down * across];
                for (pixel, &x) in x.iter().enumerate() {
                    for (place, &weight) in weights.iter().enumerate() {
                        let row = (pixel / width * strides[0] + place / across).checked_sub(pads[0]);
                        let column = (pixel % width * strides[1] + place % across).checked_sub(pads[1]);
                        if let (Some(row), Some(column)) = (row, column)
                            && row < shape[2]
                            && column < shape[3]
                        {
                            y[row * shape[3] + column] += x * weight;
                        }
                    }
                }
            }
        }
    }
    images(call, shape, values)
}

/// The pools: `join` takes each pixel of a window in, and `finish` is told how many there were.
pub(super) fn pool(
    call: &Call<'_>,
    start: f32,
    join: impl Fn(f32, f32) -> f32,
    finish: impl Fn(f32, f32) -> f32,
) -> Result<Tensor, Fault> {
    let [batch, channels, height, width] = image(call.input(0)?)?;
    let Windows { kernel, strides, pads, .. } = Windows::of(call, None, Some([height, width]))?;
    if pads != [0; 4] {
        return Err("pools beyond the border, which is not known here".into());
    }
    let out = |length: usize, axis: usize| -> Result<usize, Fault> {
        Ok(length.checked_sub(kernel[axis]).ok_or("has windows larger than the image")? / strides[axis] + 1)
    };
    let shape = [batch, channels, out(height, 0)?, out(width, 1)?];
    let x = call.floats(0)?;
    let mut values = vec![start; count(&shape)?];
    check_work(&[values.len(), kernel[0], kernel[1]])?;
    for (at, value) in values.iter_mut().enumerate() {
        let (column, row, plane) = (at % shape[3], at / shape[3] % shape[2], at / (shape[2] * shape[3]));
        for dy in 0..kernel[0] {
            let line = (plane * height + row * strides[0] + dy) * width + column * strides[1];
            *value = x[line..line + kernel[1]].iter().fold(*value, |joined, &x| join(joined, x));
        }
        *value = finish(*value, (kernel[0] * kernel[1]) as f32);
    }
    images(call, shape, values)
}

fn matrix(tensor: &Tensor) -> Result<[usize; 2], Fault> {
    let shape = <[usize; 2]>::try_from(&tensor.shape[..]);
    shape.map_err(|_| format!("reads a value of {:?} instead of a matrix", tensor.shape).into())
}

/// a · b, with b as it lies or turned.
fn multiply(a: &Tensor, b: &Tensor, turned: bool) -> Result<Tensor, Fault> {
    let ([rows, inner], [first, second]) = (matrix(a)?, matrix(b)?);
    let (own, outputs) = if turned { (second, first) } else { (first, second) };
    if own != inner {
        return Err(format!("multiplies rows of {inner} by columns of {own}").into());
    }
    let (Some(x), Some(weight)) = (a.as_floats(), b.as_floats()) else {
        return Err("multiplies what are no numbers with fractions".into());
    };
    let mut values = vec![0.0; count(&[rows, outputs])?];
    check_work(&[values.len(), inner])?;
    for (x, y) in x.chunks_exact(inner.max(1)).zip(values.chunks_exact_mut(outputs.max(1))) {
        for (at, &x) in x.iter().enumerate() {
            for (out, y) in y.iter_mut().enumerate() {
                *y += x * weight[if turned { out * inner + at } else { at * outputs + out }];
            }
        }
    }
    Ok(Tensor::floats([rows, outputs], values))
}

pub(super) fn product(call: &Call<'_>) -> Result<Tensor, Fault> {
    multiply(call.input(0)?, call.input(1)?, false)
}

pub(super) fn gemm(call: &Call<'_>) -> Result<Tensor, Fault> {
    let (alpha, beta) = (call.float("alpha", 1.0), call.float("beta", 1.0));
    if call.int("transA", 0) != 0 || (alpha, beta) != (1.0, 1.0) {
        return Err("turns its rows or has factors (alpha, beta), which are not known here".into());
    }
    let mut product = multiply(call.input(0)?, call.input(1)?, call.int("transB", 0) != 0)?;
    let columns = product.shape[1];
    if let Some(bias) = bias(call, columns)?
        && let Numbers::Float(values) = &mut product.numbers
    {
        for row in values.chunks_exact_mut(columns.max(1)) {
            row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
    }
    Ok(product)
}

/// scale · (x − mean) / √(variance + ε) + shift over the second axis.
pub(super) fn batch_normalization(call: &Call<'_>) -> Result<Tensor, Fault> {
    let x = call.input(0)?;
    let channels = *x.shape.get(1).ok_or("reads a value without channels")?;
    let parameters = (1..5).map(|at| call.floats(at)).collect::<Result<Vec<_>, _>>()?;
    if parameters.iter().any(|values| values.len() != channels) {
        return Err("has parameters of another number of channels".into());
    }
    let each: usize = x.shape[2..].iter().product();
    let epsilon = call.float("epsilon", 1e-5);
    let values = call.floats(0)?.iter().enumerate().map(|(at, &x)| {
        let of = |parameter: usize| parameters[parameter][at / each.max(1) % channels];
        of(0) * (x - of(2)) / (of(3) + epsilon).sqrt() + of(1)
    });
    Ok(Tensor::floats(x.shape.clone(), values.collect()))
}

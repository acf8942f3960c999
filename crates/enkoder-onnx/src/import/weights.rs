//! Weights of a file, and in the order that layers have.

use super::refused;
use crate::error::ImportError;
use crate::evaluation::{self, Call, Windows};
use crate::proto::NodeProto;
use crate::tensor::Tensor;

/// A constant that a node reads.
pub(super) fn weights<'a>(node: &NodeProto, call: &Call<'a>, at: usize) -> Result<&'a Tensor, ImportError> {
    let tensor = call.optional(at).filter(|tensor| tensor.as_floats().is_some());
    tensor.ok_or_else(|| refused(node, format!("has no constant numbers as input {at}")))
}

/// The two first lengths of weights, and the window: of one axis, or of two.
pub(super) fn kernel_of(node: &NodeProto, weight: &Tensor) -> Result<(usize, usize, [usize; 2]), ImportError> {
    match weight.shape[..] {
        [first, second, height, width] if weight.len() > 0 => Ok((first, second, [height, width])),
        [first, second, length] if weight.len() > 0 => Ok((first, second, [length, 1])),
        _ => Err(refused(node, format!("has weights of {:?}", weight.shape))),
    }
}

/// Windows whose pads are the same on both sides: where they are not, the kernel gets zeros before or behind, and reaches as far as before.
pub(super) fn symmetric(windows: &Windows) -> ([(usize, usize); 2], [usize; 2]) {
    let axis = |axis: usize| {
        let (before, behind) = (windows.pads[axis], windows.pads[axis + 2]);
        ((behind.saturating_sub(before), before.saturating_sub(behind)), before.max(behind))
    };
    let [(first, padding), (second, other)] = [0, 1].map(axis);
    ([first, second], [padding, other])
}

/// The kernel with its zeros.
pub(super) fn larger_kernel(
    node: &NodeProto,
    kernel: [usize; 2],
    larger: [(usize, usize); 2],
    pairs: usize,
) -> Result<[usize; 2], ImportError> {
    let [down, across] = [0, 1].map(|axis| kernel[axis] + larger[axis].0 + larger[axis].1);
    let weights = down.checked_mul(across).and_then(|pixels| pixels.checked_mul(pairs));
    let fits = weights.is_some_and(|weights| weights <= evaluation::MOST_VALUES);
    if fits { Ok([down, across]) } else { Err(refused(node, "has borders that are much larger on one side")) }
}

/// Weights of four axes in another order, among zeros and before as many zeros as biases: each at the place that its four indices have.
pub(super) fn turned(
    values: &[f32],
    [_, second, third, fourth]: [usize; 4],
    [weights, biases]: [usize; 2],
    place: impl Fn([usize; 4]) -> usize,
) -> Vec<f32> {
    let mut turned = vec![0.0; weights + biases];
    for (at, &value) in values.iter().enumerate() {
        let (fourth_index, rest) = (at % fourth, at / fourth);
        let (third_index, rest) = (rest % third, rest / third);
        turned[place([rest / second, rest % second, third_index, fourth_index])] = value;
    }
    turned
}

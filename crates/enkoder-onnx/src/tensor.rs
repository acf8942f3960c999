//! Tensors: numbers with a shape, taken out of a file that is not trusted.

use crate::error::OnnxError;
use crate::proto::{TensorProto, element};

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    Float(Vec<f32>),
    Int(Vec<i64>),
    Truth(Vec<bool>),
}

/// Numbers, row-major, with their shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers,
}

impl Tensor {
    pub(crate) fn floats(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        Self { shape: shape.into(), numbers: Numbers::Float(values) }
    }

    pub(crate) fn integers(shape: impl Into<Vec<usize>>, values: Vec<i64>) -> Self {
        Self { shape: shape.into(), numbers: Numbers::Int(values) }
    }

    pub(crate) fn truths(shape: impl Into<Vec<usize>>, values: Vec<bool>) -> Self {
        Self { shape: shape.into(), numbers: Numbers::Truth(values) }
    }

    pub(crate) fn as_floats(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Float(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn as_integers(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Int(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn as_truths(&self) -> Option<&[bool]> {
        match &self.numbers {
            Numbers::Truth(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.numbers {
            Numbers::Float(values) => values.len(),
            Numbers::Int(values) => values.len(),
            Numbers::Truth(values) => values.len(),
        }
    }

    /// From a file: as many numbers as its shape says, and all of them in the file.
    pub(crate) fn of(proto: &TensorProto) -> Result<Self, OnnxError> {
        let tensor = proto.name().to_owned();
        if proto.data_location() == 1 || !proto.external_data.is_empty() {
            let location = proto.external("location").unwrap_or_default().to_owned();
            let reason = "is not read here".to_owned();
            return Err(OnnxError::External { tensor, location, reason });
        }
        let wrong = |reason: String| OnnxError::Tensor { tensor: tensor.clone(), reason };
        let lengths: Option<Vec<usize>> = proto.dims.iter().map(|&length| usize::try_from(length).ok()).collect();
        let values = lengths
            .as_ref()
            .and_then(|shape| shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length)));
        let (Some(shape), Some(values)) = (lengths, values) else {
            return Err(wrong(format!("has the impossible shape {:?}", proto.dims)));
        };
        let raw = proto.raw_data.as_deref();
        let numbers = match proto.data_type() {
            element::FLOAT => Numbers::Float(numbers(raw, f32::from_le_bytes, &proto.float_data)),
            element::DOUBLE => {
                let values = numbers(raw, f64::from_le_bytes, &proto.double_data);
                Numbers::Float(values.into_iter().map(|value| value as f32).collect())
            }
            element::INT64 => Numbers::Int(numbers(raw, i64::from_le_bytes, &proto.int64_data)),
            element::INT32 => {
                let values = numbers(raw, i32::from_le_bytes, &proto.int32_data);
                Numbers::Int(values.into_iter().map(i64::from).collect())
            }
            element::BOOL => {
                let truths = raw.map(|bytes| bytes.iter().map(|&byte| byte != 0).collect());
                Numbers::Truth(truths.unwrap_or_else(|| proto.int32_data.iter().map(|&value| value != 0).collect()))
            }
            other => {
                let name = element::name(other);
                let reason = format!(
                    "holds {name}, and float32, float64, int32, int64 and bool are read\nhint: convert the model to float32"
                );
                return Err(wrong(reason));
            }
        };
        let tensor = Self { shape, numbers };
        match tensor.len() {
            found if found == values => Ok(tensor),
            found => {
                Err(wrong(format!("has room for {values} numbers by its shape {:?}, but holds {found}", tensor.shape)))
            }
        }
    }
}

/// Numbers that lie as bytes, or as the file lists them.
fn numbers<T: Copy, const BYTES: usize>(raw: Option<&[u8]>, of: impl Fn([u8; BYTES]) -> T, listed: &[T]) -> Vec<T> {
    match raw {
        // Bytes left over make one number too many, so that the count is wrong.
        Some(bytes) => {
            let rest = usize::from(!bytes.len().is_multiple_of(BYTES));
            let whole = bytes.chunks_exact(BYTES).map(|bytes| of(bytes.try_into().expect("chunks are as long")));
            whole.chain(std::iter::repeat_n(of([0; BYTES]), rest)).collect()
        }
        None => listed.to_vec(),
    }
}

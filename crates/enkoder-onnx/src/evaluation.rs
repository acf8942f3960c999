//! What a graph computes, operator by operator as ONNX defines them, in plain loops. It is slow and knows nothing of the library's
//! engine, which is what makes it a proof: exported files are compared with the model by it, and imported models with their file.

mod elementwise;
mod pixels;
mod shapes;
mod windows;

pub(crate) use self::elementwise::{erf, repeated};
pub(crate) use self::pixels::{borders_of_pad, factors_of_resize};
pub(crate) use self::windows::Windows;

use std::collections::HashMap;

use prost::Message;

use crate::error::OnnxError;
use crate::proto::{AttributeProto, GraphProto, ModelProto, NodeProto};
use crate::tensor::Tensor;

/// Most numbers of a value: more than any layer of a model has for a few rows.
pub(crate) const MOST_VALUES: usize = 1 << 26;
/// Most pixels of a window, a step or a border: more than any network has, and few enough to be added up.
const MOST_PIXELS: usize = 1 << 20;

/// What the bytes of a file hold.
pub(crate) fn model_of(bytes: &[u8]) -> Result<ModelProto, OnnxError> {
    ModelProto::decode(bytes).map_err(OnnxError::Parse)
}

/// The graph in the bytes of a file.
pub(crate) fn graph_of(bytes: &[u8]) -> Result<GraphProto, OnnxError> {
    model_of(bytes)?.graph.ok_or(OnnxError::NoGraph)
}

/// A graph whose constants were taken out of the file.
pub(crate) struct Evaluation<'a> {
    graph: &'a GraphProto,
    constants: HashMap<&'a str, Tensor>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(graph: &'a GraphProto) -> Result<Self, OnnxError> {
        let constants = graph.initializer.iter().map(|proto| Ok((proto.name(), Tensor::of(proto)?)));
        Ok(Self { graph, constants: constants.collect::<Result<_, OnnxError>>()? })
    }

    /// The constant of this name.
    pub(crate) fn constant(&self, name: &str) -> Option<&Tensor> {
        self.constants.get(name)
    }

    /// All outputs by their names.
    pub(crate) fn run(&self, inputs: HashMap<&'a str, Tensor>) -> Result<HashMap<&'a str, Tensor>, OnnxError> {
        let mut values = inputs;
        for node in &self.graph.node {
            let output = self.node(node, &values)?;
            if let Some(name) = node.output.first() {
                values.insert(name, output);
            }
        }
        let wanted = self.graph.output.iter().map(|output| {
            let missing = || OnnxError::Missing { node: "output".to_owned(), value: output.name().to_owned() };
            Ok((output.name(), values.remove(output.name()).ok_or_else(missing)?))
        });
        wanted.collect()
    }

    fn node(&self, node: &NodeProto, values: &HashMap<&str, Tensor>) -> Result<Tensor, OnnxError> {
        let find = |name: &String| -> Result<Option<&Tensor>, OnnxError> {
            if name.is_empty() {
                return Ok(None);
            }
            let value = values.get(name.as_str()).or_else(|| self.constant(name));
            let missing = || OnnxError::Missing { node: name_of(node), value: name.clone() };
            value.map(Some).ok_or_else(missing)
        };
        let inputs = node.input.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        evaluate(node, &inputs)
    }
}

/// What a node makes of its inputs.
pub(crate) fn evaluate(node: &NodeProto, inputs: &[Option<&Tensor>]) -> Result<Tensor, OnnxError> {
    let call = Call::new(node, inputs);
    let done = match node.op_type() {
        "Conv" => windows::convolution(&call),
        "ConvTranspose" => windows::transposed_convolution(&call),
        "MaxPool" => windows::pool(
            &call,
            f32::NEG_INFINITY,
            |largest, value| {
                if value > largest || value.is_nan() { value } else { largest }
            },
            |largest, _| largest,
        ),
        "AveragePool" => windows::pool(&call, 0.0, |sum, value| sum + value, |sum, count| sum / count),
        "Gemm" => windows::gemm(&call),
        "MatMul" => windows::product(&call),
        "BatchNormalization" => windows::batch_normalization(&call),
        _ => match shapes::evaluate(&call) {
            Some(done) => done,
            None => elementwise::evaluate(&call).unwrap_or(Err(Fault::Operator)),
        },
    };
    done.map_err(|fault| {
        let (node, operator) = (name_of(node), node.op_type().to_owned());
        match fault {
            Fault::Operator => OnnxError::Operator { node, operator },
            Fault::Reason(reason) => OnnxError::Node { node, operator, reason },
        }
    })
}

/// What a node makes of its inputs, where it is an operator that takes numbers one by one.
pub(crate) fn evaluate_each(node: &NodeProto, inputs: &[Option<&Tensor>]) -> Option<Tensor> {
    elementwise::evaluate(&Call::new(node, inputs))?.ok()
}

/// The name of a node, or of what it writes.
pub(crate) fn name_of(node: &NodeProto) -> String {
    match node.name() {
        "" => node.output.first().cloned().unwrap_or_default(),
        name => name.to_owned(),
    }
}

/// Why a node cannot be computed.
#[derive(Debug)]
pub(crate) enum Fault {
    Operator,
    Reason(String),
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Reason(reason.to_owned())
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

/// A node with what it reads.
pub(crate) struct Call<'a> {
    node: &'a NodeProto,
    inputs: &'a [Option<&'a Tensor>],
}

impl<'a> Call<'a> {
    pub(crate) fn new(node: &'a NodeProto, inputs: &'a [Option<&'a Tensor>]) -> Self {
        Self { node, inputs }
    }

    pub(crate) fn operator(&self) -> &str {
        self.node.op_type()
    }

    pub(crate) fn all(&self) -> Vec<&'a Tensor> {
        self.inputs.iter().flatten().copied().collect()
    }

    pub(crate) fn optional(&self, at: usize) -> Option<&'a Tensor> {
        self.inputs.get(at).copied().flatten()
    }

    pub(crate) fn input(&self, at: usize) -> Result<&'a Tensor, Fault> {
        self.optional(at).ok_or_else(|| format!("lacks its input {at}").into())
    }

    pub(crate) fn floats(&self, at: usize) -> Result<&'a [f32], Fault> {
        self.input(at)?.as_floats().ok_or_else(|| format!("has no numbers with fractions as input {at}").into())
    }

    pub(crate) fn integers(&self, at: usize) -> Result<&'a [i64], Fault> {
        self.input(at)?.as_integers().ok_or_else(|| format!("has no whole numbers as input {at}").into())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        attribute(self.node, name)
    }

    pub(crate) fn int(&self, name: &str, otherwise: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(otherwise)
    }

    pub(crate) fn float(&self, name: &str, otherwise: f32) -> f32 {
        self.attribute(name).and_then(|attribute| attribute.f).unwrap_or(otherwise)
    }

    pub(crate) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| &attribute.ints[..])
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.attribute(name).and_then(|attribute| std::str::from_utf8(attribute.s.as_deref()?).ok())
    }
}

/// The attribute of this name.
pub(crate) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name() == name)
}

/// How many numbers a value of this shape has, if they are not more than can be meant.
pub(super) fn count(shape: &[usize]) -> Result<usize, Fault> {
    let count = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
    count.filter(|&count| count <= MOST_VALUES).ok_or_else(|| format!("makes a value of {shape:?} numbers").into())
}

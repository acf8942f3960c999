//! Why a model cannot be exported, a file not be read, or a network not be taken over.

use enkoder::anomaly::AnomalyError;
use enkoder::{Activation, ArchitectureError, DatasetError, ModelError};

/// Why a model or a detector cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A layer that has no way to be written yet.
    #[error("layer {layer} is of the kind {kind}, which cannot be written as ONNX yet")]
    Layer {
        /// Where it stands: `encoder.0`.
        layer: String,
        /// Its kind.
        kind: &'static str,
    },
    /// The same of an activation.
    #[error("layer {layer} has the activation {activation}, which cannot be written as ONNX yet")]
    Activation {
        /// Where it stands.
        layer: String,
        /// The activation.
        activation: Activation,
    },
    /// The decoder reads what only the sample has.
    #[error(
        "the decoder cannot be exported alone: its layer {layer} also reads what only the sample has\nhint: export both parts together"
    )]
    NeedsSample {
        /// The layer, such as `decoder.1`.
        layer: String,
    },
    /// A detector that remembers rows.
    #[error(
        "a detector of series cannot be exported: a graph scores each row by itself, and this detector scores moments by the rows around them\nhint: export one that was fitted without a window, or score series with `enkoder detect`"
    )]
    Series,
    /// More than a file of this format holds.
    #[error("the model has {parameters} parameters, and an ONNX file holds 2 GB, which are 500,000,000")]
    TooLarge {
        /// How many there are.
        parameters: usize,
    },
    /// What was written is no file that can be read.
    #[error("what was written cannot be read back")]
    File(#[from] OnnxError),
    /// What was written does not compute what it should.
    #[error(
        "the exported {output} is not that of the model: {found} instead of {expected}\nhint: nothing was written; please report this"
    )]
    Different {
        /// The output.
        output: String,
        /// The number that the graph gives.
        found: f32,
        /// The number that the model gives.
        expected: f32,
    },
    /// The model itself cannot be used on the rows that it is tried on.
    #[error("the model cannot be tried")]
    Model(#[from] ModelError),
    /// The same of a detector.
    #[error("the detector cannot be tried")]
    Detector(#[from] AnomalyError),
    /// Rows to try it on cannot be made.
    #[error("the detector cannot be tried")]
    Rows(#[from] DatasetError),
}

/// Why an ONNX file cannot be read or computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// It is no ONNX file, or not the whole of one.
    #[error("it is no ONNX file, or only a part of one")]
    Parse(#[source] prost::DecodeError),
    /// It has no graph.
    #[error("it is no ONNX file: it has no graph")]
    NoGraph,
    /// Numbers lie in another file.
    #[error(
        "the numbers of {tensor:?} lie in another file, {location:?}, which {reason}\nhint: put that file beside the model, or save the model in one file: onnx.save(onnx.load(\"model.onnx\"), \"whole.onnx\")"
    )]
    External {
        /// The tensor's name.
        tensor: String,
        /// The other file's name.
        location: String,
        /// Why it is not read.
        reason: String,
    },
    /// A tensor that is not what it says.
    #[error("tensor {tensor:?} {reason}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// A node reads what nobody has written.
    #[error(
        "node {node:?} reads {value:?}, which no earlier node writes and which is no input and no constant\nhint: the file is damaged, or its nodes stand in a circle"
    )]
    Missing {
        /// The node's name.
        node: String,
        /// The value's name.
        value: String,
    },
    /// An operator that is not known here.
    #[error("node {node:?} is the operator {operator}, which is not known here")]
    Operator {
        /// The node's name.
        node: String,
        /// The operator.
        operator: String,
    },
    /// A node whose numbers do not go together.
    #[error("node {node:?} ({operator}) {reason}")]
    Node {
        /// The node's name.
        node: String,
        /// The operator.
        operator: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why a network cannot be taken over from an ONNX file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] OnnxError),
    /// A file that Enkoder has exported.
    #[error(
        "it was exported by Enkoder, from a model file that holds the same network and more: its training, scaling and codes\nhint: use that file (.safetensors), or train again; what was exported is not taken back"
    )]
    Own,
    /// A node that has no counterpart among the layers.
    #[error(
        "node {node:?} is the operator {operator}, which {reason}\nhint: what can be taken over are chains of dense and convolutional layers; docs/onnx.md lists the operators"
    )]
    Operator {
        /// The node's name.
        node: String,
        /// The operator.
        operator: String,
        /// Why not.
        reason: String,
    },
    /// The graph is no chain from one input to one output.
    #[error("the network {reason}")]
    Graph {
        /// What it is instead.
        reason: String,
    },
    /// Nothing says where the encoder ends.
    #[error("no layer writes {name:?}, so the encoder cannot end there\nhint: layers write {known}")]
    Latent {
        /// The name given.
        name: String,
        /// Names that there are.
        known: String,
    },
    /// The layers do not fit together.
    #[error("the layers of the file do not fit together")]
    Architecture(#[from] ArchitectureError),
    /// The network that was taken over computes something else.
    #[error(
        "the network that was taken over does not compute what the file computes: {found} instead of {expected}\nhint: nothing was written; please report this, with the file"
    )]
    Different {
        /// What the network gives.
        found: f32,
        /// What the file gives.
        expected: f32,
    },
    /// The model cannot be put together.
    #[error("the model cannot be made of the network")]
    Model(#[from] ModelError),
}

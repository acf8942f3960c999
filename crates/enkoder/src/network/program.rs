//! What computes a network: nodes in the order in which they run, over numbered values. Value 0 is the sample; node `n` writes
//! value `n + 1`. A node reads the value before it and, where it joins two, one more. A chain is the simple case. Everything that
//! has to follow a network follows its program: training, inference, folding, and whoever exports it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::activation::Activation;
use super::architecture::{Architecture, ArchitectureError, LayerSummary};
use super::layer_spec::LayerSpec;
use super::operations::{Operation, Parameters, Subtract, values_of};

/// A compiled [`Architecture`]: every size worked out, and every tensor in its place in the flat parameters.
///
/// ```
/// use enkoder::{Architecture, Program};
///
/// let program = Program::new(&Architecture::dense([28, 28], &[64], 8))?;
/// let first = &program.nodes()[0];
/// assert_eq!((first.name(), first.reads(), first.writes()), ("encoder.0", &[0][..], 1));
/// assert_eq!(program.shape(program.code()), [8]);
/// # Ok::<(), enkoder::ArchitectureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) nodes: Vec<Node>,
    /// Of each value.
    shapes: Vec<Vec<usize>>,
    /// The value that is the code.
    code: usize,
    /// For each value the buffer that holds it while it is needed.
    slots: Vec<usize>,
}

/// One step of a [`Program`].
#[derive(Clone)]
pub struct Node {
    name: String,
    layer: Option<LayerSpec>,
    activation: Activation,
    operation: Arc<dyn Operation>,
    reads: Vec<usize>,
    writes: usize,
    /// For each value read whether somebody asks for its error, and whether this node is the first to give it on the way back.
    edges: Vec<Edge>,
    /// Values of a row of what it reads, and of what it writes.
    widths: Vec<usize>,
    outputs: usize,
    tensors: Vec<Tensor>,
    /// Where its parameters begin, and how many weights, biases and statistics there are.
    offset: usize,
    counts: [usize; 3],
}

/// A node's tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tensor {
    /// As in the model file, behind the node's name: `weight`.
    pub name: &'static str,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Where it lies in the flat parameters.
    pub range: Range<usize>,
}

/// How an error leaves a node on the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) asked: bool,
    pub(crate) first: bool,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} → {}: {:?} {}", self.name, self.reads, self.writes, self.operation, self.activation)
    }
}

impl Node {
    /// Where it stands: `encoder.0`, as the names of its tensors in a file begin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a user asked for, with every default written out; `None` of the last node of a residual network, which takes the value
    /// before it away from the sample.
    pub fn layer(&self) -> Option<&LayerSpec> {
        self.layer.as_ref()
    }

    /// The name of its kind: `dense`; `subtract` where there is no [layer](Self::layer).
    pub fn kind(&self) -> &'static str {
        self.layer.as_ref().map_or("subtract", LayerSpec::kind)
    }

    /// The function applied to each output.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The values it reads: that of the node before and, of nodes that join two, the other.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The value it writes.
    pub fn writes(&self) -> usize {
        self.writes
    }

    /// Its tensors in the order of the flat parameters.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    pub(crate) fn operation(&self) -> &dyn Operation {
        &*self.operation
    }

    pub(crate) fn index(&self) -> usize {
        self.writes - 1
    }

    /// Numbers of a row of the first value it reads.
    pub(crate) fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// Numbers of a row of each value it reads.
    pub(crate) fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Numbers of a row of the value it writes.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.edges
    }

    pub(crate) fn is_dense(&self) -> bool {
        self.operation.dense().is_some()
    }

    /// Where the weights lie; of a normalisation its scales.
    pub(crate) fn weight(&self) -> Range<usize> {
        self.offset..self.offset + self.counts[0]
    }

    /// Where the biases lie, right behind the weights; of a normalisation its shifts.
    pub(crate) fn bias(&self) -> Range<usize> {
        let start = self.weight().end;
        start..start + self.counts[1]
    }

    /// Where statistics of the data lie, right behind the biases.
    pub(crate) fn statistics(&self) -> Range<usize> {
        let start = self.bias().end;
        start..start + self.counts[2]
    }

    /// Where everything lies that the node has.
    pub(crate) fn parameters(&self) -> Range<usize> {
        self.offset..self.statistics().end
    }

    /// What it has of the flat parameters.
    pub(crate) fn parameters_in<'a>(&self, parameters: &'a [f32]) -> Parameters<'a> {
        let of = |range: Range<usize>| &parameters[range];
        Parameters { weight: of(self.weight()), bias: of(self.bias()), statistics: of(self.statistics()) }
    }

    /// The same node of a chain as number `index`, with its parameters from `offset` on.
    fn at(&self, index: usize, offset: usize) -> Self {
        let moved = |tensor: &Tensor| {
            let start = tensor.range.start - self.offset + offset;
            Tensor { range: start..start + tensor.range.len(), ..tensor.clone() }
        };
        let tensors = self.tensors.iter().map(moved).collect();
        Self { reads: vec![index], writes: index + 1, tensors, offset, ..self.clone() }
    }

    /// The same dense node with other sizes, and its parameters from `offset` on.
    pub(crate) fn resized(&self, product: super::operations::DenseProduct, offset: usize) -> Self {
        let counts = [product.inputs * product.outputs, product.outputs, 0];
        let (widths, outputs) = (vec![product.inputs], product.outputs);
        Self { operation: Arc::new(product), widths, outputs, tensors: Vec::new(), offset, counts, ..self.clone() }
    }
}

impl Program {
    /// Compiles an architecture.
    ///
    /// # Errors
    /// When its layers do not fit together, see [`Architecture::validate`].
    pub fn new(architecture: &Architecture) -> Result<Self, ArchitectureError> {
        let summaries = architecture.validated()?;
        let specs = architecture.encoder.iter().chain(&architecture.decoder);
        let mut shapes = vec![architecture.input_shape.clone()];
        shapes.extend(summaries.iter().map(|summary| summary.output_shape.clone()));
        let mut offset = 0;
        let mut nodes: Vec<Node> = specs
            .zip(summaries)
            .enumerate()
            .map(|(index, (spec, summary))| {
                let LayerSummary { name, reads, tensors, activation, .. } = summary;
                let inputs: Vec<&[usize]> = reads.iter().map(|&value| &shapes[value][..]).collect();
                let start = offset;
                let mut counts = [0; 3];
                let tensors = tensors.into_iter().enumerate().map(|(position, (name, shape))| {
                    let range = offset..offset + values_of(&shape);
                    offset = range.end;
                    counts[position.min(2)] += range.len();
                    Tensor { name, shape, range }
                });
                let tensors = tensors.collect();
                let output = &shapes[index + 1];
                Node {
                    layer: Some(spec.resolved(&inputs)),
                    operation: spec.operation(&inputs, output),
                    widths: inputs.iter().map(|shape| values_of(shape)).collect(),
                    outputs: values_of(output),
                    writes: index + 1,
                    edges: Vec::new(),
                    offset: start,
                    name,
                    activation,
                    reads,
                    tensors,
                    counts,
                }
            })
            .collect();
        if architecture.residual {
            let values = architecture.features();
            let last = nodes.len();
            shapes.push(architecture.input_shape.clone());
            nodes.push(Node {
                name: "output".to_owned(),
                layer: None,
                activation: Activation::Linear,
                operation: Arc::new(Subtract { values }),
                reads: vec![last, 0],
                writes: last + 1,
                edges: Vec::new(),
                widths: vec![values; 2],
                outputs: values,
                tensors: Vec::new(),
                offset,
                counts: [0; 3],
            });
        }
        Ok(Self::assembled(nodes, shapes, architecture.encoder.len()))
    }

    /// The program of these nodes, with what follows from who reads what.
    fn assembled(mut nodes: Vec<Node>, shapes: Vec<Vec<usize>>, code: usize) -> Self {
        let mut last_reader = vec![0; shapes.len()];
        for node in &nodes {
            node.reads.iter().for_each(|&value| last_reader[value] = node.index());
        }
        // A value depends on parameters where its node has some, or a value that its node reads does.
        let mut learned = vec![false; shapes.len()];
        for node in &mut nodes {
            learned[node.writes] = !node.parameters().is_empty() || node.reads.iter().any(|&value| learned[value]);
            let index = node.index();
            let edge = |(position, &value): (usize, &usize)| Edge {
                asked: learned[value],
                first: last_reader[value] == index && !node.reads[..position].contains(&value),
            };
            node.edges = node.reads.iter().enumerate().map(edge).collect();
        }
        // Each value takes the first buffer whose value nobody reads any more.
        let mut slots = vec![0; shapes.len()];
        let mut held: Vec<Option<usize>> = Vec::new();
        for node in &nodes {
            let free = held.iter().position(Option::is_none).unwrap_or(held.len());
            held.resize(held.len().max(free + 1), None);
            slots[node.writes] = free;
            held[free] = Some(node.writes);
            for slot in &mut held {
                *slot = slot.filter(|&value| value == node.writes || last_reader[value] > node.index());
            }
        }
        Self { nodes, shapes, code, slots }
    }

    /// The nodes in the order in which they run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value that is the code.
    pub fn code(&self) -> usize {
        self.code
    }

    /// The value that is the output.
    pub fn output(&self) -> usize {
        self.nodes.len()
    }

    /// The shape of a value.
    ///
    /// # Panics
    /// When there is no such value.
    pub fn shape(&self, value: usize) -> &[usize] {
        &self.shapes[value]
    }

    /// How many numbers a row of a value has.
    pub(crate) fn width(&self, value: usize) -> usize {
        values_of(&self.shapes[value])
    }

    /// How many values there are.
    pub(crate) fn values(&self) -> usize {
        self.shapes.len()
    }

    /// The buffer that holds a value on a way forward that keeps no more than it needs.
    pub(crate) fn slot(&self, value: usize) -> usize {
        self.slots[value]
    }

    /// How many such buffers there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots.iter().max().map_or(0, |most| most + 1)
    }

    /// All nodes.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.nodes.len()
    }

    /// The nodes from a sample to its code.
    pub(crate) fn encoder(&self) -> Range<usize> {
        0..self.code
    }

    /// The nodes from a code to what is made of it.
    pub(crate) fn decoder(&self) -> Range<usize> {
        self.code..self.nodes.len()
    }

    /// The first node of the decoder that reads what only the sample has, so that a code alone cannot be decoded.
    pub(crate) fn needs_sample(&self) -> Option<&Node> {
        self.nodes[self.decoder()].iter().find(|node| node.reads.iter().any(|&value| value < self.code))
    }

    /// How many parameters there are.
    pub(crate) fn parameters(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.parameters().end)
    }

    /// Whether every node is a dense layer that reads the one before.
    pub(crate) fn is_dense(&self) -> bool {
        self.nodes.iter().all(Node::is_dense)
    }

    /// Multiplications that a row costs on its way forward.
    pub(crate) fn work(&self) -> usize {
        self.nodes.iter().map(|node| node.operation.work()).sum()
    }

    /// How many of `most` rows should pass together: fewer where layers are so large that their values would leave every cache.
    pub(crate) fn rows_together(&self, most: usize) -> usize {
        const VALUES: usize = 1 << 18;
        let widest = self.nodes.iter().map(|node| node.outputs).max().unwrap_or(1);
        if self.is_dense() { most } else { (VALUES / widest).clamp(1, most) }
    }

    /// The program that goes from codes to samples and back to codes, with the decoder's parameters first; for a chain in which each node
    /// reads the one before alone.
    pub(crate) fn inside_out(&self) -> Self {
        let (encoder, decoder) = self.nodes.split_at(self.code);
        let mut offset = 0;
        let mut shapes = vec![self.shapes[self.code].clone()];
        let nodes = decoder.iter().chain(encoder).enumerate().map(|(index, node)| {
            let moved = node.at(index, offset);
            offset = moved.parameters().end;
            shapes.push(self.shapes[node.writes].clone());
            moved
        });
        let nodes = nodes.collect();
        Self::assembled(nodes, shapes, decoder.len())
    }

    /// The same program for one part of its outputs, see `training/parts.rs`: these nodes instead of its own.
    pub(crate) fn with_nodes(&self, nodes: Vec<Node>) -> Self {
        Self { nodes, ..self.clone() }
    }

    /// The same program with parameters further apart: those of each node begin at a multiple of `line`.
    pub(crate) fn spread(&self, line: usize) -> Self {
        let mut offset = 0;
        let nodes = self.nodes.iter().map(|node| {
            let moved = Node { reads: node.reads.clone(), writes: node.writes, ..node.at(node.index(), offset) };
            offset = moved.parameters().end.next_multiple_of(line);
            moved
        });
        self.with_nodes(nodes.collect())
    }

    /// The same function without normalisations that can be made part of the linear operation before them, and its parameters; `None`
    /// where there is nothing to fold.
    pub(crate) fn folded(&self, parameters: &[f32]) -> Option<(Self, Vec<f32>)> {
        let readers = |value: usize| self.nodes.iter().filter(|node| node.reads.contains(&value)).count();
        let mut folded: Vec<Node> = Vec::new();
        let mut kept = Vec::new();
        // For each value of this program its number in the folded one.
        let mut numbers = vec![0];
        let mut shapes = vec![self.shapes[0].clone()];
        for node in &self.nodes {
            let own = node.parameters_in(parameters);
            let before = node.reads[0];
            let alone = node.reads.len() == 1 && before > 0 && before != self.code && readers(before) == 1;
            let linear = alone && self.nodes[before - 1].activation == Activation::Linear;
            if linear
                && let Some((factor, offset)) = node.operation.affine(own)
                && let Some(last) = folded.last_mut()
                && last.writes == numbers[before]
            {
                let (weight, rest) = kept[last.parameters()].split_at_mut(last.counts[0]);
                if last.operation.fold(weight, &mut rest[..last.counts[1]], &factor, &offset) {
                    last.activation = node.activation;
                    numbers.push(last.writes);
                    continue;
                }
            }
            let index = folded.len();
            let moved = node.at(index, kept.len());
            kept.extend_from_slice(&parameters[node.parameters()]);
            folded.push(Node { reads: node.reads.iter().map(|&value| numbers[value]).collect(), ..moved });
            shapes.push(self.shapes[node.writes].clone());
            numbers.push(index + 1);
        }
        let code = numbers[self.code];
        (folded.len() < self.nodes.len()).then(|| (Self::assembled(folded, shapes, code), kept))
    }
}

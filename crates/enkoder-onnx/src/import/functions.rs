//! Activations, however an exporter wrote them: a few nodes that compute one function of a value, number by number. Which function it is,
//! is found by computing it: there are many ways to write GELU.

use std::collections::HashMap;

use enkoder::Activation;

use crate::evaluation::{Evaluation, erf, evaluate, evaluate_each};
use crate::proto::{GraphProto, NodeProto};
use crate::tensor::Tensor;

/// Most nodes of one function.
const MOST_NODES: usize = 32;
/// How far a function may be from an activation, beside the larger of 1 and its argument. The two forms of GELU are 0.0005 apart.
const TOLERANCE: f64 = 2e-6;

/// Nodes that together are an activation.
pub(super) struct Function {
    pub(super) activation: Activation,
    /// Their places in the graph.
    pub(super) nodes: Vec<usize>,
    /// What they make.
    pub(super) output: String,
}

/// The graph's nodes, and which of them read a value.
pub(super) struct Functions<'a> {
    graph: &'a GraphProto,
    pub(super) evaluation: &'a Evaluation<'a>,
    readers: HashMap<&'a str, Vec<usize>>,
    points: Vec<f32>,
}

impl<'a> Functions<'a> {
    pub(super) fn new(graph: &'a GraphProto, evaluation: &'a Evaluation<'a>) -> Self {
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, node) in graph.node.iter().enumerate() {
            // What asks for the shape alone does not read the numbers.
            for name in node.input.iter().filter(|_| node.op_type() != "Shape") {
                readers.entry(name).or_default().push(at);
            }
        }
        // Near 0 and as far as they differ from lines, in steps that meet no bend.
        let points = (-80..=80).map(|step| step as f32 * 0.11 + 0.005).chain([-30.0, 30.0]).collect();
        Self { graph, evaluation, readers, points }
    }

    /// Whether other nodes than these read a value.
    pub(super) fn is_read_beside(&self, value: &str, nodes: &[usize]) -> bool {
        self.readers.get(value).is_some_and(|readers| readers.iter().any(|reader| !nodes.contains(reader)))
    }

    /// Whether several nodes read a value.
    pub(super) fn is_branched(&self, value: &str) -> bool {
        self.readers.get(value).is_some_and(|readers| readers.len() > 1)
    }

    /// The longest function of `value` alone that is an activation and begins with the node at `first`. `constant` gives the values that
    /// are known at this place.
    pub(super) fn find<'c>(
        &self,
        value: &str,
        first: usize,
        constant: impl Fn(&str) -> Option<&'c Tensor>,
    ) -> Option<Function> {
        let mut found = None;
        let mut own_constants: HashMap<&str, Tensor> = HashMap::new();
        let mut results: HashMap<&str, Tensor> = HashMap::new();
        results.insert(value, Tensor::floats([self.points.len()], self.points.clone()));
        let mut nodes = Vec::new();
        for (at, node) in self.graph.node.iter().enumerate().skip(first).take(MOST_NODES) {
            let [output] = &node.output[..] else { continue };
            if node.op_type() == "Constant" {
                own_constants.extend(evaluate(node, &[]).ok().map(|tensor| (&output[..], tensor)));
                continue;
            }
            let single = |name: &str| {
                let known = own_constants.get(name).or_else(|| self.evaluation.constant(name));
                known.filter(|tensor| tensor.len() == 1)
            };
            let input = |name: &String| {
                results
                    .get(&name[..])
                    .or_else(|| single(name))
                    .or_else(|| constant(name).filter(|tensor| tensor.len() == 1))
            };
            let inputs: Option<Vec<_>> = node.input.iter().map(|name| input(name).map(Some)).collect();
            let reads_it = node.input.iter().any(|name| results.contains_key(&name[..]));
            let made = inputs.filter(|_| reads_it).and_then(|inputs| self.computed(node, &inputs));
            match made {
                Some(made) => {
                    nodes.push(at);
                    let activation = made.as_floats().and_then(|values| self.activation(values));
                    results.insert(output, made);
                    if let Some(activation) =
                        activation.filter(|_| at == first || self.is_closed(&results, &nodes, output))
                    {
                        found = Some(Function { activation, nodes: nodes.clone(), output: output.clone() });
                    }
                }
                None if at == first => return None,
                None => {}
            }
        }
        found
    }

    /// What an operator that takes numbers one by one makes of all points.
    fn computed(&self, node: &NodeProto, inputs: &[Option<&Tensor>]) -> Option<Tensor> {
        evaluate_each(node, inputs).filter(|made| made.shape.iter().product::<usize>() == self.points.len())
    }

    /// Whether nothing but these nodes reads what they make, other than their last result.
    fn is_closed(&self, results: &HashMap<&str, Tensor>, nodes: &[usize], last: &str) -> bool {
        results.keys().filter(|&&name| name != last).all(|name| {
            let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
            let is_output = self.graph.output.iter().any(|output| output.name() == *name);
            !is_output && readers.iter().all(|reader| nodes.contains(reader))
        })
    }

    /// The activation that gives these values at the points.
    fn activation(&self, values: &[f32]) -> Option<Activation> {
        let close = |activation: Activation, (&x, &y): (&f32, &f32)| {
            let (x, y) = (f64::from(x), f64::from(y));
            (value(activation, x) - y).abs() <= TOLERANCE * x.abs().max(1.0)
        };
        let alike = |activation: &Activation| self.points.iter().zip(values).all(|pair| close(*activation, pair));
        Activation::ALL.into_iter().filter(|&activation| activation != Activation::Linear).find(alike)
    }
}

/// An activation's value, as the library's documentation defines it.
fn value(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Linear => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu => x.max(0.01 * x),
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        // tanh z = 2σ(2z) − 1.
        Activation::Gelu => x * sigmoid(2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))),
        Activation::GeluErf => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
        _ => f64::NAN,
    }
}

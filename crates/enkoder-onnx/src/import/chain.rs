//! A chain of layers while a graph is followed, node by node; what joins it with itself is in `joins.rs`, and in
//! `order.rs` in which order its numbers lie.

use std::collections::{HashMap, HashSet};

use enkoder::Activation;
use enkoder::LayerSpec;
use enkoder::layers::{BatchNorm, Reshape};

use super::functions::{Function, Functions};
use super::{InputOrder, MOST_FEATURES, refused};
use crate::error::{ImportError, OnnxError};
use crate::evaluation::{Call, Evaluation, evaluate, name_of};
use crate::proto::{GraphProto, NodeProto, element};
use crate::tensor::Tensor;

/// A layer with its parameters as the model has them.
pub(super) struct Layer {
    pub(super) spec: LayerSpec,
    pub(super) tensors: Vec<f32>,
    /// The shape of what it makes.
    pub(super) shape: Vec<usize>,
    /// What the graph calls that, its biases and its activation included.
    pub(super) names: Vec<String>,
}

/// What a name of the graph stands for.
pub(super) enum Value {
    Constant(Tensor),
    /// A value of the chain, with the place that each of its numbers has here, and how many values there were before it.
    Flow(Tensor, usize),
}

/// The layers so far.
pub(super) struct Chain {
    pub(super) layers: Vec<Layer>,
    /// What a sample is scaled by before the first layer.
    pub(super) offset: f32,
    pub(super) scale: f32,
    /// Zeros around the value at the end, before and behind each axis, which the next convolution takes to its own.
    pub(super) border: Option<Vec<(usize, usize)>>,
    /// What the graph calls the sample, scaled as the model scales it.
    pub(super) input_names: Vec<String>,
    /// Whether more than the node at hand reads the value at the end, so that its layer stays as it is.
    pub(super) kept: bool,
    pub(super) own_shape: Vec<usize>,
    /// The value at the end, as a value of the graph whose numbers are places here.
    pub(super) places: Tensor,
    pub(super) steps: usize,
}

impl Chain {
    pub(super) fn new(order: &InputOrder) -> Self {
        let shape = [&[1], &order.shape[..]].concat();
        Self {
            layers: Vec::new(),
            offset: 0.0,
            scale: 1.0,
            border: None,
            input_names: Vec::new(),
            kept: false,
            own_shape: order.own_shape.clone(),
            places: Tensor::integers(shape, order.places.clone()),
            steps: 0,
        }
    }

    /// How far it was followed.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Follows a graph from its input to its output.
    pub(super) fn follow(
        &mut self,
        graph: &GraphProto,
        evaluation: &Evaluation<'_>,
        input: &str,
    ) -> Result<(), ImportError> {
        let features = self.places.len();
        let mut values = HashMap::from([(input.to_owned(), Value::Flow(self.places.clone(), 0))]);
        self.input_names.push(input.to_owned());
        let functions = Functions::new(graph, evaluation);
        let mut done = HashSet::new();
        for (at, node) in graph.node.iter().enumerate() {
            let Some(mut name) = node.output.first().cloned().filter(|_| !done.contains(&at)) else { continue };
            let mut value = match self.function(node, at, &functions, &values) {
                Some((function, value)) => {
                    done.extend(function.nodes);
                    name = function.output;
                    value
                }
                None => self.step(node, at, &functions, &values)?,
            };
            if let Value::Flow(places, step) = &mut value
                && *step == self.steps
            {
                if places.shape.len() > 2 && functions.is_branched(&name) {
                    self.settle(node, places);
                }
                self.places = places.clone();
                self.layers.last_mut().map_or(&mut self.input_names, |layer| &mut layer.names).push(name.clone());
            }
            values.insert(name, value);
        }
        let ends = graph.output.iter().any(|output| {
            matches!(values.get(output.name()), Some(Value::Flow(places, step)) if *step == self.steps && places.len() == features)
        });
        if !ends {
            let reason = "ends in no output of the size of a sample, as an autoencoder does".to_owned();
            return Err(ImportError::Graph { reason });
        }
        Ok(())
    }

    /// The activation that begins with a node, and what it makes.
    fn function(
        &mut self,
        node: &NodeProto,
        at: usize,
        functions: &Functions<'_>,
        values: &HashMap<String, Value>,
    ) -> Option<(Function, Value)> {
        let (value, places) = node.input.iter().find_map(|name| match values.get_key_value(name) {
            Some((name, Value::Flow(places, step))) if *step == self.steps => Some((name, places)),
            _ => None,
        })?;
        let constant = |name: &str| match values.get(name) {
            Some(Value::Constant(tensor)) => Some(tensor),
            _ => None,
        };
        let function = functions.find(value, at, constant)?;
        self.steps += 1;
        self.kept = functions.is_read_beside(value, &function.nodes);
        self.activate(function.activation);
        Some((function, Value::Flow(places.clone(), self.steps)))
    }

    /// What a node makes.
    fn step(
        &mut self,
        node: &NodeProto,
        at: usize,
        functions: &Functions<'_>,
        values: &HashMap<String, Value>,
    ) -> Result<Value, ImportError> {
        let mut flows = Vec::new();
        let mut constants: Vec<Option<&Tensor>> = Vec::new();
        for name in &node.input {
            match values.get(name) {
                Some(Value::Flow(places, step)) => {
                    flows.push((&name[..], places, *step));
                    constants.push(None);
                }
                Some(Value::Constant(tensor)) => constants.push(Some(tensor)),
                None if name.is_empty() => constants.push(None),
                None => match functions.evaluation.constant(name) {
                    Some(tensor) => constants.push(Some(tensor)),
                    None => {
                        return Err(OnnxError::Missing { node: name_of(node), value: name.clone() }.into());
                    }
                },
            }
        }
        let (name, places, step) = match flows[..] {
            [] => return Ok(Value::Constant(evaluate(node, &constants)?)),
            [flow] => flow,
            _ => return self.join(node, &flows),
        };
        if node.op_type() == "Shape" {
            return Ok(Value::Constant(evaluate(node, &[Some(places)])?));
        }
        let moved = match node.op_type() {
            "Identity" | "Dropout" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Expand" => {
                let mut inputs = constants.clone();
                inputs[0] = Some(places);
                Some(evaluate(node, &inputs)?)
            }
            // Of a network's numbers, which are float32 here.
            "Cast" if matches!(Call::new(node, &[]).int("to", 0) as i32, element::FLOAT | element::DOUBLE) => {
                Some(places.clone())
            }
            _ => None,
        };
        if let (Some(moved), true) = (&moved, step != self.steps) {
            // An earlier value, for a layer that joins it to a later one.
            self.call_as(name, &node.output[0]);
            return Ok(Value::Flow(moved.clone(), step));
        }
        if step != self.steps {
            return Err(refused(node, "reads a value that another layer has read already: the network is no chain"));
        }
        let around_channels = |border: &Vec<(usize, usize)>| border.iter().take(2).any(|&border| border != (0, 0));
        match (node.op_type(), &self.border) {
            (_, None) | ("Identity" | "Dropout" | "Cast", _) => {}
            ("Conv", Some(border)) if border.len() == places.shape.len() && !around_channels(border) => {}
            _ => return Err(refused(node, "reads a value with a border (Pad), which only a convolution does here")),
        }
        self.steps += 1;
        self.kept = functions.is_read_beside(name, &[at]);
        let places = match moved {
            Some(moved) => moved,
            None => self.layer(node, &constants, places)?,
        };
        if places.len() > MOST_FEATURES || places.shape.first() != Some(&1) {
            return Err(refused(node, format!("makes a value of {:?} numbers", places.shape)));
        }
        Ok(Value::Flow(places, self.steps))
    }

    /// The shape of the value at the end.
    pub(super) fn shape(&self) -> &[usize] {
        self.layers.last().map_or(&self.own_shape, |layer| &layer.shape)
    }

    /// Adds a layer that makes a value of a shape.
    pub(super) fn push(&mut self, spec: impl Into<LayerSpec>, tensors: Vec<f32>, shape: Vec<usize>) {
        self.layers.push(Layer { spec: spec.into(), tensors, shape, names: Vec::new() });
        // Nobody has read that yet.
        self.kept = false;
    }

    /// Applies a function to what the last layer makes.
    pub(super) fn activate(&mut self, activation: Activation) {
        let last = self.layers.last_mut().filter(|_| !self.kept);
        let last = last.filter(|layer| layer.spec.activation() == Activation::Linear);
        let slot = last.and_then(|layer| {
            let slot = match &mut layer.spec {
                LayerSpec::Dense(of) => &mut of.activation,
                LayerSpec::Convolution(of) => &mut of.activation,
                LayerSpec::TransposedConvolution(of) => &mut of.activation,
                LayerSpec::BatchNorm(of) => &mut of.activation,
                LayerSpec::Add(of) => &mut of.activation,
                _ => return None,
            };
            Some((slot, &mut layer.names))
        });
        if let Some((slot, names)) = slot {
            *slot = activation;
            // A code is what comes behind the function.
            names.clear();
            return;
        }
        // A normalisation that changes nothing has room for it.
        let channels = self.channels_of_row();
        let shape = self.shape().to_vec();
        let one = (1.0f32 + 1e-5).sqrt();
        let parts = [one, 0.0, 0.0, 1.0].map(|value| vec![value; channels]);
        self.push(BatchNorm { activation }, parts.concat(), shape);
    }

    /// The channels of what there is, made an image of one pixel where it is one row.
    pub(super) fn channels_of_row(&mut self) -> usize {
        match *self.shape() {
            [_, _, channels] => channels,
            [height, width] => {
                let shape = [height, width, 1];
                self.push(Reshape { shape }, Vec::new(), shape.to_vec());
                1
            }
            ref other => {
                let shape = [1, 1, other.iter().product()];
                self.push(Reshape { shape }, Vec::new(), shape.to_vec());
                shape[2]
            }
        }
    }

    /// Sees that the numbers at the end lie as those of a sample.
    pub(super) fn end(&mut self, wanted: &[i64]) -> Result<(), ImportError> {
        let found = self.places.as_integers().unwrap_or_default().to_vec();
        if found == wanted || self.reorder(&found, wanted) {
            return Ok(());
        }
        let reason = "puts the numbers of a sample out in another order than it takes them".to_owned();
        Err(ImportError::Graph { reason })
    }

    /// How many layers the encoder has.
    pub(super) fn cut(&self, latent: Option<&str>) -> Result<usize, ImportError> {
        let Some((_, inner)) = self.layers.split_last().filter(|(_, inner)| !inner.is_empty()) else {
            let reason = format!("has {} layers, and an autoencoder has two at least", self.layers.len());
            return Err(ImportError::Graph { reason });
        };
        if let Some(name) = latent {
            let known = || inner.iter().filter_map(|layer| layer.names.first()).cloned().collect::<Vec<_>>().join(", ");
            let found = inner.iter().position(|layer| layer.names.iter().any(|known| known == name));
            let missing = || ImportError::Latent { name: name.to_owned(), known: known() };
            return found.map(|at| at + 1).ok_or_else(missing);
        }
        let width = |at: &usize| inner[*at].shape.iter().product::<usize>();
        let sample = self.own_shape.iter().product::<usize>();
        // One that says all, unless there is none.
        let alone = (0..inner.len()).filter(|&at| !self.is_passed(at) && width(&at) < sample).min_by_key(width);
        Ok(alone.or_else(|| (0..inner.len()).min_by_key(width)).map_or(1, |at| at + 1))
    }
}

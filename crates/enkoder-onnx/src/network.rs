//! A program's nodes as operators of ONNX. Images are channels first there and channels last here, so that every value is kept in the
//! order in which it was made, and turned only where a node needs it otherwise.

use enkoder::{Activation, LayerSpec, Node, PerAxis, Program, Tensor, layers};

use crate::error::ExportError;
use crate::graph::{Attribute, Graph};

/// The weight of the cubic term of GELU, and √(2/π).
const GELU: (f32, f32) = (0.044_715, 0.797_884_6);

/// In which order the numbers of a row lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As the program has them, in one row.
    Row,
    /// As the program has them, in the shape of a sample.
    Sample,
    /// An image, channels first.
    ChannelsFirst,
}

/// A value of the program in the graph.
#[derive(Clone, Debug)]
struct Value {
    name: String,
    order: Order,
    /// Its names as one row and as an image, where a node asked for it so.
    row: Option<String>,
    image: Option<String>,
}

impl Value {
    fn new(name: impl Into<String>, order: Order) -> Self {
        Self { name: name.into(), order, row: None, image: None }
    }
}

/// Writes nodes of a program into a graph.
pub(crate) struct NetworkWriter<'a> {
    graph: &'a mut Graph,
    program: &'a Program,
    parameters: &'a [f32],
    /// What the names of its nodes begin with.
    prefix: String,
    values: Vec<Option<Value>>,
}

impl<'a> NetworkWriter<'a> {
    pub(crate) fn new(graph: &'a mut Graph, program: &'a Program, parameters: &'a [f32], prefix: &str) -> Self {
        let values = vec![None; program.output() + 1];
        Self { graph, program, parameters, prefix: prefix.to_owned(), values }
    }

    /// Says that a value of the program has this name, and the shape that the program gives it.
    pub(crate) fn sample(mut self, name: &str) -> Self {
        let order = if self.program.shape(0).len() == 1 { Order::Row } else { Order::Sample };
        self.values[0] = Some(Value::new(name, order));
        self
    }

    /// Says that the code has this name, and lies in one row.
    pub(crate) fn code(mut self, name: &str) -> Self {
        let code = self.program.code();
        self.values[code] = Some(Value::new(name, Order::Row));
        self
    }

    /// Writes these nodes.
    pub(crate) fn write(&mut self, nodes: std::ops::Range<usize>) -> Result<(), ExportError> {
        for node in &self.program.nodes()[nodes] {
            self.node(node)?;
        }
        Ok(())
    }

    /// The name of a value whose numbers lie in one row, in the order that the program gives them.
    pub(crate) fn row(&mut self, value: usize) -> String {
        if let Some(name) = self.value(value).row.clone() {
            return name;
        }
        let (name, order) = (self.value(value).name.clone(), self.value(value).order);
        let shape = self.program.shape(value);
        let row = format!("{name}.row");
        let row = match order {
            Order::Row => name,
            Order::Sample => self.graph.reshape(&name, &[shape.iter().product()], row),
            Order::ChannelsFirst => {
                let (height, width, channels) = image(shape);
                let last = if channels == 1 || height * width == 1 {
                    name
                } else {
                    self.graph.transpose(&name, &[0, 2, 3, 1], format!("{name}.channels_last"))
                };
                self.graph.reshape(&last, &[height * width * channels], row)
            }
        };
        self.value(value).row = Some(row.clone());
        row
    }

    /// The name of a value as an image, channels first.
    fn image(&mut self, value: usize) -> String {
        if let Some(name) = self.value(value).image.clone() {
            return name;
        }
        let (name, order) = (self.value(value).name.clone(), self.value(value).order);
        let (height, width, channels) = image(self.program.shape(value));
        let first = format!("{name}.channels_first");
        let turned = match order {
            Order::ChannelsFirst => name,
            _ if channels == 1 || height * width == 1 => self.graph.reshape(&name, &[channels, height, width], first),
            Order::Row => {
                let image = self.graph.reshape(&name, &[height, width, channels], format!("{name}.image"));
                self.graph.transpose(&image, &[0, 3, 1, 2], first)
            }
            Order::Sample => self.graph.transpose(&name, &[0, 3, 1, 2], first),
        };
        self.value(value).image = Some(turned.clone());
        turned
    }

    fn value(&mut self, value: usize) -> &mut Value {
        self.values[value].as_mut().expect("a program writes a value before it is read")
    }

    fn node(&mut self, node: &Node) -> Result<(), ExportError> {
        let name = format!("{}{}", self.prefix, node.name());
        let (read, shape) = (node.reads()[0], self.program.shape(node.writes()).to_vec());
        let (written, order) = match node.layer() {
            None => {
                let (less, from) = (self.row(read), self.row(node.reads()[1]));
                (self.graph.node("Sub", &[&from, &less], name), Order::Row)
            }
            Some(LayerSpec::Dense(_)) => (self.dense(node, name), Order::Row),
            Some(LayerSpec::Reshape(_)) => {
                let row = self.row(read);
                (self.graph.node("Identity", &[&row], name), Order::Row)
            }
            Some(LayerSpec::Add(_)) => self.add(node, name),
            Some(layer) => (self.image_layer(node, layer, name)?, Order::ChannelsFirst),
        };
        let written = self.activation(node, written)?;
        match (order, &shape[..]) {
            (Order::ChannelsFirst, shape) => {
                let (height, width, channels) = image(shape);
                self.graph.describe(&written, &[channels, height, width]);
            }
            (_, shape) => self.graph.describe(&written, &[shape.iter().product()]),
        }
        self.values[node.writes()] = Some(Value::new(written, order));
        Ok(())
    }

    /// The layers that read and write images.
    fn image_layer(&mut self, node: &Node, layer: &LayerSpec, name: String) -> Result<String, ExportError> {
        let x = self.image(node.reads()[0]);
        let (height, width, channels) = image(self.program.shape(node.reads()[0]));
        Ok(match layer {
            LayerSpec::Convolution(layer) => self.convolution(node, layer, &x, name),
            LayerSpec::TransposedConvolution(layer) => self.transposed_convolution(node, layer, &x, name),
            LayerSpec::Upsample(layer) => {
                let PerAxis { height, width } = layer.factor;
                let scales = [1.0, 1.0, height as f32, width as f32];
                let scales = self.graph.numbers(format!("scale.{height}x{width}"), &[4], &scales);
                let attributes = [
                    ("mode", Attribute::Text("nearest")),
                    ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
                    ("nearest_mode", Attribute::Text("floor")),
                ];
                self.graph.node_with("Resize", &[&x, "", &scales], name, attributes)
            }
            LayerSpec::PixelShuffle(layers::PixelShuffle { factor }) if factor.height == factor.width => {
                let attributes =
                    [("blocksize", Attribute::Int(factor.height as i64)), ("mode", Attribute::Text("DCR"))];
                self.graph.node_with("DepthToSpace", &[&x], name, attributes)
            }
            LayerSpec::PixelShuffle(layers::PixelShuffle { factor: PerAxis { height: down, width: across } }) => {
                let deep = channels / (down * across);
                let apart = [*down, *across, deep, height, width];
                let apart = self.graph.reshape(&x, &apart, format!("{name}.apart"));
                let turned = self.graph.transpose(&apart, &[0, 3, 4, 1, 5, 2], format!("{name}.turned"));
                self.graph.reshape(&turned, &[deep, height * down, width * across], name)
            }
            // Many runtimes lack SpaceToDepth.
            LayerSpec::PixelUnshuffle(layers::PixelUnshuffle { factor: PerAxis { height: down, width: across } }) => {
                let (rows, columns) = (height / down, width / across);
                let apart = [channels, rows, *down, columns, *across];
                let apart = self.graph.reshape(&x, &apart, format!("{name}.apart"));
                let turned = self.graph.transpose(&apart, &[0, 3, 5, 1, 2, 4], format!("{name}.turned"));
                self.graph.reshape(&turned, &[channels * down * across, rows, columns], name)
            }
            LayerSpec::MaxPool(layer) => self.pool("MaxPool", layer.size, &x, name),
            LayerSpec::AveragePool(layer) => self.pool("AveragePool", layer.size, &x, name),
            LayerSpec::BatchNorm(_) => {
                let tensors: Vec<String> =
                    node.tensors().iter().map(|tensor| self.tensor(&name, tensor, &tensor.shape, |at| at)).collect();
                let mut inputs = vec![&x[..]];
                inputs.extend(tensors.iter().map(String::as_str));
                self.graph.node_with("BatchNormalization", &inputs, name, [("epsilon", Attribute::Float(1e-5))])
            }
            LayerSpec::Concat(_) => {
                let other = self.image(node.reads()[1]);
                self.graph.node_with("Concat", &[&x, &other], name, [("axis", Attribute::Int(1))])
            }
            other => return Err(ExportError::Layer { layer: node.name().to_owned(), kind: other.kind() }),
        })
    }

    fn dense(&mut self, node: &Node, name: String) -> String {
        let x = self.row(node.reads()[0]);
        let [weight, bias] =
            self.weight_and_bias(&name, node, |tensor| (tensor.shape.clone(), (0..tensor.range.len()).collect()));
        self.graph.node("Gemm", &[&x, &weight, &bias], name)
    }

    /// Weights lie as kernel height × kernel width × in × out, and in ONNX as out × in × kernel height × kernel width.
    fn convolution(&mut self, node: &Node, layer: &layers::Convolution, x: &str, name: String) -> String {
        let turned = |tensor: &Tensor| {
            let &[height, width, inputs, outputs] = &tensor.shape[..] else { unreachable!("the shape of its weights") };
            let place = |out: usize, at: usize| {
                let (input, pixel) = (at / (height * width), at % (height * width));
                (pixel * inputs + input) * outputs + out
            };
            let each = inputs * height * width;
            let places = (0..outputs * each).map(|at| place(at / each, at % each)).collect();
            (vec![outputs, inputs, height, width], places)
        };
        let [weight, bias] = self.weight_and_bias(&name, node, turned);
        let attributes = window(layer.kernel, layer.stride, layer.padding.unwrap_or(0.into()));
        self.graph.node_with("Conv", &[x, &weight, &bias], name, attributes)
    }

    /// Weights lie as in × kernel height × kernel width × out, and in ONNX as in × out × kernel height × kernel width.
    fn transposed_convolution(
        &mut self,
        node: &Node,
        layer: &layers::TransposedConvolution,
        x: &str,
        name: String,
    ) -> String {
        let turned = |tensor: &Tensor| {
            let &[inputs, height, width, outputs] = &tensor.shape[..] else { unreachable!("the shape of its weights") };
            let pixels = height * width;
            let place = |at: usize| {
                let (input, out, pixel) = (at / (outputs * pixels), at / pixels % outputs, at % pixels);
                (input * pixels + pixel) * outputs + out
            };
            (vec![inputs, outputs, height, width], (0..inputs * outputs * pixels).map(place).collect())
        };
        let [weight, bias] = self.weight_and_bias(&name, node, turned);
        let extra = layer.output_padding.unwrap_or(0.into());
        let attributes = window(layer.kernel, layer.stride, layer.padding.unwrap_or(0.into()));
        let extra = ("output_padding", Attribute::Ints(vec![extra.height as i64, extra.width as i64]));
        self.graph.node_with("ConvTranspose", &[x, &weight, &bias], name, attributes.into_iter().chain([extra]))
    }

    fn pool(&mut self, operator: &str, size: PerAxis, x: &str, name: String) -> String {
        self.graph.node_with(operator, &[x], name, window(size, size, 0.into()))
    }

    fn add(&mut self, node: &Node, name: String) -> (String, Order) {
        let [first, second] = [node.reads()[0], node.reads()[1]];
        let as_images = self.value(first).order == Order::ChannelsFirst;
        let [a, b] = [first, second].map(|value| if as_images { self.image(value) } else { self.row(value) });
        let order = if as_images { Order::ChannelsFirst } else { Order::Row };
        (self.graph.node("Add", &[&a, &b], name), order)
    }

    /// A node's weights in the shape and order that `turn` gives them, and its biases as they are.
    fn weight_and_bias(
        &mut self,
        name: &str,
        node: &Node,
        turn: impl Fn(&Tensor) -> (Vec<usize>, Vec<usize>),
    ) -> [String; 2] {
        let [weight, bias] = node.tensors() else { unreachable!("such a layer has weights and biases") };
        let (shape, places) = turn(weight);
        [self.tensor(name, weight, &shape, |at| places[at]), self.tensor(name, bias, &bias.shape, |at| at)]
    }

    /// A tensor of a node as a constant of `shape`, whose numbers lie at `place` in the tensor.
    fn tensor(&mut self, node: &str, tensor: &Tensor, shape: &[usize], place: impl Fn(usize) -> usize) -> String {
        let values = &self.parameters[tensor.range.clone()];
        let values: Vec<f32> = (0..values.len()).map(|at| values[place(at)]).collect();
        self.graph.numbers(format!("{node}.{}", tensor.name), shape, &values)
    }

    fn activation(&mut self, node: &Node, x: String) -> Result<String, ExportError> {
        let activation = node.activation();
        let name = format!("{x}.{activation}");
        Ok(match activation {
            Activation::Linear => x,
            Activation::Relu => self.graph.node("Relu", &[&x], name),
            Activation::LeakyRelu => {
                self.graph.node_with("LeakyRelu", &[&x], name, [("alpha", Attribute::Float(0.01))])
            }
            Activation::Elu => self.graph.node("Elu", &[&x], name),
            Activation::Tanh => self.graph.node("Tanh", &[&x], name),
            Activation::Sigmoid => self.graph.node("Sigmoid", &[&x], name),
            // 0.5·x·(1 + tanh(√(2/π)·x·(1 + 0.044715·x²))): ONNX has no such operator before its version 20.
            Activation::Gelu => {
                let constants = [("gelu.cubic", GELU.0), ("gelu.scale", GELU.1), ("gelu.one", 1.0), ("gelu.half", 0.5)];
                let [cubic, scale, one, half] = constants.map(|(name, value)| self.graph.number(name, value));
                let mut step =
                    |operator, inputs: &[&str], part: &str| self.graph.node(operator, inputs, format!("{name}{part}"));
                let square = step("Mul", &[&x, &x], ".square");
                let bent = step("Mul", &[&square, &cubic], ".bent");
                let factor = step("Add", &[&bent, &one], ".factor");
                let inner = step("Mul", &[&factor, &x], ".inner");
                let scaled = step("Mul", &[&inner, &scale], ".scaled");
                let tanh = step("Tanh", &[&scaled], ".tanh");
                let above = step("Add", &[&tanh, &one], ".above");
                let twice = step("Mul", &[&above, &x], ".twice");
                step("Mul", &[&twice, &half], "")
            }
            // 0.5·x·(1 + erf(x/√2)).
            Activation::GeluErf => {
                let constants =
                    [("gelu.root_half", std::f32::consts::FRAC_1_SQRT_2), ("gelu.one", 1.0), ("gelu.half", 0.5)];
                let [root, one, half] = constants.map(|(name, value)| self.graph.number(name, value));
                let mut step =
                    |operator, inputs: &[&str], part: &str| self.graph.node(operator, inputs, format!("{name}{part}"));
                let scaled = step("Mul", &[&x, &root], ".scaled");
                let erf = step("Erf", &[&scaled], ".erf");
                let above = step("Add", &[&erf, &one], ".above");
                let twice = step("Mul", &[&above, &x], ".twice");
                step("Mul", &[&twice, &half], "")
            }
            Activation::Silu => {
                let sigmoid = self.graph.node("Sigmoid", &[&x], format!("{name}.sigmoid"));
                self.graph.node("Mul", &[&x, &sigmoid], name)
            }
            other => return Err(ExportError::Activation { layer: node.name().to_owned(), activation: other }),
        })
    }
}

/// What windows over an image are told.
fn window(kernel: PerAxis, stride: PerAxis, padding: PerAxis) -> [(&'static str, Attribute); 3] {
    let both = |of: PerAxis| [of.height as i64, of.width as i64];
    let padding = both(padding);
    [
        ("kernel_shape", Attribute::Ints(both(kernel).to_vec())),
        ("strides", Attribute::Ints(both(stride).to_vec())),
        ("pads", Attribute::Ints([padding, padding].concat())),
    ]
}

/// Height, width and channels of an image; height × width alone is one channel.
fn image(shape: &[usize]) -> (usize, usize, usize) {
    match *shape {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => (1, 1, shape.iter().product()),
    }
}

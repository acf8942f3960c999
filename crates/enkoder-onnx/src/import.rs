//! Autoencoders of other toolkits: a chain of layers in an ONNX file as a model. Images are channels first there and channels last here.
//! So every value is followed with the place that each of its numbers has here, and weights are turned to go with it.

mod affine;
mod chain;
mod external;
mod functions;
mod joins;
mod layers;
mod order;
mod weights;

use std::collections::HashMap;
use std::path::PathBuf;

use enkoder::{Architecture, Autoencoder, Rows, Scaler};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use self::chain::Chain;
use crate::error::{ImportError, OnnxError};
use crate::evaluation::{Evaluation, model_of, name_of};
use crate::model::KIND;
use crate::proto::{GraphProto, ValueInfoProto};
use crate::tensor::Tensor;

/// Most numbers of a sample.
const MOST_FEATURES: usize = 1 << 22;
/// How far two ways to add up the same numbers in f32 may be apart, beside the largest of them.
const TOLERANCE: f32 = 1e-4;
/// Samples that the network is tried on.
const TRIALS: usize = 3;

/// How a network is taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Where the network comes from, as the model will say.
    pub name: String,
    /// The value of the graph that is the code. Default: the one of fewest numbers, the first of several.
    pub latent: Option<String>,
    /// Where files lie that the file names, which PyTorch's exporter puts weights into. Default: such a file is refused.
    pub folder: Option<PathBuf>,
}

/// The model of a network in the bytes of an ONNX file: a chain of dense and convolutional layers that makes of a sample something of its
/// size, as PyTorch and Keras export them. `docs/onnx.md` lists the operators.
///
/// The model takes samples as the file does, images channels last. It was compared with the file on a few samples before it is returned.
///
/// ```
/// use enkoder::{Dataset, Scaling, fit_pca};
/// use enkoder_onnx::{ImportOptions, import_model};
///
/// let error = import_model(b"no ONNX file", &ImportOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "it is no ONNX file, or only a part of one");
/// ```
///
/// # Errors
/// When the bytes are no ONNX file, when the network is no such chain, with the operator that is none of a chain, when there is no value
/// of the name given, and when the model does not compute what the file computes.
pub fn import_model(bytes: &[u8], options: &ImportOptions) -> Result<Autoencoder, ImportError> {
    let mut model = model_of(bytes)?;
    if model.metadata_props.iter().any(|entry| entry.key() == KIND) {
        return Err(ImportError::Own);
    }
    let graph = model.graph.as_mut().ok_or(OnnxError::NoGraph)?;
    if let Some(folder) = &options.folder {
        external::read(graph, folder)?;
    }
    let graph = &*graph;
    let evaluation = Evaluation::new(graph)?;
    let input = input_of(graph, &evaluation)?;
    let shape = shape_of(input)?;
    // What is wrong is said by the order that led furthest, of equal ones the likelier.
    let mut furthest: Option<(usize, ImportError)> = None;
    for order in orders(&shape) {
        let mut chain = Chain::new(&order);
        let found = chain.follow(graph, &evaluation, input.name());
        let steps = chain.steps();
        match found.and_then(|()| finished(chain, &order, options)) {
            Ok(model) => {
                prove(&model, graph, &evaluation, input.name(), &order)?;
                return Ok(model);
            }
            Err(error) if furthest.as_ref().is_none_or(|(most, _)| steps > *most) => furthest = Some((steps, error)),
            Err(_) => {}
        }
    }
    let reason = || ImportError::Graph { reason: "has an input of no shape".to_owned() };
    Err(furthest.map_or_else(reason, |(_, error)| error))
}

/// How the numbers of a sample lie in the file, and here.
pub(crate) struct InputOrder {
    /// There, without the axis of samples.
    shape: Vec<usize>,
    /// Here.
    own_shape: Vec<usize>,
    /// For each number there its place here.
    places: Vec<i64>,
}

/// The one input that is no constant.
fn input_of<'a>(graph: &'a GraphProto, evaluation: &Evaluation<'_>) -> Result<&'a ValueInfoProto, ImportError> {
    let inputs: Vec<_> = graph.input.iter().filter(|input| evaluation.constant(input.name()).is_none()).collect();
    match inputs[..] {
        [input] => Ok(input),
        _ => Err(ImportError::Graph { reason: format!("has {} inputs, and a model has one", inputs.len()) }),
    }
}

/// The shape of one sample.
fn shape_of(input: &ValueInfoProto) -> Result<Vec<usize>, ImportError> {
    let wrong = |reason: &str| ImportError::Graph { reason: format!("has the input {:?}, {reason}", input.name()) };
    let of_type = input.of_type.as_ref().and_then(|of_type| of_type.tensor_type.as_ref());
    let shape = of_type.and_then(|of_type| of_type.shape.as_ref());
    let Some((batch, lengths)) = shape.and_then(|shape| shape.dim.split_first()) else {
        return Err(wrong("which has no shape"));
    };
    if batch.dim_value.is_some_and(|samples| samples > 1) {
        return Err(wrong(
            "which takes a fixed number of samples\nhint: export it with an open first axis, or for one sample",
        ));
    }
    let lengths: Option<Vec<usize>> = lengths
        .iter()
        .map(|length| length.dim_value.and_then(|length| usize::try_from(length).ok()).filter(|&length| length > 0))
        .collect();
    let open = "whose sizes are not all fixed\nhint: export it for samples of one size";
    let lengths = lengths.filter(|lengths| !lengths.is_empty()).ok_or_else(|| wrong(open))?;
    let features = lengths.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
    match features {
        Some(features) if features <= MOST_FEATURES => Ok(lengths),
        _ => Err(wrong("whose samples have more than four million numbers")),
    }
}

/// The ways in which samples may be meant, the likelier one first: images and series with their channels first or last.
fn orders(shape: &[usize]) -> Vec<InputOrder> {
    let as_it_is = || {
        let places = (0..shape.iter().product::<usize>() as i64).collect();
        InputOrder { shape: shape.to_vec(), own_shape: shape.to_vec(), places }
    };
    let (channels, height, width) = match *shape {
        [channels, height, width] => (channels, height, width),
        [channels, length] => (channels, length, 1),
        _ => return vec![as_it_is()],
    };
    let place = |at: usize| ((at % (height * width)) * channels + at / (height * width)) as i64;
    let own_shape = if channels == 1 { vec![height, width] } else { vec![height, width, channels] };
    let places = (0..channels * height * width).map(place).collect();
    let channels_first = InputOrder { shape: shape.to_vec(), own_shape, places };
    if let [steps, channels] = *shape {
        let series = InputOrder { own_shape: vec![steps, 1, channels], ..as_it_is() };
        return vec![as_it_is(), channels_first, series];
    }
    if width >= channels { vec![channels_first, as_it_is()] } else { vec![as_it_is(), channels_first] }
}

/// The model of a chain that was followed to its end.
fn finished(mut chain: Chain, order: &InputOrder, options: &ImportOptions) -> Result<Autoencoder, ImportError> {
    chain.end(&order.places)?;
    let cut = chain.cut(options.latent.as_deref())?;
    chain.name_joins(cut);
    let (specs, parameters): (Vec<_>, Vec<_>) =
        chain.layers.into_iter().map(|layer| (layer.spec, layer.tensors)).unzip();
    let mut encoder = specs;
    let decoder = encoder.split_off(cut);
    let input_shape = order.own_shape.clone();
    let architecture = Architecture { input_shape, encoder, decoder, output_shape: None, residual: false };
    architecture.validate()?;
    let scaler = scaler(architecture.features(), chain.offset, chain.scale)?;
    Ok(Autoencoder::from_parameters(architecture, parameters.concat(), scaler, &options.name)?)
}

/// (x − offset) · scale for all numbers alike.
fn scaler(features: usize, offset: f32, scale: f32) -> Result<Scaler, ImportError> {
    let fitted = json!({
        "kind": if (offset, scale) == (0.0, 1.0) { "none" } else { "unit" },
        "features": features,
        "unit_interval": false,
        "coefficients": { "uniform": { "offset": offset, "scale": scale } },
        "fill": { "uniform": 0.0 },
    });
    let impossible =
        || ImportError::Graph { reason: format!("takes {offset} from its input and multiplies by {scale}") };
    let scaler: Scaler = serde_json::from_value(fitted).map_err(|_| impossible())?;
    scaler.validate(features).map_err(|_| impossible())?;
    Ok(scaler)
}

/// Compares the model with the file on samples of its kind.
fn prove(
    model: &Autoencoder,
    graph: &GraphProto,
    evaluation: &Evaluation<'_>,
    input: &str,
    order: &InputOrder,
) -> Result<(), ImportError> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let features = order.places.len();
    let shape = [&[1], &order.shape[..]].concat();
    for _ in 0..TRIALS {
        let mut sample: Vec<f32> = (0..features).map(|_| random.random_range(0.0..1.0)).collect();
        model.scaler().inverse_row(&mut sample);
        let given: Vec<f32> = order.places.iter().map(|&place| sample[place as usize]).collect();
        let output =
            evaluation.output(graph, HashMap::from([(input, Tensor::floats(shape.clone(), given))]), features)?;
        let mut made =
            model.reconstruct(Rows::from_slice(&sample, features).expect("it is one row"))?.into_raw_vec_and_offset().0;
        // The file gives what the network gives.
        model.scaler().transform_row(&mut made);
        let largest = output.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
        for (&expected, &place) in output.iter().zip(&order.places) {
            let found = made[place as usize];
            let close = (found - expected).abs() <= TOLERANCE * largest;
            if !close {
                return Err(ImportError::Different { found, expected });
            }
        }
    }
    Ok(())
}

impl<'a> Evaluation<'a> {
    /// The first output of so many numbers.
    fn output(
        &self,
        graph: &'a GraphProto,
        inputs: HashMap<&'a str, Tensor>,
        count: usize,
    ) -> Result<Vec<f32>, OnnxError> {
        let outputs = self.run(inputs)?;
        let all = graph.output.iter().filter_map(|output| outputs.get(output.name())?.as_floats());
        let found = all.into_iter().find(|values| values.len() == count).map(<[f32]>::to_vec);
        let value = graph.output.first().map_or("", ValueInfoProto::name).to_owned();
        found.ok_or(OnnxError::Missing { node: "output".to_owned(), value })
    }
}

/// Why a node cannot be a layer.
fn refused(node: &crate::proto::NodeProto, reason: impl Into<String>) -> ImportError {
    ImportError::Operator { node: name_of(node), operator: node.op_type().to_owned(), reason: reason.into() }
}

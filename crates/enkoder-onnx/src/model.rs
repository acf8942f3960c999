//! A trained autoencoder as a graph: scaling and the fill of missing values before the network, and the way back to the units of the
//! data behind it. What it writes is read back and run beside the model before anybody gets it.

use enkoder::{Autoencoder, Scaler, ScalerCoefficients};

use crate::error::ExportError;
use crate::graph::{Attribute, Graph};
use crate::network::NetworkWriter;
use crate::proof;

/// What a file of Enkoder says of itself: its entry of the metadata.
pub(crate) const KIND: &str = "enkoder.kind";
/// Rows of samples, in the units of the data.
pub(crate) const INPUT: &str = "input";
/// Rows of codes.
pub(crate) const CODE: &str = "code";
/// Rows that the decoder makes, in the units of the data.
pub(crate) const RECONSTRUCTION: &str = "reconstruction";
/// Most parameters that a file of this format has room for, since it may not be larger than 2 GB.
const MOST_PARAMETERS: usize = 500_000_000;

/// Which part of an autoencoder is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From `input` to `code`.
    Encoder,
    /// From `code` to `reconstruction`.
    Decoder,
    /// From `input` to `code` and `reconstruction`.
    Both,
}

impl Part {
    pub(crate) fn has_encoder(self) -> bool {
        self != Self::Decoder
    }

    pub(crate) fn has_decoder(self) -> bool {
        self != Self::Encoder
    }

    fn name(self) -> &'static str {
        match self {
            Self::Encoder => "encoder",
            Self::Decoder => "decoder",
            Self::Both => "both",
        }
    }
}

/// The bytes of an ONNX file that computes what a part of the model computes, for any number of rows together.
///
/// Its input and its reconstruction are in the units of the data, in the shape of a sample behind the number of rows; a code is one row
/// of numbers. Missing values (NaN) are filled as the model fills them, and a row with an infinite value has NaN for a result.
/// The file was read back and run beside the model on a few rows before it is returned.
///
/// ```
/// use enkoder::{Dataset, Scaling, fit_pca};
/// use enkoder_onnx::{Part, export_model};
/// use ndarray::Array2;
///
/// let values = Array2::from_shape_fn((100, 3), |(row, column)| (row as f32 * 0.1).sin() * (column + 1) as f32);
/// let data = Dataset::from_f32("waves", values)?;
/// let model = fit_pca(&data, &data, 1, Scaling::Standard)?;
/// let bytes = export_model(&model, Part::Both)?;
/// assert!(bytes.len() < 4000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the decoder alone is asked for and reads what only the sample has, when the model is too large for the format, and when what was
/// written does not compute what the model computes.
pub fn export_model(model: &Autoencoder, part: Part) -> Result<Vec<u8>, ExportError> {
    let bytes = write(model, part)?;
    proof::of_model(model, part, &bytes)?;
    Ok(bytes)
}

fn write(model: &Autoencoder, part: Part) -> Result<Vec<u8>, ExportError> {
    let (program, parameters) = (model.program(), model.parameters());
    if parameters.len() > MOST_PARAMETERS {
        return Err(ExportError::TooLarge { parameters: parameters.len() });
    }
    if let Some(layer) = model.architecture().needs_sample().filter(|_| part == Part::Decoder) {
        return Err(ExportError::NeedsSample { layer });
    }
    let mut graph = Graph::default();
    let latent = program.shape(program.code()).iter().product();
    let mut unusable = None;
    let input = if part.has_encoder() {
        let shape = &model.architecture().input_shape;
        graph.input(INPUT, shape, meaning_of_input(model));
        let scaled = scale(&mut graph, model.scaler(), shape);
        unusable = Some(infinite_rows(&mut graph, &scaled, shape.len()));
        scaled
    } else {
        graph.input(CODE, &[latent], "codes as the encoder makes them".to_owned());
        CODE.to_owned()
    };
    let mut network = NetworkWriter::new(&mut graph, program, parameters, "");
    network = if part.has_encoder() { network.sample(&input) } else { network.code(CODE) };
    if part.has_encoder() {
        network.write(0..program.code())?;
    }
    let code = network.row(program.code());
    let mut output = None;
    if part.has_decoder() {
        network.write(program.code()..program.output())?;
        output = Some(network.row(program.output()));
    }
    if part.has_encoder() {
        let finished = only_usable(&mut graph, &code, unusable.as_deref(), CODE);
        graph.output(&finished, &[latent], "codes, one row for each sample");
    }
    if let Some(output) = output {
        let restored = restore(&mut graph, model.output_scaler(), &output);
        let shape = model.architecture().output_shape.as_ref().unwrap_or(&model.architecture().input_shape);
        let flat = shape.len() == 1;
        let rows = if flat { RECONSTRUCTION } else { "reconstruction.row" };
        let rows = only_usable(&mut graph, &restored, unusable.as_deref(), rows);
        if !flat {
            graph.reshape(&rows, shape, RECONSTRUCTION);
        }
        let meaning = if model.task().reconstructs() {
            "what the model makes of each sample, in the units of the data"
        } else {
            "what the model makes of each sample, in units of its own"
        };
        graph.output(RECONSTRUCTION, shape, meaning);
    }
    let words =
        format!("An autoencoder trained by Enkoder: {}, {latent} numbers a code.", model.architecture().summary());
    Ok(graph.into_bytes("autoencoder", words, metadata(model, part)))
}

fn meaning_of_input(model: &Autoencoder) -> String {
    let of = model
        .schema()
        .map_or("samples".to_owned(), |schema| format!("rows of the features {}", schema.feature_names().join(", ")));
    format!("{of}, in the units of the data; NaN where a value is missing")
}

/// What a reader may want to know of the model, each as JSON but for what is a word.
fn metadata(model: &Autoencoder, part: Part) -> Vec<(&'static str, String)> {
    let json = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
    let mut entries = vec![
        (KIND, "autoencoder".to_owned()),
        ("enkoder.part", part.name().to_owned()),
        ("enkoder.architecture", json(serde_json::to_string(model.architecture()))),
        ("enkoder.scaling", model.scaler().kind().to_string()),
        ("enkoder.training", json(serde_json::to_string(model.record()))),
    ];
    if let Some(schema) = model.schema() {
        entries.push(("enkoder.features", json(serde_json::to_string(&schema.feature_names()))));
        entries.push(("enkoder.columns", json(serde_json::to_string(schema))));
    }
    entries
}

/// (x − offset) · scale, and the fill where a value is missing.
fn scale(graph: &mut Graph, scaler: &Scaler, shape: &[usize]) -> String {
    let ScalerCoefficients { offset, scale, fill, .. } = scaler.coefficients();
    let offset = coefficient(graph, "scaler.offset", offset, shape);
    let scale = coefficient(graph, "scaler.scale", scale, shape);
    let fill = coefficient(graph, "scaler.fill", fill, shape);
    let missing = graph.node("IsNaN", &[INPUT], "input.missing");
    let centred = graph.node("Sub", &[INPUT, &offset], "input.centred");
    let scaled = graph.node("Mul", &[&centred, &scale], "input.scaled");
    graph.node("Where", &[&missing, &fill, &scaled], "input.filled")
}

/// scaled / scale + offset.
fn restore(graph: &mut Graph, scaler: &Scaler, output: &str) -> String {
    let ScalerCoefficients { offset, scale, .. } = scaler.coefficients();
    let offset = coefficient(graph, "output.offset", offset, &[offset.len()]);
    let scale = coefficient(graph, "output.scale", scale, &[scale.len()]);
    let unscaled = graph.node("Div", &[output, &scale], "output.unscaled");
    graph.node("Add", &[&unscaled, &offset], "output.restored")
}

/// One number for each feature, or one for all.
fn coefficient(graph: &mut Graph, name: &str, values: &[f32], shape: &[usize]) -> String {
    graph.numbers(name, if values.len() == 1 { &[] } else { shape }, values)
}

/// For each row whether a scaled value of it is infinite: `batch × 1`.
fn infinite_rows(graph: &mut Graph, scaled: &str, axes: usize) -> String {
    let infinite = graph.node("IsInf", &[scaled], "input.infinite");
    let counted = graph.node_with("Cast", &[&infinite], "input.infinite.number", [("to", Attribute::Int(1))]);
    let axes: Vec<i64> = (1..=axes as i64).collect();
    let attributes = [("axes", Attribute::Ints(axes.clone())), ("keepdims", Attribute::Int(1))];
    let any = graph.node_with("ReduceMax", &[&counted], "input.infinite.any", attributes);
    let one_column = if axes.len() == 1 { any } else { graph.reshape(&any, &[1], "input.infinite.row") };
    graph.node_with("Cast", &[&one_column], "input.unusable", [("to", Attribute::Int(9))])
}

/// The rows, NaN where one is unusable, under a name.
fn only_usable(graph: &mut Graph, rows: &str, unusable: Option<&str>, name: &str) -> String {
    match unusable {
        None => graph.node("Identity", &[rows], name),
        Some(unusable) => {
            let nan = graph.number("not_a_number", f32::NAN);
            graph.node("Where", &[unusable, &nan, rows], name)
        }
    }
}

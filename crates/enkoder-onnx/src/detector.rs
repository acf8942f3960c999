//! A detector of rows as a graph from features to score, p-value and flag. What its members do stands in
//! `enkoder::anomaly::DetectorCoefficients`; nothing of it is left to whoever runs the graph.

mod counting;
mod marginal;

use enkoder::anomaly::{
    Detector, DetectorCoefficients, Deviations, Member, Neighbours, NetworkDeviations, PreparedValue, Surprises,
    Threshold, Unchanged,
};

use self::counting::{Bound, count_below, row_of_table};
use crate::error::ExportError;
use crate::graph::{Attribute, Graph};
use crate::model::INPUT;
use crate::network::NetworkWriter;
use crate::proof;

pub(crate) const SCORE: &str = "score";
pub(crate) const P_VALUE: &str = "p_value";
pub(crate) const FLAG: &str = "flag";

/// The bytes of an ONNX file that scores rows as the detector does: from `input` (rows of features, NaN where a value is missing) to `score`,
/// `p_value` and `flag`, one of each for a row.
///
/// The p-value counts the calibration scores, and the flag is true from the threshold's score on. A row with an infinite value, or
/// without a value of what is judged, has NaN for score and p-value and is not flagged. The file was read back and run beside the detector on a few rows before it is returned.
///
/// ```
/// use enkoder::Dataset;
/// use enkoder::anomaly::{Detector, DetectorConfig, Method, ThresholdRule};
/// use enkoder_onnx::export_detector;
/// use ndarray::Array2;
///
/// let rows = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + column * 4)) % 17) as f32);
/// let config = DetectorConfig { method: Method::Linear, ..Default::default() };
/// let detector = Detector::fit(&Dataset::from_f32("readings", rows)?, &config)?;
/// let threshold = detector.threshold(ThresholdRule::FalseAlarm(0.01))?;
/// let bytes = export_detector(&detector, &threshold)?;
/// assert!(!bytes.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When it is a detector of series, and when what was written does not score as the detector does.
pub fn export_detector(detector: &Detector, threshold: &Threshold) -> Result<Vec<u8>, ExportError> {
    let bytes = write(detector, threshold)?;
    proof::of_detector(detector, threshold, &bytes)?;
    Ok(bytes)
}

fn write(detector: &Detector, threshold: &Threshold) -> Result<Vec<u8>, ExportError> {
    let Some(DetectorCoefficients { prepared, marginal, linear, networks, neighbours, unchanged, judged, .. }) =
        detector.coefficients()
    else {
        return Err(ExportError::Series);
    };
    let mut graph = Graph::default();
    graph.input(INPUT, &[detector.features()], meaning_of_input(detector));
    let mut parts = Vec::new();
    if let Some(Member { score, surprises, weight, .. }) = &marginal {
        let score = marginal::score(&mut graph, score);
        parts.push(surprise(&mut graph, "marginal", &score, surprises, *weight));
    }
    if linear.is_some() || !networks.is_empty() || neighbours.is_some() {
        let values = prepare(&mut graph, &prepared);
        if let Some(Member { score, surprises, weight, .. }) = &linear {
            let score = deviations(&mut graph, "linear", &values, score);
            parts.push(surprise(&mut graph, "linear", &score, surprises, *weight));
        }
        for (number, Member { score, surprises, weight, .. }) in networks.iter().enumerate() {
            let name = format!("network{number}");
            let score = network(&mut graph, &name, &values, score)?;
            parts.push(surprise(&mut graph, &name, &score, surprises, *weight));
        }
        if let Some(Member { score, surprises, weight, .. }) = &neighbours {
            let score = distance(&mut graph, &values, score);
            parts.push(surprise(&mut graph, "neighbours", &score, surprises, *weight));
        }
    }
    if !unchanged.usual.is_empty() {
        parts.push(changes(&mut graph, &unchanged));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let sum = graph.node("Sum", &parts, "members.sum");
    let unusable = unusable(&mut graph, &judged, &sum);
    let nan = graph.number("not_a_number", f32::NAN);
    let scores = graph.node("Where", &[&unusable, &nan, &sum], "score.column");
    let p_values = p_values(&mut graph, &sum, detector.calibration().scores());
    let p_values = graph.node("Where", &[&unusable, &nan, &p_values], "p_value.column");
    let least = graph.number("threshold", threshold.score);
    let flags = graph.node("GreaterOrEqual", &[&scores, &least], "flag.column");
    for (column, name) in [(&scores, SCORE), (&p_values, P_VALUE), (&flags, FLAG)] {
        graph.reshape(column, &[], name);
    }
    graph.output(SCORE, &[], "how surprising the row is; NaN where a value is infinite, or all are missing");
    graph.output(P_VALUE, &[], "the part of normal rows at least as surprising, by the rows kept for calibration");
    graph.output_of_truths(FLAG, &format!("whether the score is {} or more", threshold.score));
    let words = format!("A detector of anomalies fitted by Enkoder: {}.", detector.chosen());
    Ok(graph.into_bytes("detector", words, metadata(detector, threshold)))
}

fn meaning_of_input(detector: &Detector) -> String {
    let names = detector.schema().map(|schema| schema.feature_names().join(", "));
    format!("rows of the features {}; NaN where a value is missing", names.unwrap_or_else(|| "learned from".to_owned()))
}

fn metadata(detector: &Detector, threshold: &Threshold) -> Vec<(&'static str, String)> {
    let json = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
    let mut entries = vec![
        ("enkoder.kind", "detector".to_owned()),
        ("enkoder.members", detector.chosen().to_owned()),
        ("enkoder.threshold", json(serde_json::to_string(threshold))),
        ("enkoder.rows_learned", detector.rows_learned().to_string()),
        ("enkoder.config", json(serde_json::to_string(detector.config()))),
    ];
    if let Some(schema) = detector.schema() {
        entries.push(("enkoder.features", json(serde_json::to_string(&schema.feature_names()))));
        entries.push(("enkoder.columns", json(serde_json::to_string(schema))));
    }
    entries
}

/// Features by their numbers: `batch × numbers`.
fn features(graph: &mut Graph, name: &str, numbers: impl Iterator<Item = usize>) -> String {
    let numbers: Vec<i64> = numbers.map(|number| number as i64).collect();
    let numbers = graph.integers(format!("{name}.numbers"), &numbers);
    graph.node_with("Gather", &[INPUT, &numbers], name, [("axis", Attribute::Int(1))])
}

/// What the linear model and the networks see.
fn prepare(graph: &mut Graph, prepared: &[PreparedValue]) -> String {
    let width = prepared.len();
    let column = |of: fn(&PreparedValue) -> f32| prepared.iter().map(of).collect::<Vec<_>>();
    let seen = features(graph, "prepared.features", prepared.iter().map(|value| value.feature));
    let missing = graph.node("IsNaN", &[&seen], "prepared.missing");
    let absences: Vec<bool> = prepared.iter().map(|value| value.absence).collect();
    let (raw, unknown) = if absences.contains(&true) {
        let absent = graph.node_with("Cast", &[&missing], "prepared.absent", [("to", Attribute::Int(1))]);
        let tells = graph.truths("prepared.tells_absence", &absences);
        let raw = graph.node("Where", &[&tells, &absent, &seen], "prepared.raw");
        let values: Vec<bool> = absences.iter().map(|absence| !absence).collect();
        let tells_value = graph.truths("prepared.tells_value", &values);
        (raw, graph.node("And", &[&missing, &tells_value], "prepared.unknown"))
    } else {
        (seen, missing)
    };
    let center = graph.numbers("prepared.center", &[width], &column(|value| value.center));
    let scale = graph.numbers("prepared.scale", &[width], &column(|value| value.scale));
    let limit = prepared.iter().map(|value| value.limit).fold(0.0, f32::max);
    let centred = graph.node("Sub", &[&raw, &center], "prepared.centred");
    let scaled = graph.node("Mul", &[&centred, &scale], "prepared.scaled");
    let clipped = clip(graph, &scaled, limit, "prepared.clipped");
    let zero = graph.number("zero", 0.0);
    graph.node("Where", &[&unknown, &zero, &clipped], "prepared")
}

/// Within ±limit.
fn clip(graph: &mut Graph, value: &str, limit: f32, name: &str) -> String {
    let (least, most) = (format!("{name}.least"), format!("{name}.most"));
    let (least, most) = (graph.number(least, -limit), graph.number(most, limit));
    graph.node("Clip", &[value, &least, &most], name)
}

/// The sum of each row: `batch × 1`.
fn sum_of_row(graph: &mut Graph, values: &str, name: impl Into<String>) -> String {
    let axis = graph.integers("axis.row", &[1]);
    graph.node("ReduceSum", &[values, &axis], name)
}

/// How far values are from usual, each row by itself: `batch × 1`.
fn deviations(graph: &mut Graph, name: &str, values: &str, numbers: &Deviations<'_>) -> String {
    let Deviations { mean, directions, weights, rest, .. } = *numbers;
    let width = mean.len();
    let mean = graph.numbers(format!("{name}.mean"), &[width], mean);
    let deviation = graph.node("Sub", &[values, &mean], format!("{name}.deviation"));
    let square = graph.node("Mul", &[&deviation, &deviation], format!("{name}.square"));
    let all = sum_of_row(graph, &square, format!("{name}.square.sum"));
    let rest = graph.number(format!("{name}.rest"), rest);
    let mut cost = graph.node("Mul", &[&all, &rest], format!("{name}.rest.cost"));
    if !weights.is_empty() {
        // As columns, to multiply with.
        let columns: Vec<f32> = (0..width).flat_map(|at| directions.iter().skip(at).step_by(width)).copied().collect();
        let columns = graph.numbers(format!("{name}.directions"), &[width, weights.len()], &columns);
        let parts = graph.node("MatMul", &[&deviation, &columns], format!("{name}.parts"));
        let squares = graph.node("Mul", &[&parts, &parts], format!("{name}.parts.square"));
        let weights = graph.numbers(format!("{name}.weights"), &[weights.len()], weights);
        let weighted = graph.node("Mul", &[&squares, &weights], format!("{name}.parts.weighted"));
        let along = sum_of_row(graph, &weighted, format!("{name}.parts.cost"));
        cost = graph.node("Add", &[&along, &cost], format!("{name}.cost"));
    }
    let positive = graph.node("Relu", &[&cost], format!("{name}.positive"));
    let count = graph.number(format!("{name}.count"), width as f32);
    graph.node("Div", &[&positive, &count], format!("{name}.score"))
}

/// The deviations of what a network does not explain.
fn network(
    graph: &mut Graph,
    name: &str,
    values: &str,
    numbers: &NetworkDeviations<'_>,
) -> Result<String, ExportError> {
    let NetworkDeviations { program, parameters, sight, spread, deviations: of, .. } = numbers;
    let seen = clip(graph, values, *sight, &format!("{name}.seen"));
    let mut writer = NetworkWriter::new(graph, program, parameters, &format!("{name}.")).sample(&seen);
    writer.write(0..program.output())?;
    let expected = writer.row(program.output());
    let residual = graph.node("Sub", &[values, &expected], format!("{name}.residual"));
    let spread = graph.numbers(format!("{name}.spread"), &[spread.len()], spread);
    let standardised = graph.node("Div", &[&residual, &spread], format!("{name}.standardised"));
    Ok(deviations(graph, name, &standardised, of))
}

/// How far the nearest rows but a few are: `batch × 1`.
fn distance(graph: &mut Graph, values: &str, numbers: &Neighbours<'_>) -> String {
    let Neighbours { sight, mean, rows, nearest, least, .. } = *numbers;
    let (width, count) = (mean.len(), rows.len() / mean.len());
    let seen = clip(graph, values, sight, "neighbours.seen");
    let mean = graph.numbers("neighbours.mean", &[width], mean);
    let deviation = graph.node("Sub", &[&seen, &mean], "neighbours.deviation");
    let square = graph.node("Mul", &[&deviation, &deviation], "neighbours.square");
    let own = sum_of_row(graph, &square, "neighbours.square.sum");
    // As columns, to multiply with, and doubled.
    let columns = (0..width).flat_map(|at| rows.iter().skip(at).step_by(width)).map(|value| 2.0 * value);
    let columns = graph.numbers("neighbours.rows", &[width, count], &columns.collect::<Vec<_>>());
    let squares: Vec<f32> = rows.chunks_exact(width).map(|row| row.iter().map(|value| value * value).sum()).collect();
    let squares = graph.numbers("neighbours.rows.square", &[count], &squares);
    let products = graph.node("MatMul", &[&deviation, &columns], "neighbours.products");
    // The higher, the nearer.
    let mut nearness = graph.node("Sub", &[&products, &squares], "neighbours.nearness");
    let places: Vec<f32> = (0..count).map(|place| place as f32).collect();
    let places = graph.numbers("neighbours.places", &[count], &places);
    let gone = graph.number("neighbours.gone", f32::MIN);
    for rank in 1..nearest {
        let name = format!("neighbours.{rank}");
        let row = [("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))];
        let place = graph.node_with("ArgMax", &[&nearness], format!("{name}.place"), row);
        let place = graph.node_with("Cast", &[&place], format!("{name}.number"), [("to", Attribute::Int(1))]);
        let is_it = graph.node("Equal", &[&places, &place], format!("{name}.is_it"));
        nearness = graph.node("Where", &[&is_it, &gone, &nearness], format!("{name}.others"));
    }
    let row = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
    let counts = graph.node_with("ReduceMax", &[&nearness], "neighbours.counts", row);
    let squared = graph.node("Sub", &[&own, &counts], "neighbours.squared");
    let positive = graph.node("Relu", &[&squared], "neighbours.positive");
    let width = graph.number("neighbours.width", width as f32);
    let mean = graph.node("Div", &[&positive, &width], "neighbours.mean_square");
    let root = graph.node("Sqrt", &[&mean], "neighbours.root");
    let least = graph.number("neighbours.least", least);
    graph.node("Add", &[&root, &least], "neighbours.score")
}

/// The surprise of a member's score, times its weight.
fn surprise(graph: &mut Graph, name: &str, score: &str, numbers: &Surprises<'_>, weight: f32) -> String {
    let Surprises { scores, surprises, width, .. } = *numbers;
    let name = format!("{name}.surprise");
    let reached = count_below(graph, &format!("{name}.reached"), score, scores, Bound::Included);
    let one = graph.number("one", 1.0);
    let zero = graph.number("zero", 0.0);
    let behind = graph.node("Sub", &[&reached, &one], format!("{name}.behind"));
    let place = graph.node("Relu", &[&behind], format!("{name}.place"));
    // From each score to the next; the last one has none, and its own width.
    let gap = |at: usize| scores.get(at + 1).map_or(width, |next| next - scores[at]);
    let rise = |at: usize| surprises.get(at + 1).map_or(0.0, |next| next - surprises[at]);
    let gaps: Vec<f32> = (0..scores.len()).map(gap).collect();
    let rises: Vec<f32> = (0..scores.len()).map(rise).collect();
    let mut entry = |values: &[f32], what: &str| row_of_table(graph, &format!("{name}.{what}"), values, &place);
    let [low, base] = [entry(scores, "low"), entry(surprises, "base")];
    let [gap, rise] = [entry(&gaps, "gap"), entry(&rises, "rise")];
    let above = graph.node("Sub", &[score, &low], format!("{name}.above"));
    let part = graph.node("Div", &[&above, &gap], format!("{name}.part"));
    let linear = graph.node("Mul", &[&part, &rise], format!("{name}.linear"));
    let grown = graph.node("Add", &[&part, &one], format!("{name}.grown"));
    let beyond = graph.node("Log", &[&grown], format!("{name}.beyond"));
    let all = graph.number(format!("{name}.all"), scores.len() as f32);
    let is_beyond = graph.node("GreaterOrEqual", &[&reached, &all], format!("{name}.is_beyond"));
    let more = graph.node("Where", &[&is_beyond, &beyond, &linear], format!("{name}.more"));
    let found = graph.node("Add", &[&base, &more], format!("{name}.found"));
    let is_usual = graph.node("Less", &[&reached, &one], format!("{name}.is_usual"));
    let value = graph.node("Where", &[&is_usual, &zero, &found], format!("{name}.value"));
    let weight = graph.number(format!("{name}.weight"), weight);
    graph.node("Mul", &[&value, &weight], name)
}

/// What changes of features add that never changed: `batch × 1`.
fn changes(graph: &mut Graph, Unchanged { usual, strength, .. }: &Unchanged) -> String {
    let width = usual.len();
    let values = features(graph, "unchanged.features", usual.iter().map(|&(feature, _)| feature));
    let learned: Vec<f32> = usual.iter().map(|&(_, value)| value).collect();
    let units: Vec<f32> = learned.iter().map(|value| value.abs().max(1.0)).collect();
    let learned = graph.numbers("unchanged.usual", &[width], &learned);
    let units = graph.numbers("unchanged.unit", &[width], &units);
    let same = graph.node("Equal", &[&values, &learned], "unchanged.same");
    let missing = graph.node("IsNaN", &[&values], "unchanged.missing");
    let kept = graph.node("Or", &[&same, &missing], "unchanged.kept");
    let difference = graph.node("Sub", &[&values, &learned], "unchanged.difference");
    let size = graph.node("Abs", &[&difference], "unchanged.size");
    let distance = graph.node("Div", &[&size, &units], "unchanged.distance");
    // Below every distance where there is no change.
    let none = graph.number("unchanged.none", -1.0);
    let distances = graph.node("Where", &[&kept, &none, &distance], "unchanged.distances");
    let row = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
    let farthest = graph.node_with("ReduceMax", &[&distances], "unchanged.farthest", row);
    let bounded = clip(graph, &farthest, f32::MAX, "unchanged.bounded");
    let (zero, one) = (graph.number("zero", 0.0), graph.number("one", 1.0));
    let changed = graph.node("GreaterOrEqual", &[&farthest, &zero], "unchanged.changed");
    let grown = graph.node("Add", &[&bounded, &one], "unchanged.grown");
    let more = graph.node("Log", &[&grown], "unchanged.more");
    let strength = graph.number("unchanged.strength", *strength);
    let surprise = graph.node("Add", &[&more, &strength], "unchanged.surprise");
    graph.node("Where", &[&changed, &surprise, &zero], "unchanged")
}

/// Whether a row has no score: a value is infinite, all that are judged are missing, or the sum is no number. `batch × 1`.
fn unusable(graph: &mut Graph, judged: &[usize], sum: &str) -> String {
    let infinite = graph.node("IsInf", &[INPUT], "input.infinite");
    let number = graph.node_with("Cast", &[&infinite], "input.infinite.number", [("to", Attribute::Int(1))]);
    let row = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
    let any = graph.node_with("ReduceMax", &[&number], "input.infinite.any", row);
    let any = graph.node_with("Cast", &[&any], "input.unusable", [("to", Attribute::Int(9))]);
    let too_large = graph.node("IsInf", &[sum], "members.too_large");
    let no_number = graph.node("IsNaN", &[sum], "members.no_number");
    let overflow = graph.node("Or", &[&too_large, &no_number], "members.overflow");
    let values = features(graph, "judged.features", judged.iter().copied());
    let missing = graph.node("IsNaN", &[&values], "judged.missing");
    let known = graph.node("Not", &[&missing], "judged.known");
    let known = graph.node_with("Cast", &[&known], "judged.known.number", [("to", Attribute::Int(1))]);
    let row = [("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))];
    let some = graph.node_with("ReduceMax", &[&known], "judged.some", row);
    let one = graph.number("one", 1.0);
    let empty = graph.node("Less", &[&some, &one], "judged.empty");
    let useless = graph.node("Or", &[&any, &overflow], "unusable.values");
    graph.node("Or", &[&useless, &empty], "unusable")
}

/// (1 + the number of calibration scores at least as high) / (1 + how many there are).
fn p_values(graph: &mut Graph, score: &str, calibration: &[f32]) -> String {
    let below = count_below(graph, "p_value.below", score, calibration, Bound::Excluded);
    let all = graph.number("p_value.all", (calibration.len() + 1) as f32);
    let as_high = graph.node("Sub", &[&all, &below], "p_value.as_high");
    graph.node("Div", &[&as_high, &all], "p_value.part")
}

//! What the page's template is filled with: every number already in words, every chart drawn for the page.

use askama::Template;

use super::{Report, ReportError, settings};
use crate::charts::{Style, spark_histogram};
use crate::evaluation::{ColumnSummary, Evaluation, MOST_COLUMNS, Pick, View};
use crate::number::{bytes, count, duration, grouped, name, shape, significant};
use crate::palette::{Ink, Theme, custom_properties};
use crate::picture::{Layout, PictureError};

/// At most this many features get a row in the table of errors.
const MOST_FEATURES: usize = 40;
const PAGE: Theme = Theme::Page;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    title: String,
    version: &'static str,
    light: String,
    dark: String,
    command_line: Option<String>,
    baseline: String,
    /// `unseen samples`, where they are.
    samples: &'static str,
    summary: Summary,
    data: Data,
    network: NetworkSection,
    training: Training,
    result: ResultSection,
    latent: Latent,
    sizes: SizeSection,
    settings: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
}

struct Summary {
    sentence: String,
    mse: String,
    baseline_mse: String,
    mean_mse: String,
    comparison: String,
    comparison_note: String,
    mean_note: &'static str,
    facts: Vec<(&'static str, String)>,
}

/// A picture, or a drawing of values.
struct Shown {
    uri: Option<String>,
    svg: Option<String>,
    alt: String,
}

struct Data {
    sentence: String,
    is_image: bool,
    samples: Vec<(Shown, String)>,
    columns: Vec<ColumnRow>,
    profile: Option<String>,
    has_lines: bool,
    columns_of: String,
    classes: Vec<(String, String, String)>,
    has_training_counts: bool,
    classes_note: Option<String>,
}

struct ColumnRow {
    name: String,
    min: String,
    mean: String,
    deviation: String,
    max: String,
    missing: String,
    histogram: String,
}

struct NetworkSection {
    summary: String,
    drawing: String,
    layers: Vec<[String; 6]>,
    parameters: String,
}

struct Training {
    sentence: String,
    losses: Option<String>,
    losses_note: &'static str,
    learning_rate: Option<String>,
    rate: Option<String>,
}

struct ResultSection {
    error_unit: &'static str,
    groups: Vec<Group>,
    distribution: String,
    class_errors: Option<String>,
    class_note: Option<String>,
    class_table: Vec<[String; 5]>,
    pixel_errors: Option<String>,
    feature_errors: Option<String>,
    feature_table: Vec<[String; 5]>,
    feature_note: Option<String>,
}

struct Group {
    name: &'static str,
    is_image: bool,
    picks: Vec<ShownPick>,
}

struct ShownPick {
    title: String,
    original: Shown,
    network: Shown,
    baseline: Shown,
    error: String,
    baseline_error: String,
}

struct Latent {
    sentence: String,
    network: String,
    network_note: String,
    baseline: String,
    baseline_note: String,
    traversals: [Vec<TraversalRow>; 2],
    traversal_note: String,
    is_image: bool,
}

struct TraversalRow {
    dimension: usize,
    low: String,
    high: String,
    steps: Vec<Shown>,
    drawing: Option<String>,
}

struct SizeSection {
    rows: Vec<SizeRow>,
    sentence: String,
    model: String,
}

struct SizeRow {
    name: &'static str,
    bytes: String,
    of_original: String,
    of_f32: String,
    mse: String,
    baseline_mse: String,
}

impl Page {
    pub(super) fn new(report: &Report<'_>) -> Result<Self, ReportError> {
        let evaluation = report.evaluation;
        Ok(Self {
            title: report.title.clone(),
            version: env!("CARGO_PKG_VERSION"),
            light: custom_properties(false),
            dark: custom_properties(true),
            command_line: report.command_line.clone(),
            baseline: evaluation.baseline_name(),
            samples: if evaluation.data.unseen { "unseen samples" } else { "these samples" },
            summary: Summary::of(evaluation, report.threads),
            data: Data::of(evaluation)?,
            network: NetworkSection::of(evaluation),
            training: Training::of(evaluation),
            result: ResultSection::of(evaluation)?,
            latent: Latent::of(evaluation)?,
            sizes: SizeSection::of(evaluation),
            settings: evaluation.record.config.as_ref().map(settings::rows).unwrap_or_default(),
            facts: facts(evaluation),
        })
    }
}

impl Shown {
    fn of(evaluation: &Evaluation, view: &View, alt: String) -> Result<Self, PictureError> {
        Ok(match view {
            View::Picture(picture) => Self { uri: Some(picture.data_uri()?), svg: None, alt },
            View::Values(values) => {
                let series = [("value", Ink::Network, Style::Solid, values)];
                Self { uri: None, svg: Some(evaluation.draw_values(&alt, series, PAGE)), alt }
            }
        })
    }
}

impl Summary {
    fn of(evaluation: &Evaluation, threads: Option<usize>) -> Self {
        let record = &evaluation.record;
        let (what, made) = if evaluation.is_closed_form() {
            ("A linear autoencoder", "computed in closed form from")
        } else {
            ("An autoencoder", "trained on")
        };
        let sentence = format!(
            "{what} of layers {} with {} was {made} {} of {}. It turns each sample of {} into {}, and is measured here on {} of {}{}.",
            evaluation.architecture.summary(),
            count(evaluation.architecture.parameters(), "parameter", "parameters"),
            count(record.data.train_samples, "sample", "samples"),
            quoted(&record.data.name),
            count(evaluation.data.features, "value", "values"),
            count(evaluation.architecture.latent(), "number", "numbers"),
            count(evaluation.data.samples, "sample", "samples"),
            quoted(&evaluation.data.name),
            if evaluation.data.unseen { " that it did not see in training" } else { "" },
        );
        let (comparison, comparison_note) = match evaluation.times_below_baseline() {
            _ if evaluation.is_closed_form() => ("PCA".to_owned(), "this model is PCA itself".to_owned()),
            Some(ratio) if ratio >= 1.0 => {
                (format!("{} ×", significant(ratio, 3)), "smaller error than PCA".to_owned())
            }
            Some(ratio) => (format!("{} ×", significant(1.0 / ratio, 3)), "larger error than PCA".to_owned()),
            None => ("–".to_owned(), "one of the errors is zero or not finite".to_owned()),
        };
        let mut facts = Vec::new();
        if let Some(config) = &record.config {
            facts.push(("Seed", config.seed.to_string()));
        }
        if record.seconds > 0.0 {
            facts.push(("Time", duration(record.seconds)));
        }
        if let Some(threads) = threads.or(record.config.as_ref().and_then(|config| config.threads)) {
            facts.push(("Threads", threads.to_string()));
        }
        facts.push(("Enkoder", env!("CARGO_PKG_VERSION").to_owned()));
        Self {
            sentence,
            mse: significant(evaluation.network.mse, 3),
            baseline_mse: significant(evaluation.baseline.mse, 3),
            mean_mse: significant(evaluation.mean.mse, 3),
            comparison,
            comparison_note,
            mean_note: if evaluation.mean.of_training { "of the training samples" } else { "of these samples" },
            facts,
        }
    }
}

impl Data {
    fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let data = &evaluation.data;
        let record = &evaluation.record.data;
        let kind = match data.layout {
            Layout::Image { channels: 3, .. } => format!("colour images of {} values", shape(&data.shape)),
            Layout::Image { .. } => format!("grey images of {} values", shape(&data.shape)),
            Layout::Vector if data.is_table => {
                format!("rows of a table with {}", count(data.features, "feature", "features"))
            }
            Layout::Vector => format!("arrays of {} values", shape(&data.shape)),
        };
        let values = if data.is_u8 { "bytes from 0 to 255" } else { "32-bit numbers" };
        let missing = match data.missing {
            0 => String::new(),
            missing => format!(" {} missing among the evaluated samples.", count(missing, "value is", "values are")),
        };
        let sentence = format!(
            "{}: {kind}, stored as {values}; {} for training and {} for validation.{missing}",
            data.name,
            grouped(record.train_samples),
            grouped(record.validation_samples),
        );
        let mut samples = Vec::new();
        for sample in &evaluation.samples {
            let class = sample.class.clone().unwrap_or_default();
            let alt = if class.is_empty() { "a sample".to_owned() } else { format!("a sample of class {class}") };
            samples.push((Shown::of(evaluation, &sample.view, alt)?, class));
        }
        let columns = evaluation.columns.as_ref();
        // Features in an order are better seen as one chart than as many rows.
        let profile = evaluation.draw_profile(PAGE);
        let columns = columns.filter(|_| profile.is_none());
        let rows = columns.map_or_else(Vec::new, |columns| {
            columns
                .first
                .iter()
                .take(MOST_COLUMNS)
                .enumerate()
                .map(|(index, column)| ColumnRow::of(columns.name(index), column))
                .collect()
        });
        let columns_of = columns.map_or_else(String::new, |columns| {
            let all = data.features <= MOST_COLUMNS;
            let which = if all { "All".to_owned() } else { format!("The first {} of", grouped(MOST_COLUMNS)) };
            format!(
                "{which} {}, over {}",
                count(data.features, "feature", "features"),
                count(columns.samples, "sample", "samples")
            )
        });
        let classes = data.classes.iter().zip(&data.class_counts).take(MOST_FEATURES);
        let hidden = data.classes.len().saturating_sub(MOST_FEATURES);
        Ok(Self {
            sentence,
            is_image: data.layout != Layout::Vector,
            samples,
            columns: rows,
            profile,
            has_lines: evaluation.has_feature_chart(),
            columns_of,
            has_training_counts: data.class_counts.iter().any(|(trained, _)| trained.is_some()),
            classes: classes
                .map(|(name, (trained, evaluated))| {
                    (name.clone(), trained.map_or_else(String::new, grouped), grouped(*evaluated))
                })
                .collect(),
            classes_note: (hidden > 0).then(|| format!("and {} more", count(hidden, "class", "classes"))),
        })
    }
}

impl ColumnRow {
    fn of(name: String, column: &ColumnSummary) -> Self {
        let known: usize = column.histogram.iter().sum();
        let label = format!("Histogram of {name}");
        Self {
            min: significant(column.min.into(), 4),
            mean: significant(column.mean, 4),
            deviation: significant(column.deviation, 3),
            max: significant(column.max.into(), 4),
            missing: if column.missing == 0 { "–".to_owned() } else { grouped(column.missing) },
            histogram: if known > 0 { spark_histogram(&column.histogram, &label, PAGE) } else { String::new() },
            name,
        }
    }
}

impl NetworkSection {
    fn of(evaluation: &Evaluation) -> Self {
        let architecture = &evaluation.architecture;
        let layers = architecture.layers().into_iter().map(|layer| {
            [
                layer.name,
                layer.kind.to_owned(),
                grouped(layer.inputs),
                grouped(layer.outputs),
                layer.activation.to_string(),
                grouped(layer.parameters),
            ]
        });
        Self {
            summary: architecture.summary(),
            drawing: evaluation.draw_network(PAGE),
            layers: layers.collect(),
            parameters: grouped(architecture.parameters()),
        }
    }
}

impl Training {
    fn of(evaluation: &Evaluation) -> Self {
        let record = &evaluation.record;
        let sentence = match (&record.config, &record.history) {
            (Some(config), Some(history)) => {
                let epochs = count(history.epochs.len(), "epoch", "epochs");
                let best = history.best().map_or_else(String::new, |best| {
                    let loss = significant(best.validation_loss, 3);
                    format!(" The model kept is that of epoch {}, with a validation loss of {loss}.", best.epoch)
                });
                let time: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
                let samples: f64 = history.epochs.iter().map(|e| e.samples_per_second * e.seconds).sum();
                let rate = if time > 0.0 && samples > 0.0 {
                    format!(" Training steps took {}: {} samples a second.", duration(time), grouped((samples / time) as usize))
                } else {
                    String::new()
                };
                format!(
                    "Minimised {} over {epochs}; {}.{best}{rate}",
                    settings::loss(&config.loss),
                    settings::stopped(history.stopped)
                )
            }
            _ => "This model was not trained step by step: its weights are the principal components of the training samples, computed in closed form. There is no curve to show.".to_owned(),
        };
        let penalised = record.config.as_ref().is_some_and(|config| config.penalty.is_some());
        let corrupted = record.config.as_ref().is_some_and(|config| config.corruption.is_some());
        let losses_note = match (corrupted, penalised) {
            (true, _) => {
                "The training loss is measured on damaged inputs while the parameters still change, the validation loss on whole ones after each epoch."
            }
            (_, true) => {
                "The training loss, without the penalty, is the mean over the epoch's steps while the parameters still change; the validation loss is measured after each epoch."
            }
            _ => {
                "The training loss is the mean over the epoch's steps, while the parameters still change; the validation loss is measured after each epoch."
            }
        };
        Self {
            sentence,
            losses: evaluation.draw_losses(PAGE),
            losses_note,
            learning_rate: evaluation.draw_learning_rate(PAGE),
            rate: evaluation.draw_rate(PAGE),
        }
    }
}

impl ResultSection {
    fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let (times, error_unit) = error_unit(evaluation.baseline.mse);
        let mut groups = Vec::new();
        for group in &evaluation.picks {
            let picks = group.picks.iter().map(|pick| ShownPick::of(evaluation, pick, times));
            let is_image = evaluation.data.layout != Layout::Vector;
            groups.push(Group { name: group.name, is_image, picks: picks.collect::<Result<_, _>>()? });
        }
        let charted = evaluation.charted_classes();
        let hidden = evaluation.classes.len() - charted.len();
        let class_table = charted.iter().map(|class| {
            [
                class.name.clone(),
                grouped(class.samples),
                significant(class.mse, 3),
                significant(class.baseline_mse, 3),
                ratio(class.baseline_mse, class.mse),
            ]
        });
        let (feature_table, feature_note) = feature_table(evaluation);
        Ok(Self {
            error_unit,
            groups,
            distribution: evaluation.draw_error_distribution(PAGE),
            class_errors: evaluation.draw_class_errors(PAGE),
            class_note: (hidden > 0).then(|| {
                format!("The {} classes with the largest errors of {}.", charted.len(), evaluation.classes.len())
            }),
            class_table: class_table.collect(),
            pixel_errors: evaluation.draw_pixel_errors(PAGE)?,
            feature_errors: evaluation.draw_feature_errors(PAGE),
            feature_table,
            feature_note,
        })
    }
}

/// By what small errors are multiplied, so that they fit below a picture, and how the page says so.
fn error_unit(typical: f64) -> (f64, &'static str) {
    match typical {
        0.0..1e-4 => (1e6, ", times 1,000,000"),
        1e-4..0.1 => (1e3, ", times 1,000"),
        _ => (1.0, ""),
    }
}

/// Rows of name, variance, errors and what is explained, for the features with the largest errors; nothing for images.
fn feature_table(evaluation: &Evaluation) -> (Vec<[String; 5]>, Option<String>) {
    let Some(columns) = evaluation.columns.as_ref().filter(|_| !evaluation.has_feature_chart()) else {
        return (Vec::new(), None);
    };
    let errors = &evaluation.network.per_feature;
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]));
    order.truncate(MOST_FEATURES);
    let explained = |error: f64, mean: f64| {
        let share = 100.0 * (1.0 - error / mean);
        if share.is_finite() { format!("{} %", significant(share, 3)) } else { "–".to_owned() }
    };
    let rows = order.iter().map(|&feature| {
        let mean = evaluation.mean.per_feature[feature];
        [
            columns.name(feature),
            significant(errors[feature], 3),
            significant(evaluation.baseline.per_feature[feature], 3),
            significant(mean, 3),
            explained(errors[feature], mean),
        ]
    });
    let note = (errors.len() > order.len())
        .then(|| format!("The {} features with the largest errors of {}.", order.len(), grouped(errors.len())));
    (rows.collect(), note)
}

impl ShownPick {
    fn of(evaluation: &Evaluation, pick: &Pick, times: f64) -> Result<Self, PictureError> {
        let class = pick.class.as_deref().map_or_else(String::new, |class| format!(", class {class}"));
        let title = pick.class.clone().unwrap_or_else(|| format!("#{}", pick.index));
        let shown =
            |view: &View, what: &str| Shown::of(evaluation, view, format!("sample {}{class}: {what}", pick.index));
        // One drawing holds all three where samples are no images.
        let original = match evaluation.draw_pick(pick, PAGE) {
            Some(svg) => Shown { uri: None, svg: Some(svg), alt: String::new() },
            None => shown(&pick.original, "original")?,
        };
        let empty = || Shown { uri: None, svg: None, alt: String::new() };
        let is_image = original.uri.is_some();
        Ok(Self {
            title,
            original,
            network: if is_image { shown(&pick.network, "the network's reconstruction")? } else { empty() },
            baseline: if is_image { shown(&pick.baseline, "PCA's reconstruction")? } else { empty() },
            error: significant(f64::from(pick.error) * times, 2),
            baseline_error: significant(f64::from(pick.baseline_error) * times, 2),
        })
    }
}

impl Latent {
    fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let latent = evaluation.architecture.latent();
        let shown = evaluation.projections[0].points.len();
        let note = |which: usize| {
            let projection = &evaluation.projections[which];
            let share = projection.share.map(|share| format!("{} %", significant(100.0 * share, 3)));
            match (which, projection.flat, share) {
                (_, true, _) => "One number only: height just keeps the points apart.".to_owned(),
                (0, _, None) => "The two numbers of each code.".to_owned(),
                (0, _, Some(share)) => {
                    format!(
                        "First two principal components of the {latent}-number codes; they hold {share} of the codes' variance."
                    )
                }
                (_, _, None) => "The first two principal components of the data.".to_owned(),
                (_, _, Some(share)) => format!(
                    "The first two principal components of the data; they hold {share} of the variance of PCA's {} components.",
                    evaluation.baseline_latent
                ),
            }
        };
        let mut traversals = [Vec::new(), Vec::new()];
        for ((rows, of_model), who) in traversals.iter_mut().zip(&evaluation.traversals).zip(["network", "PCA"]) {
            for traversal in of_model {
                let drawing = evaluation.draw_traversal(traversal, PAGE);
                let mut steps = Vec::new();
                if drawing.is_none() {
                    for (step, view) in traversal.views.iter().enumerate() {
                        let share = step as f32 / (traversal.views.len() - 1).max(1) as f32;
                        let value = traversal.low + (traversal.high - traversal.low) * share;
                        let alt =
                            format!("{who}, number {} at {}", traversal.dimension + 1, significant(value.into(), 3));
                        steps.push(Shown::of(evaluation, view, alt)?);
                    }
                }
                rows.push(TraversalRow {
                    dimension: traversal.dimension + 1,
                    low: significant(traversal.low.into(), 2),
                    high: significant(traversal.high.into(), 2),
                    steps,
                    drawing,
                });
            }
        }
        let dimensions = evaluation.traversals[0].len();
        let traversal_note = if dimensions < latent {
            format!("The {dimensions} of {} numbers that change the output the most.", grouped(latent))
        } else {
            String::new()
        };
        Ok(Self {
            sentence: format!(
                "The network turns each sample into {}. Here are the codes of {}{}{}.",
                count(latent, "number", "numbers"),
                count(shown, "sample", "samples"),
                if evaluation.data.unseen { " it did not see" } else { "" },
                if evaluation.data.classes.is_empty() {
                    ""
                } else {
                    ", coloured by class; it was never told the classes"
                },
            ),
            network: evaluation.draw_projection(0, PAGE),
            network_note: note(0),
            baseline: evaluation.draw_projection(1, PAGE),
            baseline_note: note(1),
            traversals,
            traversal_note,
            is_image: evaluation.data.layout != Layout::Vector,
        })
    }
}

impl SizeSection {
    fn of(evaluation: &Evaluation) -> Self {
        let sizes = evaluation.sizes();
        let row = |name, size: usize, mse: Option<(f64, f64)>| {
            let error = |value: f64| significant(value, 4);
            SizeRow {
                name,
                bytes: grouped(size),
                of_original: ratio(sizes.original as f64, size as f64),
                of_f32: ratio(sizes.original_f32 as f64, size as f64),
                mse: mse.map_or_else(|| "0".to_owned(), |(mse, _)| error(mse)),
                baseline_mse: mse.map_or_else(|| "0".to_owned(), |(_, baseline)| error(baseline)),
            }
        };
        let exact = (evaluation.network.mse, evaluation.baseline.mse);
        let rounded = (evaluation.network.quantised_mse, evaluation.baseline.quantised_mse);
        let mut rows = vec![row("Original, as stored", sizes.original, None)];
        if sizes.original_f32 != sizes.original {
            rows.push(row("Original, as 32-bit numbers", sizes.original_f32, None));
        }
        rows.push(row("Code, as 32-bit numbers", sizes.code_f32, Some(exact)));
        rows.push(row("Code, as bytes", sizes.code_u8, Some(rounded)));
        let times = |from: usize, to: usize| ratio(from as f64, to as f64);
        let sentence = if sizes.original_f32 != sizes.original {
            format!(
                "It is popular to compare {} values with {} and say “{} times smaller”. But a sample is stored in {}, not in {}: against that, the code is {} times smaller as 32-bit numbers, and {} times as bytes.",
                grouped(evaluation.data.features),
                grouped(evaluation.architecture.latent()),
                times(evaluation.data.features, evaluation.architecture.latent()),
                bytes(sizes.original),
                bytes(sizes.original_f32),
                times(sizes.original, sizes.code_f32),
                times(sizes.original, sizes.code_u8),
            )
        } else {
            format!(
                "A sample of {} becomes a code of {}: {} times smaller as 32-bit numbers, {} times as bytes.",
                bytes(sizes.original),
                bytes(sizes.code_f32),
                times(sizes.original, sizes.code_f32),
                times(sizes.original, sizes.code_u8),
            )
        };
        let pays = |code: usize, name: &str| match sizes.pays_from(code) {
            Some(from) => format!("with codes as {name}, from {} on", count(from, "sample", "samples")),
            None => format!("with codes as {name}, never"),
        };
        let model = format!(
            "Decoding needs the model, {} on disk: model and codes together are smaller than the originals {}; {}. Bytes are counted without any entropy coding, which would shrink originals and codes further.",
            bytes(sizes.model),
            pays(sizes.code_f32, "32-bit numbers"),
            pays(sizes.code_u8, "bytes"),
        );
        Self { rows, sentence, model }
    }
}

/// The facts below the settings.
fn facts(evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let record = &evaluation.record.data;
    let split =
        format!("{} training, {} validation", grouped(record.train_samples), grouped(record.validation_samples));
    vec![
        ("Architecture", evaluation.architecture.summary()),
        ("Scaling", evaluation.scaling.clone()),
        ("Trained on", name(&record.name, crate::evaluation::LONGEST_NAME)),
        ("Samples", split),
        ("Fingerprint of the training samples (SHA-256)", name(&record.fingerprint, 64)),
        ("Evaluated on", format!("{}, {}", evaluation.data.name, count(evaluation.data.samples, "sample", "samples"))),
        ("Fingerprint of the evaluated samples (SHA-256)", evaluation.data.fingerprint.clone()),
        ("Enkoder", env!("CARGO_PKG_VERSION").to_owned()),
    ]
}

fn quoted(text: &str) -> String {
    format!("“{}”", name(text, crate::evaluation::LONGEST_NAME))
}

fn ratio(a: f64, b: f64) -> String {
    significant(a / b, 3)
}

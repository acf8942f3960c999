//! What the page says of the result: samples beside their reconstructions, and where the errors are.

use super::{MOST_ROWS, PAGE, Shown, findings, ratio};
use crate::evaluation::{Column, Evaluation, Pick, View};
use crate::number::{grouped, significant};
use crate::picture::{Layout, PictureError};

pub(super) struct ResultSection {
    pub(super) error_unit: &'static str,
    pub(super) groups: Vec<Group>,
    pub(super) distribution: String,
    pub(super) distribution_finding: Option<String>,
    pub(super) class_errors: Option<String>,
    pub(super) class_finding: Option<String>,
    pub(super) class_note: Option<String>,
    pub(super) class_table: Vec<[String; 5]>,
    pub(super) pixel_errors: Option<String>,
    pub(super) pixel_finding: Option<String>,
    pub(super) feature_errors: Option<String>,
    pub(super) feature_finding: Option<String>,
    pub(super) feature_table: Vec<[String; 5]>,
    pub(super) feature_note: Option<String>,
}

pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) is_image: bool,
    pub(super) picks: Vec<ShownPick>,
}

pub(super) struct ShownPick {
    pub(super) title: String,
    pub(super) original: Shown,
    pub(super) network: Shown,
    pub(super) baseline: Shown,
    pub(super) error: String,
    pub(super) baseline_error: String,
}

impl ResultSection {
    pub(super) fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let (times, error_unit) = error_unit(evaluation.network.mse.max(evaluation.baseline.mse));
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
            distribution_finding: findings::distribution(evaluation),
            class_errors: evaluation.draw_class_errors(PAGE),
            class_finding: findings::classes(evaluation),
            class_note: (hidden > 0).then(|| {
                format!("The {} classes with the largest errors of {}.", charted.len(), evaluation.classes.len())
            }),
            class_table: class_table.collect(),
            pixel_errors: evaluation.draw_pixel_errors(PAGE)?,
            pixel_finding: findings::features(evaluation, ["at", "pixel", "pixels"]),
            feature_errors: evaluation.draw_feature_errors(PAGE),
            feature_finding: findings::features(evaluation, ["on", "feature", "features"]),
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

/// Rows of name, errors and what is explained, for the columns with the largest errors; nothing for images. The error of a column of
/// categories is the mean over its features.
fn feature_table(evaluation: &Evaluation) -> (Vec<[String; 5]>, Option<String>) {
    let Some(columns) = evaluation.columns.as_ref().filter(|_| !evaluation.has_feature_chart()) else {
        return (Vec::new(), None);
    };
    let errors = |column: &Column| column.mean(&evaluation.network.per_feature);
    let mut order: Vec<&Column> = columns.all.iter().collect();
    order.sort_by(|a, b| errors(b).total_cmp(&errors(a)));
    order.truncate(MOST_ROWS);
    let explained = |error: f64, mean: f64| {
        let share = 100.0 * (1.0 - error / mean);
        if share.is_finite() { format!("{}\u{a0}%", significant(share, 3)) } else { "–".to_owned() }
    };
    let rows = order.iter().map(|column| {
        let (error, mean) = (errors(column), column.mean(&evaluation.mean.per_feature));
        [
            column.name.clone(),
            significant(error, 3),
            significant(column.mean(&evaluation.baseline.per_feature), 3),
            significant(mean, 3),
            explained(error, mean),
        ]
    });
    let all = columns.all.len();
    let note = (all > order.len())
        .then(|| format!("The {} columns with the largest errors of {}.", order.len(), grouped(all)));
    (rows.collect(), note)
}

impl ShownPick {
    pub(super) fn of(evaluation: &Evaluation, pick: &Pick, times: f64) -> Result<Self, PictureError> {
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

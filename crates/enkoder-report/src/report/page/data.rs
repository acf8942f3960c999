//! What the page says of the data: samples, features with their ranges, classes.

use super::{MOST_ROWS, PAGE, Shown};
use crate::charts::spark_histogram;
use crate::evaluation::{Column, Columns, Evaluation, MOST_COLUMNS};
use crate::number::{count, grouped, part, shape, significant};
use crate::picture::{Layout, PictureError};

pub(super) struct Data {
    pub(super) sentence: String,
    pub(super) is_image: bool,
    pub(super) is_table: bool,
    /// Which colour stands for which value, where that is not brightness: for the samples and the result.
    pub(super) colours: [Option<String>; 2],
    pub(super) samples: Vec<(Shown, String)>,
    pub(super) columns: Vec<ColumnRow>,
    pub(super) profile: Option<String>,
    pub(super) has_lines: bool,
    pub(super) columns_of: String,
    pub(super) classes: Vec<(String, String, String)>,
    pub(super) has_training_counts: bool,
    pub(super) classes_note: Option<String>,
}

pub(super) struct ColumnRow {
    pub(super) name: String,
    /// Of a column of categories what there is to say in place of a range.
    pub(super) categories: Option<String>,
    pub(super) min: String,
    pub(super) mean: String,
    pub(super) deviation: String,
    pub(super) max: String,
    pub(super) missing: String,
    pub(super) histogram: String,
}

impl Data {
    pub(super) fn of(evaluation: &Evaluation) -> Result<Self, PictureError> {
        let data = &evaluation.data;
        let record = &evaluation.record.data;
        let kind = match data.layout {
            Layout::Image { channels: 3, .. } => format!("colour images of {} values", shape(&data.shape)),
            Layout::Image { .. } if data.is_field() => {
                let up = if data.quantity.is_some() && data.south_first() { ", drawn north up" } else { "" };
                let of =
                    data.quantity.as_ref().map_or_else(String::new, |_| format!(" of {}", data.quantity_in_words()));
                format!("fields{of} on grids of {}{up}", shape(&data.shape))
            }
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
        let samples = if data.unseen {
            let [train, validation] = [record.train_samples, record.validation_samples].map(grouped);
            format!("{train} for training and {validation} for validation")
        } else {
            format!("{}, all of which are measured", count(data.samples, "sample", "samples"))
        };
        let sentence = format!("{}: {kind}, stored as {values}; {samples}.{missing}", data.name);
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
            columns.all.iter().take(MOST_COLUMNS).filter_map(|column| ColumnRow::of(column, columns)).collect()
        });
        let columns_of = columns.map_or_else(String::new, |columns| {
            let [one, many] = if data.is_table { ["column", "columns"] } else { ["feature", "features"] };
            let all = if data.is_table { columns.all.len() } else { data.features };
            let which =
                if all <= MOST_COLUMNS { "All".to_owned() } else { format!("The first {} of", grouped(MOST_COLUMNS)) };
            format!("{which} {}, over {}", count(all, one, many), count(columns.samples, "sample", "samples"))
        });
        let classes = data.classes.iter().zip(&data.class_counts).take(MOST_ROWS);
        let hidden = data.classes.len().saturating_sub(MOST_ROWS);
        Ok(Self {
            sentence,
            is_image: data.layout != Layout::Vector,
            is_table: data.is_table,
            colours: ["colours-data", "colours-result"].map(|id| evaluation.draw_colour_bar(id, PAGE)),
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
    /// Nothing where the column was not looked at.
    fn of(column: &Column, columns: &Columns) -> Option<Self> {
        let features = columns.first.get(column.features.clone())?;
        let first = features.first()?;
        let known = columns.samples - first.missing;
        let label = format!("Histogram of {}", column.name);
        // Of categories the counts of each, in their order.
        let counts: Vec<usize> = match column.categories {
            Some(_) => features.iter().map(|feature| (feature.mean * known as f64).round() as usize).collect(),
            None => first.histogram.clone(),
        };
        let categories = column.categories.as_ref().map(|words| {
            let most = counts.iter().enumerate().max_by_key(|(place, count)| (**count, std::cmp::Reverse(*place)));
            let often =
                most.filter(|_| known > 0).and_then(|(place, &count)| Some((words.get(place)?, part(count, known))));
            let often = often.map_or_else(String::new, |(word, share)| format!(", most often {word} ({share})"));
            count(words.len(), "category", "categories") + &often
        });
        Some(Self {
            name: column.name.clone(),
            categories,
            min: significant(first.min.into(), 4),
            mean: significant(first.mean, 4),
            deviation: significant(first.deviation, 3),
            max: significant(first.max.into(), 4),
            missing: if first.missing == 0 { "–".to_owned() } else { grouped(first.missing) },
            histogram: if known > 0 { spark_histogram(&counts, &label, PAGE) } else { String::new() },
        })
    }
}

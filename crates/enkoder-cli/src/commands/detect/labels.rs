//! What the labels of data mean: which of them are of normal rows is known before any row is judged by them.

use enkoder::anomaly::{NormalLabels, NormalLabelsError};
use enkoder_data::{Chunk, DataError};

use crate::failure::Usage;
use crate::interrupt;
use crate::screen::Screen;

/// The labels of these rows; none where they have none, or too many for classes.
pub fn of(
    chunks: impl Iterator<Item = Result<Chunk, DataError>>,
    normal: &[String],
) -> anyhow::Result<Option<NormalLabels>> {
    let mut all = Vec::<String>::new();
    for chunk in chunks {
        let chunk = chunk?;
        let Some(classes) = chunk.data.classes() else { return Ok(None) };
        let new: Vec<String> = classes.iter().filter(|class| !all.contains(class)).cloned().collect();
        all.extend(new);
        if interrupt::requested() {
            // Whoever scores the rows sees it, too.
            return Ok(None);
        }
    }
    Ok(Some(NormalLabels::among(&all, normal).map_err(told)?))
}

/// The same of data that has its labels with it, by its first rows: where none is known to be normal, no figure rests on them.
pub fn of_whole(
    first: Option<&Result<Chunk, DataError>>,
    normal: &[String],
    screen: Screen,
) -> anyhow::Result<Option<NormalLabels>> {
    let Some(classes) = first.and_then(|chunk| chunk.as_ref().ok()?.data.classes()) else { return Ok(None) };
    match NormalLabels::among(classes, normal) {
        Err(error @ NormalLabelsError::Unknown { .. }) => {
            let error = told(error);
            screen.note(format_args!("the labels of the data are not compared with the scores: {error}"));
            Ok(None)
        }
        labels => Ok(Some(labels.map_err(told)?)),
    }
}

fn told(error: NormalLabelsError) -> Usage {
    let hint = match &error {
        NormalLabelsError::Unknown { labels, unlabelled } => {
            let example = labels.first().map_or("LABEL", String::as_str);
            let unlabelled = if *unlabelled { ", and those without a label with --normal none" } else { "" };
            format!("name the labels of normal rows, as --normal {example}; all others are anomalies{unlabelled}")
        }
        _ => "name the labels of normal rows as the column has them".to_owned(),
    };
    Usage::new(error.to_string()).with_hint(hint)
}

/// Some of many labels.
pub fn named(labels: &[String]) -> String {
    const NAMED: usize = 5;
    let more = if labels.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", labels[..labels.len().min(NAMED)].join(", "))
}

//! What is in a file of several arrays.

use enkoder_data::{ArrayEntry, ArraySummary, Contents};
use serde_json::{Value, json};

use crate::screen::FAINT;
use crate::wording;

/// A file's arrays with what their values are like, as text or as JSON.
pub fn describe(name: &str, contents: &Contents, as_json: bool) -> anyhow::Result<String> {
    let summaries: Vec<Result<Option<ArraySummary>, String>> = contents
        .arrays
        .iter()
        .map(|array| array.summary().map_err(|error| format!("{:#}", anyhow::Error::from(error))))
        .collect();
    Ok(if as_json { json(name, contents, &summaries).to_string() } else { text(name, contents, &summaries) })
}

type Summary = Result<Option<ArraySummary>, String>;

fn text(name: &str, contents: &Contents, summaries: &[Summary]) -> String {
    let line = |heading: &str, text: &str| format!("{FAINT}{heading:<8}{FAINT:#} {text}\n");
    let mut text = line("data", name);
    text += &line("format", contents.format);
    if !contents.groups.is_empty() {
        text += &line("groups", &contents.groups.join(", "));
    }
    let width = contents.arrays.iter().map(|array| array.name.chars().count()).max().unwrap_or(0).min(24);
    for (index, (array, summary)) in contents.arrays.iter().zip(summaries).enumerate() {
        let heading = if index == 0 { "arrays" } else { "" };
        text += &line(heading, &format!("{:<width$}  {}", array.name, about(array, summary)));
    }
    text += &match contents.only_data() {
        Some(array) => line("taken", &format!("{}, where --variable names no other", array.name)),
        None => {
            let names: Vec<&str> =
                contents.arrays.iter().filter(|array| array.is_data()).map(|array| array.name.as_str()).collect();
            match names[..] {
                [] => line("taken", "nothing: there are no numbers but coordinates"),
                _ => line("choose", &format!("one with --variable: {}", names.join(", "))),
            }
        }
    };
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// An array in one line.
fn about(array: &ArrayEntry, summary: &Summary) -> String {
    let axes = |lengths: &[u64]| match lengths {
        [] => "a single value".to_owned(),
        lengths => wording::shape(&lengths.iter().map(|&length| length as usize).collect::<Vec<_>>()),
    };
    let mut parts = vec![format!("{} {}", array.type_name, axes(&array.shape))];
    if !array.axes.is_empty() {
        parts[0] += &format!(" ({})", array.axes.join(", "));
    }
    if array.is_coordinate {
        parts.push("coordinate".to_owned());
    }
    if let Ok(Some(ArraySummary { values, missing, range, integers, .. })) = *summary {
        let unit = array.units.as_ref().map_or_else(String::new, |units| format!(" {units}"));
        let exactly = integers.map(|(low, high)| (low.to_string(), high.to_string()));
        match exactly.or(range.map(|(low, high)| (wording::number(low), wording::number(high)))) {
            Some((low, high)) if low == high => parts.push(format!("{low}{unit}")),
            Some((low, high)) => parts.push(format!("{low} to {high}{unit}")),
            None => parts.extend(array.units.clone()),
        }
        if missing > 0 {
            parts.push(format!("{:.2} % missing", 100.0 * missing as f64 / values as f64));
        }
    } else {
        parts.extend(array.units.clone());
    }
    if !array.chunks.is_empty() {
        parts.push(format!("chunks of {}", axes(&array.chunks)));
    }
    if !array.filters.is_empty() {
        parts.push(array.filters.join(" + "));
    }
    if (array.scale, array.offset) != (1.0, 0.0) {
        parts.push(format!("packed: stored × {} + {}", array.scale, array.offset));
    }
    match (&array.unreadable, summary) {
        (Some(why), _) | (_, Err(why)) => parts.push(format!("cannot be read: {why}")),
        _ => {}
    }
    parts.extend(array.long_name.as_ref().map(|name| format!("{FAINT}{name}{FAINT:#}")));
    parts.join(", ")
}

/// An end of a range, with all digits where it is an integer.
fn end(integer: Option<i128>, value: Option<f64>) -> Option<Value> {
    let signed = integer.and_then(|integer| i64::try_from(integer).ok()).map(Value::from);
    signed.or(integer.and_then(|integer| u64::try_from(integer).ok()).map(Value::from)).or(value.map(Value::from))
}

fn json(name: &str, contents: &Contents, summaries: &[Summary]) -> Value {
    let arrays: Vec<Value> = contents
        .arrays
        .iter()
        .zip(summaries)
        .map(|(array, summary)| {
            let found = summary.as_ref().ok().copied().flatten();
            let unreadable = array.unreadable.as_ref().or(summary.as_ref().err());
            json!({
                "name": array.name,
                "type": array.type_name,
                "shape": array.shape,
                "axes": array.axes,
                "chunks": array.chunks,
                "filters": array.filters,
                "units": array.units,
                "long_name": array.long_name,
                "scale_factor": array.scale,
                "add_offset": array.offset,
                "coordinate": array.is_coordinate,
                "unreadable": unreadable,
                "values": found.map(|found| found.values),
                "missing": found.map(|found| found.missing),
                "min": found.and_then(|found| end(found.integers.map(|ends| ends.0), found.range.map(|ends| ends.0))),
                "max": found.and_then(|found| end(found.integers.map(|ends| ends.1), found.range.map(|ends| ends.1))),
            })
        })
        .collect();
    json!({
        "kind": "arrays",
        "name": name,
        "format": contents.format,
        "groups": contents.groups,
        "arrays": arrays,
        "taken": contents.only_data().map(|array| &array.name),
    })
}

//! The label column of a table as classes.

use std::collections::HashMap;

use enkoder::Labels;

use super::{CellKind, MAX_CATEGORIES, TableColumn};

/// The most different numbers that are seen as classes; more are a quantity.
const MAX_NUMERIC_CLASSES: usize = 100;

/// The labels of the rows that have these values in the label column. None, with a warning, where they are no classes.
///
/// Classes stand in the order of their declaration, or sorted: numbers by value, words by alphabet.
pub(super) fn labels(column: &TableColumn, values: &[f32]) -> Option<Labels> {
    let mut order: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    order.sort_unstable_by(f32::total_cmp);
    order.dedup();
    let most = if matches!(column.kind, CellKind::Numbers) { MAX_NUMERIC_CLASSES } else { MAX_CATEGORIES };
    if order.len() > most || matches!(column.kind, CellKind::Words { more: true, .. }) {
        tracing::warn!(
            "column {:?} has more than {most} different values, too many for classes; its labels are left out",
            column.name
        );
        return None;
    }
    let mut classes: Vec<(String, f32)> = order.into_iter().map(|value| (name(&column.kind, value), value)).collect();
    if matches!(column.kind, CellKind::Words { declared: false, .. }) {
        classes.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let numbers: HashMap<u32, u32> =
        classes.iter().zip(0..).map(|(&(_, value), number)| (number_key(value), number)).collect();
    let unlabelled = classes.len() as u32;
    let values: Vec<u32> =
        values.iter().map(|&value| numbers.get(&number_key(value)).copied().unwrap_or(unlabelled)).collect();
    let mut classes: Vec<String> = classes.into_iter().map(|(name, _)| name).collect();
    if values.contains(&unlabelled) {
        classes.push(Labels::UNLABELLED.into());
    }
    Some(Labels { classes, values })
}

fn name(kind: &CellKind, value: f32) -> String {
    match kind {
        CellKind::Numbers => value.to_string(),
        CellKind::Words { words, .. } => words.get(value as usize).cloned().unwrap_or_default(),
    }
}

/// A number as the key of a map: 0 and −0 are the same.
fn number_key(value: f32) -> u32 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: CellKind) -> TableColumn {
        TableColumn { name: "class".into(), kind, missing: 0, left_out: None }
    }

    fn words(declared: bool) -> CellKind {
        let words: Vec<String> = ["pear", "apple", "fig"].map(String::from).to_vec();
        CellKind::Words { seen: vec![true; 3], words, declared, more: false }
    }

    #[test]
    fn numbers_are_classes_in_the_order_of_their_values() {
        let labels = labels(&column(CellKind::Numbers), &[10.0, 2.0, -0.0, 10.0, 0.0]).unwrap();
        assert_eq!(labels.classes.len(), 3);
        assert_eq!(labels.classes[1..], ["2", "10"]);
        assert_eq!(labels.values, [2, 1, 0, 2, 0]);
    }

    #[test]
    fn words_are_classes_in_the_declared_order_or_else_by_alphabet() {
        let values = [0.0, 1.0, 2.0, f32::NAN];
        let by_alphabet = labels(&column(words(false)), &values).unwrap();
        assert_eq!(by_alphabet.classes, ["apple", "fig", "pear", "?"]);
        assert_eq!(by_alphabet.values, [2, 0, 1, 3]);
        let declared = labels(&column(words(true)), &values).unwrap();
        assert_eq!(declared.classes, ["pear", "apple", "fig", "?"]);
        assert_eq!(declared.values, [0, 1, 2, 3]);
    }

    #[test]
    fn a_class_without_a_row_is_left_out() {
        assert_eq!(labels(&column(words(true)), &[2.0, 2.0]).unwrap().classes, ["fig"]);
    }

    #[test]
    fn a_quantity_is_no_class() {
        let values: Vec<f32> = (0..101).map(|n| n as f32).collect();
        assert_eq!(labels(&column(CellKind::Numbers), &values), None);
    }
}

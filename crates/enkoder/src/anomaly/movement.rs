//! How a column moved: the reasons that a detector gives, put together by column where it sees windows of several rows.

use serde::{Deserialize, Serialize};

use super::explanation::{Reason, Value};
use super::nearest::NearestWindow;

/// What a column has to do with an odd moment: what it was, and what was to be expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Movement {
    /// The column's name.
    pub column: String,
    /// Its part of the moment's oddness, from 0 to 1, over all rows of the window.
    pub share: f32,
    /// What it was; in a window, in the row that contributes most.
    pub was: Value,
    /// What was to be expected there.
    pub expected: Value,
    /// How far a number usually is from that, as a standard deviation, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f32>,
    /// The central 98 % of the numbers learned from; none for words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<(f32, f32)>,
    /// How many rows before the window's last that row is; none where there are no windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_before_end: Option<usize>,
    /// Of a reading that is judged by its own windows: the stretch around the moment, beside the most similar normal one.
    #[serde(skip)]
    pub nearest: Option<NearestWindow>,
}

impl Movement {
    /// The reasons of all features, of the largest share to the smallest, by column, the largest first and at most `count`. With
    /// `windows` the feature `x[-k]` is column x, k rows before the last.
    pub fn by_column(reasons: Vec<Reason>, windows: bool, count: usize) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for Reason { column, share, observed, expected, spread, usual, nearest } in reasons {
            let (column, rows_before_end) = match if windows { place_in_window(&column) } else { None } {
                Some((name, back)) => (name.to_owned(), Some(back)),
                None => (column, None),
            };
            let place = *places.entry(column.clone()).or_insert(found.len());
            match found.get_mut(place) {
                Some(known) => known.share += share,
                None => {
                    let was = observed;
                    found.push(Self { column, share, was, expected, spread, usual, rows_before_end, nearest });
                }
            }
        }
        found.sort_by(|a, b| b.share.total_cmp(&a.share));
        found.truncate(count);
        found
    }
}

/// The column and row that a feature of a window is.
fn place_in_window(feature: &str) -> Option<(&str, usize)> {
    let (name, back) = feature.strip_suffix(']')?.rsplit_once("[-")?;
    Some((name, back.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(column: &str, share: f32, observed: f32) -> Reason {
        let (observed, expected) = (Value::Number(observed), Value::Number(0.0));
        Reason { column: column.into(), share, observed, expected, spread: Some(0.5), usual: None, nearest: None }
    }

    #[test]
    fn a_column_has_the_shares_of_all_its_rows_and_is_shown_where_it_is_oddest() {
        let reasons = || vec![reason("a[-2]", 0.4, 7.0), reason("b[0][-1]", 0.35, 3.0), reason("b[0][-0]", 0.25, 4.0)];
        let found = Movement::by_column(reasons(), true, 5);
        let summary: Vec<_> = found.iter().map(|one| (one.column.as_str(), one.rows_before_end)).collect();
        assert_eq!(summary, [("b[0]", Some(1)), ("a", Some(2))]);
        assert_eq!((found[0].share, &found[0].was), (0.6, &Value::Number(3.0)));
        let found = Movement::by_column(reasons(), false, 1);
        assert_eq!((found.len(), found[0].column.as_str()), (1, "a[-2]"));
    }

    #[test]
    fn a_movement_is_the_same_after_a_way_through_json() {
        for was in [Value::Number(0.1), Value::Word("off".into()), Value::Missing] {
            let mut movement = Movement::by_column(vec![reason("a[-2]", 0.4, 7.0)], true, 1).remove(0);
            movement.was = was;
            let text = serde_json::to_string(&movement).unwrap();
            assert_eq!(serde_json::from_str::<Movement>(&text).unwrap(), movement, "{text}");
        }
    }
}

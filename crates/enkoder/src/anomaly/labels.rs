//! Which labels mean a normal row: there are many conventions, and no score is judged by one that is not known.

use crate::dataset::Labels;

/// What normal rows are called, without regard to case.
const NORMAL: [&str; 15] = [
    "normal", "ok", "okay", "good", "none", "nominal", "healthy", "benign", "inlier", "usual", "regular", "no",
    "false", "n", "0",
];
/// Labels that are named in a message.
const NAMED: usize = 10;

/// The labels of some rows, each of which means a normal row or an anomaly. A row without a label means neither.
///
/// Known as normal are, without regard to case, the words normal, ok, okay, good, none, nominal, healthy, benign, inlier, usual,
/// regular, no, false and n, and the number 0. Where 1 and -1 are the only labels, 1 means normal, as in scikit-learn.
///
/// ```
/// use enkoder::anomaly::NormalLabels;
///
/// let labels = NormalLabels::among(["OK", "NOK", "standby"], &[])?;
/// assert_eq!((labels.is_normal("OK"), labels.is_normal("NOK"), labels.is_normal("?")), (Some(true), Some(false), None));
/// let labels = NormalLabels::among(["OK", "NOK", "standby"], &["ok".into(), "standby".into()])?;
/// assert_eq!(labels.anomalies(), ["NOK"]);
/// # Ok::<(), enkoder::anomaly::NormalLabelsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalLabels {
    normal: Vec<String>,
    anomalies: Vec<String>,
    /// Whether rows without a label are normal, too.
    unlabelled: bool,
}

/// Why labels cannot be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NormalLabelsError {
    /// No label is known to mean a normal row.
    #[error("no label is known to mean a normal row: {}", named(labels))]
    Unknown {
        /// All labels there are.
        labels: Vec<String>,
        /// Whether there are rows without one.
        unlabelled: bool,
    },
    /// A label was said to mean a normal row, and no row has it.
    #[error("no row has the label {label:?}; the labels are {}", named(labels))]
    Absent {
        /// The label.
        label: String,
        /// All labels there are.
        labels: Vec<String>,
    },
}

impl NormalLabels {
    /// Tells normal labels from the others. Those that `normal` names decide; where it names none, what is known does. A word for
    /// a missing value in `normal`, such as `none` or an empty one, means rows without a label.
    ///
    /// # Errors
    /// When no label is known to mean a normal row, or one that `normal` names does not occur.
    pub fn among<L: AsRef<str>>(
        labels: impl IntoIterator<Item = L>,
        normal: &[String],
    ) -> Result<Self, NormalLabelsError> {
        let mut all: Vec<String> = Vec::new();
        let mut has_unlabelled = false;
        for label in labels {
            let label = label.as_ref();
            if label == Labels::UNLABELLED {
                has_unlabelled = true;
            } else if !all.iter().any(|known| known == label) {
                all.push(label.to_owned());
            }
        }
        let unlabelled = has_unlabelled && normal.iter().any(|said| means_unlabelled(said));
        let absent =
            |said: &&String| !(all.iter().any(|label| same(label, said)) || unlabelled && means_unlabelled(said));
        if let Some(label) = normal.iter().find(absent) {
            return Err(NormalLabelsError::Absent { label: label.clone(), labels: all });
        }
        let signs = all.len() == 2 && ["1", "-1"].iter().all(|sign| all.iter().any(|label| same(label, sign)));
        let is_normal = |label: &String| match normal {
            [] if signs => same(label, "1"),
            [] => NORMAL.iter().any(|known| same(label.trim_end_matches('.'), known)),
            said => said.iter().any(|said| same(label, said)),
        };
        let (normal, anomalies): (Vec<String>, Vec<String>) = all.iter().cloned().partition(is_normal);
        if normal.is_empty() && !unlabelled && !all.is_empty() {
            return Err(NormalLabelsError::Unknown { labels: all, unlabelled: has_unlabelled });
        }
        Ok(Self { normal, anomalies, unlabelled })
    }

    /// Whether a row of this label is normal; none where it has no label.
    pub fn is_normal(&self, label: &str) -> Option<bool> {
        if label == Labels::UNLABELLED {
            return self.unlabelled.then_some(true);
        }
        Some(self.normal.iter().any(|normal| normal == label))
    }

    /// The labels that mean a normal row.
    pub fn normal(&self) -> &[String] {
        &self.normal
    }

    /// The labels that mean an anomaly.
    pub fn anomalies(&self) -> &[String] {
        &self.anomalies
    }
}

/// Whether two labels are the same: as numbers, or as words without regard to case.
fn same(label: &str, other: &str) -> bool {
    let (label, other) = (label.trim(), other.trim());
    match (label.parse::<f64>(), other.parse::<f64>()) {
        (Ok(label), Ok(other)) => label == other,
        _ => label.to_lowercase() == other.to_lowercase(),
    }
}

fn means_unlabelled(said: &str) -> bool {
    let said = said.trim();
    said.is_empty() || said == Labels::UNLABELLED || ["none", "nan", "na", "null"].contains(&&*said.to_lowercase())
}

/// Labels in a message, of which there may be many.
fn named(labels: &[String]) -> String {
    let more = if labels.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", labels[..labels.len().min(NAMED)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(labels: &[&str]) -> Option<Vec<String>> {
        NormalLabels::among(labels, &[]).ok().map(|labels| labels.normal)
    }

    #[test]
    fn the_usual_words_are_known_whatever_their_case_and_number() {
        for word in
            ["normal", "OK", "Good", "NOMINAL", "healthy", "BENIGN", "inlier", "No", "FALSE", "0", "0.0", "normal."]
        {
            assert_eq!(normal(&["x", word, "?"]), Some(vec![word.to_owned()]), "{word}");
        }
        assert_eq!(normal(&["A", "B"]), None);
        assert_eq!(normal(&["normal"]), Some(vec!["normal".to_owned()]));
    }

    #[test]
    fn one_is_normal_only_beside_minus_one_and_nothing_else() {
        assert_eq!(normal(&["-1", "1", "?"]), Some(vec!["1".to_owned()]));
        assert_eq!(normal(&["-1.0", "1.0"]), Some(vec!["1.0".to_owned()]));
        assert_eq!(normal(&["0", "1"]), Some(vec!["0".to_owned()]));
        assert_eq!((normal(&["1"]), normal(&["-1"]), normal(&["-1", "1", "2"])), (None, None, None));
        assert_eq!(normal(&["-1", "0", "1"]), Some(vec!["0".to_owned()]));
    }

    #[test]
    fn what_is_said_decides_and_has_to_be_there() {
        let said = |normal: &[&str]| {
            let normal: Vec<String> = normal.iter().map(|&label| label.to_owned()).collect();
            NormalLabels::among(["ok", "A", "1", "?"], &normal)
        };
        assert_eq!(said(&["a", "1.0"]).unwrap().anomalies(), ["ok"]);
        assert_eq!(said(&["a"]).unwrap().is_normal("?"), None);
        let unlabelled = said(&["none"]).unwrap();
        assert_eq!((unlabelled.is_normal("?"), unlabelled.is_normal("ok")), (Some(true), Some(false)));
        let error = said(&["b"]).unwrap_err().to_string();
        assert_eq!(error, "no row has the label \"b\"; the labels are ok, A, 1");
    }
}

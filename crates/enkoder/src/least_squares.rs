//! Normal equations of least squares, in f64.

/// Solves equations whose right sides are in the column behind the square; an unknown that nothing determines is 0.
pub(crate) fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let count = rows.len();
    for column in 0..count {
        let pivot = rows[column].clone();
        if pivot[column] == 0.0 {
            continue;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / pivot[column];
            row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    let solution = rows.iter().enumerate().map(|(index, row)| row[count] / row[index]);
    solution.map(|value| if value.is_finite() { value } else { 0.0 }).collect()
}

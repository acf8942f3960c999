//! Matrix products in f64, by the only crate that multiplies matrices for us: the Gram matrices of data sets are large enough for it.

use std::ops::Range;

use gemmkit::{MatMut, MatRef, Parallelism};

/// A matrix of f64 in a slice: element (i, j) lies at `i * row_step + j * column_step`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_step: usize,
    pub(crate) column_step: usize,
}

impl<'a> View<'a> {
    /// Rows one after the other.
    pub(crate) fn row_major(values: &'a [f64], rows: usize, columns: usize) -> Self {
        Self { values, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The transpose, of the same values.
    pub(crate) fn transposed(self) -> Self {
        let Self { values, rows, columns, row_step, column_step } = self;
        Self { values, rows: columns, columns: rows, row_step: column_step, column_step: row_step }
    }

    /// These rows, of the same values.
    pub(crate) fn take_rows(self, range: Range<usize>) -> Self {
        Self { values: &self.values[range.start * self.row_step..], rows: range.len(), ..self }
    }

    fn as_operand(self) -> MatRef<'a, f64> {
        MatRef::new(self.values, self.rows, self.columns, self.row_step as isize, self.column_step as isize)
    }
}

/// c ← c + a·b in f64; rows of c begin `row_step` values apart.
pub(crate) fn add_product(a: View<'_>, b: View<'_>, c: &mut [f64], row_step: usize) {
    gemmkit::gemm(
        1.0,
        a.as_operand(),
        b.as_operand(),
        1.0,
        MatMut::new(c, a.rows, b.columns, row_step as isize, 1),
        Parallelism::Serial,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::products::testing::{size, term_by_term, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_product_in_f64_adds_to_what_is_there_from_any_layout(
            (rows, depth, columns) in (size(), size(), size()),
            (turn_left, turn_right) in any::<(bool, bool)>(),
            (start, gap) in (0usize..3, 0usize..4),
            salt: u64,
        ) {
            let wide = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
            let (a, b) = (wide(values((rows + start) * depth, salt)), wide(values(depth * columns, !salt)));
            // With a turned side the same values are read as a matrix stored by columns.
            let left = if turn_left {
                View { values: &a, rows: rows + start, columns: depth, row_step: 1, column_step: rows + start }
            } else {
                View::row_major(&a, rows + start, depth)
            };
            let left = left.take_rows(start..start + rows);
            let right = if turn_right { View::row_major(&b, columns, depth).transposed() } else { View::row_major(&b, depth, columns) };
            let at = |view: &View<'_>, i: usize, j: usize| view.values[i * view.row_step + j * view.column_step] as f32;
            let expected = term_by_term(|i, k| at(&left, i, k), |k, j| at(&right, k, j), depth);
            let step = columns + gap;
            let mut c = vec![0.5; rows * step];
            add_product(left, right, &mut c, step);
            for (at, &value) in c.iter().enumerate() {
                let (i, j) = (at / step, at % step);
                prop_assert_eq!(value, if j < columns { 0.5 + expected(i, j) } else { 0.5 });
            }
        }
    }
}

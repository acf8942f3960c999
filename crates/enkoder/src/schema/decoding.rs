//! From features to cells: numbers as they are, and of a categorical column the likeliest category.

use super::{Cell, Column, ColumnKind, Schema};

impl Column {
    /// The cell that the features of this column make: the number as it is, or the category with the largest value. It is missing where the
    /// number or all values are NaN, and where all values are 0, for then no category is meant.
    ///
    /// # Panics
    /// When there are other features than the column is [wide](Self::width).
    pub fn decode(&self, features: &[f32]) -> Cell<'_> {
        assert_eq!(features.len(), self.width(), "the features must be the column's");
        match &self.kind {
            ColumnKind::Numeric if features[0].is_nan() => Cell::Missing,
            ColumnKind::Numeric => Cell::Number(features[0]),
            ColumnKind::Categorical { categories } => {
                likeliest(features).map_or(Cell::Missing, |category| Cell::Word(&categories[category]))
            }
        }
    }
}

impl Schema {
    /// The cells that one row of features makes, in the order of the columns.
    ///
    /// # Panics
    /// When the row is not as long as the schema has [features](Self::features).
    pub fn decode_row<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = Cell<'a>> {
        assert_eq!(row.len(), self.features(), "the features must be the schema's");
        self.columns.iter().zip(self.ranges()).map(|(column, range)| column.decode(&row[range]))
    }
}

/// The first of the largest values; none where all are missing or 0.
pub(crate) fn likeliest(values: &[f32]) -> Option<usize> {
    let known = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let (largest, _) = known.rev().max_by(|a, b| a.1.total_cmp(b.1))?;
    values.iter().any(|&value| value != 0.0 && !value.is_nan()).then_some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::CellError;
    use proptest::prelude::*;

    fn schema() -> Schema {
        let categories = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Schema::new(vec![
            Column::categorical("colour", categories(&["red", "green", "blue"])),
            Column::numeric("weight"),
            Column::categorical("size", categories(&["1", "2.5"])),
        ])
    }

    #[test]
    fn the_largest_value_is_the_category() {
        let colour = &schema().columns[0];
        assert_eq!(colour.decode(&[0.1, 0.7, 0.3]), Cell::Word("green"));
        assert_eq!(colour.decode(&[-0.5, -0.1, f32::NAN]), Cell::Word("green"));
        assert_eq!(colour.decode(&[0.4, 0.4, 0.0]), Cell::Word("red"));
        assert_eq!(colour.decode(&[f32::NAN; 3]), Cell::Missing);
        assert_eq!(colour.decode(&[0.0, -0.0, f32::NAN]), Cell::Missing);
    }

    #[test]
    fn a_cell_without_a_place_is_named_with_what_is_known() {
        let schema = schema();
        let encoder = schema.encoder();
        let error = |cells: &[Cell<'_>]| encoder.encode_row(cells.iter().copied(), &mut [0.0; 6]).unwrap_err();
        let known = error(&[Cell::Word("pink"), Cell::Missing, Cell::Missing]).to_string();
        assert_eq!(known, "column \"colour\" has no category \"pink\"\nhint: known are red, green, blue");
        let error_of = |column: usize, cell| encoder.columns()[column].encode(cell, &mut vec![0.0; [3, 1, 2][column]]);
        assert!(matches!(error_of(1, Cell::Word("light")), Err(CellError::NotANumber { .. })));
        assert!(matches!(error_of(1, Cell::Word("-inf")), Err(CellError::Infinite { .. })));
        assert!(matches!(error_of(1, Cell::Number(f32::INFINITY)), Err(CellError::Infinite { .. })));
        assert!(matches!(error_of(2, Cell::Number(3.0)), Err(CellError::UnknownCategory { .. })));
        assert_eq!(error(&[Cell::Missing; 2]), CellError::Cells { found: 2, expected: 3 });
        assert_eq!(error(&[Cell::Missing; 4]), CellError::Cells { found: 4, expected: 3 });
        let many = Column::categorical("n", (0..12).map(|n| n.to_string()).collect());
        let message = many.encoder().encode(Cell::Word("x"), &mut [0.0; 12]).unwrap_err().to_string();
        assert!(message.ends_with("known are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (12 in all)"), "{message}");
    }

    #[test]
    fn numbers_in_words_and_categories_that_are_numbers_are_found_by_value() {
        let schema = schema();
        let mut row = [0.0; 6];
        schema.encoder().encode_row([Cell::Word("red"), Cell::Word(" 2e1"), Cell::Number(2.5)], &mut row).unwrap();
        assert_eq!(row, [1.0, 0.0, 0.0, 20.0, 0.0, 1.0]);
    }

    fn cells() -> impl Strategy<Value = [Cell<'static>; 3]> {
        let word = |known: &'static [&str]| prop_oneof![1 => Just(Cell::Missing), 4 => prop::sample::select(known).prop_map(Cell::Word)];
        let number = prop_oneof![1 => Just(Cell::Missing), 4 => prop::num::f32::NORMAL.prop_map(Cell::Number)];
        (word(&["red", "green", "blue"]), number, word(&["1", "2.5"]))
            .prop_map(|(colour, weight, size)| [colour, weight, size])
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(cells in cells()) {
            let schema = schema();
            let mut row = [0.5; 6];
            schema.encoder().encode_row(cells, &mut row).unwrap();
            prop_assert_eq!(schema.decode_row(&row).collect::<Vec<_>>(), cells);
        }
    }
}

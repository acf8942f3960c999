//! From cells to features. What a column needs to find its categories is prepared once; then rows are encoded one by one, or a
//! column at a time.

use std::collections::HashMap;

use super::{Cell, CellError, Column, ColumnKind, Schema};

/// Makes features of the cells of one column; made by [`Column::encoder`].
#[derive(Clone, Debug)]
pub struct ColumnEncoder<'a> {
    column: &'a Column,
    width: usize,
    /// The place of each category by its name, and by its number where its name is one.
    by_word: HashMap<&'a str, usize>,
    by_number: HashMap<u32, usize>,
}

/// Makes features of rows of cells; made by [`Schema::encoder`].
#[derive(Clone, Debug)]
pub struct SchemaEncoder<'a> {
    columns: Vec<ColumnEncoder<'a>>,
    features: usize,
}

/// What a cell is to its column. Whoever meets the same word again and again keeps this of it, and looks for it only once.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Encoded {
    /// All features of the column are missing (NaN).
    Missing,
    /// The one feature of a numeric column.
    Number(f32),
    /// The number of a category, whose feature is 1 and all others 0.
    Category(usize),
}

impl Encoded {
    /// Writes the features of a column into `out`.
    ///
    /// # Panics
    /// When `out` is shorter than the column's features.
    #[inline]
    pub fn write(self, out: &mut [f32]) {
        match self {
            Self::Missing => out.fill(f32::NAN),
            Self::Number(number) => out[0] = number,
            Self::Category(category) => {
                out.fill(0.0);
                out[category] = 1.0;
            }
        }
    }
}

impl Column {
    /// What makes features of this column's cells.
    pub fn encoder(&self) -> ColumnEncoder<'_> {
        let (mut by_word, mut by_number) = (HashMap::new(), HashMap::new());
        for (place, category) in self.categories().into_iter().flatten().enumerate() {
            by_word.entry(category.as_str()).or_insert(place);
            if let Some(number) = Cell::Word(category).number() {
                by_number.entry(number_key(number)).or_insert(place);
            }
        }
        ColumnEncoder { column: self, width: self.width(), by_word, by_number }
    }
}

impl<'a> ColumnEncoder<'a> {
    /// The column whose cells are encoded.
    pub fn column(&self) -> &'a Column {
        self.column
    }

    /// What a cell is to the column; `None` where it has no place there, as [`encode`](Self::encode) says why. A word in a numeric column
    /// may be a number in writing, and a number in a categorical column the name of a category.
    #[inline]
    pub fn find(&self, cell: Cell<'_>) -> Option<Encoded> {
        match (&self.column.kind, cell) {
            (_, Cell::Missing) => Some(Encoded::Missing),
            (_, Cell::Number(number)) if number.is_nan() => Some(Encoded::Missing),
            (ColumnKind::Numeric, cell) => cell.number().filter(|number| number.is_finite()).map(Encoded::Number),
            (_, Cell::Number(number)) => self.by_number.get(&number_key(number)).copied().map(Encoded::Category),
            (_, Cell::Word(word)) => self.by_word.get(word).copied().map(Encoded::Category),
        }
    }

    /// Writes the features of one cell into `out`.
    ///
    /// # Errors
    /// When the cell holds a word that is no category of the column, a word in a numeric column that is no number, or an infinite
    /// number; `out` is then unchanged.
    ///
    /// # Panics
    /// When `out` is not as long as the column is [wide](Column::width).
    pub fn encode(&self, cell: Cell<'_>, out: &mut [f32]) -> Result<(), CellError> {
        assert_eq!(out.len(), self.width, "the features must be the column's");
        self.find(cell).ok_or_else(|| CellError::of(self.column, cell))?.write(out);
        Ok(())
    }
}

impl Schema {
    /// What makes features of rows of cells.
    ///
    /// ```
    /// use enkoder::{Cell, Column, Schema};
    ///
    /// let schema = Schema::new(vec![
    ///     Column::numeric("weight"),
    ///     Column::categorical("colour", vec!["red".into(), "green".into()]),
    /// ]);
    /// let (encoder, mut row) = (schema.encoder(), [0.0; 3]);
    /// encoder.encode_row([Cell::Number(1.5), Cell::Word("green")], &mut row)?;
    /// assert_eq!(row, [1.5, 0.0, 1.0]);
    /// let cells: Vec<_> = schema.decode_row(&[1.4, 0.2, 0.9]).collect();
    /// assert_eq!(cells, [Cell::Number(1.4), Cell::Word("green")]);
    ///
    /// let error = encoder.encode_row([Cell::Missing, Cell::Word("blue")], &mut row).unwrap_err();
    /// assert_eq!(error.to_string(), "column \"colour\" has no category \"blue\"\nhint: known are red, green");
    /// # Ok::<(), enkoder::CellError>(())
    /// ```
    pub fn encoder(&self) -> SchemaEncoder<'_> {
        SchemaEncoder { columns: self.columns.iter().map(Column::encoder).collect(), features: self.features() }
    }
}

impl<'a> SchemaEncoder<'a> {
    /// The encoders of the columns, in their order.
    pub fn columns(&self) -> &[ColumnEncoder<'a>] {
        &self.columns
    }

    /// Writes the features of one row of cells, in the order of the columns, into `out`.
    ///
    /// # Errors
    /// The first cell that [cannot be encoded](ColumnEncoder::encode), and when there is not one cell for each column. What `out`
    /// then holds is of no use.
    ///
    /// # Panics
    /// When `out` is not as long as the schema has [features](Schema::features).
    pub fn encode_row<'c>(&self, cells: impl IntoIterator<Item = Cell<'c>>, out: &mut [f32]) -> Result<(), CellError> {
        assert_eq!(out.len(), self.features, "the features must be the schema's");
        let mut cells = cells.into_iter();
        let mut rest = out;
        for (index, column) in self.columns.iter().enumerate() {
            let wrong = CellError::Cells { found: index, expected: self.columns.len() };
            let (features, after) = rest.split_at_mut(column.width);
            column.encode(cells.next().ok_or(wrong)?, features)?;
            rest = after;
        }
        match cells.count() {
            0 => Ok(()),
            more => Err(CellError::Cells { found: self.columns.len() + more, expected: self.columns.len() }),
        }
    }
}

/// A number as the key of a map: 0 and −0 are the same.
fn number_key(number: f32) -> u32 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

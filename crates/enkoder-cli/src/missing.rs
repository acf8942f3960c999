//! What is missing in data, counted as its user does: cells of a table, values of all else.

use enkoder::{Dataset, Split};

use crate::wording::{counted, grouped};

/// Values, some of which are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    pub missing: usize,
    pub of: usize,
}

impl Missing {
    /// Counts in some data.
    pub fn of(data: &Dataset) -> Self {
        let Some(schema) = data.schema() else {
            let missing = if data.is_u8() { 0 } else { data.summary().missing };
            return Self { missing, of: data.len() * data.features() };
        };
        // All features of a cell are missing, or none.
        let firsts: Vec<usize> = schema.ranges().filter(|range| !range.is_empty()).map(|range| range.start).collect();
        let rows = (0..data.len()).filter_map(|row| data.row_f32(row));
        let missing = rows.map(|row| firsts.iter().filter(|&&first| row[first].is_nan()).count()).sum();
        Self { missing, of: data.len() * firsts.len() }
    }

    /// Counts in what is trained on.
    pub fn of_training(split: &Split) -> Self {
        match &split.blocks {
            Some(blocks) => Self { missing: blocks.missing(), of: blocks.len() * split.train.features() },
            None => Self::of(&split.train),
        }
    }

    /// Together with what was counted elsewhere.
    pub fn and(self, other: Self) -> Self {
        Self { missing: self.missing + other.missing, of: self.of + other.of }
    }

    /// `37 of 12,000 values missing`, where any are.
    pub fn to_text(self) -> Option<String> {
        let of = counted(self.of, "value", "values");
        (self.missing > 0).then(|| format!("{} of {of} missing", grouped(self.missing)))
    }
}

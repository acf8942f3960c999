//! The values of a table by rows, in blocks of about a million values. A column takes one byte a value while all of its values
//! are whole numbers from 0 to 255, and four from the first that is not. Blocks are given back to the system one by one while a
//! data set is made from them, so that a table and its data set never lie in memory side by side.

use std::sync::Arc;

/// The values of one block, as far as its rows are whole.
const BLOCK_VALUES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Rows {
    layout: Arc<Layout>,
    blocks: Vec<Block>,
    rows_per_block: usize,
    len: usize,
}

/// Which columns are stored as f32, and where in its kind each lies.
#[derive(Debug, PartialEq)]
struct Layout {
    wide: Vec<bool>,
    slots: Vec<u32>,
    narrow_count: usize,
    wide_count: usize,
}

#[derive(Debug)]
pub(super) struct Block {
    layout: Arc<Layout>,
    rows: usize,
    bytes: Vec<u8>,
    floats: Vec<f32>,
}

impl Layout {
    fn new(wide: Vec<bool>) -> Self {
        let (mut narrow_count, mut wide_count) = (0, 0);
        let slots = wide
            .iter()
            .map(|&wide| {
                let count = if wide { &mut wide_count } else { &mut narrow_count };
                *count += 1;
                *count as u32 - 1
            })
            .collect();
        Self { wide, slots, narrow_count, wide_count }
    }
}

impl Rows {
    pub(super) fn new(columns: usize) -> Self {
        let layout = Arc::new(Layout::new(vec![false; columns]));
        Self { layout, blocks: Vec::new(), rows_per_block: (BLOCK_VALUES / columns.max(1)).max(1), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether all values of a column are whole numbers from 0 to 255, none of them missing.
    pub(super) fn is_bytes(&self, column: usize) -> bool {
        !self.layout.wide[column]
    }

    /// Appends a row, which must be as long as there are columns.
    pub(super) fn push(&mut self, row: &[f32]) {
        if self.len.is_multiple_of(self.rows_per_block) {
            let mut block = Block { layout: Arc::clone(&self.layout), rows: 0, bytes: Vec::new(), floats: Vec::new() };
            // The first block grows with its rows, for most tables are small; where there is one, more are likely to follow.
            if self.len > 0 {
                block.bytes.reserve_exact(self.rows_per_block * self.layout.narrow_count);
                block.floats.reserve_exact(self.rows_per_block * self.layout.wide_count);
            }
            self.blocks.push(block);
        }
        self.make_room_for(row);
        if let Some(block) = self.blocks.last_mut() {
            block.widen(&self.layout);
            block.push(row);
            self.len += 1;
        }
    }

    /// Puts another row in the place of one.
    pub(super) fn replace(&mut self, row: usize, values: &[f32]) {
        self.make_room_for(values);
        let block = &mut self.blocks[row / self.rows_per_block];
        block.widen(&self.layout);
        block.replace(row % self.rows_per_block, values);
    }

    /// Makes columns wide that cannot hold these values as bytes.
    fn make_room_for(&mut self, row: &[f32]) {
        if row.iter().zip(&self.layout.wide).any(|(&value, &wide)| !wide && !is_byte(value)) {
            let wide = row.iter().zip(&self.layout.wide).map(|(&value, &wide)| wide || !is_byte(value)).collect();
            self.layout = Arc::new(Layout::new(wide));
        }
    }

    pub(super) fn get(&self, row: usize, column: usize) -> f32 {
        self.blocks[row / self.rows_per_block].get(row % self.rows_per_block, column)
    }

    /// The blocks in the order of their rows.
    pub(super) fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }
}

impl Block {
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    fn get(&self, row: usize, column: usize) -> f32 {
        let slot = self.layout.slots[column] as usize;
        if self.layout.wide[column] {
            self.floats[row * self.layout.wide_count + slot]
        } else {
            f32::from(self.bytes[row * self.layout.narrow_count + slot])
        }
    }

    /// Writes a row into `out`, which must be as long as there are columns.
    pub(super) fn copy_row(&self, row: usize, out: &mut [f32]) {
        let mut bytes = self.bytes[row * self.layout.narrow_count..].iter();
        let mut floats = self.floats[row * self.layout.wide_count..].iter();
        for (out, &wide) in out.iter_mut().zip(&self.layout.wide) {
            let value = if wide { floats.next().copied() } else { bytes.next().map(|&byte| f32::from(byte)) };
            *out = value.unwrap_or(f32::NAN);
        }
    }

    /// Stores the rows there are as a wider layout says.
    fn widen(&mut self, layout: &Arc<Layout>) {
        if Arc::ptr_eq(&self.layout, layout) {
            return;
        }
        let mut wider = Self { layout: Arc::clone(layout), rows: 0, bytes: Vec::new(), floats: Vec::new() };
        let mut row = vec![0.0; layout.wide.len()];
        for index in 0..self.rows {
            self.copy_row(index, &mut row);
            wider.push(&row);
        }
        *self = wider;
    }

    fn replace(&mut self, row: usize, values: &[f32]) {
        let mut bytes = self.bytes[row * self.layout.narrow_count..].iter_mut();
        let mut floats = self.floats[row * self.layout.wide_count..].iter_mut();
        for (&value, &wide) in values.iter().zip(&self.layout.wide) {
            if wide {
                floats.next().into_iter().for_each(|place| *place = value);
            } else {
                bytes.next().into_iter().for_each(|place| *place = value as u8);
            }
        }
    }

    fn push(&mut self, row: &[f32]) {
        if self.layout.wide_count == 0 {
            self.bytes.extend(row.iter().map(|&value| value as u8));
        } else {
            for (&value, &wide) in row.iter().zip(&self.layout.wide) {
                if wide {
                    self.floats.push(value);
                } else {
                    self.bytes.push(value as u8);
                }
            }
        }
        self.rows += 1;
    }
}

fn is_byte(value: f32) -> bool {
    f32::from(value as u8) == value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_column_takes_bytes_until_a_value_needs_more() {
        let mut rows = Rows::new(2);
        rows.push(&[0.0, 255.0]);
        assert!(rows.is_bytes(0) && rows.is_bytes(1));
        rows.push(&[7.0, 256.0]);
        assert!(rows.is_bytes(0) && !rows.is_bytes(1));
        rows.push(&[f32::NAN, 1.0]);
        assert!(!rows.is_bytes(0));
        assert_eq!((rows.get(0, 1), rows.get(1, 0), rows.get(2, 1)), (255.0, 7.0, 1.0));
        assert!(rows.get(2, 0).is_nan());
    }

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![8 => (0u8..=255).prop_map(f32::from), 1 => any::<f32>(), 1 => Just(f32::NAN)]
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_read_back(
            values in (1usize..6).prop_flat_map(|columns| prop::collection::vec(prop::collection::vec(value(), columns), 1..60)),
            rows_per_block in 1usize..9,
        ) {
            let mut rows = Rows { rows_per_block, ..Rows::new(values[0].len()) };
            values.iter().for_each(|row| rows.push(row));
            let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
            for (index, row) in values.iter().enumerate() {
                prop_assert!(row.iter().enumerate().all(|(column, &value)| same(rows.get(index, column), value)));
            }
            for (index, row) in values.iter().enumerate() {
                rows.replace(values.len() - 1 - index, row);
            }
            values.iter().enumerate().for_each(|(index, row)| rows.replace(index, row));
            let mut out = vec![0.0; values[0].len()];
            let mut expected = values.iter();
            for block in rows.into_blocks() {
                for index in 0..block.len() {
                    block.copy_row(index, &mut out);
                    prop_assert!(out.iter().zip(expected.next().unwrap()).all(|(&a, &b)| same(a, b)));
                }
            }
            prop_assert!(expected.next().is_none());
        }
    }
}

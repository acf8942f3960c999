//! Rows drawn from more than are kept, so that drawings of parts add up. Each row has a key that follows from its content, and the rows
//! with the smallest keys stay (bottom-k sampling, Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007): every row is
//! as likely as any other, and it makes no difference who saw it.
//!
//! Equal rows would all stay or all go. So the key of a row also counts how often the same row came before it, as far as a table of recent
//! rows tells.

use std::collections::BinaryHeap;

use super::learning::row_hash;

/// Rows of which it is known how often they came lately. A power of two.
const RECENT: usize = 1 << 16;
/// Copies are counted up to here, and then anew: as many as a 32-bit floating-point number tells apart.
const MOST_COPIES: u32 = 1 << 24;

/// The rows kept so far, as cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Draw {
    width: usize,
    most: usize,
    seed: u64,
    /// Row after row, and how often each had come before.
    cells: Vec<f32>,
    copies: Vec<u32>,
    /// The key of each kept row with its place, the largest first.
    keys: BinaryHeap<(u64, usize)>,
    /// Hashes of rows that came lately, with how often. Empty until a row comes.
    recent: Vec<(u64, u32)>,
}

impl Draw {
    /// Of rows with so many cells keeps at most `most`, at least one.
    pub(super) fn new(width: usize, most: usize, seed: u64) -> Self {
        Self { width, most: most.max(1), seed, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.copies.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&[f32], u32)> {
        self.cells.chunks_exact(self.width.max(1)).zip(self.copies.iter().copied())
    }

    /// Takes a row, with what tells its content from others: the same wherever the row is seen.
    pub(super) fn see(&mut self, row: &[f32], content: &[f32]) {
        let hash = row_hash(content, self.seed);
        self.recent.resize(RECENT, (0, 0));
        let (known, times) = &mut self.recent[hash as usize % RECENT];
        *times = if *known == hash { (*times + 1) % MOST_COPIES } else { 0 };
        *known = hash;
        let copy = *times;
        self.keep(row, hash, copy);
    }

    /// Takes a row that another drawing kept.
    pub(super) fn take(&mut self, row: &[f32], content: &[f32], copy: u32) {
        self.keep(row, row_hash(content, self.seed), copy);
    }

    fn keep(&mut self, row: &[f32], hash: u64, copy: u32) {
        let key = row_hash(&[f32::from_bits(copy)], hash);
        if self.keys.len() < self.most {
            self.keys.push((key, self.copies.len()));
            self.cells.extend_from_slice(row);
            self.copies.push(copy);
        } else if let Some(mut last) = self.keys.peek_mut().filter(|last| key < last.0) {
            let place = last.1;
            *last = (key, place);
            self.cells[place * self.width..][..self.width].copy_from_slice(row);
            self.copies[place] = copy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: impl Iterator<Item = u32>, most: usize) -> Draw {
        let mut draw = Draw::new(1, most, 3);
        rows.map(|row| [row as f32]).for_each(|row| draw.see(&row, &row));
        draw
    }

    fn sorted(draw: &Draw) -> Vec<u32> {
        let mut rows: Vec<u32> = draw.rows().map(|(row, _)| row[0] as u32).collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn drawings_of_parts_add_up_to_that_of_all() {
        let all = drawn(0..5000, 100);
        let mut together = drawn(3000..5000, 100);
        for part in [drawn(0..50, 100), drawn(50..3000, 100)] {
            part.rows().for_each(|(row, copy)| together.take(row, row, copy));
        }
        assert_eq!((sorted(&together), together.len()), (sorted(&all), 100));
    }

    /// The part of rows from the first half, over drawings of other rows: its mean and its spread are those of a fair draw.
    #[test]
    fn every_row_is_as_likely_as_any_other() {
        let of_first_half = |start: u32| {
            let rows = sorted(&drawn(start..start + 2000, 200));
            rows.iter().filter(|&&row| row < start + 1000).count() as f64
        };
        let counts: Vec<f64> = (0..300).map(|draw| of_first_half(draw * 2000)).collect();
        let mean = counts.iter().sum::<f64>() / 300.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 300.0;
        // Hypergeometric: 100 on the average, with a variance of 45.
        assert!((mean - 100.0).abs() < 1.5 && (30.0..62.0).contains(&variance), "{mean}, {variance}");
    }

    #[test]
    fn a_row_that_comes_often_stays_as_often_as_it_should() {
        // Half of the rows are equal.
        let rows = sorted(&drawn((0..40_000).map(|row| if row % 2 == 0 { 7 } else { 100 + row }), 2000));
        let equal = rows.iter().filter(|&&row| row == 7).count();
        assert!((850..1150).contains(&equal), "{equal}");
    }
}

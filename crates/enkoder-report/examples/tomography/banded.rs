//! Symmetric positive definite systems whose entries lie near the diagonal, by Cholesky factors (Golub and Van Loan, "Matrix
//! Computations", 4th edition, section 4.3.5), with a fixed number of right sides that are eliminated on the way.

/// Right sides and unknowns in one row.
type Row<const SIDES: usize> = [f64; SIDES];

/// Values that are worked on together.
const LANES: usize = 8;

/// The system `A x = B` of `n` unknowns and `SIDES` right sides; of A the lower triangle within the band.
#[derive(Clone, Debug)]
pub struct BandedSystem<const SIDES: usize> {
    half_width: usize,
    /// Column after column: the diagonal, then what stands below it, then zeros, so that whole vectors can be worked on.
    columns: Vec<f64>,
    right: Vec<Row<SIDES>>,
}

/// A pivot was not positive: the matrix is not positive definite.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("unknown {unknown} has the pivot {pivot}, but it must be positive: is a permittivity zero or negative?")]
pub struct NotPositive {
    unknown: usize,
    pivot: f64,
}

impl<const SIDES: usize> BandedSystem<SIDES> {
    /// All zeros; entries are at most `half_width` away from the diagonal.
    pub fn new(unknowns: usize, half_width: usize) -> Self {
        let columns = vec![0.0; unknowns * (half_width + LANES)];
        Self { half_width, columns, right: vec![[0.0; SIDES]; unknowns] }
    }

    /// All zeros again, in the same memory.
    pub fn clear(&mut self) {
        self.columns.fill(0.0);
        self.right.fill([0.0; SIDES]);
    }

    fn stride(&self) -> usize {
        self.half_width + LANES
    }

    /// Adds to A at `(i, j)` and `(j, i)`.
    ///
    /// # Panics
    /// When the entry is outside the band.
    pub fn add(&mut self, i: usize, j: usize, value: f64) {
        let (column, below) = (i.min(j), i.abs_diff(j));
        assert!(below <= self.half_width, "entry ({i}, {j}) is outside the band of {}", self.half_width);
        let place = column * self.stride() + below;
        self.columns[place] += value;
    }

    /// Adds to B.
    pub fn add_right(&mut self, i: usize, side: usize, value: f64) {
        self.right[i][side] += value;
    }

    /// Factors A into L Lᵀ and replaces B by Y, where L Y = B.
    ///
    /// # Errors
    /// When A is not positive definite.
    pub fn eliminate(&mut self) -> Result<(), NotPositive> {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || self.eliminate_in_place(),
        )
    }

    #[inline(always)]
    fn eliminate_in_place(&mut self) -> Result<(), NotPositive> {
        let stride = self.stride();
        let unknowns = self.right.len();
        for pivot in 0..unknowns {
            let (column, rest) = self.columns[pivot * stride..].split_at_mut(stride);
            if column[0] <= 0.0 || !column[0].is_finite() {
                return Err(NotPositive { unknown: pivot, pivot: column[0] });
            }
            let diagonal = column[0].sqrt();
            column[0] = diagonal;
            column[1..=self.half_width].iter_mut().for_each(|value| *value /= diagonal);
            let (row, rows_below) = self.right[pivot..].split_first_mut().expect("pivot is a row");
            row.iter_mut().for_each(|value| *value /= diagonal);
            let below = self.half_width.min(unknowns - pivot - 1);
            for (offset, (target, right)) in rest.chunks_exact_mut(stride).zip(rows_below).take(below).enumerate() {
                let factor = column[offset + 1];
                if factor != 0.0 {
                    let vectors = (self.half_width - offset).div_ceil(LANES);
                    let (target, _) = target.as_chunks_mut::<LANES>();
                    let (values, _) = column[offset + 1..].as_chunks::<LANES>();
                    let targets = target.iter_mut().zip(values).take(vectors);
                    targets.for_each(|(target, values)| subtract(target, values, factor));
                    subtract(right, row, factor);
                }
            }
        }
        Ok(())
    }

    /// After [`eliminate`](Self::eliminate): Yᵀ Y = Bᵀ A⁻¹ B, which is symmetric.
    pub fn product(&self) -> [Row<SIDES>; SIDES] {
        let mut product = [[0.0; SIDES]; SIDES];
        for row in &self.right {
            for (sums, a) in product.iter_mut().zip(row) {
                sums.iter_mut().zip(row).for_each(|(sum, b)| *sum += a * b);
            }
        }
        product
    }

    /// After [`eliminate`](Self::eliminate): X = A⁻¹ B.
    pub fn solution(&self) -> Vec<Row<SIDES>> {
        let stride = self.stride();
        let mut x = self.right.clone();
        for unknown in (0..x.len()).rev() {
            let column = &self.columns[unknown * stride..][..stride];
            let (head, tail) = x.split_at_mut(unknown + 1);
            let row = &mut head[unknown];
            for (factor, known) in column[1..=self.half_width].iter().zip(tail) {
                row.iter_mut().zip(known).for_each(|(value, known)| *value -= factor * *known);
            }
            row.iter_mut().for_each(|value| *value /= column[0]);
        }
        x
    }
}

#[inline(always)]
fn subtract<const N: usize>(from: &mut [f64; N], values: &[f64; N], factor: f64) {
    from.iter_mut().zip(values).for_each(|(from, value)| *from = (-factor).mul_add(*value, *from));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn the_solution_solves_the_system_and_the_product_agrees_with_it() {
        let (unknowns, half_width) = (37, 5);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut system = BandedSystem::<2>::new(unknowns, half_width);
        let mut dense = vec![0.0; unknowns * unknowns];
        let mut right = vec![[0.0; 2]; unknowns];
        for i in 0..unknowns {
            for j in i.saturating_sub(half_width)..=i {
                let value = if i == j { 12.0 } else { random.random_range(-1.0..1.0) };
                system.add(i, j, value);
                dense[i * unknowns + j] = value;
                dense[j * unknowns + i] = value;
            }
            for (side, value) in right[i].iter_mut().enumerate() {
                *value = random.random_range(-1.0..1.0);
                system.add_right(i, side, *value);
            }
        }
        system.eliminate().unwrap();
        let (x, product) = (system.solution(), system.product());
        for side in 0..2 {
            for i in 0..unknowns {
                let value: f64 = (0..unknowns).map(|j| dense[i * unknowns + j] * x[j][side]).sum();
                assert!((value - right[i][side]).abs() < 1e-12);
            }
            for other in 0..2 {
                let expected: f64 = (0..unknowns).map(|i| right[i][side] * x[i][other]).sum();
                assert!((product[side][other] - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let mut system = BandedSystem::<1>::new(2, 1);
        system.add(0, 0, 1.0);
        system.add(0, 1, 2.0);
        system.add(1, 1, 1.0);
        assert_eq!(system.eliminate().unwrap_err(), NotPositive { unknown: 1, pivot: -3.0 });
    }
}

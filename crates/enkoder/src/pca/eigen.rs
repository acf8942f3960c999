//! The largest eigenvalues of a symmetric matrix and their vectors: of a matrix in memory by a full decomposition while it is
//! small, otherwise by randomised subspace iteration (Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM
//! Review 53(2), 2011), which only needs products with the matrix.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::matmul::{View, add_product};
use crate::random::{Purpose, stream};

/// Up to this size a full decomposition takes less than a second.
const FULL: usize = 1024;
/// Steps of the QR algorithm for each eigenvalue; about 2 are usual.
const STEPS_PER_VALUE: usize = 100;
/// Directions of the subspace beyond twice the number asked for.
const SPARE_DIRECTIONS: usize = 10;
/// Iteration ends when one more pass finds less than this part more of the captured variance. Where eigenvalues fall like
/// those of pictures (1/i and faster), that takes 4 to 11 passes and leaves less than 1e-9 unfound.
const TOLERANCE: f64 = 1e-8;
/// For a matrix in memory a pass is cheap.
const MATRIX_PASSES: usize = 100;
/// A pass over all samples is not. Among equal eigenvalues (noise) these leave about 1e-5 of the captured variance unfound.
const OPERATOR_PASSES: usize = 30;
/// Rows of a matrix multiplied together by one thread.
const PANEL: usize = 64;

/// Eigenvalues from the largest down, each with its vector of length 1 as a row of `vectors`.
pub(super) struct Eigenpairs {
    pub(super) values: Vec<f64>,
    pub(super) vectors: Vec<f64>,
}

/// The `count` largest eigenpairs of a matrix in memory, `size × size`, of which the lower triangle is given (row-major).
/// None where the QR algorithm does not converge, which finite numbers do not cause.
pub(super) fn of_matrix(lower: Vec<f64>, size: usize, count: usize) -> Option<Eigenpairs> {
    if size <= FULL || directions(size, count) == size {
        // Column-major, the row-major lower triangle is the upper one.
        let mut matrix = DMatrix::from_vec(size, size, lower);
        matrix.fill_lower_triangle_with_upper_triangle();
        return full(matrix, count);
    }
    let mut matrix = lower;
    for row in 0..size {
        for column in row + 1..size {
            matrix[row * size + column] = matrix[column * size + row];
        }
    }
    iterate(size, count, MATRIX_PASSES, |basis| {
        let mut product = vec![0.0; size * basis.columns];
        product.par_chunks_mut(PANEL * basis.columns).zip(matrix.par_chunks(PANEL * size)).for_each(|(to, rows)| {
            add_product(View::row_major(rows, rows.len() / size, size), basis, to, basis.columns);
        });
        product
    })
}

/// The `count` largest eigenpairs of a positive semidefinite matrix that is only known by its product with a basis,
/// `size × directions`; the product is row-major.
pub(super) fn of_operator(size: usize, count: usize, multiply: impl Fn(View<'_>) -> Vec<f64>) -> Option<Eigenpairs> {
    iterate(size, count, OPERATOR_PASSES, multiply)
}

fn iterate(size: usize, count: usize, passes: usize, multiply: impl Fn(View<'_>) -> Vec<f64>) -> Option<Eigenpairs> {
    let directions = directions(size, count);
    let mut random = stream(0, Purpose::Subspace, 0);
    let mut basis = DMatrix::from_fn(size, directions, |_, _| random.sample(StandardNormal)).qr().q();
    let mut captured = 0.0;
    let mut pass = 0;
    loop {
        pass += 1;
        let columns = View::row_major(basis.as_slice(), directions, size).transposed();
        let product = DMatrix::from_row_slice(size, directions, &multiply(columns));
        // Rayleigh and Ritz: the best eigenpairs within the subspace.
        let pairs = full(basis.tr_mul(&product), count)?;
        let found: f64 = pairs.values.iter().sum();
        if found - captured <= TOLERANCE * found || pass == passes {
            let within = DMatrix::from_column_slice(directions, count, &pairs.vectors);
            return Some(Eigenpairs { values: pairs.values, vectors: (basis * within).as_slice().to_vec() });
        }
        captured = found;
        basis = product.qr().q();
    }
}

fn directions(size: usize, count: usize) -> usize {
    count.saturating_mul(2).saturating_add(SPARE_DIRECTIONS).min(size)
}

fn full(matrix: DMatrix<f64>, count: usize) -> Option<Eigenpairs> {
    let size = matrix.nrows();
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, size * STEPS_PER_VALUE)?;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    order.truncate(count);
    let mut vectors = Vec::with_capacity(count * size);
    order.iter().for_each(|&at| vectors.extend(eigen.eigenvectors.column(at).iter()));
    Some(Eigenpairs { values: order.iter().map(|&at| eigen.eigenvalues[at]).collect(), vectors })
}

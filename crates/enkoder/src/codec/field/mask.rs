//! Which values are special ones (missing, or one value that fills whole regions), by what those before them are. Where a mask
//! repeats along the leading axis, or regions are large, it costs next to nothing.

use super::super::entropy::{Bit, Coder, Corrupt};

/// Kinds of special values at most.
pub(crate) const MOST_KINDS: usize = 3;
/// Places before that are looked at.
const PLACES: usize = 11;

/// Codes the kind of each value, row by row: 0 for an ordinary one, otherwise 1 to `kinds`.
pub(crate) fn code<C: Coder>(coder: &mut C, of: &mut [u8], shape: &[usize], kinds: usize) -> Result<(), Corrupt> {
    let width = shape.last().copied().unwrap_or(1);
    let height = shape.len().checked_sub(2).map_or(1, |axis| shape[axis]);
    let plane = width * height;
    let mut models = vec![Bit::EVEN; kinds << PLACES];
    for index in 0..of.len() {
        let (x, y, z) = (index % width, index / width % height, index / plane);
        let near = |is_there: bool, back: usize, otherwise: u8| if is_there { of[index - back] } else { otherwise };
        let left = near(x > 0, 1, 0);
        let above = near(y > 0, width, 0);
        let before = near(z > 0, plane, 0);
        let around: [u8; PLACES] = [
            left,
            above,
            near(x > 0 && y > 0, width + 1, 0),
            near(y > 0 && x + 1 < width, width.wrapping_sub(1), above),
            near(x > 1, 2, left),
            near(y > 1, 2 * width, above),
            before,
            near(z > 0 && x + 1 < width, plane.wrapping_sub(1), before),
            near(z > 0 && y + 1 < height, plane.wrapping_sub(width), before),
            near(y > 0 && x + 2 < width, width.wrapping_sub(2), above),
            near(z > 0 && x > 0, plane + 1, before),
        ];
        let own = of[index];
        let mut found = 0;
        for kind in 1..=kinds as u8 {
            let context = around.iter().fold(0usize, |context, &near| context << 1 | usize::from(near == kind));
            if coder.bit(&mut models[(usize::from(kind) - 1) << PLACES | context], own == kind)? {
                found = kind;
                break;
            }
        }
        of[index] = found;
    }
    Ok(())
}

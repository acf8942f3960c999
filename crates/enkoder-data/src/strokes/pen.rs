//! The pen: a smooth curve through knots, cut into short straight pieces, and its ink on a grey raster. Only the four operations
//! and the square root are used, which are exact to the last bit everywhere: the same digit has the same pixels on any machine.

/// A point of a stroke in pixels, with half the width of the line there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    pub x: f32,
    pub y: f32,
    pub radius: f32,
}

/// Straight pieces between two knots.
const PIECES: usize = 6;

/// Appends a curve through all `knots` (without sharp turns) to `dots`: a centripetal Catmull–Rom spline, which neither loops nor
/// overshoots between unevenly spaced knots (Yuksel, Schaefer, Keyser, "Parameterization and applications of Catmull–Rom curves",
/// Computer-Aided Design 43, 2011).
pub(super) fn curve(knots: &[Dot], dots: &mut Vec<Dot>) {
    let Some((&last, &[first, ..])) = knots.last().zip(Some(knots)) else { return };
    dots.push(first);
    for (i, pair) in knots.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        let before = if i == 0 { reflect(to, from) } else { knots[i - 1] };
        let after = if i + 2 < knots.len() { knots[i + 2] } else { reflect(from, to) };
        let (d0, d1, d2) = (spacing(before, from), spacing(from, to), spacing(to, after));
        let (t1, t2) = (d0, d0 + d1);
        let t3 = t2 + d2;
        for piece in 1..PIECES {
            let u = piece as f32 / PIECES as f32;
            let t = t1 + d1 * u;
            let axis = |p0: f32, p1: f32, p2: f32, p3: f32| {
                let a1 = mix(p0, p1, t / d0);
                let a2 = mix(p1, p2, (t - t1) / d1);
                let a3 = mix(p2, p3, (t - t2) / d2);
                let b1 = mix(a1, a2, t / t2);
                let b2 = mix(a2, a3, (t - t1) / (t3 - t1));
                mix(b1, b2, (t - t1) / d1)
            };
            dots.push(Dot {
                x: axis(before.x, from.x, to.x, after.x),
                y: axis(before.y, from.y, to.y, after.y),
                radius: mix(from.radius, to.radius, u * u * (3.0 - 2.0 * u)),
            });
        }
        if i + 2 < knots.len() {
            dots.push(to);
        }
    }
    dots.push(last);
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// The point as far behind `about` as `point` lies before it.
fn reflect(point: Dot, about: Dot) -> Dot {
    Dot { x: 2.0 * about.x - point.x, y: 2.0 * about.y - point.y, radius: about.radius }
}

/// The parameter that passes between two knots: the square root of their distance, and never zero.
fn spacing(a: Dot, b: Dot) -> f32 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    (dx * dx + dy * dy).sqrt().sqrt().max(1e-3)
}

/// Inks the straight pieces between successive `dots` on a raster of `width` pixels a row; each pixel keeps its darkest ink,
/// from 0 to 1. The edge of the line falls off over `softness` pixels.
pub(super) fn ink(dots: &[Dot], softness: f32, width: usize, raster: &mut [f32]) {
    let height = raster.len() / width;
    for pair in dots.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let reach = a.radius.max(b.radius) + softness * 0.5;
        let (left, right) = pixels(a.x.min(b.x) - reach, a.x.max(b.x) + reach, width);
        let (top, bottom) = pixels(a.y.min(b.y) - reach, a.y.max(b.y) + reach, height);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let scale = 1.0 / (dx * dx + dy * dy).max(1e-12);
        for y in top..bottom {
            let py = y as f32 + 0.5 - a.y;
            let row = &mut raster[y * width..(y + 1) * width];
            for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let px = x as f32 + 0.5 - a.x;
                let t = ((px * dx + py * dy) * scale).clamp(0.0, 1.0);
                let (ex, ey) = (px - t * dx, py - t * dy);
                let edge = mix(a.radius, b.radius, t) - (ex * ex + ey * ey).sqrt();
                let ink = (edge / softness + 0.5).clamp(0.0, 1.0);
                *pixel = pixel.max(ink * ink * (3.0 - 2.0 * ink));
            }
        }
    }
}

/// The pixels that an interval touches, within the raster.
fn pixels(from: f32, to: f32, count: usize) -> (usize, usize) {
    let clip = |value: f32| value.clamp(0.0, count as f32) as usize;
    (clip(from), clip(to + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(x: f32, y: f32) -> Dot {
        Dot { x, y, radius: 1.0 }
    }

    #[test]
    fn a_curve_passes_all_its_knots() {
        let knots = [dot(0.0, 0.0), dot(10.0, 5.0), dot(12.0, 30.0), dot(3.0, 31.0)];
        let mut dots = Vec::new();
        curve(&knots, &mut dots);
        assert!(knots.iter().all(|knot| dots.contains(knot)));
        assert_eq!(dots.len(), 3 * PIECES + 1);
    }

    #[test]
    fn knots_on_a_line_make_a_line() {
        let mut dots = Vec::new();
        curve(&[dot(0.0, 0.0), dot(1.0, 2.0), dot(5.0, 10.0)], &mut dots);
        assert!(dots.iter().all(|dot| (dot.y - 2.0 * dot.x).abs() < 1e-4));
    }

    #[test]
    fn a_horizontal_line_covers_as_much_as_it_is_wide() {
        let mut raster = [0.0; 20 * 20];
        ink(&[Dot { x: -5.0, y: 10.0, radius: 1.5 }, Dot { x: 25.0, y: 10.0, radius: 1.5 }], 1.0, 20, &mut raster);
        let column: f32 = (0..20).map(|y| raster[y * 20 + 7]).sum();
        assert!((column - 3.0).abs() < 1e-5, "{column}");
    }

    #[test]
    fn ink_off_the_raster_is_clipped() {
        let mut raster = [0.0; 16];
        ink(&[dot(-100.0, -100.0), dot(-90.0, 500.0)], 1.0, 4, &mut raster);
        assert_eq!(raster, [0.0; 16]);
    }
}

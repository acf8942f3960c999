//! How the ten digits are written: for each one or more allographs (the forms that people learn at school), each a sequence of
//! pen strokes through a few knots. The box is 60 wide and 100 high with y downwards; a curve passes smoothly through its knots
//! and turns sharply at corners.

/// A point that the pen passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    pub x: f32,
    pub y: f32,
    /// Whether the pen turns sharply here.
    pub corner: bool,
}

/// One way to write a digit.
#[derive(Debug)]
pub(super) struct Allograph {
    /// How often it is chosen, relative to the digit's other forms.
    pub weight: u32,
    /// The pen strokes in the order of writing.
    pub strokes: &'static [&'static [Knot]],
}

const fn s(x: i8, y: i8) -> Knot {
    Knot { x: x as f32, y: y as f32, corner: false }
}

const fn c(x: i8, y: i8) -> Knot {
    Knot { x: x as f32, y: y as f32, corner: true }
}

const fn form(weight: u32, strokes: &'static [&'static [Knot]]) -> Allograph {
    Allograph { weight, strokes }
}

/// The allographs of each digit.
pub(super) const DIGITS: [&[Allograph]; 10] = [ZERO, ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE];

const ZERO: &[Allograph] = &[
    form(
        3,
        &[&[
            s(36, 2),
            s(18, 5),
            s(5, 28),
            s(3, 58),
            s(11, 88),
            s(28, 99),
            s(46, 88),
            s(57, 58),
            s(54, 27),
            s(42, 6),
            s(30, 2),
        ]],
    ),
    form(
        1,
        &[&[
            s(24, 10),
            s(10, 26),
            s(2, 56),
            s(12, 90),
            s(32, 99),
            s(52, 80),
            s(58, 48),
            s(48, 14),
            s(30, 2),
            s(16, 10),
            s(20, 20),
        ]],
    ),
    form(
        1,
        &[&[s(48, 10), s(30, 2), s(10, 20), s(2, 55), s(10, 88), s(30, 99), s(50, 84), s(58, 50), s(50, 16), s(40, 6)]],
    ),
];

const ONE: &[Allograph] = &[
    form(5, &[&[s(31, 0), s(30, 50), s(30, 100)]]),
    form(2, &[&[s(14, 24), c(33, 0), s(32, 50), s(32, 100)]]),
    form(1, &[&[s(12, 22), c(32, 0), s(32, 50), c(31, 98)], &[s(10, 99), s(30, 98), s(54, 98)]]),
];

const TWO: &[Allograph] = &[
    form(2, &[&[s(6, 24), s(14, 7), s(30, 0), s(47, 10), s(50, 28), s(38, 56), c(5, 97), s(30, 96), s(58, 95)]]),
    form(
        2,
        &[&[
            s(7, 20),
            s(18, 3),
            s(36, 1),
            s(50, 16),
            s(46, 42),
            s(28, 74),
            s(10, 95),
            s(3, 87),
            s(13, 79),
            s(30, 88),
            s(46, 98),
            s(60, 90),
        ]],
    ),
    form(
        1,
        &[&[s(4, 18), s(22, 2), s(42, 6), s(48, 26), s(36, 56), s(16, 82), c(6, 94), s(22, 88), s(40, 96), s(60, 94)]],
    ),
];

const THREE: &[Allograph] = &[
    form(
        3,
        &[&[s(8, 13), s(24, 1), s(44, 8), s(46, 30), c(22, 46), s(46, 56), s(55, 76), s(38, 97), s(18, 98), s(4, 88)]],
    ),
    form(
        1,
        &[&[
            s(6, 8),
            s(26, 0),
            s(46, 12),
            s(40, 34),
            s(24, 46),
            s(20, 43),
            s(30, 46),
            s(52, 62),
            s(50, 86),
            s(28, 100),
            s(4, 90),
        ]],
    ),
    form(1, &[&[s(6, 3), c(50, 2), c(24, 42), s(48, 52), s(54, 76), s(36, 98), s(6, 89)]]),
];

const FOUR: &[Allograph] = &[
    form(3, &[&[s(12, 2), s(8, 28), c(5, 54), s(32, 54), s(60, 50)], &[s(48, 4), s(45, 50), s(43, 100)]]),
    form(1, &[&[s(40, 0), s(24, 28), c(3, 64), s(30, 64), s(60, 61)], &[s(42, 3), s(41, 50), s(40, 100)]]),
    form(2, &[&[s(8, 6), s(4, 34), s(12, 52), s(30, 52), s(46, 38), c(53, 3), s(49, 50), s(45, 100)]]),
    form(1, &[&[s(3, 62), s(24, 30), c(46, 0), s(42, 52), c(40, 100)], &[s(4, 63), s(30, 62), s(60, 58)]]),
];

const FIVE: &[Allograph] = &[
    form(
        2,
        &[
            &[c(14, 4), s(12, 22), c(10, 44), s(32, 37), s(53, 54), s(49, 84), s(26, 99), s(3, 90)],
            &[s(14, 4), s(34, 4), s(56, 1)],
        ],
    ),
    form(
        2,
        &[&[s(55, 3), s(36, 5), c(17, 4), s(14, 24), c(12, 44), s(34, 40), s(52, 58), s(47, 86), s(24, 99), s(3, 91)]],
    ),
    form(1, &[&[s(56, 6), s(34, 2), s(16, 12), s(15, 32), s(34, 48), s(50, 66), s(44, 90), s(22, 100), s(4, 88)]]),
];

const SIX: &[Allograph] = &[
    form(
        2,
        &[&[s(46, 2), s(24, 20), s(8, 52), s(8, 84), s(26, 99), s(48, 90), s(53, 70), s(38, 54), s(18, 64), s(8, 82)]],
    ),
    form(1, &[&[s(28, 0), s(12, 36), s(5, 72), s(16, 97), s(40, 97), s(54, 78), s(42, 58), s(22, 66), s(14, 88)]]),
    form(1, &[&[s(52, 8), s(34, 2), s(12, 26), s(4, 64), s(16, 95), s(40, 96), s(52, 74), s(36, 58), s(14, 70)]]),
];

const SEVEN: &[Allograph] = &[
    form(3, &[&[s(4, 6), s(28, 5), c(55, 2), s(38, 40), s(28, 70), s(22, 100)]]),
    form(1, &[&[s(4, 6), s(28, 5), c(54, 2), s(36, 42), s(28, 70), s(22, 100)], &[s(14, 52), s(30, 50), s(50, 46)]]),
    form(1, &[&[s(5, 20), c(7, 4), s(30, 5), c(56, 3), s(40, 34), s(29, 64), s(25, 100)]]),
    form(1, &[&[s(3, 12), s(16, 4), s(32, 8), s(50, 3), s(54, 10), s(42, 38), s(30, 68), s(26, 100)]]),
];

const EIGHT: &[Allograph] = &[
    form(
        3,
        &[&[
            s(48, 12),
            s(30, 0),
            s(12, 12),
            s(16, 34),
            s(34, 50),
            s(51, 70),
            s(46, 92),
            s(28, 100),
            s(8, 90),
            s(9, 70),
            s(28, 50),
            s(46, 30),
            s(50, 14),
            s(44, 4),
        ]],
    ),
    form(
        1,
        &[
            &[s(32, 2), s(14, 10), s(12, 32), s(30, 46), s(46, 32), s(46, 10), s(30, 1)],
            &[s(30, 46), s(8, 60), s(6, 88), s(30, 100), s(52, 88), s(52, 60), s(31, 46)],
        ],
    ),
    form(
        1,
        &[&[
            s(32, 50),
            s(12, 30),
            s(16, 6),
            s(36, 1),
            s(50, 14),
            s(42, 36),
            s(20, 56),
            s(6, 78),
            s(16, 98),
            s(40, 97),
            s(52, 78),
            s(42, 58),
            s(28, 46),
        ]],
    ),
];

const NINE: &[Allograph] = &[
    form(3, &[&[s(50, 16), s(32, 1), s(12, 10), s(6, 32), s(22, 47), s(42, 38), c(53, 8), s(50, 52), s(45, 100)]]),
    form(
        1,
        &[&[
            s(50, 14),
            s(30, 1),
            s(10, 14),
            s(10, 38),
            s(30, 46),
            s(48, 30),
            c(52, 6),
            s(54, 48),
            s(48, 86),
            s(30, 99),
            s(8, 90),
        ]],
    ),
    form(1, &[&[s(48, 36), s(26, 46), s(8, 30), s(16, 6), s(36, 1), s(51, 18), s(48, 50), s(40, 76), s(34, 100)]]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allograph_lies_in_its_box_and_starts_and_ends_each_stroke_apart_from_the_next_knot() {
        for stroke in DIGITS.iter().flat_map(|forms| forms.iter()).flat_map(|form| form.strokes) {
            assert!(stroke.len() >= 2);
            assert!(stroke.iter().all(|knot| (0.0..=60.0).contains(&knot.x) && (0.0..=100.0).contains(&knot.y)));
            assert!(stroke.windows(2).all(|pair| (pair[0].x, pair[0].y) != (pair[1].x, pair[1].y)));
        }
    }
}

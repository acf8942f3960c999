//! Random distributions of two substances in a pipe: rods, annular and stratified flow, squares; and crosses and tubes, which no
//! training sees.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::sensor::ELECTRODES;

/// What kind of distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rods,
    Annular,
    Stratified,
    Squares,
    Crosses,
    Tubes,
}

impl Kind {
    /// Those that networks are trained on.
    pub const TRAINED: [Self; 4] = [Self::Rods, Self::Annular, Self::Stratified, Self::Squares];
    /// Those that they are only tested on.
    pub const UNSEEN: [Self; 2] = [Self::Crosses, Self::Tubes];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rods => "rods",
            Self::Annular => "annular",
            Self::Stratified => "stratified",
            Self::Squares => "squares",
            Self::Crosses => "crosses",
            Self::Tubes => "tubes",
        }
    }
}

/// Where the substance of high permittivity is; lengths in inner radii of the pipe, axes of length 1.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Disc { centre: [f64; 2], radius: f64 },
    Square { centre: [f64; 2], half: f64, axis: [f64; 2] },
    Cross { centre: [f64; 2], reach: f64, half: f64, axis: [f64; 2] },
    Tube { centre: [f64; 2], inner: f64, outer: f64 },
    Outside { centre: [f64; 2], radius: f64 },
    HalfPlane { axis: [f64; 2], level: f64 },
}

impl Shape {
    fn contains(&self, point: [f64; 2]) -> bool {
        let square = |length: f64| length * length;
        match *self {
            Self::Disc { centre, radius } => apart_squared(centre, point) <= square(radius),
            Self::Square { centre, half, axis } => {
                let [x, y] = along(axis, from(centre, point));
                x.abs().max(y.abs()) <= half
            }
            Self::Cross { centre, reach, half, axis } => {
                let [x, y] = along(axis, from(centre, point)).map(f64::abs);
                x.max(y) <= reach && x.min(y) <= half
            }
            Self::Tube { centre, inner, outer } => {
                (square(inner)..=square(outer)).contains(&apart_squared(centre, point))
            }
            Self::Outside { centre, radius } => apart_squared(centre, point) >= square(radius),
            Self::HalfPlane { axis, level } => along(axis, point)[1] <= level,
        }
    }

    /// A circle around all of it.
    fn around(&self) -> ([f64; 2], f64) {
        match *self {
            Self::Disc { centre, radius } => (centre, radius),
            Self::Square { centre, half, .. } => (centre, half * 2f64.sqrt()),
            Self::Cross { centre, reach, half, .. } => (centre, reach.hypot(half)),
            Self::Tube { centre, outer, .. } => (centre, outer),
            Self::Outside { .. } | Self::HalfPlane { .. } => ([0.0; 2], 1.0),
        }
    }
}

fn from(centre: [f64; 2], point: [f64; 2]) -> [f64; 2] {
    [point[0] - centre[0], point[1] - centre[1]]
}

fn apart_squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    let [x, y] = from(a, b);
    x * x + y * y
}

/// The direction of an angle.
fn direction(angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    [cos, sin]
}

/// Coordinates of a point along an axis and across it.
fn along([cos, sin]: [f64; 2], [x, y]: [f64; 2]) -> [f64; 2] {
    [x * cos + y * sin, y * cos - x * sin]
}

/// A way to lay the same phantom into the sensor so that its electrodes cover themselves: mirrored or not, then turned by whole
/// electrodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    mirrored: bool,
    turns: usize,
    axis: [f64; 2],
}

impl Position {
    /// How many there are.
    pub const COUNT: usize = 2 * ELECTRODES;

    /// Position `index` of [`COUNT`](Self::COUNT); 0 leaves everything where it is.
    pub fn new(index: usize) -> Self {
        let turns = index % ELECTRODES;
        let axis = direction(turns as f64 * TAU / ELECTRODES as f64);
        Self { mirrored: index / ELECTRODES % 2 == 1, turns, axis }
    }

    /// Where an electrode comes to lie.
    pub fn electrode(self, electrode: usize) -> usize {
        let mirrored = if self.mirrored { ELECTRODES - electrode } else { electrode };
        (mirrored + self.turns) % ELECTRODES
    }

    /// What was at this point before.
    fn before(self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = along(self.axis, point);
        if self.mirrored { [x, -y] } else { [x, y] }
    }
}

/// A distribution of two substances.
#[derive(Clone, Debug)]
pub struct Phantom {
    shapes: Vec<Shape>,
    position: Position,
}

impl Phantom {
    /// A random one.
    pub fn random(kind: Kind, random: &mut ChaCha8Rng) -> Self {
        let most = match kind {
            Kind::Rods => random.random_range(1..=4),
            Kind::Squares => random.random_range(1..=2),
            _ => 1,
        };
        let mut shapes: Vec<Shape> = Vec::with_capacity(most);
        // Where many large ones do not find room beside each other, there are fewer.
        for _ in 0..100 {
            let shape = random_shape(kind, random);
            let (centre, radius) = shape.around();
            let apart = |other: &Shape| {
                let (place, reach) = other.around();
                apart_squared(centre, place) > (radius + reach).powi(2)
            };
            if shapes.iter().all(apart) {
                shapes.push(shape);
            }
            if shapes.len() == most {
                break;
            }
        }
        Self { shapes, position: Position::new(0) }
    }

    /// The same one in another position.
    pub fn at(&self, position: Position) -> Self {
        Self { position, ..self.clone() }
    }

    /// Whether the substance of high permittivity is at this point.
    pub fn contains(&self, point: [f64; 2]) -> bool {
        let point = self.position.before(point);
        self.shapes.iter().any(|shape| shape.contains(point))
    }
}

fn random_shape(kind: Kind, random: &mut ChaCha8Rng) -> Shape {
    // Anywhere in the circle of this radius, as likely everywhere.
    let mut within = |reach: f64| {
        let radius = reach.max(0.0) * random.random_range(0.0..1.0f64).sqrt();
        direction(random.random_range(0.0..TAU)).map(|along| along * radius)
    };
    let place = within(1.0);
    let near = |reach: f64| place.map(|along| along * reach.max(0.0));
    match kind {
        Kind::Rods => {
            let radius = random.random_range(0.12..0.36);
            Shape::Disc { centre: near(0.95 - radius), radius }
        }
        Kind::Annular => Shape::Outside { centre: near(0.12), radius: random.random_range(0.35..0.85) },
        Kind::Stratified => {
            Shape::HalfPlane { axis: direction(random.random_range(0.0..TAU)), level: random.random_range(-0.7..0.7) }
        }
        Kind::Squares => {
            let half = random.random_range(0.14..0.36);
            Shape::Square {
                centre: near(0.95 - half * 2f64.sqrt()),
                half,
                axis: direction(random.random_range(0.0..TAU)),
            }
        }
        Kind::Crosses => {
            let (reach, half): (f64, f64) = (random.random_range(0.35..0.7), random.random_range(0.1..0.2));
            Shape::Cross {
                centre: near(0.95 - reach.hypot(half)),
                reach,
                half,
                axis: direction(random.random_range(0.0..TAU)),
            }
        }
        Kind::Tubes => {
            let outer = random.random_range(0.4..0.8);
            let inner = outer - random.random_range(0.15..0.3);
            Shape::Tube { centre: near(0.95 - outer), inner, outer }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_position_is_undone_by_another() {
        for index in 0..Position::COUNT {
            let position = Position::new(index);
            let back = (0..Position::COUNT)
                .map(Position::new)
                .find(|back| {
                    (0..ELECTRODES).all(|electrode| back.electrode(position.electrode(electrode)) == electrode)
                })
                .unwrap();
            let point = [0.3, 0.4];
            assert!(apart_squared(back.before(position.before(point)), point) < 1e-24);
        }
    }

    #[test]
    fn what_lies_at_an_electrode_moves_with_it() {
        let shape = Shape::Disc { centre: direction(TAU / 12.0 * 2.0).map(|along| 0.8 * along), radius: 0.1 };
        let phantom = Phantom { shapes: vec![shape], position: Position::new(0) };
        for index in 0..Position::COUNT {
            let position = Position::new(index);
            let angle = position.electrode(2) as f64 * TAU / 12.0;
            assert!(phantom.at(position).contains(direction(angle).map(|along| 0.8 * along)));
        }
    }

    #[test]
    fn phantoms_lie_within_the_pipe_and_are_neither_empty_nor_full() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for kind in Kind::TRAINED.into_iter().chain(Kind::UNSEEN) {
            for _ in 0..50 {
                let phantom = Phantom::random(kind, &mut random);
                let points = (0..900).map(|at| [(at / 30) as f64 / 15.0 - 0.97, (at % 30) as f64 / 15.0 - 0.97]);
                let (mut inside, mut high) = (0, 0);
                for point in points.filter(|point| point[0].hypot(point[1]) < 1.0) {
                    inside += 1;
                    high += usize::from(phantom.contains(point));
                }
                assert!(high > 0 && high < inside, "{} covers {high} of {inside} points", kind.name());
                let rim = (0..360).map(|angle| direction(f64::from(angle).to_radians()).map(|along| 0.97 * along));
                if !matches!(kind, Kind::Annular | Kind::Stratified) {
                    assert!(rim.into_iter().all(|point| !phantom.contains(point)), "{} beyond the pipe", kind.name());
                }
            }
        }
    }
}

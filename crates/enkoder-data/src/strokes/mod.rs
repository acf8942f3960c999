//! The built-in data: digits like handwriting, drawn from stroke skeletons by a hand that varies: the form of the digit, slant,
//! proportions, size, pen, pressure and a tremor, all drawn from a random stream that belongs to the sample alone. It needs no
//! file and no network, and the same seed gives the same pixels on any machine.

mod pen;
mod skeletons;

use enkoder::{Dataset, Labels};
use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use pen::{Dot, curve, ink};
use skeletons::{Allograph, DIGITS};

/// How many digits the built-in name `strokes` stands for.
pub const DEFAULT_COUNT: usize = 12_000;

/// The height and width of a digit's image in pixels.
pub const SIZE: usize = 28;

/// The longer side of the box that a digit fills on average, in pixels.
const BODY: f32 = 19.6;

/// `count` labelled digits as grey images of 28×28 bytes, bright ink (255) on black (0), all ten about equally often.
///
/// Digit `i` depends on `seed` and `i` alone: a longer data set begins with the shorter one of the same seed.
///
/// ```
/// use enkoder_data::strokes;
///
/// let digits = strokes::strokes(100, 7);
/// assert_eq!((digits.len(), digits.shape()), (100, &[28, 28][..]));
/// assert_eq!(digits.row_u8(41), strokes::strokes(50, 7).row_u8(41));
/// ```
pub fn strokes(count: usize, seed: u64) -> Dataset {
    let mut pixels = vec![0; count * SIZE * SIZE];
    let mut values = vec![0; count];
    pixels.par_chunks_mut(SIZE * SIZE).zip(&mut values).enumerate().for_each_init(
        Drawing::default,
        |drawing, (index, (image, label))| {
            *label = drawing.digit(&mut Hand::new(seed, index as u64), image);
        },
    );
    let pixels = Array2::from_shape_vec((count, SIZE * SIZE), pixels).expect("one image for each digit");
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Dataset::from_u8("strokes", pixels)
        .and_then(|data| data.with_shape([SIZE, SIZE]))
        .and_then(|data| data.with_labels(Labels { classes, values }))
        .expect("every digit has 28×28 pixels and a label below 10")
}

/// The random numbers of one sample.
struct Hand(ChaCha8Rng);

impl Hand {
    fn new(seed: u64, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self(rng)
    }

    /// Uniform in 0..1.
    fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform between two values.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// Bell-shaped about 0 with this standard deviation and no tails beyond 3 of them: the sum of three uniform values, which,
    /// unlike the normal distribution's inverse, is the same on all machines.
    fn around_zero(&mut self, deviation: f32) -> f32 {
        (self.uniform() + self.uniform() + self.uniform() - 1.5) * 2.0 * deviation
    }

    /// A number below `count`.
    fn below(&mut self, count: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(count)) >> 32) as u32
    }

    fn allograph(&mut self, digit: u32) -> &'static Allograph {
        let forms = DIGITS[digit as usize];
        let mut choice = self.below(forms.iter().map(|form| form.weight).sum());
        for form in forms {
            if choice < form.weight {
                return form;
            }
            choice -= form.weight;
        }
        &forms[0]
    }
}

/// Buffers that are used again for each digit.
#[derive(Default)]
struct Drawing {
    knots: Vec<Dot>,
    dots: Vec<Dot>,
    ends: Vec<usize>,
    raster: Vec<f32>,
}

impl Drawing {
    /// Draws one digit into `image` and returns which.
    fn digit(&mut self, hand: &mut Hand, image: &mut [u8]) -> u32 {
        let digit = hand.below(10);
        let form = hand.allograph(digit);
        self.write(hand, form);
        let softness = hand.between(1.0, 1.7);
        let level = hand.between(235.0, 275.0);
        self.place(hand, softness);
        self.raster.clear();
        self.raster.resize(SIZE * SIZE, 0.0);
        let mut start = 0;
        for &end in &self.ends {
            ink(&self.dots[start..end], softness, SIZE, &mut self.raster);
            start = end;
        }
        for (pixel, &ink) in image.iter_mut().zip(&self.raster) {
            *pixel = (ink * level + 0.5).min(255.0) as u8;
        }
        digit
    }

    /// Writes the strokes in units of the digit's height, about the origin.
    fn write(&mut self, hand: &mut Hand, form: &Allograph) {
        let tremor = hand.between(0.015, 0.04);
        let (slant, turn) = (0.08 + hand.around_zero(0.2), hand.around_zero(0.09));
        let (width, bend) = (hand.between(0.78, 1.28), hand.around_zero(0.1));
        let (belly, keystone) = (hand.around_zero(0.16), hand.around_zero(0.14));
        let (radius, pressure) = (pen_radius(hand), hand.between(0.03, 0.16));
        let taper = hand.between(0.75, 1.05);
        // The rotation by an angle whose tangent is `turn`.
        let cosine = 1.0 / (1.0 + turn * turn).sqrt();
        let sine = turn * cosine;
        self.dots.clear();
        self.ends.clear();
        for stroke in form.strokes {
            self.knots.clear();
            // Neighbouring knots stray together, as a hand does: apart, they would make a round form angular.
            let mut stray = [hand.around_zero(tremor), hand.around_zero(tremor)];
            for (i, knot) in stroke.iter().enumerate() {
                stray = stray.map(|stray| 0.7 * stray + hand.around_zero(0.7 * tremor));
                let end = i == 0 || i + 1 == stroke.len();
                let reach = if end { 1.5 } else { 1.0 };
                let mut x = knot.x / 100.0 - 0.3 + reach * stray[0];
                let mut y = knot.y / 100.0 - 0.5 + reach * stray[1];
                // What sets one hand apart from another: where the middle of a digit lies, how it narrows, bends and leans.
                y += belly * (0.25 - y * y);
                x = x * width * (1.0 + keystone * y) + bend * (0.25 - y * y) - slant * y;
                (x, y) = (x * cosine - y * sine, x * sine + y * cosine);
                let ending = if end { taper } else { 1.0 };
                self.knots.push(Dot { x, y, radius: radius * ending * (1.0 + hand.around_zero(pressure)) });
            }
            let mut from = 0;
            for (i, knot) in stroke.iter().enumerate().skip(1) {
                if knot.corner || i + 1 == stroke.len() {
                    curve(&self.knots[from..=i], &mut self.dots);
                    from = i;
                }
            }
            self.ends.push(self.dots.len());
        }
    }

    /// Scales the digit to its size in pixels and moves its centre of mass near the middle of the image; the whole line stays in.
    fn place(&mut self, hand: &mut Hand, softness: f32) {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for dot in &self.dots {
            low = [low[0].min(dot.x), low[1].min(dot.y)];
            high = [high[0].max(dot.x), high[1].max(dot.y)];
        }
        let extent = [high[0] - low[0], high[1] - low[1]];
        let body = BODY * hand.between(0.9, 1.06);
        let ink = self.dots.iter().fold(0f32, |most, dot| most.max(dot.radius));
        let scale = (body - 2.0 * ink) / extent[0].max(extent[1]);
        let centre = self.centre_of_mass();
        let middle = SIZE as f32 / 2.0;
        let edge = ink + softness * 0.5;
        let offset: [f32; 2] = std::array::from_fn(|axis| {
            let wanted = middle + hand.around_zero(0.6) - centre[axis] * scale;
            let (least, most) = (edge - low[axis] * scale, SIZE as f32 - edge - high[axis] * scale);
            wanted.max(least).min(most)
        });
        for dot in &mut self.dots {
            dot.x = dot.x * scale + offset[0];
            dot.y = dot.y * scale + offset[1];
        }
    }

    /// The mean over all lines, each piece weighing as much as it is long.
    fn centre_of_mass(&self) -> [f32; 2] {
        let (mut sum, mut length) = ([0.0; 2], 1e-6);
        let mut start = 0;
        for &end in &self.ends {
            for pair in self.dots[start..end].windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let (dx, dy) = (b.x - a.x, b.y - a.y);
                let piece = (dx * dx + dy * dy).sqrt();
                length += piece;
                sum[0] += piece * (a.x + b.x) * 0.5;
                sum[1] += piece * (a.y + b.y) * 0.5;
            }
            start = end;
        }
        sum.map(|sum| sum / length)
    }
}

/// Half the line's width in pixels: most pens are medium, few are thick.
fn pen_radius(hand: &mut Hand) -> f32 {
    let thick = hand.uniform();
    0.75 + 0.95 * thick * thick + hand.between(0.0, 0.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_are_the_same_on_every_machine() {
        let expected = "e937c0735df49efd47718fa66f21ba44fc4a6dfeffa9e05ea9ae538cc321578a";
        assert_eq!(strokes(1000, 1).fingerprint(), expected);
    }

    #[test]
    fn any_number_of_threads_draws_the_same_digits() {
        let drawn = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| strokes(200, 3)).fingerprint()
        };
        assert_eq!(drawn(1), drawn(2));
        assert_eq!(drawn(1), drawn(4));
    }

    #[test]
    fn a_digit_depends_on_seed_and_index_alone() {
        let (short, long) = (strokes(20, 5), strokes(60, 5));
        assert!((0..20).all(|i| short.row_u8(i) == long.row_u8(i) && short.label(i) == long.label(i)));
        assert_ne!(short.row_u8(0), strokes(1, 6).row_u8(0));
    }

    #[test]
    fn all_ten_digits_are_about_equally_many() {
        let digits = strokes(5000, 0);
        let mut counts = [0; 10];
        (0..digits.len()).for_each(|i| counts[digits.label(i).unwrap() as usize] += 1);
        assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_digit_keeps_off_the_edges_and_has_full_and_empty_pixels() {
        let digits = strokes(1000, 2);
        for i in 0..digits.len() {
            let image = digits.row_u8(i).unwrap();
            let edge = (0..SIZE).flat_map(|k| [k, (SIZE - 1) * SIZE + k, k * SIZE, k * SIZE + SIZE - 1]);
            assert!(edge.map(|pixel| image[pixel]).max() < Some(128), "digit {i}");
            assert!(image.iter().any(|&pixel| pixel > 180) && image.iter().filter(|&&pixel| pixel == 0).count() > 300);
        }
    }

    #[test]
    fn the_nearest_class_mean_tells_most_digits_so_that_classes_are_alike_but_not_equal() {
        let digits = strokes(3000, 4);
        let values = digits.to_array();
        let class = |i: usize| digits.label(i).unwrap() as usize;
        let mut means = Array2::<f32>::zeros((10, digits.features()));
        let mut counts = [0f32; 10];
        for i in 0..2000 {
            let mut mean = means.row_mut(class(i));
            mean += &values.row(i);
            counts[class(i)] += 1.0;
        }
        for (mut mean, count) in means.rows_mut().into_iter().zip(counts) {
            mean /= count;
        }
        let right = (2000..3000).filter(|&i| {
            let distance = |k: usize| (&means.row(k) - &values.row(i)).mapv(|d| d * d).sum();
            (0..10).min_by(|&a, &b| distance(a).total_cmp(&distance(b))) == Some(class(i))
        });
        let right = right.count();
        assert!((700..980).contains(&right), "{right} of 1000");
    }
}

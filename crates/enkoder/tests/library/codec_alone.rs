//! Without a model the codec keeps the same promises, on arrays of any shape and any values.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{
    AloneOptions, Bound, CodecError, CompressSummary, Element, EnkFile, Layout, SampleArray, SampleSource,
    compress_alone,
};
use proptest::prelude::*;

const LIMIT: u64 = 1 << 24;

/// Arrays as a reader hands them out: with names, and values that stand for a missing one.
struct Arrays {
    samples: SampleArray,
    layout: Layout,
    missing: Vec<f64>,
}

impl SampleSource for Arrays {
    fn element(&self) -> enkoder::codec::ElementType {
        self.samples.element()
    }

    fn shape(&self) -> &[usize] {
        self.samples.shape()
    }

    fn samples(&self) -> u64 {
        self.samples.len() as u64
    }

    fn layout(&self) -> Layout {
        self.layout.clone()
    }

    fn missing(&self) -> Vec<f64> {
        self.missing.clone()
    }

    fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
        self.samples.read(first, count)
    }
}

fn write(source: &mut dyn SampleSource, options: &AloneOptions) -> (Vec<u8>, CompressSummary) {
    let mut file = Vec::new();
    let summary = compress_alone(source, options, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
    let parts = [summary.header_bytes, summary.code_bytes, summary.residual_bytes, summary.framing_bytes];
    assert_eq!(parts.iter().sum::<u64>(), file.len() as u64, "every byte is accounted for");
    (file, summary)
}

fn read(file: &[u8]) -> Result<SampleArray, CodecError> {
    let mut file = EnkFile::open(Cursor::new(file))?;
    let samples = file.samples();
    file.read(0, samples, LIMIT)
}

/// Checks what comes back of values, and gives the length of the file.
fn check<T: Element>(shape: &[usize], values: &[T], options: &AloneOptions) -> usize {
    let samples = SampleArray::from_values(shape, values).unwrap();
    let (file, _) = write(&mut samples.clone(), options);
    let back = read(&file).unwrap();
    assert_eq!(back.shape(), samples.shape());
    let finite = || values.iter().filter(|value| value.is_finite()).map(|value| value.to_f64());
    let range = finite().fold(f64::NEG_INFINITY, f64::max) - finite().fold(f64::INFINITY, f64::min);
    for (index, (&value, back)) in values.iter().zip(back.values::<T>().unwrap()).enumerate() {
        let same = value.to_bits() == back.to_bits();
        let kept = match options.bound {
            Bound::Absolute(bound) => same || (value.is_finite() && value.within(back, bound)),
            Bound::Relative(part) => same || (value.is_finite() && value.within(back, part * range)),
            Bound::Pointwise(part) => same || is_within_part(value.to_f64(), back.to_f64(), part),
            Bound::SignificantBits(bits) => {
                same || is_within_part(value.to_f64(), back.to_f64(), f64::exp2(-f64::from(bits)))
            }
            Bound::Lossless => same,
            _ => true,
        };
        assert!(kept, "{options:?} {shape:?}: value {index} is {value:?} and came back as {back:?}");
    }
    file.len()
}

/// Whether a value is off by at most a part of itself; 0 is not off at all.
fn is_within_part(value: f64, back: f64, part: f64) -> bool {
    value != 0.0 && value.is_finite() && (value - back).abs() <= part * value.abs()
}

fn hostile() -> BoxedStrategy<f32> {
    let odd = vec![
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        1e20,
        -9999.0,
        0.0,
        -0.0,
        1e-40,
        f32::MIN_POSITIVE,
    ];
    prop_oneof![
        20 => (-4.0f32..4.0).boxed(),
        2 => any::<u32>().prop_map(f32::from_bits).boxed(),
        4 => proptest::sample::select(odd).boxed(),
    ]
    .boxed()
}

/// A shape of a sample, and values for a few of them.
fn arrays<V: Strategy<Value = f32> + Clone>(value: V) -> impl Strategy<Value = (Vec<usize>, Vec<f32>)> {
    (proptest::collection::vec(1usize..7, 1..5), 1usize..6).prop_flat_map(move |(shape, samples)| {
        let count = samples * shape.iter().product::<usize>();
        (Just(shape), proptest::collection::vec(value.clone(), count))
    })
}

fn options(bound: Bound, effort: u8, block: usize) -> AloneOptions {
    AloneOptions { effort, block_samples: Some(block), ..AloneOptions::new(bound) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bounds_are_kept_whatever_the_values((shape, values) in arrays(hostile()), bound in 1e-6f64..1e3, effort in 1u8..10, block in 1usize..4) {
        check(&shape, &values, &options(Bound::Absolute(bound), effort, block));
        check(&shape, &values, &options(Bound::Lossless, effort, block));
        let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value) * 1e200).collect();
        check(&shape, &doubles, &options(Bound::Absolute(bound * 1e190), effort, block));
        check(&shape, &doubles, &options(Bound::Lossless, effort, block));
        let bits: Vec<u64> = values.iter().map(|value| u64::from(value.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        check(&shape, &bits, &options(Bound::Absolute(bound * 1e10), effort, block));
        check(&shape, &bits, &options(Bound::Lossless, effort, block));
        let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
        check(&shape, &bytes, &options(Bound::Absolute(bound), effort, block));
        check(&shape, &bytes, &options(Bound::Lossless, effort, block));
        let short: Vec<i16> = values.iter().map(|&value| value as i16).collect();
        check(&shape, &short, &options(Bound::Absolute(bound), effort, block));
    }

    #[test]
    fn parts_of_each_value_are_kept_whatever_the_values(
        (shape, values) in arrays(hostile()), part in -12.0f64..-0.4, bits in 1u8..=52, effort in 1u8..10, block in 1usize..4,
    ) {
        let part = Bound::Pointwise(10f64.powf(part));
        check(&shape, &values, &options(part, effort, block));
        check(&shape, &values, &options(Bound::SignificantBits(bits), effort, block));
        // Up to 1e308 and beyond, and down to denormals.
        for scale in [1.0, 1e307, 1e-307, 1e-320] {
            let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value) * scale).collect();
            check(&shape, &doubles, &options(part, effort, block));
            check(&shape, &doubles, &options(Bound::SignificantBits(bits), effort, block));
        }
    }

    #[test]
    fn every_variable_keeps_its_own_bound(values in proptest::collection::vec(hostile(), 60), bound in 1e-6f64..1e3, part in 1e-7f64..0.5) {
        let bounds = [Bound::Absolute(bound), Bound::Pointwise(part), Bound::Lossless];
        let mut arrays = three_variables(&values);
        let names = ["a", "b", "c"].map(str::to_owned);
        let of_variables = names.into_iter().zip(bounds).collect();
        let options = AloneOptions { of_variables, ..options(Bound::None, 5, 2) };
        let refused = compress_alone(&mut arrays, &options, &mut Vec::new(), &mut |_| ControlFlow::Continue(()));
        prop_assert!(matches!(refused, Err(CodecError::NeedsModel(_))), "no bound at all is none, though nothing asks for it");
        let (file, _) = write(&mut arrays, &AloneOptions { bound: Bound::Lossless, ..options });
        prop_assert_eq!(EnkFile::open(Cursor::new(&file)).unwrap().bounds().to_vec(), bounds.to_vec());
        let back = read(&file).unwrap().values::<f32>().unwrap();
        for (index, (&value, back)) in values.iter().zip(back).enumerate() {
            let (wide, narrow) = (f64::from(value), f64::from(back));
            let kept = value.to_bits() == back.to_bits() || match index / 5 % 3 {
                0 => value.is_finite() && (wide - narrow).abs() <= bound,
                1 => is_within_part(wide, narrow, part),
                _ => false,
            };
            prop_assert!(kept, "value {index} is {value:?} and came back as {back:?}");
        }
    }

    #[test]
    fn parts_of_the_range_and_mean_errors_are_kept((shape, values) in arrays(-1e6f32..1e6), part in 1e-6f64..0.5, decibels in 5f64..120.0) {
        let (min, max) = values.iter().fold((f32::MAX, f32::MIN), |(min, max), &value| (min.min(value), max.max(value)));
        prop_assume!(max > min);
        check(&shape, &values, &AloneOptions::new(Bound::Relative(part)));
        let samples = SampleArray::from_values(shape, &values).unwrap();
        let (file, summary) = write(&mut samples.clone(), &AloneOptions::new(Bound::Psnr(decibels)));
        let back = read(&file).unwrap().values::<f32>().unwrap();
        let squares: f64 = values.iter().zip(&back).map(|(&x, &y)| ((f64::from(x) - f64::from(y)) / summary.range).powi(2)).sum();
        prop_assert!(squares / values.len() as f64 <= 10f64.powf(-decibels / 10.0) * (1.0 + 1e-9));
    }

    #[test]
    fn a_changed_byte_is_noticed(position: proptest::sample::Index, change in 1u8..) {
        let values: Vec<f32> = (0..600).map(|i| (i as f32 * 0.1).sin()).collect();
        let mut samples = SampleArray::from_values([10, 6], &values).unwrap();
        let (mut file, _) = write(&mut samples, &options(Bound::Absolute(0.01), 5, 4));
        let index = position.index(file.len());
        file[index] ^= change;
        prop_assert!(read(&file).is_err());
    }
}

#[test]
fn arrays_of_one_value_or_of_equal_ones_take_next_to_nothing() {
    for bound in [Bound::Absolute(1e-3), Bound::Relative(1e-3), Bound::Psnr(60.0), Bound::Lossless] {
        for value in [0.0f64, -0.0, 5.5, f64::NAN, f64::INFINITY, 1e-320, f64::MAX] {
            for (samples, shape) in [(1, vec![1]), (1, vec![30, 40]), (1200, vec![1]), (20, vec![1, 60, 1])] {
                let values = vec![value; samples * shape.iter().product::<usize>()];
                let length = check(&shape, &values, &AloneOptions::new(bound));
                assert!(length < 150, "{length} bytes of {samples} samples of {shape:?} {value:?}");
            }
        }
    }
}

#[test]
fn smooth_fields_gain_much_and_a_part_is_decoded_alone() {
    let wave = |t: usize, y: usize, x: usize| {
        (t as f32 * 0.3).sin() * 5.0 + (y as f32 * 0.1).cos() * (x as f32 * 0.07).sin() * 9.0
    };
    let values: Vec<f32> = (0..40 * 32 * 48).map(|i| wave(i / 1536, i / 48 % 32, i % 48)).collect();
    let samples = SampleArray::from_values([32, 48], &values).unwrap();
    let (file, summary) = write(&mut samples.clone(), &options(Bound::Relative(1e-3), 5, 16));
    assert!(summary.original_bytes > 60 * summary.file_bytes, "{} bytes", summary.file_bytes);
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    let all = open.read(0, 40, LIMIT).unwrap();
    let part = open.read(17, 35, LIMIT).unwrap();
    let sample = 32 * 48 * 4;
    assert_eq!(part.as_bytes(), &all.as_bytes()[17 * sample..35 * sample]);
    assert!(!open.has_model());
    let predictions = open.predictions().unwrap();
    assert_eq!(predictions.len(), 3);
    let bytes: u64 = predictions.iter().flatten().map(|p| p.model_bytes + p.residual_bytes).sum();
    assert_eq!(bytes, summary.code_bytes + summary.residual_bytes);
}

#[test]
fn missing_cells_cost_a_mask_and_widen_nothing() {
    let is_land = |i: usize| (i / 48 % 32 + i % 48) % 40 < 15;
    let wave = |i: usize| ((i / 1536) as f32 * 0.3).sin() + (i as f32 * 0.01).cos();
    let with = |fill: f32| -> Vec<f32> { (0..12 * 1536).map(|i| if is_land(i) { fill } else { wave(i) }).collect() };
    let file = |fill: f32, missing: Vec<f64>| {
        let samples = SampleArray::from_values([32, 48], &with(fill)).unwrap();
        let mut arrays = Arrays { samples, layout: Layout::default(), missing };
        let (file, summary) = write(&mut arrays, &AloneOptions::new(Bound::Relative(1e-3)));
        let back = read(&file).unwrap().values::<f32>().unwrap();
        for (index, (value, back)) in with(fill).iter().zip(back).enumerate() {
            let kept = if is_land(index) { value.to_bits() == back.to_bits() } else { (value - back).abs() <= 0.004 };
            assert!(kept, "value {index} is {value} and came back as {back}");
        }
        assert!(summary.range < 5.0);
        file.len()
    };
    let nan = file(f32::NAN, Vec::new());
    assert_eq!(file(1e20, vec![f64::from(1e20f32)]), nan, "how a missing value is written makes no difference");
    let whole = SampleArray::from_values([32, 48], &(0..12 * 1536).map(wave).collect::<Vec<_>>()).unwrap();
    let (whole, _) = write(&mut whole.clone(), &AloneOptions::new(Bound::Relative(1e-3)));
    assert!(nan < whole.len() + 400, "{nan} bytes with a mask, {} without", whole.len());
}

#[test]
fn several_variables_have_bounds_by_their_own_ranges() {
    let values: Vec<f64> =
        (0..30 * 2 * 50).map(|i| (i as f64 * 0.02).sin() * if i / 50 % 2 == 0 { 1.0 } else { 1e6 }).collect();
    let layout = Layout { variables: vec!["a".to_owned(), "b".to_owned()], ..Layout::default() };
    let samples = SampleArray::from_values([2, 50], &values).unwrap();
    let mut arrays = Arrays { samples, layout: layout.clone(), missing: Vec::new() };
    let (file, _) = write(&mut arrays, &options(Bound::Relative(1e-2), 5, 10));
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    assert_eq!(open.layout(), &layout);
    let back = open.read(0, 30, LIMIT).unwrap().values::<f64>().unwrap();
    for (index, (value, back)) in values.iter().zip(back).enumerate() {
        let range = if index / 50 % 2 == 0 { 2.0 } else { 2e6 };
        assert!((value - back).abs() <= 1e-2 * range, "value {index}");
    }
}

fn three_variables(values: &[f32]) -> Arrays {
    let layout = Layout { variables: ["a", "b", "c"].map(str::to_owned).to_vec(), ..Layout::default() };
    Arrays { samples: SampleArray::from_values([3, 5], values).unwrap(), layout, missing: Vec::new() }
}

#[test]
fn bounds_that_no_variable_can_have_are_refused() {
    let refused = |variable: &str, bound: Bound| {
        let of_variables = vec![(variable.to_owned(), bound)];
        let options = AloneOptions { of_variables, ..AloneOptions::new(Bound::Lossless) };
        let mut arrays = three_variables(&[0.5; 30]);
        compress_alone(&mut arrays, &options, &mut Vec::new(), &mut |_| ControlFlow::Continue(()))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("d", Bound::Absolute(1.0)),
        "abs:1 cannot be the bound of \"d\": there is none\nhint: the variables are a, b, c"
    );
    assert!(refused("a", Bound::Psnr(60.0)).contains("a mean over all variables"));
    let mut integers = SampleArray::from_values([2], &[1i16, 2]).unwrap();
    let options = AloneOptions::new(Bound::Pointwise(0.01));
    let refused = compress_alone(&mut integers, &options, &mut Vec::new(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(CodecError::NeedsFloats { .. })));
}

#[test]
fn parts_of_values_cost_little_where_values_differ_by_orders_of_magnitude() {
    // Smooth in its logarithm, from 1e-15 to 1e15.
    let values: Vec<f32> = (0..40 * 900)
        .map(|i| (((i % 30) as f32 * 0.11).sin() * 20.0 + ((i / 30 % 30) as f32 * 0.07).cos() * 14.0).exp())
        .collect();
    let part = check(&[30, 30], &values, &AloneOptions::new(Bound::Pointwise(1e-3)));
    let lossless = check(&[30, 30], &values, &AloneOptions::new(Bound::Lossless));
    assert!(5 * part < lossless, "{part} bytes, and {lossless} lossless");
    // Of a value below 2 in size, 7 bits leave an error of up to 1/128: about as many bytes as with that bound.
    let winds: Vec<f32> = values.iter().map(|value| value.ln() / 20.0 - 0.1).collect();
    let bits = check(&[30, 30], &winds, &AloneOptions::new(Bound::SignificantBits(7)));
    let absolute = check(&[30, 30], &winds, &AloneOptions::new(Bound::Absolute(1.0 / 128.0)));
    assert!(bits < 4 * absolute + 1000, "{bits} bytes, and {absolute} with an absolute bound");
}

#[test]
fn numbers_of_any_scale_take_as_little() {
    let lengths = [1e-300, 1.0, 1e300].map(|scale: f64| {
        let values: Vec<f64> = (0..60 * 16 * 16).map(|i| (f64::from(i) * 0.01).sin() * scale).collect();
        check(&[16, 16], &values, &AloneOptions::new(Bound::Psnr(60.0)))
    });
    assert!(lengths[0] < 2 * lengths[1] && lengths[2] < 2 * lengths[1], "{lengths:?}");
}

#[test]
fn more_effort_takes_no_more_bytes_and_threads_make_no_difference() {
    let values: Vec<f32> = (0..20 * 900).map(|i| (i as f32 * 0.013).sin() * (i % 900) as f32).collect();
    let samples = SampleArray::from_values([30, 30], &values).unwrap();
    let file = |effort: u8, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| write(&mut samples.clone(), &options(Bound::Relative(1e-3), effort, 7)).0)
    };
    assert!(file(9, 2).len() <= file(1, 2).len());
    assert_eq!(file(5, 1), file(5, 3));
}

#[test]
fn codes_alone_need_a_model() {
    let mut samples = SampleArray::from_values([2], &[1.0f32, 2.0]).unwrap();
    let refused = compress_alone(&mut samples, &AloneOptions::new(Bound::None), &mut Vec::new(), &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(refused, Err(CodecError::NeedsModel(_))));
}

#[test]
fn what_is_kept_beside_the_samples_comes_back_and_costs_no_sample_where_it_is_damaged() {
    struct Described(SampleArray);
    impl SampleSource for Described {
        fn element(&self) -> enkoder::codec::ElementType {
            self.0.element()
        }
        fn shape(&self) -> &[usize] {
            self.0.shape()
        }
        fn samples(&self) -> u64 {
            self.0.len() as u64
        }
        fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
            self.0.read(first, count)
        }
        fn description(&self) -> Vec<u8> {
            b"what the samples were".to_vec()
        }
    }
    let values: Vec<f32> = (0..300).map(|i| i as f32).collect();
    let samples = SampleArray::from_values([3], &values).unwrap();
    let (mut file, _) = write(&mut Described(samples.clone()), &AloneOptions::new(Bound::Lossless));
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    assert_eq!(open.description(100).unwrap(), b"what the samples were");
    assert!(matches!(open.description(5), Err(CodecError::TooLarge { .. })));
    assert_eq!(open.read(0, 100, LIMIT).unwrap(), samples);
    let at = file.windows(4).position(|bytes| bytes == b"what").unwrap();
    file[at] ^= 1;
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    assert!(matches!(open.description(100), Err(CodecError::Damaged { .. })));
    assert_eq!(open.read(0, 100, LIMIT).unwrap(), samples);
    let (plain, _) = write(&mut samples.clone(), &AloneOptions::new(Bound::Lossless));
    assert!(EnkFile::open(Cursor::new(plain)).unwrap().description(100).unwrap().is_empty());
}

//! Without a model the codec keeps the same promises, on arrays of any shape and any values.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{
    AloneOptions, Bound, CodecError, CompressSummary, Element, EnkArchive, EnkFile, Exact, Layout, Member, Region,
    SampleArray, SampleSource, Selection, compress_alone, compress_several,
};
use half::f16;
use proptest::prelude::*;

use crate::given::Given;

const LIMIT: u64 = 1 << 24;

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

/// Checks that every value keeps the bound of its region and what must be exact.
fn check_regions<T: Element>(array: &[usize], values: &[T], options: &AloneOptions) {
    let mut samples = SampleArray::from_values(&array[1..], values).unwrap();
    let mut file = Vec::new();
    compress_alone(&mut samples, options, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut opened = EnkFile::open(Cursor::new(&file)).unwrap();
    assert_eq!((opened.exact(), opened.regions().len()), (options.exact, options.regions.len()));
    opened.predictions().unwrap();
    let back = read(&file).unwrap().values::<T>().unwrap();
    let finite = || values.iter().filter(|value| value.is_finite()).map(|value| value.to_f64());
    let (min, max) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    for (index, (&value, &back)) in values.iter().zip(&back).enumerate() {
        let place = |axis: usize| index / array[axis + 1..].iter().product::<usize>() % array[axis];
        let is_in = |region: &&Region| region.selections.iter().all(|s| s.inside[place(s.axes[0])]);
        let bound = options.regions.iter().rfind(is_in).map_or(options.bound, |region| region.bound);
        let same = value.to_bits() == back.to_bits();
        let (x, y) = (value.to_f64(), back.to_f64());
        let kept = match bound {
            Bound::Absolute(bound) => value.is_finite() && value.within(back, bound),
            Bound::Relative(part) => value.is_finite() && value.within(back, part * (max - min)),
            Bound::Pointwise(part) => is_within_part(x, y, part),
            Bound::SignificantBits(bits) => is_within_part(x, y, f64::exp2(-f64::from(bits))),
            _ => false,
        };
        assert!(
            same || kept,
            "{options:?}: value {index} is {value:?} and came back as {back:?} instead of within {bound}"
        );
        let Exact { zeros, signs, extremes } = options.exact;
        assert!(same || !zeros || x != 0.0, "{options:?}: the zero {index} came back as {back:?}");
        assert!(
            same || !signs || y == 0.0 || (x != 0.0 && (x > 0.0) == (y > 0.0)),
            "{options:?}: {index}: {value:?} came back as {back:?}"
        );
        let is_extreme = x == min || x == max;
        assert!(
            same || !extremes || (!is_extreme && y >= min && y <= max),
            "{options:?}: {index}: {value:?} came back as {back:?}"
        );
    }
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
        let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32_const(value)).collect();
        check(&shape, &halves, &options(Bound::Absolute(bound), effort, block));
        check(&shape, &halves, &options(Bound::Lossless, effort, block));
    }

    #[test]
    fn every_region_keeps_its_bound_and_what_must_be_exact_is(
        (shape, mut values) in arrays(hostile()), bounds in proptest::collection::vec(0usize..5, 3), exact in 0u8..8, bound in 1e-4f64..1e3,
        seed: u64, effort in 1u8..10, block in 1usize..4,
    ) {
        // Zeros, and values that are the least and the largest in many places.
        for (index, value) in values.iter_mut().enumerate() {
            *value = match (seed.rotate_left(index as u32) & 15, exact) {
                (0, _) => 0.0,
                (1, 4..) => 2e3,
                (2, 4..) => -2e3,
                _ => *value,
            };
        }
        let exact = Exact { zeros: exact & 1 > 0, signs: exact & 2 > 0, extremes: exact & 4 > 0 };
        let kinds = [Bound::Absolute(bound), Bound::Relative(0.01), Bound::Pointwise(0.02), Bound::SignificantBits(5), Bound::Lossless];
        let array = [&[values.len() / shape.iter().product::<usize>()], &shape[..]].concat();
        let region = |number: usize| {
            let axis = (seed as usize + number) % array.len();
            let inside = (0..array[axis]).map(|place| seed >> (8 * number + place % 8) & 1 == 1).collect();
            let selections = vec![Selection { axes: vec![axis], lengths: vec![array[axis]], inside }];
            Region { name: format!("region {number}"), bound: kinds[bounds[number]], selections }
        };
        let regions = vec![region(0), region(1)];
        let options = AloneOptions { regions, exact, ..options(kinds[bounds[2]], effort, block) };
        check_regions(&array, &values, &options);
        let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value) * 1e30).collect();
        check_regions(&array, &doubles, &AloneOptions { bound: Bound::Absolute(bound * 1e30), ..options.clone() });
        let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32_const(value)).collect();
        check_regions(&array, &halves, &options);
        if [options.bound, options.regions[0].bound, options.regions[1].bound].iter().all(|bound| matches!(bound, Bound::Absolute(_) | Bound::Relative(_) | Bound::Lossless)) {
            let short: Vec<i16> = values.iter().map(|&value| value as i16).collect();
            check_regions(&array, &short, &options);
            let bytes: Vec<u8> = values.iter().map(|&value| (value as i16 / 2) as u8).collect();
            check_regions(&array, &bytes, &options);
        }
    }

    #[test]
    fn errors_do_not_add_up_where_parts_are_written_again(
        (shape, values) in arrays(hostile()), bound in 1e-6f64..1e3, effort in 1u8..10, block in 1usize..4, seed: u64,
    ) {
        fn check_again<T: Element>(shape: &[usize], values: &[T], options: &AloneOptions, seed: u64) {
            let Bound::Absolute(bound) = options.bound else { panic!("a bound that is not of the data") };
            let mut asked = values.to_vec();
            let mut written = asked.clone();
            for round in 0..5 {
                let mut samples = SampleArray::from_values(shape, &written).unwrap();
                written = read(&write(&mut samples, options).0).unwrap().values::<T>().unwrap();
                for (asked, now) in asked.iter().zip(&written) {
                    let same = asked.to_bits() == now.to_bits();
                    assert!(same || (asked.is_finite() && asked.within(*now, bound)), "{asked:?} is {now:?} after {round}");
                }
                for index in (0..values.len()).filter(|index| seed >> (7 * round + index % 20) & 3 == 0) {
                    asked[index] = values[(index * 31 + round) % values.len()];
                    written[index] = asked[index];
                }
            }
        }
        let options = AloneOptions { idempotent: true, ..options(Bound::Absolute(bound), effort, block) };
        check(&shape, &values, &options);
        check_again(&shape, &values, &options, seed);
        let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        check_again(&shape, &doubles, &options, seed);
        let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32_const(value)).collect();
        check_again(&shape, &halves, &options, seed);
        let short: Vec<i16> = values.iter().map(|&value| value as i16).collect();
        check_again(&shape, &short, &options, seed);
        let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
        check_again(&shape, &bytes, &options, seed);
    }

    #[test]
    fn noise_takes_no_more_than_itself(bits in proptest::collection::vec(any::<u64>(), 1..2000), effort in 1u8..10) {
        fn check_noise<T: Element>(values: &[T], effort: u8) {
            let length = check(&[1], values, &AloneOptions { effort, ..AloneOptions::new(Bound::Lossless) });
            assert!(length <= values.len() * T::TYPE.bytes() + 100, "{length} bytes of {} values of {}", values.len(), T::TYPE);
        }
        check_noise(&bits, effort);
        check_noise(&bits.iter().map(|&bits| f16::from_bits(bits as u16)).collect::<Vec<_>>(), effort);
        check_noise(&bits.iter().map(|&bits| f32::from_bits(bits as u32)).collect::<Vec<_>>(), effort);
        check_noise(&bits.iter().map(|&bits| bits as u8).collect::<Vec<_>>(), effort);
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
fn fields_around_one_mean_take_far_fewer_bytes_by_it() {
    // Each place has a value of its own, which all times, or all times of all members, share. Little changes from there.
    let noise = |number: usize| {
        let bits = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / (1 << 24) as f32
    };
    let value = |i: usize| 40.0 * noise(i % 1536 + 7) + 0.4 * ((i / 1536 * 29) as f32).sin() + 0.2 * noise(i);
    let values: Vec<f32> = (0..64 * 1536).map(value).collect();
    for shape in [vec![32, 48], vec![16, 32, 48]] {
        for bound in [Bound::Absolute(0.05), Bound::Pointwise(0.01)] {
            let [with, without] =
                [5, 2].map(|effort| check(&shape, &values, &AloneOptions { effort, ..AloneOptions::new(bound) }));
            assert!(10 * with < 8 * without, "{shape:?} {bound}: {with} of {without} bytes");
        }
        let samples = SampleArray::from_values(&shape[..], &values).unwrap();
        let (file, _) = write(&mut samples.clone(), &AloneOptions::new(Bound::Absolute(0.05)));
        let predictions = EnkFile::open(Cursor::new(&file)).unwrap().predictions().unwrap();
        let prediction = predictions.iter().flatten().next().unwrap();
        assert!((1000..prediction.model_bytes).contains(&prediction.mean_bytes), "{prediction:?}");
    }
}

#[test]
fn missing_cells_cost_a_mask_and_widen_nothing() {
    let is_land = |i: usize| (i / 48 % 32 + i % 48) % 40 < 15;
    let wave = |i: usize| ((i / 1536) as f32 * 0.3).sin() + (i as f32 * 0.01).cos();
    let with = |fill: f32| -> Vec<f32> { (0..12 * 1536).map(|i| if is_land(i) { fill } else { wave(i) }).collect() };
    let file = |fill: f32, missing: Vec<f64>| {
        let samples = SampleArray::from_values([32, 48], &with(fill)).unwrap();
        let mut arrays = Given { missing, ..Given::new(samples) };
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
    let mut arrays = Given { layout: layout.clone(), ..Given::new(samples) };
    let (file, _) = write(&mut arrays, &options(Bound::Relative(1e-2), 5, 10));
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    assert_eq!(open.layout(), &layout);
    let back = open.read(0, 30, LIMIT).unwrap().values::<f64>().unwrap();
    for (index, (value, back)) in values.iter().zip(back).enumerate() {
        let range = if index / 50 % 2 == 0 { 2.0 } else { 2e6 };
        assert!((value - back).abs() <= 1e-2 * range, "value {index}");
    }
}

fn three_variables(values: &[f32]) -> Given {
    let layout = Layout { variables: ["a", "b", "c"].map(str::to_owned).to_vec(), ..Layout::default() };
    Given { layout, ..Given::of([3, 5], values) }
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
fn drawings_take_fewer_bytes_by_contexts_and_lossy_bounds_hold() {
    // Rings around places that wander.
    let ring = |index: usize| {
        let (number, row, column) = (index / 784, index / 28 % 28, index % 28);
        let far = (row.abs_diff(8 + number * 5 % 13)).pow(2) + (column.abs_diff(8 + number * 3 % 11)).pow(2);
        if (20 + number % 17..60).contains(&far) { 255 } else { 0u8 }
    };
    let values: Vec<u8> = (0..100 * 784).map(ring).collect();
    let bytes = |bound, effort| check(&[28, 28], &values, &options(bound, effort, 40));
    let [plain, few, many] = [2, 6, 9].map(|effort| bytes(Bound::Lossless, effort));
    assert!(many < few && 3 * few < 2 * plain, "{plain}, {few}, {many} bytes");
    assert!(bytes(Bound::Absolute(3.0), 9) <= many);
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

#[test]
fn several_arrays_keep_their_types_shapes_and_bounds_and_damage_to_one_costs_no_other() {
    let waves: Vec<f32> = (0..600).map(|i| (i as f32 * 0.1).sin()).collect();
    let counts: Vec<u16> = (0..48).map(|i| i * 7 % 11).collect();
    let mut arrays =
        [SampleArray::from_values([10, 6], &waves).unwrap(), SampleArray::from_values([4], &counts).unwrap()];
    let given = arrays.clone();
    let bounds = [Bound::Absolute(0.01), Bound::Lossless];
    let mut members: Vec<_> =
        arrays.iter_mut().zip(bounds).map(|(source, bound)| Member { source, options: options(bound, 5, 4) }).collect();
    let mut bytes = Vec::new();
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let summary = compress_several(&mut members, b"beside", &mut bytes, go_on).unwrap();
    assert_eq!(summary.file_bytes, bytes.len() as u64);
    let inside: u64 = summary.members.iter().map(|member| member.file_bytes).sum();
    assert_eq!(inside + summary.framing_bytes, summary.file_bytes);
    assert!(matches!(compress_several(&mut [], b"", &mut Vec::new(), go_on), Err(CodecError::Empty)));
    assert!(matches!(EnkFile::open(Cursor::new(&bytes)), Err(CodecError::Several)));

    let open = |bytes: &[u8]| EnkArchive::open(Cursor::new(bytes.to_vec())).unwrap();
    let mut archive = open(&bytes);
    assert_eq!((archive.len(), archive.description(10).unwrap()), (2, b"beside".to_vec()));
    let all = |archive: &mut EnkArchive<Cursor<Vec<u8>>>, number: usize| {
        let mut file = archive.file(number)?;
        let samples = file.samples();
        file.read(0, samples, LIMIT)
    };
    let back = all(&mut archive, 0).unwrap();
    let pairs = waves.iter().zip(back.values::<f32>().unwrap());
    assert!(back.shape() == [10, 6] && pairs.into_iter().all(|(x, y)| (x - y).abs() <= 0.01));
    assert_eq!(all(&mut archive, 1).unwrap(), given[1]);
    // A byte of the first array is changed, then the end is cut off.
    let block = bytes.windows(4).position(|mark| mark == b"ENKB").unwrap();
    let mut damaged = bytes.clone();
    damaged[block + 12] ^= 1;
    assert!(all(&mut open(&damaged), 0).is_err());
    assert_eq!(all(&mut open(&damaged), 1).unwrap(), given[1]);
    let mut cut = open(&bytes[..bytes.len() - 30]);
    assert!(cut.index_damage().is_some());
    assert_eq!(all(&mut cut, 0).unwrap().values::<f32>(), back.values::<f32>());
    for length in 0..bytes.len() {
        // It is refused or opens, and never panics.
        if let Ok(mut archive) = EnkArchive::open(Cursor::new(&bytes[..length])) {
            (0..archive.len()).for_each(|number| drop(archive.file(number)));
        }
    }
}

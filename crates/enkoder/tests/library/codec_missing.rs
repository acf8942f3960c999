//! Whatever the bound, what is missing stays missing, bit for bit, and no value becomes missing: with a model and without.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{
    AloneOptions, Bound, CodecError, CompressOptions, Element, EnkFile, Exact, Region, SampleArray, Selection,
    compress, compress_alone,
};
use enkoder::{Autoencoder, Dataset, Scaling, fit_pca};
use half::f16;
use ndarray::Array2;
use proptest::prelude::*;

use crate::given::Given;

const STEPS: usize = 6;
const ROWS: usize = 5;
const COLUMNS: usize = 8;
const CELLS: usize = STEPS * ROWS * COLUMNS;

impl Given {
    /// Missing are these codes, and what the limits do not have.
    fn is_value<T: Element>(&self, number: T) -> bool {
        let number_as_f64 = number.to_f64();
        number.is_finite()
            && !self.missing.iter().any(|&code| T::from_f64(code).to_f64() == number_as_f64)
            && self.valid.is_none_or(|(low, high)| (low..=high).contains(&number_as_f64))
    }

    /// Checks what came back, value by value.
    fn check<T: Element>(&self, file: &[u8], bound: Bound, in_words: &str) {
        let mut opened = EnkFile::open(Cursor::new(file)).unwrap();
        let count = opened.samples();
        let back = opened.read(0, count, 1 << 24).unwrap().values::<T>().unwrap();
        let numbers = self.samples.values::<T>().unwrap();
        let values = || numbers.iter().copied().filter(|&number| self.is_value(number)).map(Element::to_f64);
        let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let mut squares = 0.0;
        for (index, (&number, &back)) in numbers.iter().zip(&back).enumerate() {
            let said = || {
                let Self { missing, valid, .. } = self;
                format!("{in_words} {bound} {missing:?} {valid:?}: {index}: {number:?} came back as {back:?}")
            };
            let same = number.to_bits() == back.to_bits();
            let is_code = self.missing.iter().any(|&code| T::from_f64(code).to_f64() == number.to_f64());
            assert!(same || !is_code, "{}", said());
            assert!(same || number.is_finite(), "{}", said());
            assert_eq!(self.is_value(number), self.is_value(back), "{}", said());
            let (x, y) = (number.to_f64(), back.to_f64());
            let (scale, offset) = self.packing;
            // As whoever reads the file computes it, not as exactly as can be.
            let is_within = |most: f64| match self.packing {
                (1.0, 0.0) => number.within(back, most),
                _ => ((x * scale + offset) - (y * scale + offset)).abs() <= most * scale.abs(),
            };
            let kept = match bound {
                Bound::Absolute(most) => is_within(most),
                Bound::Relative(part) => is_within(part * (max - min)),
                Bound::Pointwise(part) => (x - y).abs() <= part * x.abs(),
                Bound::SignificantBits(bits) => (x - y).abs() <= f64::exp2(-f64::from(bits)) * x.abs(),
                Bound::Lossless => false,
                _ => true,
            };
            assert!(same || kept, "{}", said());
            if self.is_value(number) {
                squares += (x - y).powi(2);
            }
        }
        if let Bound::Psnr(decibels) = bound {
            let range = if T::TYPE.bytes() == 1 && T::from_f64(-1.0).to_f64() == 0.0 { 255.0 } else { max - min };
            let most = 10f64.powf(-decibels / 10.0) * range * range * values().count() as f64;
            assert!(squares <= most * (1.0 + 1e-9), "{in_words} {bound}: {squares} of {most}");
        }
    }
}

/// How numbers are marked: where codes and limits lie beside them, as parts of their range, and which cells are missing.
#[derive(Clone, Debug)]
struct Marks {
    codes: Vec<f64>,
    limits: Option<(f64, f64)>,
    cells: Vec<(usize, usize)>,
}

fn marks() -> impl Strategy<Value = Marks> {
    let code = prop_oneof![
        // Far away, near the data, and in its midst.
        Just(-40.0),
        Just(1e3),
        -1.2f64..1.2,
        Just(0.0),
        Just(1.0),
        Just(-1.0)
    ];
    let limits = prop_oneof![
        2 => Just(None),
        2 => Just(Some((-1.0, 1.0))),
        1 => (-1.0f64..-0.5, 0.5f64..1.0).prop_map(Some),
        1 => Just(Some((0.0, f64::INFINITY))),
    ];
    (proptest::collection::vec(code, 1..5), limits, proptest::collection::vec((0..CELLS, 0usize..5), 0..12))
        .prop_map(|(codes, limits, cells)| Marks { codes, limits, cells })
}

/// A smooth field between −1 and 1 with some noise, and plateaus at its ends.
fn field(seed: u64) -> Vec<f64> {
    let noise =
        |i: usize| (seed.wrapping_add(i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24);
    let value = |i: usize| {
        let (t, y, x) = (i / (ROWS * COLUMNS), i / COLUMNS % ROWS, i % COLUMNS);
        1.3 * ((t as f64 * 0.4).sin() + (y as f64 * 0.5).cos() * (x as f64 * 0.7).sin()) / 1.5 + 0.2 * (noise(i) - 0.5)
    };
    (0..CELLS).map(|i| value(i).clamp(-1.0, 1.0)).collect()
}

/// Numbers `middle + spread · value` of a type, some of them missing.
fn marked<T: Element>(field: &[f64], marks: &Marks, (middle, spread): (f64, f64)) -> Given {
    let at = |part: f64| T::from_f64(middle + spread * part);
    let mut numbers: Vec<T> = field.iter().map(|&value| at(value)).collect();
    let codes: Vec<T> = marks.codes.iter().map(|&code| at(code)).filter(|code| code.is_finite()).collect();
    for &(cell, code) in &marks.cells {
        match codes.get(code) {
            Some(&code) => numbers[cell] = code,
            None if T::TYPE.is_float() => numbers[cell] = T::from_f64(f64::NAN),
            None => {}
        }
    }
    let limit = |part: f64| if part.is_finite() { at(part).to_f64() } else { part };
    Given {
        missing: codes.into_iter().map(Element::to_f64).collect(),
        valid: marks.limits.map(|(low, high)| (limit(low), limit(high))),
        ..Given::of([ROWS, COLUMNS], &numbers)
    }
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Bounds for numbers that spread so far.
fn bounds<T: Element>(spread: f64, part: f64) -> Vec<Bound> {
    let mut all = vec![
        Bound::Absolute((part * spread).max(1e-300)),
        Bound::Relative(part),
        Bound::Psnr(-20.0 * part.log10()),
        Bound::Lossless,
    ];
    if T::TYPE.is_float() {
        all.extend([Bound::Pointwise(part), Bound::SignificantBits((-part.log2()) as u8 + 1)]);
    }
    all
}

fn alone<T: Element>(field: &[f64], marks: &Marks, lie: (f64, f64), part: f64, effort: u8, block: usize) {
    let marked = marked::<T>(field, marks, lie);
    let [zeros, signs, extremes] = [1, 2, 4].map(|bit| block & bit > 0);
    let mut all = vec![AloneOptions::new(Bound::Lossless); 3];
    (all[1].exact.zeros, all[1].exact.signs, all[1].exact.extremes) = (zeros, signs, extremes);
    let inside = (0..COLUMNS).map(|column| column < 3).collect();
    let selections = vec![Selection { axes: vec![2], lengths: vec![COLUMNS], inside }];
    all[2].regions = vec![Region { name: "west".into(), bound: Bound::Lossless, selections }];
    for (number, bound) in bounds::<T>(lie.1, part).into_iter().enumerate() {
        let options = &all[(number + block + effort as usize) % 3];
        if matches!(bound, Bound::Psnr(_)) && !options.regions.is_empty() {
            continue;
        }
        let options = AloneOptions { bound, effort, block_samples: Some(block), ..options.clone() };
        let mut file = Vec::new();
        compress_alone(&mut marked.clone(), &options, &mut file, &mut go_on).unwrap();
        let (exact, regions) = (options.exact, options.regions.len());
        marked.check::<T>(&file, bound, &format!("{} {exact:?} {regions} regions", T::TYPE));
    }
}

fn model(field: &[f64], (middle, spread): (f64, f64)) -> Autoencoder {
    let rows = Array2::from_shape_fn((60, ROWS * COLUMNS), |(i, j)| {
        (middle + spread * field[(i * 7 + j) % CELLS] * (1.0 + 0.01 * i as f64)) as f32
    });
    let (train, validation) = Dataset::from_f32("fields", rows).unwrap().split(0.2, 1).unwrap();
    fit_pca(&train, &validation, 3, Scaling::Auto).unwrap()
}

fn with_model<T: Element>(field: &[f64], marks: &Marks, lie: (f64, f64), part: f64, block: usize) {
    let marked = marked::<T>(field, marks, lie);
    let model = model(field, lie);
    let mut all = bounds::<T>(lie.1, part);
    all.retain(|bound| !matches!(bound, Bound::Pointwise(_) | Bound::SignificantBits(_)));
    for bound in all.into_iter().chain([Bound::None]) {
        let options = CompressOptions { block_samples: Some(block), ..CompressOptions::new(bound) };
        let mut file = Vec::new();
        compress(&model, &mut marked.clone(), &options, &mut file, &mut go_on).unwrap();
        marked.check::<T>(&file, bound, &format!("{} with a model", T::TYPE));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_missing_stays_so_and_nothing_else_becomes_it_without_a_model(
        seed: u64, marks in marks(), part in -3.0f64..-0.6, effort in 1u8..8, block in 1usize..8,
    ) {
        let (field, part) = (field(seed), 10f64.powf(part));
        alone::<f32>(&field, &marks, (280.0, 30.0), part, effort, block);
        alone::<f64>(&field, &marks, (0.5, 0.5), part, effort, block);
        alone::<f16>(&field, &marks, (0.0, 8.0), part, effort, block);
        alone::<u8>(&field, &marks, (128.0, 127.0), part, effort, block);
        alone::<i8>(&field, &marks, (0.0, 60.0), part, effort, block);
        alone::<i16>(&field, &marks, (0.0, 800.0), part, effort, block);
        alone::<u16>(&field, &marks, (3e4, 3e4), part, effort, block);
        alone::<i32>(&field, &marks, (-1e6, 1e6), part, effort, block);
        alone::<u32>(&field, &marks, (2e9, 2e9), part, effort, block);
        alone::<i64>(&field, &marks, (0.0, 9e15), part, effort, block);
        alone::<u64>(&field, &marks, (9e18, 9e18), part, effort, block);
    }

    #[test]
    fn what_is_missing_stays_so_and_nothing_else_becomes_it_with_a_model(
        seed: u64, marks in marks(), part in -3.0f64..-0.6, block in 1usize..8,
    ) {
        let (field, part) = (field(seed), 10f64.powf(part));
        with_model::<f32>(&field, &marks, (280.0, 30.0), part, block);
        with_model::<f64>(&field, &marks, (0.5, 0.5), part, block);
        with_model::<u8>(&field, &marks, (128.0, 127.0), part, block);
        with_model::<i16>(&field, &marks, (0.0, 800.0), part, block);
        with_model::<u32>(&field, &marks, (2e9, 2e9), part, block);
    }
}

#[test]
fn one_missing_cell_takes_a_few_bytes() {
    let value = |i: usize| ((i / 1024) as f32 * 0.3).sin() + (i as f32 * 0.01).cos();
    let mut values: Vec<f32> = (0..8 * 1024).map(value).collect();
    let bytes = |values: &[f32], missing: Vec<f64>| {
        let samples = SampleArray::from_values([32, 32], values).unwrap();
        let mut marked = Given { missing, ..Given::new(samples) };
        let mut file = Vec::new();
        compress_alone(&mut marked, &AloneOptions::new(Bound::Relative(1e-3)), &mut file, &mut go_on).unwrap();
        file.len()
    };
    let whole = bytes(&values, Vec::new());
    values[3000] = 1e20;
    let with_one = bytes(&values, vec![f64::from(1e20f32)]);
    assert!(with_one < whole + 60, "{with_one} bytes with a missing cell, {whole} without");
}

#[test]
fn bounds_and_signs_of_packed_numbers_are_those_of_what_they_mean() {
    let numbers: Vec<i16> =
        (0..4000).map(|i| (f64::from(i % 97 - 48) * (f64::from(i) * 0.01).sin() * 3.0) as i16).collect();
    let samples = SampleArray::from_values([40], &numbers).unwrap();
    // Zero is meant by −1, and by no number at all.
    for (packing, bound) in [((0.01, 0.01), 0.05), ((0.01, 0.013), 0.07), ((-0.1, 273.15), 0.3)] {
        let exact = Exact { zeros: true, signs: true, extremes: false };
        let mut marked = Given { packing, ..Given::new(samples.clone()) };
        let stored = Bound::Absolute(bound / packing.0.abs());
        let mut file = Vec::new();
        let options = AloneOptions { exact, ..AloneOptions::new(stored) };
        compress_alone(&mut marked, &options, &mut file, &mut go_on).unwrap();
        let back = EnkFile::open(Cursor::new(file)).unwrap().read(0, 100, 1 << 20).unwrap().values::<i16>().unwrap();
        let meant = |number: i16| f64::from(number) * packing.0 + packing.1;
        for (index, (x, y)) in numbers.iter().zip(back).map(|(&x, y)| (meant(x), meant(y))).enumerate() {
            assert!((x - y).abs() <= bound, "{packing:?}: {index}: {x} came back as {y}");
            assert!(y == 0.0 || x.signum() == y.signum(), "{packing:?}: {index}: {x} came back as {y}");
            assert!(x != 0.0 || y == 0.0, "{packing:?}: {index}: {x} came back as {y}");
        }
    }
}

#[test]
fn ranges_beyond_all_numbers_are_handled_or_refused() {
    let wide: Vec<f64> = (0..600).map(|i| (f64::from(i) * 0.1).sin() * f64::MAX).collect();
    let samples = SampleArray::from_values([30], &wide).unwrap();
    let write = |bound| {
        let mut file = Vec::new();
        compress_alone(&mut samples.clone(), &AloneOptions::new(bound), &mut file, &mut go_on).map(|_| file)
    };
    let file = write(Bound::Relative(1e-3)).unwrap();
    let back = EnkFile::open(Cursor::new(file)).unwrap().read(0, 20, 1 << 20).unwrap().values::<f64>().unwrap();
    for (x, y) in wide.iter().zip(back) {
        assert!((x * 1e-3 - y * 1e-3).abs() <= 1e-3 * (2e-3 * f64::MAX), "{x:e} came back as {y:e}");
    }
    assert!(matches!(write(Bound::Psnr(40.0)), Err(CodecError::NoRange { .. })));
    for bound in [Bound::Absolute(f64::MAX), Bound::Absolute(1e-300)] {
        write(bound).unwrap();
        let mut short = SampleArray::from_values([2], &[3i16, -7, 1, 0]).unwrap();
        compress_alone(&mut short, &AloneOptions::new(bound), &mut Vec::new(), &mut go_on).unwrap();
    }
}

#[test]
fn regions_need_no_value_that_is_free() {
    // Every byte there is.
    let bytes: Vec<u8> = (0..64 * 64).map(|i| (i % 64 * 4 + i / 64 % 4) as u8).collect();
    let inside = (0..64).map(|column| column < 20).collect();
    let selections = vec![Selection { axes: vec![1], lengths: vec![64], inside }];
    let regions = vec![Region { name: "west".into(), bound: Bound::Lossless, selections }];
    let options = AloneOptions { regions, ..AloneOptions::new(Bound::Absolute(3.0)) };
    let mut file = Vec::new();
    let mut samples = SampleArray::from_values([64], &bytes).unwrap();
    compress_alone(&mut samples, &options, &mut file, &mut go_on).unwrap();
    let back = EnkFile::open(Cursor::new(file)).unwrap().read(0, 64, 1 << 20).unwrap();
    for (index, (&value, &back)) in bytes.iter().zip(back.as_bytes()).enumerate() {
        assert!(value.abs_diff(back) <= if index % 64 < 20 { 0 } else { 3 }, "{index}: {value} came back as {back}");
    }
}

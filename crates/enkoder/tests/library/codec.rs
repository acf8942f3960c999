//! The codec keeps its promises on data it should not like, and its files withstand damage.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{
    Bound, Calibration, CodecError, CompressOptions, CompressSummary, Element, EnkFile, SampleArray, compress,
};
use enkoder::{Activation, Architecture, Autoencoder, Dataset, Scaling, Trainer, TrainingConfig, fit_pca};
use ndarray::Array2;
use proptest::prelude::*;

const LIMIT: u64 = 1 << 24;

fn wave(sample: usize, feature: usize) -> f32 {
    let (sample, feature) = (sample as f32, feature as f32);
    (sample * 0.37 + feature * 0.21).sin() * 3.0 + (sample * 0.11).cos() * feature * 0.05
}

fn waves(samples: usize, features: usize) -> Dataset {
    Dataset::from_f32("waves", Array2::from_shape_fn((samples, features), |(i, j)| wave(i, j))).unwrap()
}

fn linear(features: usize, latent: usize) -> Autoencoder {
    let (train, validation) = waves(120, features).split(0.2, 1).unwrap();
    let model = fit_pca(&train, &validation, latent, Scaling::Auto).unwrap();
    let calibration = Calibration::from_held_out(&model, &validation).unwrap();
    model.with_calibration(calibration).unwrap()
}

fn network(features: usize, activation: Activation) -> Autoencoder {
    let (train, validation) = waves(120, features).split(0.2, 1).unwrap();
    let architecture = Architecture::dense([features], &[16], 3).with_activation(activation);
    let config = TrainingConfig { epochs: 5, seed: 1, ..TrainingConfig::default() };
    Trainer::new(architecture, config).fit(&train, &validation).unwrap()
}

fn write(model: &Autoencoder, samples: &SampleArray, options: &CompressOptions) -> (Vec<u8>, CompressSummary) {
    let mut file = Vec::new();
    let mut go_on = |_| ControlFlow::Continue(());
    let summary = compress(model, &mut samples.clone(), options, &mut file, &mut go_on).unwrap();
    assert_eq!(summary.file_bytes, file.len() as u64);
    let parts =
        [summary.header_bytes, summary.model_bytes, summary.code_bytes, summary.residual_bytes, summary.framing_bytes];
    assert_eq!(parts.iter().sum::<u64>(), summary.file_bytes, "every byte is accounted for");
    (file, summary)
}

fn read(file: &[u8]) -> Result<SampleArray, CodecError> {
    let mut file = EnkFile::open(Cursor::new(file))?;
    let samples = file.samples();
    file.read(0, samples, LIMIT)
}

fn check<T: Element>(model: &Autoencoder, values: &[T], bound: Bound, block: usize) {
    let features = model.architecture().features();
    let samples = SampleArray::from_values([features], values).unwrap();
    let options = CompressOptions { block_samples: Some(block), ..CompressOptions::new(bound) };
    let (file, _) = write(model, &samples, &options);
    let back = read(&file).unwrap();
    assert_eq!(back.shape(), samples.shape());
    for (index, (&value, back)) in values.iter().zip(back.values::<T>().unwrap()).enumerate() {
        let same = value.to_bits() == back.to_bits();
        let kept = match bound {
            Bound::Absolute(bound) => same || (value.is_finite() && value.within(back, bound)),
            Bound::Lossless => same,
            _ => true,
        };
        assert!(kept, "{bound}: value {index} is {value:?} and came back as {back:?}");
    }
}

/// Values that are mostly like those the models know, but for some of any bits.
fn hostile(features: usize) -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![
        20 => (-4.0f32..4.0).boxed(),
        1 => any::<u32>().prop_map(f32::from_bits).boxed(),
        1 => proptest::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e20, -9999.0, -0.0, 1e-40]).boxed(),
    ];
    (1usize..9).prop_flat_map(move |samples| proptest::collection::vec(value.clone(), samples * features))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_float_comes_back_within_its_bound(values in hostile(12), bound in -6f64..3.0, block in 1usize..6) {
        let models = [linear(12, 3), network(12, Activation::Relu)];
        for model in &models {
            for bound in [Bound::Absolute(10f64.powf(bound)), Bound::Lossless] {
                check(model, &values, bound, block);
                let wide: Vec<f64> = values.iter().map(|&value| f64::from(value) * 1.000_000_1).collect();
                check(model, &wide, bound, block);
            }
        }
    }

    #[test]
    fn every_integer_comes_back_within_its_bound(bits in proptest::collection::vec(any::<u64>(), 12..60), bound in 0.5f64..100.0) {
        fn all<T: Element>(model: &Autoencoder, bits: &[u64], bound: f64) {
            let values: Vec<T> = bits.iter().map(|&bits| T::from_bits(bits)).collect();
            check(model, &values, Bound::Absolute(bound), 2);
            check(model, &values, Bound::Lossless, 2);
            check(model, &values, Bound::None, 2);
        }
        let model = linear(12, 3);
        let bits = &bits[..bits.len() / 12 * 12];
        all::<u8>(&model, bits, bound);
        all::<i8>(&model, bits, bound);
        all::<u16>(&model, bits, bound);
        all::<i32>(&model, bits, bound);
        all::<u64>(&model, bits, bound);
        all::<i64>(&model, bits, bound);
    }

    #[test]
    fn relative_bounds_and_mean_errors_are_kept(values in hostile(12), fraction in 1e-5f64..0.2, decibels in 5f64..80.0) {
        let finite: Vec<f64> = values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value)).collect();
        let (min, max) = finite.iter().fold((f64::MAX, f64::MIN), |(min, max), &value| (min.min(value), max.max(value)));
        prop_assume!(max > min && finite.iter().all(|value| value.abs() < 1e18));
        let model = linear(12, 3);
        let samples = SampleArray::from_values([12], &values).unwrap();
        let (file, _) = write(&model, &samples, &CompressOptions::new(Bound::Relative(fraction)));
        let back = read(&file).unwrap().values::<f32>().unwrap();
        for (&x, &y) in values.iter().zip(&back) {
            let same = x.to_bits() == y.to_bits();
            prop_assert!(same || (f64::from(x) - f64::from(y)).abs() <= fraction * (max - min));
        }
        let (file, summary) = write(&model, &samples, &CompressOptions::new(Bound::Psnr(decibels)));
        let back = read(&file).unwrap().values::<f32>().unwrap();
        let pairs = values.iter().zip(&back).filter(|(x, _)| x.is_finite());
        let squares: f64 = pairs.map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum();
        let error = squares / finite.len() as f64;
        prop_assert!(error <= (max - min).powi(2) / 10f64.powf(decibels / 10.0) * (1.0 + 1e-12));
        prop_assert!((error - summary.mean_squared_error).abs() <= 1e-9 * error);
    }

    #[test]
    fn bytes_that_are_no_file_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed(position: proptest::sample::Index, change in 1u8..) {
        let mut file = small_file();
        let index = position.index(file.len());
        file[index] ^= change;
        prop_assert!(read(&file).is_err());
        if let Ok(mut file) = EnkFile::open(Cursor::new(file)) {
            let _ = file.salvage(LIMIT, &mut |_| Ok(()));
        }
    }
}

fn small_file() -> Vec<u8> {
    let samples = SampleArray::from_dataset(&waves(20, 8));
    let options =
        CompressOptions { block_samples: Some(6), weight_bits: 8, ..CompressOptions::new(Bound::Absolute(0.01)) };
    write(&linear(8, 2), &samples, &options).0
}

#[test]
fn a_mean_error_is_reached_as_quickly_for_numbers_of_any_scale() {
    let model = linear(16, 3);
    for scale in [1e-305, 1e-200, 1.0, 1e150, 1e300] {
        let values: Vec<f64> = (0..600).map(|i| f64::from(wave(i / 16, i % 7)) * scale).take(592).collect();
        let samples = SampleArray::from_values([16], &values).unwrap();
        let (file, summary) = write(&model, &samples, &CompressOptions::new(Bound::Psnr(60.0)));
        let back = read(&file).unwrap().values::<f64>().unwrap();
        let squares = values.iter().zip(back).map(|(x, y)| ((x - y) / summary.range).powi(2)).sum::<f64>();
        assert!(squares / values.len() as f64 <= 1e-6, "scale {scale}");
    }
}

#[test]
fn every_activation_predicts_in_integers_what_it_predicts_in_floats() {
    for activation in Activation::ALL {
        let model = network(12, activation);
        let data = waves(50, 12);
        let samples = SampleArray::from_dataset(&data);
        let (_, summary) = write(&model, &samples, &CompressOptions::new(Bound::None));
        let reconstructed = model.reconstruct(&data).unwrap();
        let squares: f64 = (data.to_array() - reconstructed).iter().map(|&error| f64::from(error).powi(2)).sum();
        let error = squares / (50.0 * 12.0);
        assert!(summary.mean_squared_error < 1.04 * error, "{activation}: {} for {error}", summary.mean_squared_error);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_clearly() {
    let file = small_file();
    for length in 0..file.len() {
        let error = read(&file[..length]).unwrap_err();
        assert!(!error.to_string().is_empty(), "cut off at {length}");
    }
    let mut longer = file;
    longer.push(0);
    assert!(read(&longer).is_err());
}

#[test]
fn any_range_of_samples_can_be_read() {
    let file = small_file();
    let all = read(&file).unwrap().values::<f32>().unwrap();
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    for first in 0..20 {
        for end in first..=20 {
            let range = open.read(first, end, LIMIT).unwrap().values::<f32>().unwrap();
            assert_eq!(range, all[first as usize * 8..end as usize * 8]);
        }
    }
    assert!(matches!(open.read(3, 21, LIMIT), Err(CodecError::Range { .. })));
    assert!(matches!(open.read(0, 20, 100), Err(CodecError::TooLarge { .. })));
}

#[test]
fn the_other_blocks_of_a_damaged_file_are_saved() {
    let file = small_file();
    let all = read(&file).unwrap().values::<f32>().unwrap();
    let second = file.windows(4).enumerate().filter(|(_, window)| window == b"ENKB").nth(1).unwrap().0;
    let mut damaged = file.clone();
    damaged[second + 10] ^= 0x40;
    // Without its end the file has no index.
    damaged.truncate(file.len() - 5);
    let mut open = EnkFile::open(Cursor::new(&damaged)).unwrap();
    assert!(open.read(0, 1, LIMIT).is_err());
    let mut saved = Vec::new();
    let lost = open
        .salvage(LIMIT, &mut |bytes| {
            saved.extend(f32::from_le(bytes));
            Ok(())
        })
        .unwrap();
    assert_eq!(lost.iter().map(|lost| (lost.block, lost.first, lost.samples)).collect::<Vec<_>>(), [(1, 6, 6)]);
    assert_eq!(saved[..6 * 8], all[..6 * 8]);
    assert!(saved[6 * 8..12 * 8].iter().all(|value| value.is_nan()));
    assert_eq!(saved[12 * 8..], all[12 * 8..]);
}

/// The file with another number of samples in its header, whose checksum is right again.
fn claiming(file: &[u8], samples: [u8; 9]) -> Vec<u8> {
    // Magic; version and length of the header, a byte each; type, dimensions, shape, three lengths of a layout; samples.
    let (start, length) = (10, usize::from(file[9]));
    let header = &file[start..start + length];
    assert_eq!((file[8], header[1], header[2], &header[3..6], header[6]), (1, 1, 8, &[0; 3][..], 20));
    let mut changed = file[..9].to_vec();
    changed.push(length as u8 + 8);
    changed.extend(&header[..6]);
    changed.extend(samples);
    changed.extend(&header[7..]);
    let checksum = crc32fast::hash(&changed);
    changed.extend(checksum.to_le_bytes());
    changed.extend(&file[start + length + 4..]);
    changed
}

#[test]
fn salvaging_takes_no_memory_on_the_word_of_a_header() {
    // 2^48 samples: 2^45 blocks and 8 PiB.
    let file = claiming(&small_file(), [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xc0, 0x80, 0x00]);
    let mut open = EnkFile::open(Cursor::new(&file)).unwrap();
    assert!(open.samples() > 1 << 40);
    let (mut handed_on, enough) = (0u64, 1 << 26);
    let stopped = open.salvage(u64::MAX, &mut |bytes| {
        handed_on += bytes.len() as u64;
        assert!(bytes.len() <= 1 << 20);
        if handed_on < enough { Ok(()) } else { Err(CodecError::TooLarge { values: handed_on, limit: enough }) }
    });
    assert!(matches!(stopped, Err(CodecError::TooLarge { .. })));
    assert!(matches!(open.salvage(1 << 32, &mut |_| Ok(())), Err(CodecError::TooLarge { .. })));
}

#[test]
fn a_damaged_model_is_given_anew_where_it_is_the_same() {
    let file = small_file();
    let all = read(&file).unwrap();
    let open = |file: &[u8]| EnkFile::open(Cursor::new(file.to_vec())).unwrap();
    let start = open(&file).header_bytes() as usize;
    let end = start + open(&file).model_bytes() as usize;
    let mut damaged = file.clone();
    damaged[(start + end) / 2] ^= 1;
    assert!(!open(&file).model_is_damaged() && open(&damaged).model_is_damaged());
    let error = open(&damaged).read(0, 20, LIMIT).unwrap_err().to_string();
    assert!(error.contains("the model's checksum is wrong") && error.contains("EnkFile::with_model"), "{error}");
    assert!(open(&damaged).salvage(LIMIT, &mut |_| Ok(())).is_err());
    assert!(open(&damaged).with_model(&linear(8, 3)).unwrap_err().to_string().contains("not the same"));
    assert_eq!(open(&damaged).with_model(&linear(8, 2)).unwrap().read(0, 20, LIMIT).unwrap(), all);

    // Only the checksum is wrong, and the end is gone.
    let mut damaged = file[..file.len() - 5].to_vec();
    damaged[end - 1] ^= 1;
    let mut given = open(&damaged).with_model(&linear(8, 2)).unwrap();
    let error = given.read(0, 20, LIMIT).unwrap_err().to_string();
    assert!(error.contains("cut off") && error.contains("hint: `EnkFile::salvage`"), "{error}");
    let mut saved = Vec::new();
    let lost = given.salvage(LIMIT, &mut |bytes| {
        saved.extend_from_slice(bytes);
        Ok(())
    });
    assert!(lost.unwrap().is_empty() && saved == all.as_bytes());
}

#[test]
fn a_file_without_a_block_has_nothing_to_salvage() {
    let file = small_file();
    let first = file.windows(4).position(|window| window == b"ENKB").unwrap();
    let mut open = EnkFile::open(Cursor::new(&file[..first])).unwrap();
    let error = open.salvage(LIMIT, &mut |_| panic!("nothing is handed on")).unwrap_err();
    assert!(error.to_string().contains("no block is left"), "{error}");
}

#[test]
fn a_file_by_hash_needs_its_model_and_no_other() {
    let model = linear(8, 2);
    let samples = SampleArray::from_dataset(&waves(20, 8));
    let options = CompressOptions { embed_model: false, ..CompressOptions::new(Bound::Absolute(0.01)) };
    let (file, _) = write(&model, &samples, &options);
    assert!(matches!(read(&file), Err(CodecError::ModelNeeded { .. })));
    let open = || EnkFile::open(Cursor::new(&file)).unwrap();
    assert!(matches!(open().with_model(&linear(8, 3)), Err(CodecError::WrongModel { .. })));
    let again = Autoencoder::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(open().with_model(&again).unwrap().read(0, 20, LIMIT).unwrap().len(), 20);
}

#[test]
fn data_unlike_anything_the_model_saw_costs_little_more_than_classical_coding() {
    let model = linear(1024, 8);
    let step = |i: usize, j: usize| ((j / 32) as f32 * 0.9).cos() * 50.0 + (j % 32) as f32 * (1.0 + i as f32 * 0.1);
    let values: Vec<f32> = (0..40).flat_map(|i| (0..1024).map(move |j| step(i, j))).collect();
    let samples = SampleArray::from_values([32, 32], &values).unwrap();
    let options = CompressOptions { embed_model: false, ..CompressOptions::new(Bound::Absolute(0.05)) };
    let (_, summary) = write(&model, &samples, &options);
    // Planes: the neighbours say nearly all.
    assert!(summary.file_bytes * 20 < summary.original_bytes, "{} bytes", summary.file_bytes);
}

#[test]
fn threads_change_no_byte_of_file_or_values() {
    let model = linear(12, 3);
    let samples = SampleArray::from_dataset(&waves(90, 12));
    let options = CompressOptions { block_samples: Some(7), ..CompressOptions::new(Bound::Absolute(0.02)) };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let file = write(&model, &samples, &options).0;
            let values = read(&file).unwrap();
            (file, values)
        })
    };
    assert_eq!(with(1), with(3));
}

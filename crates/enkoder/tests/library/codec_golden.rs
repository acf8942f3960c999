//! Files that were made once decode to the same bytes forever: with one thread and with several, and with every instruction set
//! that the machine has.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use enkoder::codec::{
    AloneOptions, Bound, Calibration, CompressOptions, EnkArchive, Exact, Member, Region, Selection, compress,
    compress_alone, compress_several,
};
use enkoder::{Activation, Architecture, Autoencoder, Dataset, LayerSpec, Scaling, Trainer, TrainingConfig, fit_pca};
use half::f16;
use ndarray::Array2;
use sha2::{Digest, Sha256};

use crate::given::Given;

/// The files, and the SHA-256 of the little-endian bytes that each decodes to.
const GOLDEN: [(&str, &str); 31] = [
    ("fields-f32-rel", "88b05439094892a022e85c8d5800aa535db03d119e28f893e047697640cbe713"),
    ("fields-f32-rel-8bit", "2a95901256cba48411fe725b787c2a119f94c8f846ff80d1ecff6e57a175362c"),
    ("two-variables-f64-rel", "675e097949a258b5ab0ae0ad3513e338db3a98d5d8a8a629c1c5899f819ba4b6"),
    ("hostile-f32-lossless", "7ec713d52feefeab3e640fd0d8cc5bad9cd31f8a013688f8577f25aaa0de22cf"),
    ("levels-i16-abs", "f898ad7192985fc7fd9089ad159790cf14ec612c02f0d8e93ce50c1eb41dd366"),
    ("images-u8-lossless", "7b2161c0ffa1033674f3a48afcd872c6e504c8abd6d5bec999036aa2364ccda4"),
    ("images-u8-none", "9ccf0c43174e1080fd612d970cf2962a97333beab1455416b503ca21d338f428"),
    ("alone-f32-rel", "fc0f87874af15b2b1397c5abe34f322908186fae46f81bbc02849a104ebcdfee"),
    ("alone-f64-smooth", "e5f0ffbbc5ec7a549adec3018142a7620154918796f5f6b4599c72d0454f7f66"),
    ("alone-f32-decimals", "0f5c807d3b07b304e2e916b56ea0b9b8facc32391c3790544fe762bb640a12e9"),
    ("alone-hostile-f32-lossless", "e418457fbf4c905ed840d9d6e1507042d606e9ab0cd22f98c641b8bc1a5f9065"),
    ("alone-hostile-f32-abs", "d84b409f67b1fbcdb9f441ff6e4c78b1412ace184b64571e9a30bf8c8a5186dc"),
    ("alone-hostile-f32-prel", "2269caf1d3017e2480835db68debe352c2200d630d0143c6649718465e876c07"),
    ("alone-f64-bits", "e576ef0ad4f1dc01105a0732013173286d947b3684d69cb9637fb34f2e324745"),
    ("alone-i16-abs", "396a35d0a6bb4bb5c878e0d81d431bccc563238710067fe65c8de34eda5c5055"),
    ("alone-two-variables-f64-psnr", "65353ac482bae90ffeb3e8875d801b9e0acebfb04491d8fe6f1f36a06ee2a859"),
    ("alone-f16-lossless", "1626ee94fc8cdbdce1c01815e473281f4041e0a3599758870ddb438eb69323eb"),
    ("alone-f16-rel", "afac2aa5a34af5d6e3802312849a31a56b3d3827dc1f415d4ab45c6330bcf7eb"),
    ("alone-u64-noise", "488c10a02f379b8c72f68d6e48689ed06b7f2a0ea5583b6a3d6954823ddad531"),
    ("alone-f32-regions-exact", "61e4aa560d664bb7aba345eb0df2f2e2c03e4af6bae0e7ca0c5353d85917f157"),
    ("alone-u8-drawings", "a6ce5947a8fff2b70dc9f8dcd4c61bc04a207af8362615ebd82baaabad3b7311"),
    ("alone-u8-colours", "884c47f74aa12cec1efec08610d77be32d9b3c3b665aa5743224c1008fbc8da2"),
    ("alone-symbols-f32-rel", "0542e9878e2e31be1e33ec41dbe6d2e9ca46c15d74aae97341ab74dc02cc62a2"),
    ("alone-symbols-f32-levels", "26333bd76cacc4c90a57f8c8254c5dc42c63cd8fa611878d87af60c2cf192e35"),
    ("alone-symbols-hostile-f32-lossless", "e418457fbf4c905ed840d9d6e1507042d606e9ab0cd22f98c641b8bc1a5f9065"),
    ("alone-symbols-hostile-f32-abs", "e0b17203bde6506f3111d582753da47f70afa83661fb8d1e64a7d16932c14e05"),
    ("alone-f32-over-mean", "7abcdedde839f70c0dbf2d8c68b470e5dc7ea4401c899cff3b0003731a18cf5c"),
    ("alone-f32-over-mean-levels", "aeb0e7bdc82337c445896ebfc8e1cca3c0963798be40d986ece05e0b32b4340f"),
    ("alone-f64-over-mean-lossless", "3c422949c324af12656641273809d85ee514c4c23a8ecdcc091fbbc58936e087"),
    ("alone-f32-over-phases", "68a54ad73888b12831a4c0bcee544e1d0ffcc6d8ec3f523e4bebfb5813387558"),
    ("several-f32-u8-f64", "ebad9398c0c89e2c57dca73944a8f7bb8ce7552c1371c5e926adb2200aaa5c4e"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn decoded(name: &str) -> String {
    let bytes = std::fs::read(folder().join(format!("{name}.enk"))).unwrap();
    let mut archive = EnkArchive::open(Cursor::new(bytes)).unwrap();
    let mut hash = Sha256::new();
    for number in 0..archive.len() {
        let mut file = archive.file(number).unwrap();
        let samples = file.samples();
        hash.update(file.read(0, samples, 1 << 24).unwrap().as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_files_decode_to_the_same_bytes_with_any_number_of_threads() {
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for (name, hash) in GOLDEN {
                assert_eq!(decoded(name), hash, "{name} with {threads} threads");
            }
        });
    }
}

#[test]
fn golden_files_decode_to_the_same_bytes_with_every_instruction_set() {
    let test = "codec_golden::golden_files_decode_to_the_same_bytes_with_any_number_of_threads";
    for instructions in ["scalar", "avx2"] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", test]).env("ENKODER_INSTRUCTIONS", instructions).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{instructions}: {said}");
    }
}

/// Writes the files that are not there yet. A file that is there is never made anew: that it still decodes is the point.
#[test]
#[ignore = "only for a new version of the format"]
fn golden_files_are_made() {
    let write = |name: &str, model: &Autoencoder, mut source: Given, options: CompressOptions| {
        let path = folder().join(format!("{name}.enk"));
        if !path.exists() {
            let mut file = Vec::new();
            compress(model, &mut source, &options, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
            std::fs::write(path, file).unwrap();
        }
        println!("(\"{name}\", \"{}\"),", decoded(name));
    };
    let field = |sample: usize, place: usize| {
        let (row, column) = ((place / 16) as f32, (place % 16) as f32);
        (sample as f32 * 0.37 + row * 0.4).sin() * 9.0
            + (sample as f32 * 0.11 + column * 0.5).cos() * 4.0
            + noise(sample * 256 + place)
    };
    let values = |from: usize, samples: usize| -> Vec<f32> {
        (from..from + samples).flat_map(|sample| (0..256).map(move |place| field(sample, place))).collect()
    };
    let linear = linear(values(0, 120), [16, 16], 6);
    let options = |bound| CompressOptions { block_samples: Some(20), ..CompressOptions::new(bound) };
    let fields = || Given::of([16, 16], &values(200, 50));
    write("fields-f32-rel", &linear, fields(), options(Bound::Relative(0.01)));
    let narrow = CompressOptions { weight_bits: 8, ..options(Bound::Relative(0.001)) };
    write("fields-f32-rel-8bit", &linear, fields(), narrow);

    let two = |from: usize, samples: usize| -> Vec<f64> {
        values(from, samples)
            .iter()
            .enumerate()
            .map(|(at, &x)| f64::from(x) * if at % 256 < 128 { 1.0 } else { 1e4 })
            .collect()
    };
    let both = self::linear(two(0, 120).iter().map(|&x| x as f32).collect(), [2, 8, 16], 6);
    let mut source = Given::of([2, 8, 16], &two(200, 40));
    source.layout.variables = vec!["low".to_owned(), "high".to_owned()];
    write("two-variables-f64-rel", &both, source, options(Bound::Relative(0.002)));

    let mut hostile = values(200, 12);
    for (at, value) in [(3, f32::NAN), (300, f32::INFINITY), (301, -9999.0), (302, -9999.0), (900, -0.0), (1500, 1e-40)]
    {
        hostile[at] = value;
    }
    write("hostile-f32-lossless", &linear, Given::of([16, 16], &hostile), options(Bound::Lossless));
    let integers: Vec<i16> = values(200, 30).iter().map(|&x| (x * 100.0) as i16).collect();
    write("levels-i16-abs", &linear, Given::of([16, 16], &integers), options(Bound::Absolute(3.0)));

    let bytes = |from: usize, samples: usize| -> Vec<u8> {
        values(from, samples).iter().map(|&x| (x * 16.0).clamp(0.0, 255.0) as u8).collect()
    };
    let images = Array2::from_shape_vec((120, 256), bytes(0, 120)).unwrap();
    let (train, held_out) =
        Dataset::from_u8("images", images).unwrap().with_shape([16, 16]).unwrap().split(0.2, 1).unwrap();
    let architecture = Architecture::dense([16, 16], &[24], 5)
        .with_activation(Activation::Gelu)
        .with_output_activation(Activation::Sigmoid);
    let config = TrainingConfig { epochs: 20, seed: 1, ..TrainingConfig::default() };
    let network = Trainer::new(architecture, config).fit(&train, &held_out).unwrap();
    write("images-u8-lossless", &network, Given::of([16, 16], &bytes(200, 30)), options(Bound::Lossless));
    write("images-u8-none", &network, Given::of([16, 16], &bytes(200, 60)), options(Bound::None));

    let shape = Architecture {
        input_shape: vec![16, 16],
        encoder: vec![LayerSpec::convolution(6, 3, 2, Activation::Relu), LayerSpec::dense(5, Activation::Linear)],
        decoder: vec![
            LayerSpec::dense(96, Activation::Gelu),
            LayerSpec::reshape([4, 4, 6]),
            LayerSpec::transposed_convolution(5, 3, 2, Activation::Linear),
            LayerSpec::batch_norm(Activation::Silu),
            LayerSpec::upsample(2),
            LayerSpec::convolution(4, 3, 1, Activation::Elu),
            LayerSpec::convolution(4, 3, 2, Activation::Tanh),
            LayerSpec::pixel_shuffle(2),
        ],
        output_shape: None,
        residual: false,
    };
    let config = TrainingConfig { epochs: 20, seed: 1, ..TrainingConfig::default() };
    let network = Trainer::new(shape, config).fit(&train, &held_out).unwrap();
    write("convolutions-u8-lossless", &network, Given::of([16, 16], &bytes(200, 30)), options(Bound::Lossless));
    let floats: Vec<f32> = bytes(200, 30).into_iter().map(f32::from).collect();
    write("convolutions-f32-rel", &network, Given::of([16, 16], &floats), options(Bound::Relative(0.01)));
    let image = Architecture {
        input_shape: vec![16, 16],
        encoder: vec![LayerSpec::convolution(2, 3, 4, Activation::Linear)],
        decoder: vec![LayerSpec::transposed_convolution(1, 7, 4, Activation::Linear)],
        output_shape: None,
        residual: false,
    };
    let config = TrainingConfig { epochs: 20, seed: 1, ..TrainingConfig::default() };
    let network = Trainer::new(image, config).fit(&train, &held_out).unwrap();
    write("convolutions-u8-none", &network, Given::of([16, 16], &bytes(200, 60)), options(Bound::None));
}

/// Writes the files without a model that are not there yet.
#[test]
#[ignore = "only for a new version of the format"]
fn golden_files_without_a_model_are_made() {
    let write_with = |name: &str, mut source: Given, options: AloneOptions| {
        let path = folder().join(format!("{name}.enk"));
        if !path.exists() {
            let mut file = Vec::new();
            let options = AloneOptions { block_samples: Some(12), ..options };
            compress_alone(&mut source, &options, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
            std::fs::write(path, file).unwrap();
        }
        println!("(\"{name}\", \"{}\"),", decoded(name));
    };
    let write = |name: &str, source: Given, bound: Bound, effort: u8| {
        write_with(name, source, AloneOptions { effort, ..AloneOptions::new(bound) });
    };
    let rough = |index: usize| {
        let (time, row, column) = ((index / 600) as f32, (index / 30 % 20) as f32, (index % 30) as f32);
        (time * 0.3 + row * 0.2).sin() * 9.0 + (column * 0.1).cos() * 4.0 + noise(index)
    };
    let land = |index: usize| (index / 30 % 20) + index % 30 < 14;
    let fields: Vec<f32> = (0..30 * 600).map(|i| if land(i) { f32::NAN } else { rough(i) }).collect();
    write("alone-f32-rel", Given::of([20, 30], &fields), Bound::Relative(0.001), 5);
    let smooth: Vec<f64> = (0..24 * 600).map(|i| f64::from((i / 600 + i % 30) as u32) * 1.5 + 40.0).collect();
    write("alone-f64-smooth", Given::of([20, 30], &smooth), Bound::Absolute(0.01), 9);
    let decimals: Vec<f32> = (0..24 * 600).map(|i| (rough(i) * 10.0).round() / 10.0).collect();
    write("alone-f32-decimals", Given::of([20, 30], &decimals), Bound::Relative(1e-5), 1);
    let mut hostile: Vec<f32> = (0..12 * 600).map(rough).collect();
    for (at, value) in
        [(3, f32::NAN), (300, f32::INFINITY), (301, f32::MAX), (302, -9999.0), (900, -0.0), (1500, 1e-40)]
    {
        hostile[at] = value;
    }
    write("alone-hostile-f32-lossless", Given::of([20, 30], &hostile), Bound::Lossless, 5);
    write("alone-hostile-f32-abs", Given::of([5, 4, 30], &hostile), Bound::Absolute(0.1), 3);
    write("alone-hostile-f32-prel", Given::of([20, 30], &hostile), Bound::Pointwise(1e-3), 5);
    let orders: Vec<f64> =
        (0..12 * 600).map(|i| f64::from(rough(i)).exp() * if i % 7 == 0 { -1e-300 } else { 1.0 }).collect();
    write("alone-f64-bits", Given::of([20, 30], &orders), Bound::SignificantBits(9), 5);
    let integers: Vec<i16> = (0..12 * 600).map(|i| (rough(i) * 100.0) as i16).collect();
    write("alone-i16-abs", Given::of([4, 5, 5, 6], &integers), Bound::Absolute(3.0), 9);
    let two: Vec<f64> = (0..30 * 200).map(|i| f64::from(rough(i)) * if i % 200 < 100 { 1.0 } else { 1e4 }).collect();
    write("alone-symbols-f32-rel", Given::of([20, 30], &fields), Bound::Relative(0.001), 5);
    write("alone-symbols-f32-levels", Given::of([20, 30], &fields), Bound::Relative(0.0001), 1);
    write("alone-symbols-hostile-f32-lossless", Given::of([20, 30], &hostile), Bound::Lossless, 5);
    write("alone-symbols-hostile-f32-abs", Given::of([5, 4, 30], &hostile), Bound::Absolute(0.1), 1);
    let mut source = Given::of([2, 100], &two);
    source.layout.variables = vec!["low".to_owned(), "high".to_owned()];
    write("alone-two-variables-f64-psnr", source, Bound::Psnr(50.0), 5);

    let halves = |values: &[f32]| values.iter().map(|&value| f16::from_f32_const(value)).collect::<Vec<f16>>();
    write("alone-f16-lossless", Given::of([20, 30], &halves(&hostile)), Bound::Lossless, 5);
    write("alone-f16-rel", Given::of([20, 30], &halves(&fields)), Bound::Relative(0.001), 5);
    // Discs of many sizes and heights, and a picture of three channels.
    let disc = |index: usize| {
        let (number, row, column) = (index / 600, index / 30 % 20, index % 30);
        let (height, across) = (row.abs_diff(4 + number % 11), column.abs_diff(5 + number * 7 % 19));
        255u8.saturating_sub((30 * (height * height + across * across)).min(255) as u8 / 2 * 2)
    };
    let discs: Vec<u8> = (0..24 * 600).map(disc).collect();
    write("alone-u8-drawings", Given::of([20, 30], &discs), Bound::Lossless, 9);
    let colours: Vec<u8> =
        (0..24 * 1800).map(|i| (disc(i / 3) / (1 + i % 3) as u8).wrapping_add((noise(i) * 12.0 + 3.0) as u8)).collect();
    write("alone-u8-colours", Given::of([20, 30, 3], &colours), Bound::Lossless, 6);
    let noise: Vec<u64> = (0..4000u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(i as u32)).collect();
    write("alone-u64-noise", Given::of([20], &noise), Bound::Lossless, 5);
    let region = |axis: usize, length: usize, from: usize, bound| {
        let inside = (0..length).map(|place| (from..from + length / 2).contains(&place)).collect();
        let selections = vec![Selection { axes: vec![axis], lengths: vec![length], inside }];
        Region { name: format!("axis {axis} from {from}"), bound, selections }
    };
    let regions = vec![region(1, 20, 5, Bound::Absolute(0.01)), region(0, 12, 3, Bound::Lossless)];
    let exact = Exact { zeros: true, signs: true, extremes: true };
    let mut with_zeros = hostile.clone();
    with_zeros.iter_mut().step_by(40).for_each(|value| *value = 0.0);
    let options = AloneOptions { regions, exact, ..AloneOptions::new(Bound::Absolute(0.5)) };
    write_with("alone-f32-regions-exact", Given::of([20, 30], &with_zeros), options);

    // Fields around one mean, over one axis and over two, with values that are missing and that stand for themselves.
    let scattered = |number: usize| {
        let bits = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let around = |i: usize| 40.0 * scattered(i % 600 + 50_000) + scattered(i);
    let about: Vec<f32> = (0..24 * 600).map(|i| if land(i) { f32::NAN } else { around(i) }).collect();
    write("alone-f32-over-mean", Given::of([20, 30], &about), Bound::Relative(0.001), 5);
    write("alone-f32-over-mean-levels", Given::of([4, 10, 15], &about), Bound::Relative(0.0001), 7);
    let phases: Vec<f32> = (0..12 * 600).map(|i| 40.0 * scattered(i % 1800) + scattered(i + 9000)).collect();
    write("alone-f32-over-phases", Given::of([20, 30], &phases), Bound::Absolute(0.3), 5);
    let wide: Vec<f64> = (0..24 * 60).map(|i| f64::from(around(i % 60 + i / 60 * 600))).collect();
    write("alone-f64-over-mean-lossless", Given::of([5, 4, 3], &wide), Bound::Lossless, 5);
    let path = folder().join("several-f32-u8-f64.enk");
    if !path.exists() {
        let (mut first, mut second, mut third) =
            (Given::of([20, 30], &about), Given::of([20, 30], &discs), Given::of([7], &wide[..70]));
        let options = |bound| AloneOptions { block_samples: Some(12), ..AloneOptions::new(bound) };
        let mut members = [
            Member { source: &mut first, options: options(Bound::Absolute(0.01)) },
            Member { source: &mut second, options: options(Bound::Lossless) },
            Member { source: &mut third, options: options(Bound::Relative(0.01)) },
        ];
        let mut file = Vec::new();
        compress_several(&mut members, b"three", &mut file, &mut |_, _| ControlFlow::Continue(())).unwrap();
        std::fs::write(path, file).unwrap();
    }
    println!("(\"several-f32-u8-f64\", \"{}\"),", decoded("several-f32-u8-f64"));
}

/// Rough but repeatable, within ±¼.
fn noise(index: usize) -> f32 {
    ((index as u32).wrapping_mul(0x9E37_79B9) >> 16) as f32 / 131_072.0 - 0.25
}

fn linear(values: Vec<f32>, shape: impl Into<Vec<usize>>, latent: usize) -> Autoencoder {
    let array = Array2::from_shape_vec((values.len() / 256, 256), values).unwrap();
    let data = Dataset::from_f32("fields", array).unwrap().with_shape(shape).unwrap();
    let (train, held_out) = data.split(0.25, 1).unwrap();
    let model = fit_pca(&train, &held_out, latent, Scaling::UnitRange).unwrap();
    let calibration = Calibration::from_held_out(&model, &held_out).unwrap();
    model.with_calibration(calibration).unwrap()
}

//! The codec's bounds on real fields: every value of every run of annual surface temperature.

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{Bound, Calibration, CompressOptions, EnkFile, SampleArray, compress};
use enkoder::{Scaling, fit_pca};
use enkoder_data::ReadOptions;

#[test]
fn every_value_of_the_climate_runs_comes_back_within_its_bound() {
    let Ok(folder) = std::env::var("ENKODER_TEST_DATA") else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let run = |number: u32| {
        let path = format!("{folder}/climate/trefht_run{number}.npy");
        enkoder_data::open(&path, &ReadOptions::default()).unwrap()
    };
    let (train, held_out) = run(57).split(0.2, 0).unwrap();
    let model = fit_pca(&train, &held_out, 30, Scaling::UnitRange).unwrap();
    let calibration = Calibration::from_held_out(&model, &held_out).unwrap();
    let model = model.with_calibration(calibration).unwrap();
    for number in [57, 59, 60, 61] {
        let mut samples = SampleArray::from_dataset(&run(number));
        let values = samples.values::<f32>().unwrap();
        let (min, max) = values.iter().fold((f32::MAX, f32::MIN), |(min, max), &x| (min.min(x), max.max(x)));
        let range = f64::from(max) - f64::from(min);
        for (bound, allowed) in [
            (Bound::Relative(2e-2), 2e-2 * range),
            (Bound::Relative(1e-4), 1e-4 * range),
            (Bound::Absolute(0.5), 0.5),
            (Bound::Absolute(1e-5), 1e-5),
            (Bound::Lossless, 0.0),
        ] {
            let mut file = Vec::new();
            let options = CompressOptions { embed_model: false, ..CompressOptions::new(bound) };
            compress(&model, &mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
            let mut file = EnkFile::open(Cursor::new(file)).unwrap().with_model(&model).unwrap();
            let count = file.samples();
            let back = file.read(0, count, u64::MAX).unwrap().values::<f32>().unwrap();
            let outside = values.iter().zip(&back).filter(|&(&x, &y)| (f64::from(x) - f64::from(y)).abs() > allowed);
            assert_eq!(outside.count(), 0, "run {number} at {bound}");
            assert!(bound != Bound::Lossless || values.iter().zip(&back).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
    }
}

//! Principal components of the real MNIST digits against the values of scikit-learn.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use enkoder::{Dataset, Scaling, fit_pca};
use flate2::read::GzDecoder;
use ndarray::Array2;

/// The pictures of one of the four original files: a header of 16 bytes, then 784 bytes each.
fn pictures(folder: &Path, file: &str) -> Dataset {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(folder.join(file)).unwrap()).read_to_end(&mut bytes).unwrap();
    let pictures = bytes.split_off(16);
    Dataset::from_u8(file, Array2::from_shape_vec((pictures.len() / 784, 784), pictures).unwrap()).unwrap()
}

/// scikit-learn 1.9.1: `PCA(10, svd_solver="covariance_eigh")` in f64 on the 60,000 training pictures divided by 255; mean
/// squared error of `inverse_transform(transform(x))` on them and on the 10,000 test pictures.
#[test]
fn ten_components_of_mnist_leave_the_error_of_scikit_learn() {
    let Some(folder) = std::env::var_os("ENKODER_TEST_DATA") else {
        println!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let folder = Path::new(&folder).join("mnist");
    let train = pictures(&folder, "train-images-idx3-ubyte.gz");
    let test = pictures(&folder, "t10k-images-idx3-ubyte.gz");
    let model = fit_pca(&train, &test, 10, Scaling::Auto).unwrap();
    let record = model.record();
    assert!((record.train_loss - 0.03442260200872048).abs() < 1e-7, "{}", record.train_loss);
    assert!((record.validation_loss - 0.03407381633582358).abs() < 1e-7, "{}", record.validation_loss);
}

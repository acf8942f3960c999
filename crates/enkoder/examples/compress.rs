//! Compresses an array within a bound and reads a part of it back.
//!
//! ```text
//! cargo run --release -p enkoder --example compress
//! ```

use std::io::Cursor;
use std::ops::ControlFlow;

use enkoder::codec::{AloneOptions, Bound, EnkFile, SampleArray, compress_alone};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A hundred steps of a wave that moves over a grid of 64×64.
    let values: Vec<f32> = (0..100 * 64 * 64)
        .map(|index| {
            let (step, row, column) = (index / 4096, index / 64 % 64, index % 64);
            280.0 + 10.0 * ((row as f32 + step as f32) * 0.1).sin() * (column as f32 * 0.07).cos()
        })
        .collect();
    let mut samples = SampleArray::from_values([64, 64], &values)?;

    let mut file = Cursor::new(Vec::new());
    let options = AloneOptions::new(Bound::Absolute(0.01));
    compress_alone(&mut samples, &options, &mut file, &mut |_| ControlFlow::Continue(()))?;
    println!("{} bytes became {}", values.len() * 4, file.get_ref().len());

    let part = EnkFile::open(file)?.read(10, 20, u64::MAX)?;
    println!("steps 10 to 19: {:?} of {:?}", part.shape(), part.element());
    Ok(())
}

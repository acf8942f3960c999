//! Time of one sample in training, by batch size: forward, backward and Adam, with the forming of batches and nothing else.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enkoder::Trainer;
use enkoder_benchmarks::{digits, reference_network, timed_training};

fn training_step(criterion: &mut Criterion) {
    let data = digits().head(8192 + 64);
    let (train, validation) = data.split(64.0 / data.len() as f64, 0).expect("thousands of digits can be split");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut group = criterion.benchmark_group("training_step");
    group.sample_size(10).throughput(Throughput::Elements(train.len() as u64));
    for batch in [32, 128, 1024] {
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter_custom(|epochs| {
                let config = timed_training(epochs as usize, batch, threads);
                let model = Trainer::new(reference_network(), config).fit(&train, &validation).expect("learnable");
                let history = model.record().history.as_ref().expect("a trained network has a history");
                Duration::from_secs_f64(history.epochs.iter().map(|epoch| epoch.seconds).sum())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, training_step);
criterion_main!(benches);

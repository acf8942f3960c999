//! Rows a second that detectors score: 30 columns, in memory, by all threads.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enkoder::anomaly::{Detector, DetectorConfig, Method};
use enkoder_benchmarks::sensors;

const ROWS: usize = 100_000;
const COLUMNS: usize = 30;

fn scoring(criterion: &mut Criterion) {
    let train = sensors(10_000, COLUMNS, 1);
    let rows = sensors(ROWS, COLUMNS, 2);
    let mut group = criterion.benchmark_group("score");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    for method in [Method::Marginal, Method::Linear, Method::Autoencoder, Method::Ensemble, Method::Auto] {
        let config = DetectorConfig { method, ..DetectorConfig::default() };
        let detector = Detector::fit(&train, &config).expect("the rows vary");
        group.bench_function(BenchmarkId::from_parameter(method), |bencher| {
            bencher.iter(|| detector.score(&rows).expect("the columns are the same"));
        });
    }
    group.finish();
}

criterion_group!(benches, scoring);
criterion_main!(benches);

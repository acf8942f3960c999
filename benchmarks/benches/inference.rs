//! Time to encode and to reconstruct: one sample by a session on one thread, more by the calls that use all threads.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use enkoder::Trainer;
use enkoder_benchmarks::{digits, reference_network, timed_training};

fn inference(criterion: &mut Criterion) {
    let (train, validation) = digits().head(12_500).split(0.8, 0).expect("thousands of digits can be split");
    let model =
        Trainer::new(reference_network(), timed_training(1, 128, 1)).fit(&train, &validation).expect("learnable");
    let mut session = model.session();
    let sample = validation.rows(0..1);
    let (mut code, mut output) = ([0.0; 10], [0.0; 784]);
    criterion.bench_function("encode/1", |bencher| bencher.iter(|| session.encode(&sample, &mut code)));
    criterion.bench_function("reconstruct/1", |bencher| bencher.iter(|| session.reconstruct(&sample, &mut output)));
    let mut group = criterion.benchmark_group("inference");
    for batch in [256, 10_000] {
        let samples = validation.head(batch);
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("encode", batch), |bencher| bencher.iter(|| model.encode(&samples)));
        group.bench_function(BenchmarkId::new("reconstruct", batch), |bencher| {
            bencher.iter(|| model.reconstruct(&samples))
        });
    }
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);

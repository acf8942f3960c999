//! The same seed gives the same bytes: again, with any number of threads, and after an interruption.

use crate::workplace::Workplace;

const OPTIONS: &str = "strokes:300 --hidden 16 --latent 6 --batch-size 64 --noise gaussian:0.2 --no-report -q";

#[test]
fn the_same_seed_gives_the_same_model_for_any_number_of_threads() {
    let place = Workplace::new();
    place.succeed(&format!("train {OPTIONS} --epochs 3 --seed 7 --out first"));
    let first = place.read("first/model.safetensors");
    for threads in [1, 2, 4] {
        place.succeed(&format!("train {OPTIONS} --epochs 3 --seed 7 --threads {threads} --out {threads}"));
        assert!(place.read(&format!("{threads}/model.safetensors")) == first, "{threads} threads");
    }
    place.succeed(&format!("train {OPTIONS} --epochs 3 --seed 8 --out other"));
    assert!(place.read("other/model.safetensors") != first);
}

#[cfg(unix)]
#[test]
fn a_training_that_was_stopped_and_resumed_ends_with_the_same_bytes() {
    use crate::training::interrupt_after;
    let place = Workplace::new();
    place.succeed(&format!("train {OPTIONS} --epochs 60 --out whole"));
    let options = OPTIONS.trim_end_matches(" -q");
    let run =
        interrupt_after(&place, &format!("train {options} --epochs 60 --out cut --checkpoint-every 5"), "epoch 12/");
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stderr.contains("--resume cut"), "{}", run.stderr);
    assert!(place.read("cut/model.safetensors") != place.read("whole/model.safetensors"));
    place.succeed("train strokes:300 --resume cut --threads 1 --no-report -q");
    assert!(place.read("cut/model.safetensors") == place.read("whole/model.safetensors"));
}

#[test]
fn a_resumed_training_replaces_no_model_of_another_one() {
    let place = Workplace::new();
    place.succeed(&format!("train {OPTIONS} --epochs 1 --seed 7 --out run --checkpoint-every 1"));
    place.succeed(&format!("train {OPTIONS} --epochs 1 --seed 8 --out other"));
    std::fs::copy(place.path("other/model.safetensors"), place.path("run/model.safetensors")).unwrap();
    let message = place.fail("train strokes:300 --resume run --no-report -q");
    assert!(message.contains("exists already"), "{message}");
    place.succeed("train strokes:300 --resume run --no-report -q --force");
}

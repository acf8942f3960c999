//! What a training leaves behind and says, to its end or to Ctrl-C.

use enkoder::{Autoencoder, Checkpoint};
use insta::assert_snapshot;
use serde_json::Value;

use crate::workplace::{Workplace, test_data};

#[test]
fn a_training_writes_a_model_and_a_report_and_says_how_good_it_is() {
    let place = Workplace::new();
    let run = place.succeed("train strokes:200 --epochs 2 --hidden 16 --latent 4");
    assert_eq!(place.names("enkoder-out"), ["model.safetensors", "report.html"]);
    for said in ["784-16-4-16-784", "best epoch 2", "PCA, 4 components", "mean of all samples", "49.0 times smaller"] {
        assert!(run.stdout.contains(said), "{said} is not in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));
    assert_eq!(run.stderr.matches("epoch ").count(), 2, "one line an epoch:\n{}", run.stderr);
    assert!(run.stderr.contains("hint: principal components do better than this network"), "{}", run.stderr);
}

#[test]
fn a_second_training_goes_to_a_folder_of_its_own() {
    let place = Workplace::new();
    for _ in 0..3 {
        place.succeed("train strokes:50 --epochs 1 --hidden 4 --no-report -q");
    }
    assert_eq!(place.names("."), ["enkoder-out", "enkoder-out-2", "enkoder-out-3"]);
}

#[test]
fn a_quiet_training_says_nothing_on_stderr_and_json_is_one_object() {
    let place = Workplace::new();
    let run = place.succeed("train strokes:100 --epochs 2 --hidden 8 --figures figures --json -q");
    assert_eq!(run.stderr, "");
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(result["network"]["layers"], "784-8-10-8-784");
    assert_eq!(result["training"]["history"]["epochs"].as_array().unwrap().len(), 2);
    assert_eq!(result["files"][0], "enkoder-out/model.safetensors");
    assert!(place.names("figures").contains(&"training-loss.svg".to_owned()));
}

#[test]
fn fewer_samples_than_a_batch_and_two_samples_are_enough() {
    let place = Workplace::new();
    place.succeed("train strokes:20 --epochs 1 --batch-size 4096 --out few -q");
    let run = place.succeed("train strokes:2 --epochs 1 --out two");
    assert!(run.stderr.contains("no comparison with principal components"), "{}", run.stderr);
    assert_eq!(place.names("two"), ["model.safetensors"]);
}

#[test]
fn a_column_of_one_value_is_no_obstacle() {
    let place = Workplace::new();
    place.write("constant.csv", "a,b\n1,7\n2,7\n3,7\n4,7\n5,7\n");
    for kind in ["dense --epochs 2 --hidden none", "linear"] {
        place.succeed(&format!("train constant.csv --latent 1 --arch {kind} -q"));
    }
    place.write("constants.csv", "a,b\n1,7\n1,7\n1,7\n1,7\n1,7\n");
    let run = place.succeed("train constants.csv --latent 1 --hidden none --epochs 2 -q");
    assert!(!run.stdout.contains("NaN") && !run.stdout.contains("inf"), "{}", run.stdout);
}

#[test]
fn the_output_is_a_sigmoid_where_values_lie_in_0_to_1_and_linear_elsewhere() {
    let place = Workplace::new();
    let output = |arguments: &str, folder: &str| {
        place.succeed(&format!("train {arguments} --epochs 1 --hidden 4 --latent 1 --out {folder} --no-report -q"));
        let model = Autoencoder::load(place.path(folder).join("model.safetensors")).unwrap();
        model.architecture().layers().last().unwrap().activation.to_string()
    };
    place.write("table.csv", "a,b\n1.5,2\n3,-4\n5,7\n2,2\n");
    assert_eq!(output("strokes:50", "bytes"), "sigmoid");
    assert_eq!(output("table.csv", "table"), "linear");
    assert_eq!(output("table.csv --scaling minmax", "minmax"), "sigmoid");
    assert_eq!(output("strokes:50 --output-activation tanh", "tanh"), "tanh");
}

#[test]
fn every_option_of_a_training_reaches_it() {
    let place = Workplace::new();
    place.succeed(
        "train strokes:60 --epochs 2 --batch-size 16 --hidden 8 --latent 3 --activation gelu --latent-activation sigmoid \
         --loss huber --huber-delta 0.5 --learning-rate 0.01 --schedule one-cycle --warmup 0.2 --weight-decay 0.01 --clip 1 \
         --noise masking:0.25 --penalty kl:0.1:0.2 --patience 5 --validation 0.5 --scaling standard --seed 3 --out run \
         --no-report -q",
    );
    let model = Autoencoder::load(place.path("run/model.safetensors")).unwrap();
    let record = model.record();
    insta::assert_snapshot!(serde_json::to_string_pretty(record.config.as_ref().unwrap()).unwrap());
    assert_eq!((record.data.train_samples, record.data.validation_samples), (30, 30));
}

#[test]
fn mnist_is_read_from_its_folder_and_learned() {
    let Some(mnist) = test_data("mnist") else { return };
    let place = Workplace::new();
    let run = place.succeed(&format!("train {} --samples 2000 --epochs 8 --json -q --out run", mnist.display()));
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    let errors = &result["validation"];
    assert!(errors["mse"].as_f64().unwrap() < errors["mean_sample_mse"].as_f64().unwrap() * 0.8, "{errors}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_before_the_training_leaves_nothing_behind() {
    use std::process::Command;

    let place = Workplace::new();
    let mut child = place.command("train strokes:400000 -q").spawn().unwrap();
    while !place.path("enkoder-out").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::yield_now();
    }
    // The folder is noted for removal right after it is made.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(place.names("."), [""; 0]);
}

/// Runs the command until a line with this text appears on stderr, then sends it SIGINT.
#[cfg(unix)]
pub fn interrupt_after(place: &Workplace, arguments: &str, text: &str) -> crate::workplace::Run {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let mut child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.lines().last().is_some_and(|line| line.contains(text)) {
        assert_ne!(reader.read_line(&mut stderr).unwrap(), 0, "it ended before {text:?}:\n{stderr}");
    }
    let kill = || Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill().success());
    // Whoever ends a whole group of processes may send it twice; that is one Ctrl-C.
    kill();
    reader.read_to_string(&mut stderr).unwrap();
    let output = child.wait_with_output().unwrap();
    crate::workplace::Run { stderr, ..crate::workplace::Run::of(output) }
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_best_model_so_far_and_says_so() {
    let place = Workplace::new();
    let run = interrupt_after(&place, "train strokes:100 --epochs 100000 --hidden 8 --latent 4", "epoch      3/");
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stderr.contains("the training was interrupted: the model saved is the best so far"), "{}", run.stderr);
    let model = Autoencoder::load(place.path("enkoder-out/model.safetensors")).unwrap();
    let history = model.record().history.as_ref().unwrap();
    assert!((3..100_000).contains(&history.epochs.len()) && history.stopped == enkoder::Stopped::Interrupted);
    assert!(place.path("enkoder-out/report.html").exists());
}

#[test]
fn convolutions_are_trained_by_options_and_by_a_file_of_layers() {
    let place = Workplace::new();
    place.succeed("train strokes:60 --arch conv --channels 4,3 --hidden 8 --latent 2 --epochs 1 --out conv -q");
    let summary = |folder: &str| {
        let model = Autoencoder::load(place.path(folder).join("model.safetensors")).unwrap();
        model.architecture().summary()
    };
    assert_eq!(summary("conv"), "28×28-14×14×4-7×7×3-8-2-8-147-7×7×3-14×14×4-28×28×1");
    place.write(
        "layers.toml",
        "[[encoder]]\nkind = \"convolution\"\nchannels = 2\nkernel = 3\nstride = 2\n\n[[decoder]]\nkind = \"pixel_shuffle\"\nfactor = 1\n\
         [[decoder]]\nkind = \"transposed_convolution\"\nchannels = 1\nkernel = 3\nstride = 2\n",
    );
    place.succeed("train strokes:60 --config layers.toml --epochs 1 --out file -q");
    assert_eq!(summary("file"), "28×28-14×14×2-14×14×2-28×28×1");
    place.write(
        "layers.toml",
        "residual = true\n[[encoder]]\nkind = \"convolution\"\nchannels = 3\nkernel = [1, 5]\n\n[[encoder]]\nkind = \"max_pool\"\nsize = [2, 1]\n\
         [[decoder]]\nkind = \"upsample\"\nfactor = [2, 1]\n[[decoder]]\nkind = \"concat\"\nfrom = \"encoder.0\"\n\
         [[decoder]]\nkind = \"convolution\"\nchannels = 1\nkernel = 3\nactivation = \"linear\"\n",
    );
    place.succeed("train strokes:60 --config layers.toml --noise gaussian:0.2 --epochs 1 --out skips");
    let info = place.succeed("info skips/model.safetensors").stdout;
    assert!(info.contains("concat encoder.0  28×28×3  28×28×6"), "{info}");
    place.succeed("encode skips strokes:3 -o codes.npy");
    let refused = place.fail("decode skips codes.npy -o decoded.npy");
    assert!(refused.contains("its layer decoder.1 also reads what only the sample has"), "{refused}");
    place.write(
        "layers.toml",
        "[[encoder]]\nkind = \"max_pool\"\nsize = 3\n[[decoder]]\nkind = \"upsample\"\nfactor = 3\n",
    );
    assert_snapshot!(place.fail("train strokes:60 --config layers.toml"));
    assert_snapshot!(place.fail("train strokes:60 --depth 4"));
    place.write("layers.toml", "[[encoder]]\nkind = \"convolution\"\nkernle = 3\n");
    assert_snapshot!(place.fail("train strokes:60 --config layers.toml"));
}

#[test]
fn a_denoiser_learns_from_patches_of_any_images_and_from_pairs() {
    let place = Workplace::new();
    for (seed, folder) in [(0, "clean"), (1, "noisy"), (2, "more")] {
        let count = if folder == "more" { 5 } else { 4 };
        place.succeed(&format!("data export strokes:{count} --data-seed {seed} -o {folder}"));
    }
    place.write("noisy/9999.png", "");
    let train = "--arch denoiser --channels 4 --depth 2 --patch 8 --patches 64 --epochs 1 -q";
    let run = place.succeed(&format!("train clean {train} --noise gaussian:25 --out plain"));
    assert!(run.stdout.contains("8×8 bytes"), "{}", run.stdout);
    let model = Autoencoder::load(place.path("plain/model.safetensors")).unwrap();
    assert!(model.architecture().residual && model.for_shape(&[28, 30]).is_ok());
    let sigma =
        serde_json::to_value(model.record().config.as_ref().unwrap().corruption).unwrap()["sigma"].as_f64().unwrap();
    assert!((sigma - 25.0 / 255.0).abs() < 1e-6);
    let run = place.succeed(&format!("train noisy {train} --blind --out blind").replace(" -q", ""));
    assert!(run.stderr.contains("1 of 5 images were left out"), "{}", run.stderr);
    let blind = Autoencoder::load(place.path("blind/model.safetensors")).unwrap();
    assert!(!blind.architecture().residual);
    std::fs::remove_file(place.path("noisy/9999.png")).unwrap();
    place.succeed(&format!("train noisy {train} --target clean --out pairs"));
    assert_snapshot!(place.fail(&format!("train noisy {train} --target more")));
}

#[test]
fn pairs_of_different_kinds_are_learned_and_used() {
    let place = Workplace::new();
    let rows = |count: usize, row: fn(f32) -> String| (0..count).map(|i| row(i as f32 * 0.1)).collect::<String>();
    place.write("inputs.csv", "a,b\n".to_owned() + &rows(60, |t| format!("{},{}\n", t.sin(), t.cos())));
    place.write(
        "targets.csv",
        "p,q,r\n".to_owned() + &rows(60, |t| format!("{},{},{}\n", 5.0 + t.sin(), 3.0 * t.cos(), t.sin())),
    );
    place.write("short.csv", "p\n".to_owned() + &rows(59, |t| format!("{t}\n")));
    place.succeed("train inputs.csv --target targets.csv --hidden 8 --latent 4 --epochs 2 --out pairs -q");
    let model = Autoencoder::load(place.path("pairs/model.safetensors")).unwrap();
    assert_eq!((model.architecture().features(), model.architecture().outputs()), (2, 3));
    assert_snapshot!(place.fail("train inputs.csv --target short.csv"));
}

/// Trains for one epoch and on to two, and in one go; the rate stays the same, so that both see the same.
fn goes_on_to_the_same_bytes(place: &Workplace, data: &str, options: &str, again: &str) {
    let options = format!("{options} --schedule constant --warmup 0 --no-report -q");
    place.succeed(&format!("train {data} {options} --epochs 2 --out whole --force"));
    place.succeed(&format!("train {data} {options} --epochs 1 --checkpoint-every 1 --out cut --force"));
    place.succeed(&format!("train {data} --resume cut {again} --epochs 2 --no-report -q"));
    assert!(place.read("cut/model.safetensors") == place.read("whole/model.safetensors"), "{data} {options}");
}

#[test]
fn a_training_goes_on_for_more_epochs_and_not_for_fewer() {
    let place = Workplace::new();
    goes_on_to_the_same_bytes(&place, "strokes:60", "--hidden 4", "");
    place.succeed("train strokes:60 --hidden 4 --epochs 3 --checkpoint-every 1 --out run --no-report -q");
    assert_snapshot!(place.fail("train strokes:60 --resume run --epochs 2"));
    // A checkpoint that fell behind must not take the longer training's model with it.
    let behind = place.read("run/checkpoint.safetensors");
    place.succeed("train strokes:60 --resume run --epochs 5 --no-report -q");
    let longer = place.read("run/checkpoint.safetensors");
    place.write("run/checkpoint.safetensors", behind);
    let refused = place.fail("train strokes:60 --resume run --no-report -q");
    assert!(refused.contains("run/model.safetensors") && refused.contains("--force"), "{refused}");
    place.write("run/checkpoint.safetensors", longer);
    place.succeed("train strokes:60 --resume run --epochs 6 --no-report -q");
}

#[test]
fn a_resumed_training_goes_on_to_write_its_checkpoint_and_knows_how_it_was_split() {
    let place = Workplace::new();
    let epoch = |file: &str| Checkpoint::load(place.path(file)).unwrap().epoch();
    place.succeed(
        "train strokes:60 --hidden 4 --epochs 2 --validation 0.3 --checkpoint-every 2 --out run --no-report -q",
    );
    let run = place.succeed("train strokes:60 --resume run --epochs 4 --no-report");
    let news = "2 of 4 epochs are done; a checkpoint is written to run/checkpoint.safetensors after every 2 epochs\n";
    assert!(run.stderr.contains(news), "{}", run.stderr);
    assert_eq!(epoch("run/checkpoint.safetensors"), 4);
    assert_snapshot!("resume-split", place.fail("train strokes:60 --resume run --epochs 5 --validation 0.3"));
    place.succeed("train strokes:60 --resume run/checkpoint.safetensors --epochs 5 --out other --checkpoint-every 1 --no-report -q");
    assert_eq!((epoch("run/checkpoint.safetensors"), epoch("other/checkpoint.safetensors")), (4, 5));
    let model = place.read("run/model.safetensors");
    let run = place.succeed("train strokes:60 --resume run --no-report");
    assert!(run.stderr.contains("all 4 epochs are done: nothing is trained"), "{}", run.stderr);
    assert_eq!(place.read("run/model.safetensors"), model);
}

#[test]
fn a_training_that_runs_away_is_told_the_learning_rate() {
    let place = Workplace::new();
    place.write("table.csv", (0..60).map(|i| format!("{},{}\n", i % 7, 1000 * (i % 5))).collect::<String>());
    let train = "train table.csv --hidden none --latent 1 --epochs 2 --scaling none --no-report --out";
    let run = place.succeed(&format!("{train} far --learning-rate 50"));
    assert!(run.stderr.contains("a lower --learning-rate (now 50)"), "{}", run.stderr);
    let message = place.fail(&format!("{train} infinite --learning-rate 1e18"));
    assert!(message.contains("diverged") && message.contains("a lower learning rate (now 1"), "{message}");
}

#[test]
fn a_training_that_had_stopped_early_says_so_and_goes_on_with_more_patience() {
    let place = Workplace::new();
    let options = "--hidden 4 --learning-rate 0.3 --epochs 100 --patience 2 --checkpoint-every 1";
    place.succeed(&format!("train strokes:60 {options} --out run --no-report -q"));
    let epoch = || Checkpoint::load(place.path("run/checkpoint.safetensors")).unwrap().epoch();
    let (done, model) = (epoch(), place.read("run/model.safetensors"));
    assert!(done < 100);
    let run = place.succeed("train strokes:60 --resume run --no-report");
    assert!(run.stderr.contains("had stopped early") && run.stderr.contains("a larger --patience (now 2)"), "{run:?}");
    assert!(epoch() == done && place.read("run/model.safetensors") == model);
    place.succeed("train strokes:60 --resume run --patience 4 --no-report -q");
    assert!(epoch() >= done + 2);
}

#[test]
fn what_is_missing_or_left_out_is_said() {
    let place = Workplace::new();
    let mut table = "a,note,kind\n".to_owned();
    for i in 0..40 {
        table +=
            &format!("{},text {i},{}\n", if i % 8 == 0 { String::new() } else { i.to_string() }, ["x", "y", ""][i % 3]);
    }
    place.write("table.csv", table);
    let train = "train table.csv --hidden none --latent 1 --epochs 1 --no-report --out";
    let run = place.succeed(&format!("{train} run"));
    assert!(run.stdout.contains("18 of 80 values missing"), "{}", run.stdout);
    let run = place.succeed(&format!("{train} quiet --json -q"));
    assert!(run.stderr.contains("columns left out as text") && run.stdout.contains("\"missing\":18"), "{run:?}");
    assert_snapshot!("out-stdout", place.fail("train table.csv --out -"));
    assert_snapshot!("figures-stdout", place.fail("train table.csv --figures -"));
    assert_snapshot!("conv-table", place.fail("train table.csv --arch conv"));
    place.write("layers.toml", "[[encoder]]\nkind = \"dense\"\nunits = \"3\"\n");
    assert!(place.fail("train table.csv --config layers.toml").starts_with("exit code 2"));
    let dense = "kind = \"dense\"\nunits = 3\n";
    place.write(
        "layers.toml",
        format!("[[encoder]]\n{dense}\n[[decoder]]\n{dense}\n[[decoder]]\nkind = \"add\"\nfrom = \"encode.0\"\n"),
    );
    assert_snapshot!("from", place.fail("train table.csv --config layers.toml"));
    assert_eq!(place.names("."), ["layers.toml", "quiet", "run", "table.csv"]);
}

#[test]
fn a_network_that_reads_its_encoder_has_a_report_of_what_it_can_show() {
    let place = Workplace::new();
    let dense = "kind = \"dense\"\nunits";
    place.write(
        "layers.toml",
        format!("[[encoder]]\n{dense} = 8\n[[encoder]]\n{dense} = 2\n[[decoder]]\n{dense} = 8\n\
                 [[decoder]]\nkind = \"add\"\nfrom = \"encoder.0\"\n[[decoder]]\n{dense} = 784\n[[decoder]]\nkind = \"reshape\"\nshape = [28, 28, 1]\n"),
    );
    let run = place.succeed("train strokes:60 --config layers.toml --epochs 1 --out run");
    let left_out = "Latent space, traversals and sizes are not shown: decoder.1 reads more of the sample than its code";
    assert!(run.stderr.contains(left_out) && place.names("run").contains(&"report.html".into()), "{run:?}");
    let run = place.succeed("eval run strokes:60 --report report.html --figures figures");
    assert!(run.stdout.contains("autoencoder") && run.stderr.contains(left_out), "{run:?}");
    assert!(place.names("figures").contains(&"training-loss.svg".into()));
    place.succeed("data export strokes:4 -o photos");
    let denoiser = "--arch denoiser --channels 4 --depth 3 --patch 8 --patches 70 --epochs 1";
    let run = place.succeed(&format!("train photos {denoiser} --out denoiser"));
    assert!(run.stderr.contains("is taken from the sample"), "{run:?}");
    assert!(place.names("denoiser").contains(&"report.html".into()));
}

#[test]
fn a_training_from_patches_goes_on_with_the_same_patches_and_one_from_pairs_with_its_targets() {
    let place = Workplace::new();
    for (seed, folder) in [(0, "clean"), (1, "noisy")] {
        place.succeed(&format!("data export strokes:4 --data-seed {seed} -o {folder}"));
    }
    let denoiser = "--arch denoiser --channels 4 --depth 3 --patch 8 --patches 70";
    goes_on_to_the_same_bytes(&place, "clean", denoiser, "");
    goes_on_to_the_same_bytes(&place, "noisy", &format!("{denoiser} --blind"), "");
    goes_on_to_the_same_bytes(&place, "noisy", &format!("{denoiser} --target clean"), "--target clean");
    assert_snapshot!(place.fail("train noisy --resume cut --epochs 3 -q"));
    assert_snapshot!(place.fail("train noisy --resume cut --target noisy --epochs 3 -q"));
}

#[test]
fn a_log_has_a_line_and_an_event_for_each_epoch_and_a_picture_at_the_end() {
    let place = Workplace::new();
    place.succeed("train strokes:60 --epochs 3 --hidden 16 --latent 4 --out run --log log -q");
    let names = place.names("log");
    assert!(
        names.len() == 2 && names[0].starts_with("events.out.tfevents.") && names[1] == "metrics.jsonl",
        "{names:?}"
    );
    let metrics = String::from_utf8(place.read("log/metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let model = Autoencoder::load(place.path("run/model.safetensors")).unwrap();
    for (line, epoch) in lines.iter().zip(&model.record().history.as_ref().unwrap().epochs) {
        assert_eq!(line["epoch"], epoch.epoch);
        assert_eq!(line["validation_loss"], epoch.validation_loss);
    }
    let events = place.read(&format!("log/{}", names[0]));
    let mut records = Vec::new();
    let mut rest = &events[..];
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        records.push(&rest[12..12 + length]);
        rest = &rest[length + 16..];
    }
    assert_eq!(records.len(), 1 + 3 + 1, "the version, the epochs, and a picture");
    assert!(records[4].windows(4).any(|bytes| bytes == b"\x89PNG"));
    let taken = place.fail("train strokes:60 --epochs 1 --out again --log log");
    assert!(taken.contains("metrics.jsonl"), "{taken}");
    assert_eq!(place.read("log/metrics.jsonl"), metrics.as_bytes());
    assert!(place.fail("train strokes:60 --arch linear --latent 2 --log other").contains("--log has no meaning"));
}

#[test]
fn data_is_trained_on_in_blocks_and_goes_on_to_the_same_bits() {
    let place = Workplace::new();
    place.succeed("data export strokes:3000 -o digits.npy -q");
    let train = "train digits.npy --memory 32MB --hidden 8 --latent 2 --schedule constant --warmup 0 --no-report";
    let run = place.succeed(&format!("{train} --epochs 3 --threads 1 --out whole"));
    assert!(run.stderr.contains("samples are in memory at a time"), "{}", run.stderr);
    assert!(run.stdout.contains("3,000"), "{}", run.stdout);
    place.succeed(&format!("{train} --epochs 2 --threads 2 --checkpoint-every 1 --out part -q"));
    place.succeed("train digits.npy --resume part --epochs 3 --no-report --force -q");
    let [whole, part] = ["whole", "part"].map(|folder| Autoencoder::load(place.path(folder).join("model.safetensors")));
    assert_eq!(whole.unwrap().parameters(), part.unwrap().parameters());
    for (arguments, refused) in [
        ("--memory 2", "write a number and its unit, as 2GB or 500MB"),
        ("--memory 32MB --arch linear", "--arch linear needs its samples in memory"),
        ("--memory 32MB --target digits.npy", "--target needs its samples in memory"),
    ] {
        let said = place.fail(&format!("train digits.npy {arguments}"));
        assert!(said.contains(refused), "{said}");
    }
    let said = place.fail("train strokes --memory 32MB");
    assert!(said.contains("is read whole, and cannot be read in blocks"), "{said}");
}

#[test]
fn a_table_is_converted_once_to_be_trained_on_in_blocks() {
    let place = Workplace::new();
    let rows = |count: usize| {
        let row = |row: usize| format!("{},{},{}\n", row as f64 * 0.25, ["on", "off"][row % 2], row % 9);
        format!("a,state,b\n{}", (0..count).map(row).collect::<String>())
    };
    place.write("table.csv", rows(900));
    let train = "train table.csv --memory 32MB --hidden 4 --latent 1 --epochs 2 --no-report";
    let first = place.succeed(&format!("{train} --out first"));
    assert!(first.stderr.contains("table.csv was converted to 14.4 kB of numbers"), "{}", first.stderr);
    let second = place.succeed(&format!("{train} --out second"));
    assert!(!second.stderr.contains("converted"), "{}", second.stderr);
    assert_eq!(place.read("first/model.safetensors"), place.read("second/model.safetensors"));
    assert_eq!(place.names("cache/tables").len(), 1);
    // The model knows the columns, and so reads the table as it is.
    place.succeed("encode first table.csv -o codes.csv -q");
    place.write("table.csv", rows(1000));
    assert!(place.succeed(&format!("{train} --out third")).stderr.contains("16.0 kB of numbers"));
    place.write("table.csv", rows(10) + "1,on,\n");
    let said = place.fail(&format!("{train} --out fourth --missing error"));
    assert!(said.contains("line 12: column \"b\" has no value"), "{said}");
    assert_eq!(place.names("cache/tables").len(), 2, "nothing is left of a conversion that failed");
}

#[test]
fn choices_that_are_seldom_meant_get_a_word_and_a_better_one() {
    let place = Workplace::new();
    place.write_table("table.csv");
    let run = place.succeed("train table.csv --latent 9 --epochs 1 --hidden none --out long --no-report");
    assert!(run.stderr.contains("a code of 9 numbers is no shorter than a sample of 5 values"), "{}", run.stderr);
    let run = place.succeed("train strokes:8 --epochs 1 --hidden 512 --out few --no-report");
    assert!(run.stderr.contains("for 6 training samples of 784 values"), "{}", run.stderr);
    let run = place.succeed("train strokes:60 --epochs 1 --hidden 8 --no-report");
    assert!(!run.stderr.contains("weights for") && !run.stderr.contains("enkoder-out"), "{}", run.stderr);
    let run = place.succeed("train strokes:60 --epochs 1 --hidden 8 --no-report");
    assert!(run.stderr.contains("give enkoder-out-2 to the commands that follow"), "{}", run.stderr);
}

#[test]
fn a_narrow_table_gets_a_code_shorter_than_its_rows_unless_there_is_more_to_do_than_to_copy() {
    let place = Workplace::new();
    let row = |row: usize| format!("{},{},{},{}\n", row % 7, row % 5, row * row % 11, row % 3);
    place.write("narrow.csv", format!("a,b,c,d\n{}", (0..60).map(row).collect::<String>()));
    let latent = |options: &str| {
        let train = format!("train narrow.csv {options} --out r --force --no-report");
        let run = place.succeed(&train);
        assert!(!run.stderr.contains("is no shorter than"), "{}", run.stderr);
        let info: Value = serde_json::from_str(&place.succeed("info r --json").stdout).unwrap();
        info["latent"].as_u64().unwrap()
    };
    assert_eq!(latent("--arch linear"), 2);
    assert_eq!(latent("--arch linear --samples 3"), 1);
    assert_eq!(latent("--epochs 1"), 2);
    assert_eq!(latent("--epochs 1 --ignore b --ignore #4"), 1);
    assert_eq!(latent("--epochs 1 --noise missing:0.5"), 10);
    let refused = place.fail("encode r narrow.csv --ignore a");
    assert!(refused.contains("column \"a\" cannot be ignored"), "{refused}");
}

#[test]
fn a_built_in_name_beside_a_folder_of_that_name_is_said() {
    let place = Workplace::new();
    place.write("strokes", "");
    let run = place.succeed("train strokes --samples 50 --epochs 1 --hidden 4 --no-report");
    assert!(run.stderr.contains("write ./strokes for the file"), "{}", run.stderr);
}

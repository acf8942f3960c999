//! `train --mlflow` against a server that speaks as MLflow does, and loses its tongue.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::workplace::Workplace;

/// What was asked: the path behind `/api/2.0/mlflow/`, and the body.
type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers each request with a status and a text, which `answer` makes of the path and of how many requests for it came before.
fn serve(answer: impl Fn(&str, usize) -> (u16, Value) + Send + 'static) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that is gone is no error of the server.
            let _ = reply(stream, &seen, &answer);
        }
    });
    (address, requests)
}

fn reply(stream: TcpStream, seen: &Requests, answer: &impl Fn(&str, usize) -> (u16, Value)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().replace("/api/2.0/mlflow/", "");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim().to_ascii_lowercase().strip_prefix("content-length:") {
            Some(bytes) => length = bytes.trim().parse().unwrap(),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let name = path.split('?').next().unwrap().to_owned();
    let (status, text) = {
        let mut seen = seen.lock().unwrap();
        let before = seen.iter().filter(|(path, _)| path.split('?').next() == Some(name.as_str())).count();
        seen.push((path, serde_json::from_slice(&body).unwrap_or_default()));
        answer(&name, before)
    };
    let text = text.to_string();
    let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    (&stream).write_all((head + &text).as_bytes())
}

/// What an MLflow server without the experiment answers.
fn mlflow(path: &str) -> (u16, Value) {
    match path {
        "experiments/get-by-name" => {
            (404, json!({ "error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no experiment" }))
        }
        "experiments/create" => (200, json!({ "experiment_id": "7" })),
        "runs/create" => (200, json!({ "run": { "info": { "run_id": "abc" } } })),
        _ => (200, json!({})),
    }
}

fn of<'a>(requests: &'a [(String, Value)], path: &str) -> Vec<&'a Value> {
    requests.iter().filter(|(asked, _)| asked == path).map(|(_, body)| body).collect()
}

/// All entries of a list in the batches.
fn logged(requests: &[(String, Value)], list: &str) -> Vec<Value> {
    let batches = of(requests, "runs/log-batch");
    batches.iter().filter_map(|batch| batch[list].as_array()).flatten().cloned().collect()
}

const TRAIN: &str = "train strokes:60 --epochs 3 --hidden 16 --latent 4 --out run --no-report -q";

#[test]
fn a_training_is_a_run_with_its_settings_each_epoch_its_result_and_its_card() {
    let (address, requests) = serve(|path, _| mlflow(path));
    let place = Workplace::new();
    let run = place.succeed(&format!("{TRAIN} --mlflow {address}/ --experiment digits%20and"));
    let page = format!("{address}/#/experiments/7/runs/abc");
    assert!(run.stdout.lines().any(|line| line == format!("logged    {page}")), "{}", run.stdout);
    assert_eq!(run.stderr, "");

    let requests = requests.lock().unwrap();
    assert_eq!(requests[0].0, "experiments/get-by-name?experiment_name=digits%2520and");
    assert_eq!(of(&requests, "experiments/create"), [&json!({ "name": "digits%20and" })]);
    assert_eq!(of(&requests, "runs/create")[0]["experiment_id"], "7");
    let params = logged(&requests, "params");
    for (key, value) in [
        ("epochs", "3"),
        ("optimizer.learning_rate", "0.004"),
        ("layers", "784-16-4-16-784"),
        ("training_samples", "48"),
    ] {
        assert!(params.contains(&json!({ "key": key, "value": value })), "{key} in {params:?}");
    }
    let metrics = logged(&requests, "metrics");
    let steps = |name: &str| -> Vec<u64> {
        let named = metrics.iter().filter(|metric| metric["key"] == name);
        named.map(|metric| metric["step"].as_u64().unwrap()).collect()
    };
    assert_eq!(steps("validation_loss"), [1, 2, 3]);
    assert_eq!(steps("pca_mse"), [3]);
    let tags = logged(&requests, "tags");
    let card = tags.iter().find(|tag| tag["key"] == "mlflow.note.content").unwrap();
    let own = place.succeed("info run --card -").stdout;
    assert_eq!(card["value"].as_str().unwrap().trim(), own.trim());
    let ended = of(&requests, "runs/update");
    assert_eq!((ended.len(), &ended[0]["status"], &ended[0]["run_id"]), (1, &json!("FINISHED"), &json!("abc")));
}

#[test]
fn what_a_lost_server_did_not_take_is_sent_again_and_the_trouble_is_said_once() {
    let broken = |path: &str, before: usize| match (path, before) {
        ("runs/log-batch", 0..2) => (503, json!({ "error_code": "TEMPORARILY_UNAVAILABLE", "message": "later" })),
        _ => mlflow(path),
    };
    let (address, requests) = serve(broken);
    let place = Workplace::new();
    let run = place.succeed(&format!("{} --mlflow {address}", TRAIN.replace(" -q", "")));
    assert!(run.stdout.contains("logged    http"), "{}", run.stdout);
    let said: Vec<&str> = run.stderr.lines().filter(|line| line.contains("MLflow")).collect();
    assert!(said.len() <= 1, "{said:?}");
    let requests = requests.lock().unwrap();
    let mut epochs: Vec<u64> = logged(&requests, "metrics")
        .iter()
        .filter(|metric| metric["key"] == "train_loss")
        .map(|metric| metric["step"].as_u64().unwrap())
        .collect();
    epochs.dedup();
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs, [1, 2, 3]);
}

#[cfg(unix)]
#[test]
fn a_run_is_killed_with_the_process_while_the_model_is_compared() {
    let (address, requests) = serve(|path, _| mlflow(path));
    let place = Workplace::new();
    // One short epoch, and principal components that take seconds.
    let train = "train strokes:9000 --epochs 1 --hidden none --latent 300 --out run --no-report -q";
    let mut child = place.command(&format!("{train} --mlflow {address}")).spawn().unwrap();
    let begin = Instant::now();
    while logged(&requests.lock().unwrap(), "metrics").is_empty() && begin.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(5));
    }
    // The first one may still only ask the training to stop.
    while child.try_wait().unwrap().is_none() {
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        thread::sleep(Duration::from_millis(600));
    }
    let requests = requests.lock().unwrap();
    let ended = of(&requests, "runs/update");
    assert_eq!((ended.len(), &ended[0]["status"]), (1, &json!("KILLED")));
    assert!(place.path("run/model.safetensors").exists());
}

#[test]
fn a_training_never_fails_because_its_server_is_gone() {
    let gone = |path: &str, _| match path {
        "experiments/get-by-name" => (200, json!({ "experiment": { "experiment_id": "0" } })),
        _ => (500, Value::Null),
    };
    let (address, _) = serve(gone);
    let place = Workplace::new();
    let run = place.succeed(&format!("{} --mlflow {address}", TRAIN.replace(" -q", "")));
    assert!(place.path("run/model.safetensors").exists());
    assert!(run.stderr.contains("not all of the training is logged to MLflow: it answered 500"), "{}", run.stderr);
    assert!(!run.stdout.contains("logged"), "{}", run.stdout);
}

#[test]
fn a_server_that_is_none_is_refused_before_the_training() {
    let (address, _) = serve(|_, _| (200, json!("hello")));
    let place = Workplace::new();
    let said = place.fail(&format!("{TRAIN} --mlflow {address}"));
    let expected = "its answer has no experiment_id: is it an MLflow server?";
    assert!(said.starts_with("exit code 1") && said.contains(expected), "{said}");
    let said = place.fail(&format!("{TRAIN} --mlflow localhost:5000"));
    assert!(said.starts_with("exit code 2") && said.contains("write it as http://localhost:5000"), "{said}");
    assert!(!place.path("run").exists());
}

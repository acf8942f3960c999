//! `train --mlflow URL`: the training as a run of an MLflow server, by its REST API
//! (<https://mlflow.org/docs/latest/rest-api.html>). A thread of its own sends what there is to tell, so that no step waits for the
//! network; what a lost server did not take is sent again with the next epoch.

use std::env;
use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueHint};
use enkoder::EpochRecord;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Method, Request, Uri, header};

use crate::failure::{Failure, Usage};
use crate::interrupt;

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an interrupted process waits for its last word to arrive.
const LAST_WORD: Duration = Duration::from_secs(2);
/// An answer is a few hundred bytes.
const MOST_BYTES: u64 = 1 << 20;
/// The server takes 1,000 metrics, parameters and tags at once.
const MOST_METRICS: usize = 800;
/// The longest values of parameters and of tags that all versions of the server take, in characters.
const LONGEST_PARAM: usize = 500;
const LONGEST_TAG: usize = 5000;

/// Where a training is logged.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct MlflowOptions {
    /// Log the training to this MLflow server, such as http://localhost:5000: settings, losses of each epoch, result and model card. The
    /// environment variables MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, say who logs
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    mlflow: Option<String>,

    /// The experiment that the run belongs to, which is made where there is none of that name [default: MLFLOW_EXPERIMENT_NAME, or
    /// enkoder]
    #[arg(long, value_name = "NAME", requires = "mlflow")]
    experiment: Option<String>,
}

/// Why the server did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Network(#[from] ureq::Error),
    #[error("it answered {status}{}", text(.message))]
    Status { status: u16, message: String },
    #[error("its answer has no {0}: is it an MLflow server?")]
    Missing(&'static str),
}

fn text(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// A server that was found to answer, and the experiment on it.
#[derive(Clone, Debug)]
pub struct Server {
    agent: Agent,
    address: String,
    authorisation: Option<String>,
    experiment: String,
}

impl MlflowOptions {
    /// The server that was asked for, with its experiment.
    ///
    /// # Errors
    /// When the address is none, or the server does not answer as MLflow does: nothing is lost yet.
    pub fn connect(&self) -> anyhow::Result<Option<Server>> {
        let Some(address) = &self.mlflow else { return Ok(None) };
        let address = address.trim_end_matches('/');
        let uri = address.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        let Some(host) = uri.as_ref().and_then(Uri::host) else {
            return Err(Usage::new(format!("{address:?} is no address of an MLflow server"))
                .with_hint("write it as http://localhost:5000; to log to a folder there is --log")
                .into());
        };
        let mut server = Server {
            agent: agent(host),
            address: address.to_owned(),
            authorisation: authorisation(),
            experiment: String::new(),
        };
        let name = self.experiment.clone().or_else(|| variable("MLFLOW_EXPERIMENT_NAME"));
        server.experiment = server.experiment(name.as_deref().unwrap_or("enkoder")).map_err(|refusal| {
            let hint = "start one with `mlflow server`, correct the address, or leave --mlflow out";
            Failure::new(format!("the MLflow server {address} cannot be used"), hint, refusal)
        })?;
        Ok(Some(server))
    }
}

fn agent(host: &str) -> Agent {
    let host = host.trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let config = Agent::config_builder()
        .user_agent(concat!("enkoder/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE));
    // A proxy set for the internet does not lead to this machine.
    let config = if is_here { config.proxy(None) } else { config };
    config.build().new_agent()
}

/// A variable of the environment, where it has a value.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who logs, as MLflow's own client takes it from the environment.
fn authorisation() -> Option<String> {
    if let Some(token) = variable("MLFLOW_TRACKING_TOKEN") {
        return Some(format!("Bearer {token}"));
    }
    let user = variable("MLFLOW_TRACKING_USERNAME")?;
    let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

impl Server {
    /// The number of the experiment of this name, which is made where there is none.
    fn experiment(&self, name: &str) -> Result<String, Refusal> {
        let query: String = name.bytes().map(percent_encoded).collect();
        let path = format!("experiments/get-by-name?experiment_name={query}");
        let id = match self.call(Method::GET, &path, None) {
            Ok(found) => found["experiment"]["experiment_id"].as_str().map(str::to_owned),
            Err(Refusal::Status { status: 404, message }) if message.contains("RESOURCE_DOES_NOT_EXIST") => {
                let made = self.call(Method::POST, "experiments/create", Some(json!({ "name": name })))?;
                made["experiment_id"].as_str().map(str::to_owned)
            }
            Err(refusal) => return Err(refusal),
        };
        id.ok_or(Refusal::Missing("experiment_id"))
    }

    fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refusal> {
        let url = format!("{}/api/2.0/mlflow/{path}", self.address);
        let mut request = Request::builder().method(method).uri(url).header(header::CONTENT_TYPE, "application/json");
        if let Some(authorisation) = &self.authorisation {
            request = request.header(header::AUTHORIZATION, authorisation);
        }
        let body = body.map_or_else(String::new, |body| body.to_string());
        let mut answer = self.agent.run(request.body(body).map_err(ureq::Error::from)?)?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string()?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status == 200 {
            return Ok(answer);
        }
        let said = ["error_code", "message"].into_iter().filter_map(|field| answer[field].as_str());
        Err(Refusal::Status { status, message: said.collect::<Vec<_>>().join(", ") })
    }

    /// Begins a run of this name with what is known of it before the first epoch.
    pub fn begin(self, name: &str, command: &str, params: &[(String, String)]) -> Run {
        let params = params.iter().map(|(key, value)| pair(key, value, LONGEST_PARAM)).collect();
        let user = variable("USER").or_else(|| variable("USERNAME"));
        let tags = [
            ("mlflow.source.name", command),
            ("mlflow.source.type", "LOCAL"),
            ("mlflow.user", user.as_deref().unwrap_or_default()),
            ("enkoder.version", env!("CARGO_PKG_VERSION")),
        ];
        let tags = tags.into_iter().filter(|(_, value)| !value.is_empty());
        let news = Arc::new(Mutex::new(News::default()));
        let (sender, receiver) = mpsc::channel();
        let first = Pending {
            tags: tags.map(|(key, value)| pair(key, value, LONGEST_TAG)).collect(),
            params,
            ..Pending::default()
        };
        let log =
            Log { server: self, name: name.to_owned(), began: now(), run: None, pending: first, news: news.clone() };
        Run { sender, thread: Some(thread::spawn(move || log.keep(&receiver))), news }
    }
}

fn percent_encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

fn pair(key: &str, value: &str, longest: usize) -> Value {
    json!({ "key": key, "value": value.chars().take(longest).collect::<String>() })
}

fn metric(key: &str, value: f64, step: usize) -> Value {
    // JSON has no infinities; the server takes their names.
    let value = if value.is_finite() { json!(value) } else { json!(value.to_string().replace("inf", "Infinity")) };
    json!({ "key": key, "value": value, "timestamp": now(), "step": step })
}

/// Milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// How a run ended, as MLflow calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Finished,
    Killed,
    Failed,
}

enum Message {
    Metrics(Vec<Value>),
    Tag(Value),
    End(Status),
}

/// What became of the run so far.
#[derive(Default)]
struct News {
    /// Where it can be looked at.
    page: Option<String>,
    /// Why the server did not take something, and whether that was told.
    trouble: Option<(String, bool)>,
    /// Whether all that there was to tell has arrived.
    complete: bool,
    /// Whether the thread is done.
    ended: bool,
}

/// A run that is being logged.
pub struct Run {
    sender: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    news: Arc<Mutex<News>>,
}

impl Run {
    /// Logs an epoch.
    pub fn epoch(&self, record: &EpochRecord) {
        let values = [
            ("train_loss", record.train_loss),
            ("validation_loss", record.validation_loss),
            ("learning_rate", record.learning_rate.into()),
            ("samples_per_second", record.samples_per_second),
        ];
        self.send(Message::Metrics(values.into_iter().map(|(key, value)| metric(key, value, record.epoch)).collect()));
    }

    /// Logs what was measured after so many epochs.
    pub fn results(&self, values: &[(&str, f64)], epochs: usize) {
        self.send(Message::Metrics(values.iter().map(|&(key, value)| metric(key, value, epochs)).collect()));
    }

    /// Logs the card of the model, as the description that the server shows.
    pub fn card(&self, markdown: &str) {
        self.send(Message::Tag(pair("mlflow.note.content", markdown, LONGEST_TAG)));
    }

    /// Tells the server where the process is ended by a signal, and gives it a moment to take that.
    pub fn end_with_process(&self) -> Result<(), ctrlc::Error> {
        let (sender, news) = (self.sender.clone(), self.news.clone());
        interrupt::at_the_end(move || {
            let ended = || news.lock().unwrap_or_else(PoisonError::into_inner).ended;
            let asked = Instant::now();
            // A run that has ended takes no word any more.
            if sender.send(Message::End(Status::Killed)).is_ok() {
                while !ended() && asked.elapsed() < LAST_WORD {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        })
    }

    /// What went wrong, once.
    pub fn trouble(&self) -> Option<String> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let (trouble, told) = news.trouble.as_mut()?;
        (!std::mem::replace(told, true)).then(|| {
            format!("MLflow did not take what there is to log ({trouble}): the training goes on, and it is tried again")
        })
    }

    /// Ends the run. Where it can be looked at, or what it lacks.
    pub fn end(mut self, status: Status) -> Result<String, String> {
        self.finish(status);
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        match (&news.page, &news.trouble) {
            (Some(page), _) if news.complete => Ok(page.clone()),
            (_, Some((trouble, _))) => Err(format!("not all of the training is logged to MLflow: {trouble}")),
            _ => Err("nothing is logged to MLflow".to_owned()),
        }
    }

    fn finish(&mut self, status: Status) {
        if let Some(thread) = self.thread.take() {
            self.send(Message::End(status));
            // What it had to say stands in the news.
            let _ = thread.join();
        }
    }

    fn send(&self, message: Message) {
        // The thread only ends with the run.
        let _ = self.sender.send(message);
    }
}

impl Drop for Run {
    /// A run that nobody ended has failed.
    fn drop(&mut self) {
        self.finish(Status::Failed);
    }
}

/// What the server has not taken yet.
#[derive(Default)]
struct Pending {
    params: Vec<Value>,
    metrics: Vec<Value>,
    tags: Vec<Value>,
    end: Option<(Status, u64)>,
}

/// The thread's part of a run.
struct Log {
    server: Server,
    name: String,
    began: u64,
    /// Its number, once the server has made it.
    run: Option<String>,
    pending: Pending,
    news: Arc<Mutex<News>>,
}

impl Log {
    fn keep(mut self, receiver: &Receiver<Message>) {
        loop {
            let sent = self.send();
            {
                let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(refusal) = &sent
                    && news.trouble.is_none()
                {
                    news.trouble = Some((refusal.to_string(), false));
                }
                news.complete = sent.is_ok();
            }
            if self.pending.end.is_some() {
                self.news.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
                return;
            }
            let Ok(message) = receiver.recv() else { return };
            // What came meanwhile goes with it.
            for message in [message].into_iter().chain(receiver.try_iter()) {
                match message {
                    Message::Metrics(metrics) => self.pending.metrics.extend(metrics),
                    Message::Tag(tag) => self.pending.tags.push(tag),
                    Message::End(status) => self.pending.end = Some((status, now())),
                }
            }
        }
    }

    /// Sends what is pending, and keeps what the server did not take.
    fn send(&mut self) -> Result<(), Refusal> {
        let id = match &self.run {
            Some(id) => id.clone(),
            None => self.create()?,
        };
        let Pending { params, metrics, tags, end } = &mut self.pending;
        while !(params.is_empty() && metrics.is_empty() && tags.is_empty()) {
            let some = metrics.len().min(MOST_METRICS);
            let batch = json!({ "run_id": id, "params": params, "metrics": metrics[..some], "tags": tags });
            self.server.call(Method::POST, "runs/log-batch", Some(batch))?;
            params.clear();
            tags.clear();
            metrics.drain(..some);
        }
        if let Some((status, time)) = end {
            let status = match status {
                Status::Finished => "FINISHED",
                Status::Killed => "KILLED",
                Status::Failed => "FAILED",
            };
            let update = json!({ "run_id": id, "status": status, "end_time": time });
            self.server.call(Method::POST, "runs/update", Some(update))?;
        }
        Ok(())
    }

    /// Makes the run.
    fn create(&mut self) -> Result<String, Refusal> {
        let run = json!({ "experiment_id": self.server.experiment, "run_name": self.name, "start_time": self.began });
        let made = self.server.call(Method::POST, "runs/create", Some(run))?;
        let id = made["run"]["info"]["run_id"].as_str().ok_or(Refusal::Missing("run_id"))?.to_owned();
        let page = format!("{}/#/experiments/{}/runs/{id}", self.server.address, self.server.experiment);
        self.news.lock().unwrap_or_else(PoisonError::into_inner).page = Some(page);
        self.run = Some(id.clone());
        Ok(id)
    }
}

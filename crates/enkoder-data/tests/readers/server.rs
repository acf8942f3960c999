//! A small HTTP/1.1 server on this machine that answers as a test tells it to, wrong answers included, and remembers what it was
//! asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    /// How many requests for this path there were before.
    pub before: usize,
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Arc<[u8]>,
    /// From where to where the body is sent (for ranges).
    pub from: usize,
    pub to: Option<usize>,
    /// How many bytes are sent before the connection ends, if fewer than there are.
    pub cut: Option<usize>,
    /// How long to do nothing before the connection ends.
    pub stall: Duration,
    /// Whether to send the length, or leave it to the end of the connection.
    pub length: bool,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into().into();
        Self { status, headers: Vec::new(), body, from: 0, to: None, cut: None, stall: Duration::ZERO, length: true }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").header("Location", to)
    }

    /// A file as a good server gives it: whole, or the range asked for when the tag still fits.
    pub fn file(request: &Request, body: &Arc<[u8]>, tag: &str) -> Self {
        if request.headers.get("if-match").is_some_and(|condition| condition != tag) {
            return Self::new(412, "");
        }
        let whole = Self { body: body.clone(), ..Self::ok("") }.header("ETag", tag);
        let Some(range) = request.headers.get("range") else { return whole };
        if request.headers.get("if-range").is_some_and(|condition| condition != tag) {
            return whole;
        }
        let (start, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let start: usize = start.parse().unwrap();
        if start >= body.len() {
            return Self::new(416, "").header("Content-Range", &format!("bytes */{}", body.len()));
        }
        let end = last.parse::<usize>().map_or(body.len(), |last| body.len().min(last + 1));
        let range = format!("bytes {start}-{}/{}", end - 1, body.len());
        Self { status: 206, from: start, to: Some(end), ..whole }.header("Content-Range", &range)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    pub fn then_stall(mut self, time: Duration) -> Self {
        self.stall = time;
        self
    }

    pub fn without_length(mut self) -> Self {
        self.length = false;
        self
    }
}

pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    closed: Arc<AtomicBool>,
}

impl Server {
    /// Answers every request with what `answer` makes of it and of the server's own address.
    pub fn start(answer: impl Fn(&Request, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(AtomicBool::new(false));
        let server = Self { address: address.clone(), requests: requests.clone(), closed: closed.clone() };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, requests, address) = (answer.clone(), requests.clone(), address.clone());
                // A client that hangs up early is what some tests are about.
                thread::spawn(move || {
                    stream.and_then(|stream| serve(stream, &requests, |request| answer(request, &address)))
                });
            }
        });
        server
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests for paths that begin so.
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path.starts_with(path)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, which then closes.
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    answer: impl Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let request = {
        let mut requests = requests.lock().unwrap();
        let before = requests.iter().filter(|request| request.path == path).count();
        requests.push(Request { path, headers, before });
        requests.last().unwrap().clone()
    };
    let reply = answer(&request);
    let body = &reply.body[reply.from..reply.to.unwrap_or(reply.body.len())];
    let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", reply.status);
    if reply.length {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&body[..reply.cut.unwrap_or(body.len()).min(body.len())])?;
    stream.flush()?;
    thread::sleep(reply.stall);
    Ok(())
}

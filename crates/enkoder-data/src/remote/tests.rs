//! Against a server of the test's own, which answers as it should, or not.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::network::{RetryPolicy, Timeouts};
use crate::remote::blocks::BLOCK;
use crate::{ReadOptions, Source};
use server::{Reply, Server};

#[path = "../../tests/readers/server.rs"]
#[allow(dead_code)]
mod server;

/// More than some blocks.
fn content() -> Arc<[u8]> {
    (0..7 * BLOCK + 12_345).map(|i| (i / 3 % 251) as u8).collect()
}

/// A client that soon gives up.
fn hasty() -> Client {
    let timeouts = Timeouts { connect: Duration::from_secs(2), stall: Duration::from_millis(300) };
    Client::new(timeouts, RetryPolicy { retries: 2, first_wait: Duration::from_millis(10) })
}

fn open(server: &Server, name: &str) -> Result<Arc<Object>, RemoteError> {
    let request = Request::of(&format!("{}/{name}", server.address()), &|_| None)?;
    Object::open(&hasty(), request).map(Arc::new)
}

fn read(object: &Arc<Object>, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let read = object.read_at(offset, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// What is said of a read, without the address.
fn said(server: &Server, error: impl Into<io::Error>) -> String {
    let error = error.into();
    let error = RemoteError::behind(&error).expect("an error of a server");
    error.to_string().replace(server.address(), "")
}

#[test]
fn parts_are_those_of_the_whole_and_only_they_are_asked_for() {
    let body = content();
    let server = Server::start({
        let body = body.clone();
        move |request, _| Reply::file(request, &body, "\"1\"")
    });
    let object = open(&server, "a").unwrap();
    assert_eq!(object.length(), body.len() as u64);
    for (offset, length) in [(0, 10), (BLOCK - 5, 10), (6 * BLOCK + 1, 3 * BLOCK as usize), (body.len() as u64, 4)] {
        let start = offset as usize;
        assert_eq!(read(&object, offset, length).unwrap(), body[start..body.len().min(start + length)]);
    }
    let parts =
        |before: usize| server.requests()[before..].iter().map(|r| r.headers["range"].clone()).collect::<Vec<_>>();
    assert_eq!(parts(0)[0], format!("bytes=0-{}", BLOCK - 1));
    assert!(server.requests()[1..].iter().all(|request| request.headers["if-match"] == "\"1\""));
    // Several threads that read on ask for each block once.
    let object = open(&server, "b").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(read(&object, 0, body.len()).unwrap(), body[..]));
        }
    });
    let mut asked: Vec<_> = server.requests_for("/b").iter().map(|request| request.headers["range"].clone()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!((asked.len(), server.requests_for("/b").len()), (8, 8));
}

#[test]
fn what_a_server_changes_or_makes_up_is_refused() {
    let body = content();
    let second = |request: &server::Request| request.headers["range"] != format!("bytes=0-{}", BLOCK - 1);
    let (last, whole) = (2 * BLOCK - 1, body.len());
    type Change = fn(Reply) -> Reply;
    let cases: [(&str, Change, String); 7] = [
        ("/gone", |_| Reply::new(404, ""), "it changed while it was read: it is gone".into()),
        (
            "/precondition",
            |_| Reply::new(412, ""),
            "it changed while it was read: the server has another version".into(),
        ),
        (
            "/tag",
            |reply| Reply { headers: reply.headers[1..].to_vec(), ..reply }.header("ETag", "\"2\""),
            "it changed while it was read: its ETag was \"1\", and is \"2\"".into(),
        ),
        (
            "/length",
            |reply| {
                Reply { headers: reply.headers[..1].to_vec(), ..reply }
                    .header("Content-Range", "bytes 2097152-4194303/5000000")
            },
            format!("it changed while it was read: it had {whole} bytes, and has 5000000"),
        ),
        (
            "/place",
            |reply| {
                let range = reply.headers[1].1.replace("2097152", "2097153");
                Reply { headers: reply.headers[..1].to_vec(), ..reply }.header("Content-Range", &range)
            },
            format!(
                "the server sends something else than it was asked for: bytes 2097153 to {last} for bytes {BLOCK} to {last}"
            ),
        ),
        (
            "/whole",
            |reply| Reply { status: 200, headers: reply.headers[..1].to_vec(), from: 0, to: None, ..reply },
            format!("the server sends something else than it was asked for: all of it for bytes {BLOCK} to {last}"),
        ),
        (
            "/packed",
            |reply| reply.header("Content-Encoding", "gzip"),
            format!(
                "the server sends something else than it was asked for: bytes {BLOCK} to {last} for bytes {BLOCK} to {last}"
            ),
        ),
    ];
    let changes: Vec<(&str, Change)> = cases.iter().map(|(path, change, _)| (*path, *change)).collect();
    let server = Server::start(move |request, _| {
        let reply = Reply::file(request, &body, "\"1\"");
        match changes.iter().find(|(path, _)| second(request) && request.path.starts_with(path)) {
            Some((_, change)) => change(reply),
            None => reply,
        }
    });
    for (path, _, expected) in cases {
        let object = open(&server, path.trim_start_matches('/')).unwrap();
        let error = read(&object, BLOCK, 10).unwrap_err();
        assert_eq!(said(&server, error), format!("{path}: {expected}"));
    }
}

#[test]
fn what_passes_is_tried_again_and_what_lasts_is_said() {
    let body = content();
    let server = Server::start(move |request, _| {
        let good = Reply::file(request, &body, "\"1\"");
        match (&*request.path, request.before) {
            ("/busy", 0) | ("/busy-for-ever", _) => Reply::new(503, "<Error><Code>SlowDown</Code></Error>"),
            ("/cut", 0) => good.cut_after(1000),
            ("/stalls", 0) | ("/stalls-for-ever", _) => good.cut_after(1000).then_stall(Duration::from_secs(2)),
            ("/refused", _) => Reply::new(403, "<?xml?><Error><Code>AccessDenied</Code></Error>"),
            ("/page", _) => Reply::ok("<!doctype html><p>log in").header("Content-Type", "text/html; charset=utf-8"),
            _ if request.path == "/missing" => Reply::new(404, ""),
            _ => good,
        }
    });
    for name in ["busy", "cut", "stalls"] {
        assert_eq!(read(&open(&server, name).unwrap(), 5, 3).unwrap(), [1, 2, 2], "{name}");
    }
    for (name, expected) in [
        ("busy-for-ever", "/busy-for-ever: the server answers with 503, SlowDown"),
        ("stalls-for-ever", "/stalls-for-ever: the server stopped sending"),
        ("refused", "/refused: the server refuses access (403, AccessDenied)"),
        ("page", "/page: the server answers with a web page"),
        ("missing", "/missing: there is no such object (status 404)"),
    ] {
        let error = open(&server, name).unwrap_err();
        assert!(error.hint().is_some(), "{name}");
        assert_eq!(said(&server, error), expected);
    }
    assert_eq!(server.requests_for("/missing").len(), 1);
    let port = server.address().to_owned();
    drop(server);
    std::thread::sleep(Duration::from_millis(50));
    let request = Request::of(&format!("{port}/x"), &|_| None).unwrap();
    let error = Object::open(&hasty(), request).unwrap_err().to_string();
    assert!(error.contains("/x: the server cannot be reached or broke off: "), "{error}");
}

#[test]
fn servers_without_parts_and_packed_answers_are_fetched_whole() {
    let rows: String = (0..1000).map(|i| format!("{i},{}\n", i * i)).collect();
    let text = format!("a,b\n{rows}");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let packed: Arc<[u8]> = packed.finish().unwrap().into();
    let plain = text.clone();
    let server = Server::start(move |request, _| match &*request.path {
        "/plain.csv" => Reply::ok(plain.clone()),
        "/chunked.csv" => Reply::ok(plain.clone()).without_length(),
        "/packed.csv" => Reply::file(request, &packed, "\"1\"").header("Content-Encoding", "gzip"),
        _ => Reply::ok(plain.clone()).header("Content-Encoding", "br"),
    });
    for name in ["plain.csv", "chunked.csv", "packed.csv"] {
        let object = open(&server, name).unwrap();
        assert_eq!(read(&object, 0, 1 << 20).unwrap(), text.as_bytes(), "{name}");
        let source = Source::find(format!("{}/{name}", server.address())).unwrap();
        let data = source.open(&ReadOptions::default()).unwrap();
        assert_eq!((data.len(), data.name()), (1000, name.trim_end_matches(".csv")));
    }
    let error = open(&server, "brotli.csv").unwrap_err();
    assert_eq!(said(&server, error), "/brotli.csv: it is packed by \"br\" on the way, which is not read");
}

#[test]
fn a_zarr_folder_is_read_by_its_consolidated_descriptions_and_by_the_names_of_its_arrays() {
    let array = r#"{"zarr_format":2,"shape":[4],"chunks":[2],"dtype":"<f4","compressor":null,"fill_value":0.5,"order":"C","filters":null}"#;
    let server = Server::start(move |request, _| {
        let path = request.path.split_once(".zarr/").map_or("", |(_, path)| path);
        let is_consolidated = request.path.starts_with("/with.zarr");
        match path {
            ".zmetadata" if is_consolidated => Reply::ok(format!(
                r#"{{"zarr_consolidated_format":1,"metadata":{{".zgroup":{{"zarr_format":2}},"t/.zarray":{array}}}}}"#
            )),
            ".zgroup" => Reply::ok(r#"{"zarr_format":2}"#),
            "t/.zarray" => Reply::ok(array),
            "t/0" => Reply::ok([1.0f32.to_le_bytes(), 2.0f32.to_le_bytes()].concat()),
            _ => Reply::new(404, ""),
        }
    });
    for name in ["with.zarr", "with.zarr/t", "without.zarr/t"] {
        let source = Source::find(format!("{}/{name}", server.address())).unwrap();
        let data = source.open(&ReadOptions::default()).unwrap();
        // The chunk that is not there is full of the fill value.
        let values = (0..data.len()).flat_map(|index| {
            let mut row = vec![0.0; data.features()];
            data.copy_row(index, &mut row);
            row
        });
        assert_eq!(format!("{:?}", values.collect::<Vec<_>>()), "[1.0, 2.0, 0.5, 0.5]", "{name}");
    }
    let source = Source::find(format!("{}/without.zarr", server.address())).unwrap();
    let error = source.open(&ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().ends_with("/without.zarr: it lists no arrays, for its descriptions are not consolidated")
    );
}

#[test]
fn what_is_secret_is_not_told() {
    let name = |name: &str| Request::of(name, &|_| None).unwrap().name;
    assert_eq!(name("https://a:secret@host/x.nc"), "https://host/x.nc");
    assert_eq!(
        name("https://h/x.nc?sv=2024-01-01&sig=AbC%3D&X-Amz-Signature=1&id=7#top"),
        "https://h/x.nc?sv=2024-01-01&id=7"
    );
    assert_eq!(
        name("https://h/x.nc?AWSAccessKeyId=1&Expires=9&t=0123456789012345678901234567"),
        "https://h/x.nc?Expires=9"
    );
    let request = Request::of("https://a:b%40@host/x y?q=1", &|_| None).unwrap();
    assert_eq!(request.url(), "https://host/x%20y?q=1");
    let headers = request.headers(Vec::new(), std::time::SystemTime::now());
    assert_eq!(headers, [("authorization", "Basic YTpiQA==".to_owned())]);
}

#[test]
fn addresses_lead_to_the_servers_that_variables_name() {
    let url = |name: &str, set: &[(&str, &str)]| {
        let find =
            |variable: &str| set.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned());
        Request::of(name, &find).map(|request| request.url())
    };
    for (name, set, expected) in [
        ("s3://b/k ä?.nc", &[][..], "https://b.s3.us-east-1.amazonaws.com/k%20%C3%A4%3F.nc"),
        ("s3://b/k", &[("AWS_REGION", "eu-west-1")], "https://b.s3.eu-west-1.amazonaws.com/k"),
        ("s3://b.c/k", &[("AWS_DEFAULT_REGION", "eu-west-1")], "https://s3.eu-west-1.amazonaws.com/b.c/k"),
        ("S3://b/k", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9/x/")], "http://127.0.0.1:9/x/b/k"),
        ("gs://b/k/l", &[], "https://storage.googleapis.com/b/k/l"),
        ("gs://b/k", &[("STORAGE_EMULATOR_HOST", "localhost:9")], "http://localhost:9/b/k"),
        (
            "az://c/k",
            &[("AZURE_STORAGE_ACCOUNT", "a"), ("AZURE_STORAGE_SAS_TOKEN", "?sig=1")],
            "https://a.blob.core.windows.net/c/k?sig=1",
        ),
        ("abfss://c@a.dfs.core.windows.net/k", &[], "https://a.blob.core.windows.net/c/k"),
    ] {
        assert_eq!(url(name, set).unwrap(), expected);
    }
    for wrong in ["s3://bucket", "s3:///k", "gs://b/", "https:///x", "az://c/k"] {
        assert!(url(wrong, &[]).is_err(), "{wrong}");
    }
    let request = Request::of("s3://b/k", &|_| None).unwrap();
    let moved = request.in_region("eu-west-1").unwrap();
    assert_eq!(moved.url(), "https://b.s3.eu-west-1.amazonaws.com/k");
    assert!(moved.in_region("us-west-2").is_none());
    assert!(request.in_region("evil.org/").is_none());
}

#[test]
fn what_is_told_apart_by_a_secret_alone_is_refused() {
    let server = Server::start(|request, _| {
        let tag = format!("\"{}\"", request.path.len());
        Reply::file(request, &b"a,b\n1,2\n"[..].into(), &tag)
    });
    let find = |query: &str| Source::find(format!("{}/get.csv?{query}", server.address()));
    find("token=1").unwrap();
    // The same content under a new signature.
    find("token=2").unwrap();
    let error = find("token=345").unwrap_err().to_string();
    let why = "only what is secret in its address tells it from another that was read before";
    assert_eq!(error.replace(server.address(), ""), format!("/get.csv: {why}"));
    find("id=345").unwrap();
}

#[test]
fn files_of_every_format_are_read_from_a_server_as_from_a_folder() {
    let Some(data) = std::env::var_os("ENKODER_TEST_DATA").map(PathBuf::from) else {
        eprintln!("skipped: ENKODER_TEST_DATA is not set");
        return;
    };
    let folder = data.clone();
    let server = Server::start(move |request, _| match std::fs::read(folder.join(&request.path[1..])) {
        Ok(bytes) => Reply::file(request, &bytes.into(), "\"1\""),
        Err(_) => Reply::new(404, ""),
    });
    let mut files: Vec<String> = ["netcdf", "openml"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(data.join(folder)).into_iter().flatten().flatten())
        .filter_map(|entry| Some(entry.path().strip_prefix(&data).ok()?.to_str()?.to_owned()))
        .filter(|name| [".nc", ".he5", ".parquet", ".arff", ".csv"].iter().any(|end| name.ends_with(end)))
        .collect();
    files.sort();
    assert!(files.len() > 60, "{files:?}");
    for file in files {
        // Everything that is in it, under whatever name the place gives it.
        let all = |place: String| {
            let source = Source::find(&place).unwrap();
            let contents = source.contents(&ReadOptions::default()).unwrap();
            let arrays = contents.iter().flat_map(|contents| &contents.arrays).filter(|array| array.is_data());
            let names: Vec<Option<String>> = arrays.map(|array| Some(array.name.clone())).collect();
            let names = if contents.is_none() { vec![None] } else { names };
            let read = names.into_iter().map(|name| {
                let mut options = ReadOptions::default();
                options.arrays.variables = name.into_iter().collect();
                let data = source.open(&options).map(|data| (data.len(), data.fingerprint()));
                data.map_err(|error| error.to_string().replace(&place, ""))
            });
            read.collect::<Vec<_>>()
        };
        assert_eq!(all(format!("{}/{file}", server.address())), all(data.join(&file).display().to_string()), "{file}");
    }
}

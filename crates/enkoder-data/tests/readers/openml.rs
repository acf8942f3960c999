//! The OpenML client against a server on this machine: what goes right, and everything that is known to go wrong.

mod broken;
mod caching;
mod fetching;
mod opening;
mod recorded;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::server::{Reply, Request, Server};
use enkoder_data::openml::{CachedSet, DownloadEvent, OpenmlClient, OpenmlError};
use md5::{Digest, Md5};

/// A client that tries again at once.
fn client(server: &Server, cache: &tempfile::TempDir) -> OpenmlClient {
    OpenmlClient::with_cache_folder(cache.path())
        .with_server(server.address())
        .unwrap()
        .with_timeouts(Duration::from_secs(10), Duration::from_secs(10))
        .with_retries(3, Duration::from_millis(5))
}

/// A client that soon gives up on a silent server.
fn impatient(server: &Server, cache: &tempfile::TempDir) -> OpenmlClient {
    client(server, cache).with_timeouts(Duration::from_secs(10), Duration::from_millis(400))
}

fn fetch(client: &OpenmlClient) -> Result<CachedSet, OpenmlError> {
    client.fetch(7, &mut |_| ControlFlow::Continue(()))
}

/// Fetches and gives the names of the events too, each once for as long as it repeats.
fn fetch_watched(client: &OpenmlClient) -> (Result<CachedSet, OpenmlError>, Vec<&'static str>) {
    let mut events = Vec::new();
    let result = client.fetch(7, &mut |event| {
        events.push(match event {
            DownloadEvent::Received { .. } => "received",
            DownloadEvent::Retrying { .. } => "retrying",
            DownloadEvent::FallingBack { .. } => "falling back",
            DownloadEvent::WaitingForOther => "waiting",
            _ => "idle",
        });
        ControlFlow::Continue(())
    });
    events.retain(|&event| event != "idle");
    events.dedup();
    (result, events)
}

/// A small table as ARFF.
fn arff() -> Arc<[u8]> {
    let mut text =
        String::from("@relation points\n@attribute x numeric\n@attribute y numeric\n@attribute class {a,b}\n@data\n");
    for row in 0..400 {
        text += &format!("{row},{},{}\n", row * row, if row % 3 == 0 { "a" } else { "b" });
    }
    text.into_bytes().into()
}

/// Bytes with the frame of a Parquet file, for tests that do not read it.
fn parquet_frame() -> Arc<[u8]> {
    let mut bytes = b"PAR1".to_vec();
    bytes.extend((0..3_000_000u32).map(|i| (i * 31 % 251) as u8));
    bytes.extend(b"\x10\0\0\0PAR1");
    bytes.into()
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The description of data set 7, with fields added.
fn description(fields: &str) -> Reply {
    let json =
        format!(r#"{{"data_set_description":{{"id":"7","name":"points","version":"1","status":"active",{fields}}}}}"#);
    Reply::ok(json)
}

/// A server of data set 7 as ARFF, which answers for the file as told.
fn arff_server(answer: impl Fn(&Request, &Arc<[u8]>) -> Reply + Send + Sync + 'static) -> Server {
    let body = arff();
    let sum = md5(&body);
    Server::start(move |request, address| match request.path.as_str() {
        "/api/v1/json/data/7" => description(&format!(
            r#""url":"{address}/7.arff","md5_checksum":"{sum}","default_target_attribute":"class""#
        )),
        "/7.arff" => answer(request, &body),
        _ => Reply::new(404, "not here"),
    })
}

/// A server of data set 7 as Parquet and ARFF, which answers for the Parquet file as told.
fn parquet_server(answer: impl Fn(&Request, &Arc<[u8]>) -> Reply + Send + Sync + 'static) -> Server {
    let (parquet, arff) = (parquet_frame(), arff());
    let sum = md5(&arff);
    Server::start(move |request, address| match request.path.as_str() {
        "/api/v1/json/data/7" => {
            description(&format!(r#""url":"{address}/7.arff","parquet_url":"{address}/7.pq","md5_checksum":"{sum}""#))
        }
        "/7.arff" => Reply::file(request, &arff, "\"arff\""),
        "/7.pq" => answer(request, &parquet),
        _ => Reply::new(404, "not here"),
    })
}

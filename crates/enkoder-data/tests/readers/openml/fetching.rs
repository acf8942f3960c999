//! What goes right: either format, compressed or not, by detours, and continued where it broke off.

use std::io::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use enkoder_data::openml::{DataFormat, DownloadEvent, OpenmlError, Verified};

use super::*;
use crate::server::{Reply, Server};

#[test]
fn an_arff_file_is_checked_against_the_md5_of_its_description() {
    let server = arff_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let set = fetch(&client(&server, &cache)).unwrap();
    assert_eq!((set.format, set.verified), (DataFormat::Arff, Verified::Description));
    assert_eq!(
        (set.description.name.as_str(), set.description.target.as_slice()),
        ("points", &["class".to_owned()][..])
    );
    assert_eq!(std::fs::read(&set.path).unwrap(), *arff());
    assert_eq!((set.bytes, set.md5), (arff().len() as u64, md5(&arff())));
    let mut left: Vec<_> =
        set.path.parent().unwrap().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["data.arff", "metadata.json"]);
}

#[test]
fn parquet_goes_before_arff_and_the_tag_of_an_object_store_is_its_checksum() {
    let tag = format!("\"{}\"", md5(&parquet_frame()));
    let server =
        parquet_server(move |request, body| Reply::file(request, body, &tag).header("x-amz-request-id", "17A"));
    let cache = tempfile::tempdir().unwrap();
    let set = fetch(&client(&server, &cache)).unwrap();
    assert_eq!((set.format, set.verified), (DataFormat::Parquet, Verified::EntityTag));
    assert!(server.requests_for("/7.arff").is_empty());
}

#[test]
fn parquet_without_a_checksum_is_checked_by_its_frame() {
    let server = parquet_server(|request, body| Reply::file(request, body, "\"5f3-61a\""));
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!((set.format, set.verified), (DataFormat::Parquet, Verified::Length));
}

#[test]
fn the_caller_is_told_how_much_of_how_much_has_come() {
    let server = parquet_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let mut received = Vec::new();
    let result = client(&server, &cache).fetch(7, &mut |event| {
        if let DownloadEvent::Received { bytes, total } = event {
            received.push((bytes, total));
        }
        ControlFlow::Continue(())
    });
    let whole = result.unwrap().bytes;
    assert_eq!(received.first(), Some(&(0, Some(whole))));
    assert_eq!(received.last(), Some(&(whole, Some(whole))));
    assert!(received.is_sorted());
}

#[test]
fn a_download_that_breaks_off_is_continued_where_it_ended() {
    let server = parquet_server(|request, body| match request.before {
        0 => Reply::file(request, body, "\"v1\"").cut_after(1_000_000),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let (set, events) = fetch_watched(&client(&server, &tempfile::tempdir().unwrap()));
    assert_eq!(set.unwrap().md5, md5(&parquet_frame()));
    assert_eq!(events, ["received", "retrying", "received"]);
    let second = &server.requests_for("/7.pq")[1];
    assert_eq!(second.headers["range"], "bytes=1000000-");
    assert_eq!(second.headers["if-range"], "\"v1\"");
}

#[test]
fn a_file_that_changed_in_between_is_fetched_from_its_start() {
    let server = parquet_server(|request, body| match request.before {
        0 => Reply::file(request, &vec![7; body.len()].into(), "\"v1\"").cut_after(1_000_000),
        _ => Reply::file(request, body, "\"v2\""),
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&parquet_frame()));
}

#[test]
fn a_server_without_ranges_sends_the_whole_file_again() {
    let server = arff_server(|request, body| {
        let reply = Reply { body: body.clone(), ..Reply::ok("") };
        if request.before == 0 { reply.cut_after(1000) } else { reply }
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&arff()));
    assert_eq!(server.requests_for("/7.arff")[1].headers["range"], "bytes=1000-");
}

#[test]
fn a_server_that_answers_with_another_range_is_asked_for_the_whole() {
    let server = parquet_server(|request, body| match request.before {
        0 => Reply::file(request, body, "\"v1\"").cut_after(1_000_000),
        1 => Reply::new(206, "PAR1......").header("Content-Range", "bytes 0-9/10"),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&parquet_frame()));
    assert!(!server.requests_for("/7.pq")[2].headers.contains_key("range"));
}

#[test]
fn a_part_that_is_already_whole_is_not_fetched_again() {
    let server = parquet_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let client = client(&server, &cache);
    // Stopped after the last byte, before the end was seen.
    let whole = parquet_frame().len() as u64;
    let stopped = client.fetch(7, &mut |event| match event {
        DownloadEvent::Received { bytes, .. } if bytes == whole => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(matches!(stopped, Err(OpenmlError::Cancelled)));
    assert_eq!(fetch(&client).unwrap().md5, md5(&parquet_frame()));
    assert_eq!(server.requests_for("/7.pq")[1].headers["range"], format!("bytes={whole}-"));
}

#[test]
fn a_stopped_download_is_continued_by_the_next_run() {
    let server = parquet_server(|request, body| Reply::file(request, body, "\"v1\""));
    let cache = tempfile::tempdir().unwrap();
    let mut reached = 0;
    let stopped = client(&server, &cache).fetch(7, &mut |event| match event {
        DownloadEvent::Received { bytes, .. } if bytes > 500_000 => {
            reached = bytes;
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    let error = stopped.unwrap_err();
    assert_eq!(error.to_string(), "the download was stopped");
    assert_eq!(error.hint().as_deref(), Some("the next download continues where this one ended"));
    assert!(client(&server, &cache).cached().unwrap().is_empty());

    let set = fetch(&client(&server, &cache)).unwrap();
    assert_eq!(set.md5, md5(&parquet_frame()));
    assert_eq!(server.requests_for("/7.pq")[1].headers["range"], format!("bytes={reached}-"));
}

#[test]
fn a_file_compressed_on_the_way_is_unpacked_and_never_continued() {
    let server = arff_server(|request, body| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(body).unwrap();
        let reply = Reply::ok(packer.finish().unwrap()).header("Content-Encoding", "gzip").header("ETag", "\"v1\"");
        if request.before == 0 { reply.cut_after(800) } else { reply }
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&arff()));
    let requests = server.requests_for("/7.arff");
    assert_eq!(requests[0].headers["accept-encoding"], "identity");
    assert!(!requests[1].headers.contains_key("range"));
}

#[test]
fn redirects_are_followed_and_a_continued_download_keeps_its_range() {
    let body = parquet_frame();
    let server = Server::start(move |request, address| match request.path.as_str() {
        "/api/v1/json/data/7" => Reply::redirect("/moved"),
        "/moved" => description(&format!(r#""parquet_url":"{address}/7.pq""#)),
        "/7.pq" => Reply::redirect("/store/7.pq"),
        _ if request.before == 0 => Reply::file(request, &body, "\"v1\"").cut_after(1_000_000),
        _ => Reply::file(request, &body, "\"v1\""),
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&parquet_frame()));
    assert_eq!(server.requests_for("/store")[1].headers["range"], "bytes=1000000-");
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let server = arff_server(|request, body| match request.before {
        0 => Reply::new(500, "trouble"),
        1 => Reply::new(503, "busy"),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let (set, events) = fetch_watched(&client(&server, &tempfile::tempdir().unwrap()));
    assert!(set.is_ok());
    assert_eq!(events, ["retrying", "received"]);
    assert_eq!(server.requests_for("/7.arff").len(), 3);
}

#[test]
fn a_server_that_asks_for_a_second_gets_it() {
    let server = arff_server(|request, body| match request.before {
        0 => Reply::new(429, "slowly").header("Retry-After", "1"),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let start = Instant::now();
    fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_stalls_is_left_and_asked_for_the_rest() {
    let server = parquet_server(|request, body| match request.before {
        0 => Reply::file(request, body, "\"v1\"").cut_after(1_500_000).then_stall(Duration::from_secs(8)),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let start = Instant::now();
    fetch(&impatient(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert!(start.elapsed() < Duration::from_secs(8));
    assert_eq!(server.requests_for("/7.pq")[1].headers["range"], "bytes=1500000-");
}

#[test]
fn a_damaged_file_is_fetched_once_more_from_its_start() {
    let server = arff_server(|request, body| match request.before {
        0 => Reply::ok(vec![b'x'; body.len()]),
        _ => Reply::file(request, body, "\"v1\""),
    });
    let set = fetch(&client(&server, &tempfile::tempdir().unwrap())).unwrap();
    assert_eq!(set.md5, md5(&arff()));
    assert!(!server.requests_for("/7.arff")[1].headers.contains_key("range"));
}

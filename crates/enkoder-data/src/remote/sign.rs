//! Signatures of requests: version 4 of AWS (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>) and the shared
//! key of Azure (<https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>), of a GET without a body.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use ring::{digest, hmac};

use super::credentials::Keys;

/// A header and its value.
pub(super) type Header = (&'static str, String);

/// What is signed of a request.
pub(super) struct Signed<'a> {
    pub(super) host: &'a str,
    /// Percent-encoded.
    pub(super) path: &'a str,
    /// Percent-encoded, its parts in order.
    pub(super) query: &'a str,
}

/// SHA-256 of no bytes.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The version of Azure's interface that is spoken.
pub(super) const AZURE_VERSION: &str = "2021-08-06";

/// Headers for S3.
pub(super) fn for_s3(request: &Signed<'_>, keys: &Keys, region: &str, now: SystemTime) -> Vec<Header> {
    let now = DateTime::<Utc>::from(now);
    let (day, time) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    let mut headers = vec![("x-amz-content-sha256", EMPTY.to_owned()), ("x-amz-date", time.clone())];
    headers.extend(keys.session.clone().map(|session| ("x-amz-security-token", session)));
    let all = [("host", request.host)].into_iter().chain(headers.iter().map(|(name, value)| (*name, &**value)));
    let (names, lines): (Vec<&str>, Vec<String>) = all.map(|(name, value)| (name, format!("{name}:{value}\n"))).unzip();
    let names = names.join(";");
    let canonical = format!("GET\n{}\n{}\n{}\n{names}\n{EMPTY}", request.path, request.query, lines.concat());
    let scope = format!("{day}/{region}/s3/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    );
    let first = format!("AWS4{}", keys.secret).into_bytes();
    let key = [&day, region, "s3", "aws4_request"].iter().fold(first, |key, part| mac(&key, part.as_bytes()));
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    let id = &keys.id;
    let value = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    headers.push(("authorization", value));
    headers
}

/// Headers for Azure, of a request with these other headers.
pub(super) fn for_azure(
    request: &Signed<'_>,
    (account, key): (&str, &[u8]),
    others: &[Header],
    now: SystemTime,
) -> Vec<Header> {
    let of = |name: &str| others.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
    let (date, path) = (httpdate::fmt_http_date(now), request.path);
    let to_sign = format!(
        "GET\n\n\n\n\n\n\n\n{}\n\n{}\n{}\nx-ms-date:{date}\nx-ms-version:{AZURE_VERSION}\n/{account}{path}",
        of("if-match"),
        of("if-unmodified-since"),
        of("range"),
    );
    let signature = BASE64.encode(mac(key, to_sign.as_bytes()));
    vec![
        ("x-ms-date", date),
        ("x-ms-version", AZURE_VERSION.to_owned()),
        ("authorization", format!("SharedKey {account}:{signature}")),
    ]
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The figures are those of botocore 1.44.8 for these requests.
    #[test]
    fn a_request_is_signed_as_others_sign_it() {
        let request = Signed { host: "examplebucket.s3.amazonaws.com", path: "/test.txt", query: "" };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        for (session, signature) in [
            (None, "df548e2ce037944d03f3e68682813b093763996d597cf890ca3d9037fd231eb4"),
            (Some("TOKEN"), "7bb5a9910646eab6b460065c22002d01d6277e248b2a85dfd3e5b1d1b1809b50"),
        ] {
            let keys = Keys {
                id: "AKIAIOSFODNN7EXAMPLE".into(),
                secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
                session: session.map(str::to_owned),
            };
            let headers = for_s3(&request, &keys, "us-east-1", now);
            assert_eq!(headers[1].1, "20130524T000000Z");
            let (_, authorization) = headers.last().unwrap();
            assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
        }
    }

    /// The figure is that of azure-storage-blob 12.31.1.
    #[test]
    fn a_request_is_signed_for_azure_as_others_sign_it() {
        let request = Signed { host: "acct.blob.core.windows.net", path: "/c/k%20x.nc", query: "" };
        let others = [("if-match", "\"1\"".to_owned()), ("range", "bytes=0-9".to_owned())];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let headers = for_azure(&request, ("acct", b"keykey"), &others, now);
        assert_eq!(headers[0].1, "Fri, 24 May 2013 00:00:00 GMT");
        assert_eq!(headers[2].1, "SharedKey acct:jRCc8s+xQzsG0ZmunMdQ7x1TfH94DMYZKBMfnyK0CWI=");
    }
}

//! From a name to requests: which server, which path there, who asks, and what it is called in messages, where nothing secret may
//! stand.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::credentials::{Credentials, Keys, Variables, first};
use super::error::{Fault, RemoteError};
use super::sign::{self, Header, Signed};
use crate::input::{shown_name, unescaped};

/// Where an object lies and who asks for it.
#[derive(Clone)]
pub(super) struct Request {
    /// What it is called in messages.
    pub(super) name: String,
    service: Service,
    /// `https://HOST`.
    origin: String,
    /// Percent-encoded, from the first slash on.
    path: String,
    /// Percent-encoded, behind the question mark.
    query: String,
    credentials: Credentials,
    /// Whether the region is the one that the server named.
    is_settled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Service {
    Http,
    /// A bucket of AWS has a server for each region; none where the server is named.
    S3 {
        bucket: Option<String>,
    },
    Google,
    Azure,
}

impl Request {
    /// The request that a name stands for.
    pub(super) fn of(name: &str, variables: Variables<'_>) -> Result<Self, RemoteError> {
        let wrong = |why: &str| RemoteError::new(&shown_name(name), Fault::Address(why.to_owned()));
        let (scheme, rest) = name.split_once("://").ok_or_else(|| wrong("names no server"))?;
        let scheme = scheme.to_ascii_lowercase();
        if matches!(&*scheme, "http" | "https") {
            return Self::of_url(name, &scheme, rest).ok_or_else(|| wrong("names no server"));
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let key = key.trim_start_matches('/');
        if bucket.is_empty() || key.is_empty() {
            return Err(wrong("names no object: it is to be the bucket, a slash, and what is in it"));
        }
        let named = |fault| RemoteError::new(name, fault);
        match &*scheme {
            "s3" => Ok(Self::of_s3(name, bucket, key, variables)),
            "gs" | "gcs" => Ok(Self::of_google(name, bucket, key, variables)),
            _ => Self::of_azure(name, bucket, key, variables).map_err(named),
        }
    }

    fn of_url(name: &str, scheme: &str, rest: &str) -> Option<Self> {
        let rest = rest.split('#').next()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        if host.is_empty() {
            return None;
        }
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        let path = if path.is_empty() { "/".to_owned() } else { encoded(path, is_of_url) };
        let basic = |user: &str| Credentials::Header(format!("Basic {}", BASE64.encode(unescaped(user))));
        Some(Self {
            name: shown_name(name),
            service: Service::Http,
            origin: format!("{scheme}://{host}"),
            path,
            query: encoded(query, is_of_url),
            credentials: user.map_or(Credentials::Anonymous, basic),
            is_settled: false,
        })
    }

    fn of_s3(name: &str, bucket: &str, key: &str, variables: Variables<'_>) -> Self {
        let region = first(variables, &["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = match Keys::of_s3(variables) {
            Some(keys) => Credentials::Signature { keys, region: region.clone() },
            None => Credentials::Anonymous,
        };
        let key = encoded(key, is_unreserved);
        let request = |service, origin, path| Self {
            name: name.to_owned(),
            service,
            origin,
            path,
            query: String::new(),
            credentials,
            is_settled: false,
        };
        match first(variables, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]) {
            Some(endpoint) => {
                let (origin, below) = origin_and_path(&endpoint);
                request(Service::S3 { bucket: None }, origin, format!("{below}/{bucket}/{key}"))
            }
            None => {
                let (origin, path) = of_bucket(bucket, &region, &key);
                request(Service::S3 { bucket: Some(bucket.to_owned()) }, origin, path)
            }
        }
    }

    fn of_google(name: &str, bucket: &str, key: &str, variables: Variables<'_>) -> Self {
        const TOKENS: [&str; 3] = ["GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"];
        let credentials = match (first(variables, &TOKENS), Keys::of_google(variables)) {
            (Some(token), _) => Credentials::Header(format!("Bearer {token}")),
            (None, Some(keys)) => Credentials::Signature { keys, region: "auto".to_owned() },
            (None, None) => Credentials::Anonymous,
        };
        let endpoint =
            variables("STORAGE_EMULATOR_HOST").unwrap_or_else(|| "https://storage.googleapis.com".to_owned());
        let (origin, below) = origin_and_path(&endpoint);
        let path = format!("{below}/{bucket}/{}", encoded(key, is_unreserved));
        Self {
            name: name.to_owned(),
            service: Service::Google,
            origin,
            path,
            query: String::new(),
            credentials,
            is_settled: false,
        }
    }

    /// `az://CONTAINER/KEY` of the account that the variables name, or `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY`.
    fn of_azure(name: &str, container: &str, key: &str, variables: Variables<'_>) -> Result<Self, Fault> {
        let (container, account) = match container.split_once('@') {
            Some((container, host)) => (container, host.split('.').next().map(str::to_owned)),
            None => (container, first(variables, &["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"])),
        };
        let missing =
            Fault::Variable { variable: "AZURE_STORAGE_ACCOUNT", expected: "the account that the container is of" };
        let account = account.ok_or(missing)?;
        let endpoint = first(variables, &["AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT"]);
        let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
        let (origin, below) = origin_and_path(&endpoint);
        let token = first(variables, &["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"]);
        let credentials = match first(variables, &["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"]) {
            Some(key) if token.is_none() => {
                let wrong =
                    Fault::Variable { variable: "AZURE_STORAGE_KEY", expected: "a key of an account, in Base64" };
                Credentials::Account { name: account, key: BASE64.decode(key.trim()).map_err(|_| wrong)? }
            }
            _ => Credentials::Anonymous,
        };
        Ok(Self {
            name: name.to_owned(),
            service: Service::Azure,
            origin,
            path: format!("{below}/{container}/{}", encoded(key, is_unreserved)),
            query: token.map_or_else(String::new, |token| token.trim_start_matches('?').to_owned()),
            credentials,
            is_settled: false,
        })
    }

    /// The request for what lies below.
    pub(super) fn below(&self, key: &str) -> Self {
        let key = key.trim_start_matches('/');
        let join = |folder: &str, key: &str| format!("{}/{key}", folder.trim_end_matches('/'));
        // What stands behind a question mark in the name belongs to the folder.
        let name = self.name.split('?').next().unwrap_or_default();
        Self { name: join(name, key), path: join(&self.path, &encoded(key, is_unreserved)), ..self.clone() }
    }

    /// The same in the region that a bucket turned out to lie in.
    pub(super) fn in_region(&self, region: &str) -> Option<Self> {
        let Service::S3 { bucket } = &self.service else { return None };
        let is_region = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if self.is_settled || !is_region || region.is_empty() {
            return None;
        }
        let mut request = Self { is_settled: true, ..self.clone() };
        if let Some(bucket) = bucket {
            let in_path = if bucket.contains('.') { format!("/{bucket}/") } else { "/".to_owned() };
            (request.origin, request.path) = of_bucket(bucket, region, self.path.strip_prefix(&in_path)?);
        }
        if let Credentials::Signature { region: signed, .. } = &mut request.credentials {
            *signed = region.to_owned();
        }
        Some(request)
    }

    /// Where to ask.
    pub(super) fn url(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{}{mark}{}", self.origin, self.path, self.query)
    }

    /// Whether a redirect may be followed: a signature is only good for the server that it was made for.
    pub(super) fn may_be_redirected(&self) -> bool {
        self.service == Service::Http
    }

    /// These headers and those that say who asks.
    pub(super) fn headers(&self, mut headers: Vec<Header>, now: SystemTime) -> Vec<Header> {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let signed = Signed { host, path: &self.path, query: &self.query };
        let more = match &self.credentials {
            Credentials::Anonymous => Vec::new(),
            Credentials::Header(value) => vec![("authorization", value.clone())],
            Credentials::Signature { keys, region } => sign::for_s3(&signed, keys, region, now),
            Credentials::Account { name, key } => sign::for_azure(&signed, (name, key), &headers, now),
        };
        if self.service == Service::Azure && matches!(self.credentials, Credentials::Anonymous) {
            headers.push(("x-ms-version", sign::AZURE_VERSION.to_owned()));
        }
        headers.extend(more);
        headers
    }

    /// What gives access where it was refused.
    pub(super) fn way_in(&self) -> &'static str {
        match (&self.service, &self.credentials) {
            (Service::Http, Credentials::Anonymous) => {
                "give a signed address, or name and password as https://NAME:PASSWORD@HOST/PATH"
            }
            (Service::Http, _) => "check the name and the password",
            (Service::S3 { .. }, Credentials::Anonymous) => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and for a session AWS_SESSION_TOKEN; and check the name, for what is not there may be refused, too"
            }
            (Service::S3 { .. }, _) => {
                "check that AWS_ACCESS_KEY_ID may read it; for public data AWS_SKIP_SIGNATURE=true asks without keys"
            }
            (Service::Google, Credentials::Anonymous) => {
                "set GOOGLE_OAUTH_ACCESS_TOKEN to what `gcloud auth print-access-token` prints, or GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY"
            }
            (Service::Google, _) => "check that the token is new and may read it, as GOOGLE_OAUTH_ACCESS_TOKEN",
            (Service::Azure, Credentials::Anonymous) if self.query.is_empty() => {
                "set AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_KEY"
            }
            (Service::Azure, _) => {
                "check that AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_KEY is of the account, and has not ended"
            }
        }
    }
}

/// The server of a bucket of AWS, and the path there. A name with dots is none that a certificate covers.
fn of_bucket(bucket: &str, region: &str, key: &str) -> (String, String) {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    if bucket.contains('.') {
        (format!("https://s3.{region}.{domain}"), format!("/{bucket}/{key}"))
    } else {
        (format!("https://{bucket}.s3.{region}.{domain}"), format!("/{key}"))
    }
}

/// A server and the path there, of an address that may lack the protocol.
fn origin_and_path(endpoint: &str) -> (String, String) {
    let endpoint = endpoint.trim_end_matches('/');
    let whole = if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
    let start = whole.find("://").map_or(0, |at| at + 3);
    let end = whole[start..].find('/').map_or(whole.len(), |at| start + at);
    (whole[..end].to_owned(), whole[end..].to_owned())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte)
}

/// Whether a byte may stand in an address as it is; one that is encoded begins with a percent sign.
fn is_of_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn encoded(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if is_plain(byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

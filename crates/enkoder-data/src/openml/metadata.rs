//! OpenML's description of a data set (`GET /api/v1/json/data/ID`), read leniently: its servers write numbers as strings, one
//! name as a string and several as a list, and leave out what they do not know.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::OpenmlError;

/// What OpenML says of a data set, as far as it is needed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataSetDescription {
    /// The data set's number.
    pub id: u32,
    /// Its name; not unique on OpenML.
    pub name: String,
    /// Which of the data sets of this name it is, counted from 1.
    pub version: Option<u32>,
    /// `active`, `deactivated` or `in_preparation`.
    pub status: Option<String>,
    /// The licence, in the words of who uploaded it.
    pub licence: Option<String>,
    /// Where the file is in OpenML's own format, ARFF.
    pub arff_url: Option<String>,
    /// Where the same data is as Parquet, if it is.
    pub parquet_url: Option<String>,
    /// The MD5 of the ARFF file, 32 lower-case hexadecimal digits. The Parquet file has none here.
    pub md5: Option<String>,
    /// The columns to predict: one name, or several separated by commas.
    pub target: Vec<String>,
    /// Columns that are not to be learned from.
    pub ignore: Vec<String>,
    /// The columns that number the rows.
    pub row_id: Vec<String>,
}

/// What the server answered in place of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerError {
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Envelope {
    data_set_description: Fields,
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    error: ErrorFields,
}

#[derive(Deserialize)]
struct ErrorFields {
    code: Option<Value>,
    message: Option<Value>,
}

#[derive(Deserialize)]
struct Fields {
    id: Option<Value>,
    name: Option<Value>,
    version: Option<Value>,
    status: Option<Value>,
    licence: Option<Value>,
    url: Option<Value>,
    parquet_url: Option<Value>,
    file_id: Option<Value>,
    md5_checksum: Option<Value>,
    default_target_attribute: Option<Value>,
    ignore_attribute: Option<Value>,
    row_id_attribute: Option<Value>,
}

impl DataSetDescription {
    /// Reads the JSON that `server` answered when asked for data set `id`.
    ///
    /// The number is taken from the question, not from the answer: some answers carry another one.
    ///
    /// # Errors
    /// [`OpenmlError::Description`] when the JSON is not a description, [`OpenmlError::Field`] when it names no file.
    pub fn from_json(id: u32, server: &str, json: &[u8]) -> Result<Self, OpenmlError> {
        let Envelope { data_set_description: fields } =
            serde_json::from_slice(json).map_err(|error| OpenmlError::Description { id, source: error.into() })?;
        let arff_url = text(&fields.url).or_else(|| {
            let file = text(&fields.file_id)?.parse::<u64>().ok()?;
            Some(format!("{}/data/v1/download/{file}", server.trim_end_matches('/')))
        });
        let description = Self {
            id,
            name: text(&fields.name).or_else(|| text(&fields.id)).unwrap_or_else(|| format!("openml-{id}")),
            version: text(&fields.version).and_then(|version| version.parse().ok()),
            status: text(&fields.status),
            licence: text(&fields.licence),
            arff_url: web_address(id, "url", arff_url)?,
            parquet_url: web_address(id, "parquet_url", text(&fields.parquet_url))?,
            md5: text(&fields.md5_checksum).and_then(|sum| md5_digits(&sum)),
            target: names(&fields.default_target_attribute),
            ignore: names(&fields.ignore_attribute),
            row_id: names(&fields.row_id_attribute),
        };
        if description.arff_url.is_none() && description.parquet_url.is_none() {
            return Err(OpenmlError::Field { id, field: "url", found: None });
        }
        Ok(description)
    }
}

impl ServerError {
    /// The error in OpenML's form, `{"error": {"code": "111", "message": "Unknown dataset"}}`, if it is one.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        let ErrorEnvelope { error } = serde_json::from_slice(json).ok()?;
        Some(Self {
            code: text(&error.code).unwrap_or_else(|| "?".into()),
            message: text(&error.message).unwrap_or_else(|| "no reason given".into()),
        })
    }
}

/// The digits in lower case when they are those of an MD5 sum.
pub(super) fn md5_digits(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn web_address(id: u32, field: &'static str, url: Option<String>) -> Result<Option<String>, OpenmlError> {
    match url {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            Err(OpenmlError::Field { id, field, found: Some(url.chars().take(200).collect()) })
        }
        url => Ok(url),
    }
}

fn text(value: &Option<Value>) -> Option<String> {
    let text = match value.as_ref()? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) if values.len() == 1 => return text(&values.first().cloned()),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn names(value: &Option<Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(|value| text(&Some(value.clone()))).collect(),
        value => text(value).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Result<DataSetDescription, OpenmlError> {
        let json = format!(r#"{{"data_set_description":{{{fields}}}}}"#);
        DataSetDescription::from_json(7, "https://www.openml.org/", json.as_bytes())
    }

    #[test]
    fn one_name_and_a_list_of_names_are_both_read() {
        let description = read(
            r#""name":"MiceProtein","version":"4","url":"https://host/f.arff","default_target_attribute":"class",
               "ignore_attribute":["Genotype","Treatment"],"row_id_attribute":[]"#,
        )
        .unwrap();
        assert_eq!(description.target, ["class"]);
        assert_eq!(description.ignore, ["Genotype", "Treatment"]);
        assert!(description.row_id.is_empty());
        assert_eq!(description.version, Some(4));
    }

    #[test]
    fn numbers_may_be_written_with_and_without_quotes() {
        let description = read(r#""name":"x","version":2,"file_id":61"#).unwrap();
        assert_eq!(description.version, Some(2));
        assert_eq!(description.arff_url.as_deref(), Some("https://www.openml.org/data/v1/download/61"));
    }

    #[test]
    fn a_description_without_a_file_is_an_error_naming_the_field() {
        let error = read(r#""name":"x","url":null"#).unwrap_err();
        assert_eq!(error.to_string(), "the description of data set 7 has no usable `url`");
    }

    #[test]
    fn an_address_that_is_not_http_is_refused() {
        let error = read(r#""name":"x","url":"file:///etc/passwd""#).unwrap_err();
        assert_eq!(error.to_string(), "the description of data set 7 has no usable `url`: `file:///etc/passwd`");
    }

    #[test]
    fn a_checksum_that_is_not_an_md5_sum_is_no_checksum() {
        let md5 = |sum| read(&format!(r#""url":"https://host/f","md5_checksum":"{sum}""#)).unwrap().md5;
        assert_eq!(md5("AD484452702105CBF3D30F8DEABA39A9").as_deref(), Some("ad484452702105cbf3d30f8deaba39a9"));
        assert_eq!(md5("d41d8cd9-2"), None);
        assert_eq!(md5(""), None);
    }

    #[test]
    fn the_servers_own_error_is_understood() {
        let error = ServerError::from_json(br#"{"error":{"code":"111","message":"Unknown dataset"}}"#).unwrap();
        assert_eq!(error, ServerError { code: "111".into(), message: "Unknown dataset".into() });
        assert_eq!(ServerError::from_json(b"<html>"), None);
    }

    #[test]
    fn what_is_not_a_description_is_an_error_and_no_panic() {
        for json in ["", "null", "[]", "{", "{}", r#"{"data_set_description":3}"#, r#"{"data_set_description":[]}"#] {
            assert!(DataSetDescription::from_json(7, "https://host", json.as_bytes()).is_err(), "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(DataSetDescription::from_json(7, "https://host", deep.as_bytes()).is_err());
    }
}

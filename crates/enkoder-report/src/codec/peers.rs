//! What other codecs made of the same samples, from a file that a benchmark wrote.

use serde::Deserialize;

/// Points of another codec.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Peer {
    /// The codec's name.
    pub name: String,
    /// What it made of the samples, with one setting each.
    pub points: Vec<PeerPoint>,
}

/// The samples by another codec.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PeerPoint {
    /// Bytes of all samples together.
    pub bytes: u64,
    /// Peak signal-to-noise ratio in decibels; none where every value came back.
    pub psnr: Option<f64>,
    /// The largest error of a value.
    pub largest_error: f64,
}

/// Why points of other codecs could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeersError {
    /// Not the JSON that is asked for.
    #[error(
        "it is not a list of codecs\nhint: write [{{\"name\": \"SZ3\", \"points\": [{{\"bytes\": 1000, \"psnr\": 45.2, \"largest_error\": 0.1}}]}}]"
    )]
    Json(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A codec without a name or without points.
    #[error("codec {number} has no {what}")]
    Codec {
        /// Which of the codecs, counted from 1.
        number: usize,
        /// What is missing.
        what: &'static str,
    },
    /// A number that nothing measures.
    #[error("point {point} of {codec:?}: {field} is {value}, but must be {wanted}")]
    Point {
        /// The codec's name.
        codec: String,
        /// Which of its points, counted from 1.
        point: usize,
        /// The number.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        wanted: &'static str,
    },
}

/// Reads points of other codecs from JSON: a list of codecs, each with its `name` and its `points`, each of these with `bytes` of all
/// samples, `psnr` in decibels (null where every value came back) and `largest_error`.
///
/// ```
/// let peers = r#"[{"name": "SZ3", "points": [{"bytes": 43210, "psnr": 52.1, "largest_error": 0.5}]}]"#;
/// assert_eq!(enkoder_report::read_peers(peers)?[0].points[0].bytes, 43210);
/// # Ok::<(), enkoder_report::PeersError>(())
/// ```
///
/// # Errors
/// When the text is not such JSON, and when a number is one that nothing measures, with its place.
pub fn read_peers(json: &str) -> Result<Vec<Peer>, PeersError> {
    let peers: Vec<Peer> = serde_json::from_str(json).map_err(|error| PeersError::Json(error.into()))?;
    for (number, peer) in (1..).zip(&peers) {
        if peer.name.trim().is_empty() {
            return Err(PeersError::Codec { number, what: "name" });
        }
        if peer.points.is_empty() {
            return Err(PeersError::Codec { number, what: "points" });
        }
        for (point, numbers) in (1..).zip(&peer.points) {
            let wrong =
                |field, value, wanted| Err(PeersError::Point { codec: peer.name.clone(), point, field, value, wanted });
            if numbers.bytes == 0 {
                return wrong("bytes", 0.0, "at least 1");
            }
            if let Some(psnr) = numbers.psnr.filter(|psnr| !(0.0..=400.0).contains(psnr)) {
                return wrong("psnr", psnr, "from 0 to 400 dB, or null where every value came back");
            }
            if !(numbers.largest_error >= 0.0 && numbers.largest_error.is_finite()) {
                return wrong("largest_error", numbers.largest_error, "0 or more");
            }
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> String {
        read_peers(json).unwrap_err().to_string()
    }

    #[test]
    fn what_nothing_measures_is_refused_with_its_place() {
        let point = |point: &str| format!(r#"[{{"name": "zfp", "points": [{point}]}}]"#);
        assert!(message("{}").contains("write [{\"name\""));
        assert!(message(&point(r#"{"bytes": 1, "psnr": 2, "largest_error": 0, "seconds": 3}"#)).contains("hint"));
        assert_eq!(message(r#"[{"name": " ", "points": []}]"#), "codec 1 has no name");
        assert_eq!(message(r#"[{"name": "zfp", "points": []}]"#), "codec 1 has no points");
        let error = message(&point(
            r#"{"bytes": 9, "psnr": 20, "largest_error": 1}, {"bytes": 9, "psnr": -1, "largest_error": 0}"#,
        ));
        assert_eq!(
            error,
            "point 2 of \"zfp\": psnr is -1, but must be from 0 to 400 dB, or null where every value came back"
        );
        assert!(message(&point(r#"{"bytes": 0, "psnr": 20, "largest_error": 1}"#)).contains("bytes is 0"));
        assert!(message(&point(r#"{"bytes": 1, "psnr": 20, "largest_error": -1}"#)).contains("largest_error is -1"));
        assert!(read_peers(&point(r#"{"bytes": 1, "psnr": null, "largest_error": 0}"#)).is_ok());
    }
}

//! The JSON of an OpenML server: any bytes are a description or an error.

#![no_main]

use enkoder_data::openml::DataSetDescription;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok(description) = DataSetDescription::from_json(61, "https://www.openml.org", json) {
        assert!(description.arff_url.is_some() || description.parquet_url.is_some());
        assert!(description.md5.is_none_or(|md5| md5.len() == 32));
    }
});

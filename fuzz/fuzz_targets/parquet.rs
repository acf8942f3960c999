//! Any bytes as Parquet; what can be trained on is read again in the same way.
#![no_main]

use std::sync::Once;

use enkoder_data::{TableOptions, parse_parquet};
use libfuzzer_sys::fuzz_target;

/// Panics of the `parquet` crate are caught by the reader and are errors like others, so they must not end the process before
/// it can do so. One that is not caught still does: libFuzzer's wrapper aborts on it.
static SILENT: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    SILENT.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let read = |options: &TableOptions| parse_parquet("fuzz", bytes.to_vec(), options)?.into_dataset(options);
    let _ = read(&TableOptions { label: Some("#1".into()), ..Default::default() });
    if let Ok(train) = read(&TableOptions::default())
        && let Some(schema) = train.schema()
    {
        let again = read(&TableOptions { schema: Some(schema.clone()), ..Default::default() }).unwrap();
        assert_eq!(again.fingerprint(), train.fingerprint());
    }
});

//! Any bytes as Arrow; what can be trained on is read again in the same way.
#![no_main]

use enkoder_data::{TableOptions, parse_arrow};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |options: &TableOptions| parse_arrow("fuzz", bytes, options)?.into_dataset(options);
    let _ = read(&TableOptions { label: Some("#1".into()), ..Default::default() });
    if let Ok(train) = read(&TableOptions::default())
        && let Some(schema) = train.schema()
    {
        let again = read(&TableOptions { schema: Some(schema.clone()), ..Default::default() }).unwrap();
        assert_eq!(again.fingerprint(), train.fingerprint());
    }
});

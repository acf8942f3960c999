//! Readers: bytes, files and servers in, a [`enkoder::Dataset`] out.

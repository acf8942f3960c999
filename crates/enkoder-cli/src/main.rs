//! The command `enkoder`.

fn main() {}

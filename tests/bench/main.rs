//! Benches; the first ones come with the hub.

fn main() {}

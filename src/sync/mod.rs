//! Who knows what: the feed, operations on their way to the hub, and the picture that a person sees of it.

pub mod clock;
pub mod desk;
pub mod picture;
pub mod wire;

//! Who knows what: the feed, operations on their way to the hub, and the picture that a person sees of it.

pub mod desk;
pub mod picture;

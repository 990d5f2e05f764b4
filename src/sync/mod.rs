//! Who knows what: the feed, operations on their way to the hub, and the picture that a person sees of it.

pub mod client;
pub mod clock;
pub mod console;
pub mod desk;
pub mod device;
pub mod exchange;
pub mod foresight;
mod hearsay;
pub mod once;
pub mod peer;
pub mod picture;
pub mod receipts;
pub mod teller;
pub mod wire;

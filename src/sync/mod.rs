//! Who knows what: the feed, operations on their way to the hub, and the picture that a person sees of it.

pub mod certificate;
pub mod client;
pub mod clock;
pub mod console;
pub mod coverage;
pub mod covering;
pub mod desk;
pub mod device;
pub mod enrolment;
pub mod exchange;
pub mod foresight;
mod hearsay;
mod indexed;
pub mod once;
pub mod peer;
pub mod picture;
pub mod receipts;
pub mod roster;
pub mod teller;
pub mod tls;
pub mod token;
pub mod wire;

//! The one integration test binary: real servers, real terminals, and the house rules.

mod support;

mod examples;
mod servers;
mod tidy;

//! The one integration test binary: real servers, real terminals, and the house rules.

mod support;

mod ack;
mod alertmanager;
mod attention;
mod console;
mod corpus;
mod examples;
mod expiry;
mod feed;
mod guards;
mod hostile;
mod identity;
mod idle;
mod keys;
mod kill;
mod layout;
mod life;
mod limits;
mod many;
mod paging;
mod peers;
mod people;
mod powercut;
mod prometheus;
mod query;
mod rules;
mod servers;
mod silences;
mod sources;
mod themes;
mod three;
mod tidy;
mod tools;
mod upstream;
mod week;

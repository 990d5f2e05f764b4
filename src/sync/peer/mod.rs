//! Consoles among themselves: they carry each other's operations and what the hub signed, and confirm nothing.

pub mod links;
pub mod plan;
pub mod row;
pub mod tls;
pub mod wire;

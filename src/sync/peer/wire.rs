//! What stands on the wire between consoles: JSON, additive only.

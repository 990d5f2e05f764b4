//! What they sent: one file a format, bytes -> alerts and malformed.

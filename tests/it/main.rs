//! One binary for all integration tests: each links the largest crate of the project, so there is one and not ten.
//!
//! Tests that need root, the region or Python say so by failing with a sentence, never by passing: `make test` gives
//! them what they need.

mod architecture;

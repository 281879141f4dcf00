//! One binary for all integration tests: each links the largest crate of the project, so there is one and not ten.
//!
//! Tests that need root, the region or Python say so by failing with a sentence, never by passing: `make test` gives
//! them what they need.

mod architecture;
mod aws_oracle;
mod aws_path;
mod blocks;
mod book;
mod checkpoints;
mod course;
mod daemon;
mod daemon_world;
mod durability;
mod fabric;
mod internet;
mod internet_fetcher;
mod kinds;
mod labs;
mod manners;
mod many;
mod mutations;
mod neighbour;
mod prepare;
mod region_api;
mod region_load;
mod runner;
mod session_checks;
mod session_oracle;
mod session_shell;
mod session_ssh;
mod session_terminal;
mod sudden;
mod verify;
mod wire_oracle;

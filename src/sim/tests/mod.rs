//! Tests of the whole simulator, over real gRPC, with a client of their own.

mod client;
mod cluster;
mod durability;
mod life;
mod sign_in;
mod signature;
mod state;
mod transport;
mod world;

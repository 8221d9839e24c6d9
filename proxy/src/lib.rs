//! The gateway: any S3 client in, the tenant's own bucket out.
//!
//! [`gateway`] is the data path, one file per phase; [`config`] what an operator writes;
//! [`assemble`] puts the two together; [`serve`], [`dev`] and [`presign`] are the commands.

pub mod assemble;
pub mod cli;
pub mod config;
pub mod dev;
pub mod gateway;
pub mod heads;
pub mod limits;
pub mod output;
pub mod presign;
pub mod serve;
pub mod server;
pub mod telemetry;

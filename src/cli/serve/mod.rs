//! `wirestorm serve`: services. One file a service.

pub mod sink;

use clap::{Args, Subcommand};

/// Which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serve {
    /// The receiver of a fragmentation study.
    Sink(sink::Sink),
}

#[derive(Debug, Args)]
#[command(about = "Serve: the receiver of fragmentation studies")]
pub(super) struct TypedServe {
    #[command(subcommand)]
    service: TypedService,
}

#[derive(Debug, Subcommand)]
enum TypedService {
    Sink(sink::TypedSink),
}

impl TypedServe {
    pub(super) fn meaning(self) -> Result<Serve, clap::Error> {
        Ok(match self.service {
            TypedService::Sink(typed) => Serve::Sink(typed.meaning()),
        })
    }
}

//! The `farebox` program: reads the command line and calls one function per command.

use std::process::ExitCode;

use clap::Parser;

/// Many small requests on many threads: measurably less contention and less memory kept than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    farebox::cli::run(farebox::cli::Cli::parse())
}

//! The `timebrook` program: flags to configuration, nothing else.

use clap::Parser;
use std::{fmt::Display, process::ExitCode};
use timebrook::{
    config::{Command, CommandLine},
    server,
};

/// Requests are decoded by one thread and their rows freed by others, again and again: with the system's allocator, threads
/// wait for each other there. It is built without huge pages (`no_thp`): with them, a large table took twice the memory, and
/// starting with one longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let CommandLine { command, config } = CommandLine::parse();
    match command {
        Some(Command::Ca { url }) => exit(server::print_ca(&url)),
        Some(Command::Hosts { url, address, region }) => exit(server::print_hosts(&url, address, &region)),
        Some(Command::Import(options)) => exit(server::import(*options)),
        None => exit(server::run(config)),
    }
}

fn exit(outcome: Result<(), impl Display>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("timebrook: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `timebrook-conformance scenarios MODE` runs the Rust SDK's scenarios, `timebrook-conformance slt PATH…` the `.slt`
//! files under those paths, against the server at `TIMEBROOK_URL`. The last line is `N passed, N failed`.

use std::{env, path::PathBuf, process::ExitCode};
use timebrook_conformance::{BoxError, scenario, scenario::Tally, scenarios, slt, target::Target};

const USAGE: &str = "usage: timebrook-conformance scenarios explicit|environment|tls|discovery\n       \
                     timebrook-conformance slt PATH...";

#[tokio::main]
async fn main() -> ExitCode {
    match run(env::args().skip(1).collect()).await {
        Ok(Tally { passed, failed }) => {
            println!("{passed} passed, {failed} failed");
            if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Vec<String>) -> Result<Tally, BoxError> {
    let target = Target::from_environment()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["scenarios", mode] => scenario::run_all(scenarios::all(), mode.parse()?, &target).await,
        ["slt", paths @ ..] if !paths.is_empty() => slt::run_paths(paths.iter().map(PathBuf::from), &target).await,
        _ => Err(USAGE.into()),
    }
}

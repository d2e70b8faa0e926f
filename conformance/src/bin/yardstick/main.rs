//! What a server on this machine could do at most, and what the server under test does.
//!
//! - `yardstick serve MODE` answers WriteRecords without storing and prints its address: the ceiling
//! - `yardstick load ADDRESS CONNECTIONS seconds SECONDS` sends records for that long
//! - `yardstick load ADDRESS CONNECTIONS rows ROWS` sends that many records
//! - `yardstick first-create BINARY STARTS` times starts of a server up to the first database created
//! - `yardstick select-one ADDRESS QUERIES` times `SELECT 1` over one connection
//! - `yardstick devops ADDRESS CONNECTIONS TABLE multi|single START_MS FIRST INSTANTS FILE` sends a fleet's readings;
//!   with `RECORDS_S` after it, so many records a second, timed from the moment that each request is due
//!
//! Each prints one line of `name=value` pairs. The load needs database `bench` with table `samples`, which
//! `yardstick prepare ADDRESS` creates.

mod ceiling;
mod devops;
mod load;
mod request;
mod start;

use std::{env, process::ExitCode};
use timebrook_conformance::BoxError;

const USAGE: &str = "usage: yardstick serve 0|1|2
       yardstick prepare ADDRESS
       yardstick load ADDRESS CONNECTIONS seconds SECONDS
       yardstick load ADDRESS CONNECTIONS rows ROWS
       yardstick devops ADDRESS CONNECTIONS TABLE multi|single START_MS FIRST INSTANTS FILE [RECORDS_S]
       yardstick select-one ADDRESS QUERIES
       yardstick first-create BINARY STARTS";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<(), BoxError> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", mode] => ceiling::serve(mode.parse()?).await,
        ["prepare", address] => load::prepare(address).await,
        ["load", address, connections, "seconds", seconds] => {
            load::run(address, connections.parse()?, load::Length::Seconds(seconds.parse()?)).await
        }
        ["load", address, connections, "rows", rows] => {
            load::run(address, connections.parse()?, load::Length::Rows(rows.parse()?)).await
        }
        ["devops", address, connections, table, form, start_ms, first, instants, file, records_s @ ..]
            if records_s.len() < 2 =>
        {
            let first: usize = first.parse()?;
            let fleet = devops::Fleet {
                address: (*address).to_owned(),
                table: (*table).to_owned(),
                form: form.parse()?,
                start_ms: start_ms.parse()?,
                instants: first..first + instants.parse::<usize>()?,
                values: std::fs::read(file)?,
                records_s: records_s.first().map(|records_s| records_s.parse()).transpose()?,
            };
            devops::run(fleet, connections.parse()?).await
        }
        ["select-one", address, queries] => load::select_one(address, queries.parse()?).await,
        ["first-create", binary, starts] => start::first_create(binary, starts.parse()?).await,
        _ => Err(USAGE.into()),
    }
}

/// The value below which `percent` of the sorted values lie; 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

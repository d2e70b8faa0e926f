//! What a scenario is, and how scenarios are run and told about.

use crate::{
    BoxError,
    clients::{Clients, Mode},
    target::Target,
};
use std::{future::Future, pin::Pin};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One thing that every client must be able to do. It fails by panicking, as a test does.
pub struct Scenario {
    /// The name that every language's suite uses for it.
    pub name: &'static str,
    run: Box<dyn Fn(Clients) -> Boxed>,
}

impl Scenario {
    /// A scenario of that name.
    pub fn new<F, R>(name: &'static str, run: F) -> Self
    where
        F: Fn(Clients) -> R + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self { name, run: Box::new(move |clients| Box::pin(run(clients))) }
    }
}

/// How many passed and failed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// Runs scenarios one after the other, each in an account of its own, and prints what became of each.
///
/// # Errors
/// When clients cannot be made.
pub async fn run_all(scenarios: Vec<Scenario>, mode: Mode, target: &Target) -> Result<Tally, BoxError> {
    let mut tally = Tally::default();
    for scenario in scenarios {
        let clients = Clients::fresh(mode, target).await?;
        let outcome = tokio::spawn((scenario.run)(clients)).await;
        println!("{} rust {mode:?} {}", if outcome.is_ok() { "ok    " } else { "FAILED" }, scenario.name);
        tally.count(outcome.is_ok());
    }
    Ok(tally)
}

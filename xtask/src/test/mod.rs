//! `cargo xtask test`: everything that proves the server, and everything that needs.

mod build;
pub mod engines;
pub mod postgres;
mod python;
mod ssh;
mod tally;
mod unshown;

use anyhow::Result;
use clap::ValueEnum;
use tokio::process::Command;

use crate::commands::{command, succeed, tee};
use crate::lint::{cargo_with_clippy, without_compiling};
use crate::steps::{Steps, Tally};
use build::{Built, TestProgram};
use engines::Engines;
use postgres::Cluster;
use unshown::Unshown;

#[derive(clap::Args)]
pub struct Args {
    /// Run one part.
    #[arg(long)]
    only: Option<Part>,
    /// Build optimized: a second build of all dependencies.
    #[arg(long)]
    release: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The Rust tests on SQLite.
    Rust,
    /// The Rust tests that reach the database, on PostgreSQL.
    Postgres,
    /// The real command lines against the real server.
    E2e,
}

const SQLITE: &str = "cargo test on SQLite";
const POSTGRES: &str = "cargo test on PostgreSQL";
const SERVERS: &str = "tests of runs with two servers on PostgreSQL";
/// What runs go through, by parts of tests' names.
const OF_RUNS: [&str; 8] = [
    "assessments::",
    "confirmations::",
    "cost_estimates::",
    "endings::",
    "queue::",
    "runs::",
    "stages::",
    "task_results::",
];
/// What is decided before a database is asked, and asked thousands of times, each in a copy of a filled database:
/// shown on the first one.
const ON_ANY_DATABASE: [&str; 4] =
    ["bad_input::", "each_route::", "every_page_and_form_answers_", "every_route_answers_"];
/// Of the tests with command lines, those about what a database keeps and in which order.
const OF_THE_DATABASE: [&str; 11] = [
    "agent_pools",
    "apply",
    "crash",
    "old_data",
    "policies",
    "pytfe",
    "pytfe_runs",
    "pytfe_states",
    "queue",
    "run_tasks",
    "state",
];
const DEMO: &str = "statehouse demo";
const E2E_SQLITE: &str = "pytest e2e on SQLite";
const E2E_POSTGRES: &str = "pytest e2e on PostgreSQL, what a database has a part in";

/// Runs the parts. What a failed step leaves others without is reported, never skipped.
pub async fn run(args: Args) -> Result<()> {
    let wanted = |part| args.only.is_none_or(|only| only == part);
    let end_to_end = wanted(Part::E2e);
    let mut steps = Steps::new();
    let unshown = Unshown::new()?;

    if args.only.is_none() {
        without_compiling(&mut steps).await;
    }

    // The engines come from PyPI, so all parts need Python, but only one the whole environment.
    let python = if end_to_end {
        steps.step("Python environment", python::environment()).await
    } else {
        steps.step("Python", python::ready()).await;
        None
    };
    let engines = steps.step("Terraform engines", engines::install(end_to_end)).await;
    let built = steps.step("build, with clippy", build::all(args.release)).await;

    if wanted(Part::Rust) {
        steps.step("OpenSSH's server", ssh::ready()).await;
        match (&engines, &built) {
            (Some(engines), Some(_)) => {
                steps.tests(SQLITE, sqlite(engines, &unshown, args.release)).await;
            }
            _ => steps.not_run(SQLITE, "needs the engines and the build"),
        }
    }
    let cluster = if wanted(Part::Postgres) || end_to_end {
        steps.step("PostgreSQL", Cluster::start()).await
    } else {
        None
    };
    if wanted(Part::Postgres) {
        match (&engines, &built, &cluster) {
            (Some(engines), Some(built), Some(cluster)) => {
                steps.tests(POSTGRES, on_postgres(engines, built, cluster, &unshown)).await;
            }
            _ => steps.not_run(POSTGRES, "needs PostgreSQL, the engines and the build"),
        }
        match (&engines, &built, &cluster) {
            (Some(engines), Some(built), Some(cluster)) => {
                steps.tests(SERVERS, on_two_servers(engines, built, cluster, &unshown)).await;
            }
            _ => steps.not_run(SERVERS, "needs PostgreSQL, the engines and the build"),
        }
    }
    if end_to_end {
        match &built {
            Some(built) => {
                let demo = async { succeed(command(&built.server).args(["demo", "--once"])).await };
                steps.step(DEMO, demo).await;
            }
            None => steps.not_run(DEMO, "needs the build"),
        }
        match (&python, &engines, &built) {
            (Some(python), Some(_), Some(built)) => {
                steps.tests(E2E_SQLITE, e2e(python, built, None, &unshown)).await;
            }
            _ => steps.not_run(E2E_SQLITE, "needs Python, the engines and the build"),
        }
        match (&python, &engines, &built, &cluster) {
            (Some(python), Some(_), Some(built), Some(cluster)) => {
                steps.tests(E2E_POSTGRES, e2e(python, built, Some(cluster), &unshown)).await;
            }
            _ => steps.not_run(E2E_POSTGRES, "needs PostgreSQL, Python, the engines and the build"),
        }
    }
    unshown.report(&mut steps)?;
    steps.finish()
}

/// All crates, documentation tests too.
async fn sqlite(engines: &Engines, unshown: &Unshown, release: bool) -> Result<Tally> {
    let mut cargo = cargo_with_clippy().await?;
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    if release {
        cargo.arg("--release");
    }
    // Whatever the caller's shell says, this run is on SQLite.
    unshown.ask(&mut cargo);
    cargo.env_remove("STATEHOUSE_TEST_DATABASE_URL").env("STATEHOUSE_TEST_ENGINE", &engines.newest);
    let (status, output) = tee(&mut cargo).await?;
    tally::of_cargo(status, &output)
}

/// The same test programs again. Cargo is not asked: with fewer crates named it would choose other
/// features and build the dependencies a second time.
async fn on_postgres(
    engines: &Engines,
    built: &Built,
    cluster: &Cluster,
    unshown: &Unshown,
) -> Result<Tally> {
    let mut sum = Tally::default();
    for test in built.tests_of(&["db", "domain", "api", "web", "worker", "testkit"]) {
        println!("     Running {} on PostgreSQL", test.label());
        let mut program = on_cluster(test, engines, cluster);
        // Random worlds take ten times longer here than on SQLite, where more of them are tried.
        program.env("PROPTEST_CASES", "8");
        program.args(ON_ANY_DATABASE.iter().flat_map(|name| ["--skip", *name]));
        unshown.ask(&mut program);
        let (status, output) = tee(&mut program).await?;
        sum += tally::of_cargo(status, &output)?;
    }
    Ok(sum)
}

/// The tests of runs once more, with one server that answers and another one that does what happens by itself.
async fn on_two_servers(
    engines: &Engines,
    built: &Built,
    cluster: &Cluster,
    unshown: &Unshown,
) -> Result<Tally> {
    let mut sum = Tally::default();
    for test in built.tests_of(&["api"]) {
        println!("     Running runs of {} on two servers", test.label());
        let mut program = on_cluster(test, engines, cluster);
        program.env("STATEHOUSE_TEST_SERVERS", "2").args(OF_RUNS);
        // Each random history takes seconds here; more of them are played with one server.
        program.env("PROPTEST_CASES", "6");
        unshown.ask(&mut program);
        let (status, output) = tee(&mut program).await?;
        sum += tally::of_cargo(status, &output)?;
    }
    Ok(sum)
}

fn on_cluster(test: &TestProgram, engines: &Engines, cluster: &Cluster) -> Command {
    let mut program = command(&test.program);
    program.current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder);
    program.env("STATEHOUSE_TEST_DATABASE_URL", cluster.url());
    program.env("STATEHOUSE_TEST_ENGINE", &engines.newest);
    program
}

/// The real command lines; on SQLite unless there is a cluster.
async fn e2e(
    python: &python::Environment,
    built: &Built,
    cluster: Option<&Cluster>,
    unshown: &Unshown,
) -> Result<Tally> {
    let report = tempfile::NamedTempFile::new()?;
    let mut pytest = command(python.program("python"));
    pytest.args(["-m", "pytest", "-rs", "--color=yes", "--junitxml"]).arg(report.path());
    pytest.env("STATEHOUSE_BIN", &built.server).env_remove("STATEHOUSE_E2E_DATABASE_URL");
    unshown.ask(&mut pytest);
    if let Some(cluster) = cluster {
        // The older command lines have met the server on SQLite; they cannot tell the database.
        pytest.arg("--newest-only").env("STATEHOUSE_E2E_DATABASE_URL", cluster.url());
        pytest.args(OF_THE_DATABASE.map(|module| format!("e2e/test_{module}.py")));
    } else {
        pytest.arg("e2e");
    }
    let (status, _) = tee(&mut pytest).await?;
    tally::of_pytest(status, &std::fs::read_to_string(report.path())?)
}

//! `statehouse verify`: whether all that is stored is whole.

use anyhow::{Result, bail};
use courier::Courier;
use domain::App;
use domain::verify::{self, Finding, Report, Weight};

use crate::config::{Store, StoreFlags};
use crate::{admin, open, progress};

/// Notes beyond these are only counted.
const NOTES: usize = 20;

pub fn run(flags: &StoreFlags) -> Result<()> {
    let store = Store::load(flags)?;
    let report = tokio::runtime::Runtime::new()?.block_on(look(&store))?;
    let (damage, notes): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|finding| finding.weight == Weight::Damage);
    for finding in &damage {
        tell("DAMAGED", finding);
    }
    for finding in notes.iter().take(NOTES) {
        tell("note   ", finding);
    }
    if notes.len() > NOTES {
        println!("note    and {} more", notes.len() - NOTES);
    }
    println!(
        "{} states, {} blobs, {} logs and {} sealed values were read",
        report.states, report.blobs, report.logs, report.values
    );
    if report.unfinished > 0 {
        println!(
            "{} blobs are of uploads that are under way or were broken off: what no row names a day later is deleted",
            report.unfinished
        );
    }
    match damage.len() {
        0 => {
            println!("nothing is damaged");
            Ok(())
        }
        count => bail!("{count} damaged"),
    }
}

async fn look(store: &Store) -> Result<Report> {
    let (db, blobs, keyring, _) = open::existing(store).await?;
    let courier = Courier::new(courier::Settings::default())?;
    let app = App::new(db, blobs, courier, keyring, admin::offline());
    let settings = open::database_settings(store);
    let report = verify::verify(&app, &settings, progress::shown()).await;
    app.close().await;
    Ok(report?)
}

fn tell(word: &str, finding: &Finding) {
    let Finding { place, what, why, .. } = finding;
    let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
    println!("{word} {place}{what}: {why}");
}

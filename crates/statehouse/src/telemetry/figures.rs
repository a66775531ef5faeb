//! Figures that are rows: read when somebody asks, and written in Prometheus' text format, so that what is gone from
//! the database is gone from the answer. <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write};
use std::time::{Duration, Instant};

use domain::App;
use domain::entity::run;
use domain::figures::{Figures, gather};
use tokio::sync::Mutex;

/// Who asks sooner gets the figures of who asked before: they cost a few queries.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Statuses in which a run waits for its turn.
const QUEUED: [run::Status; 3] =
    [run::Status::Pending, run::Status::PlanQueued, run::Status::ApplyQueued];

/// Whether it is said which organizations and agent pools there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Told,
    Untold,
}

/// The figures of one server.
#[derive(Debug)]
pub struct Rows {
    app: App,
    last: Mutex<Option<(Instant, Figures)>>,
}

impl Rows {
    pub fn of(app: App) -> Self {
        Self { app, last: Mutex::default() }
    }

    /// Everything that can be said; what the database does not say is left out, and `statehouse_figures_up` is 0.
    pub async fn render(&self, names: Names) -> String {
        let mut text = Text::default();
        let figures = self.figures().await;
        let up = u8::from(figures.is_some());
        text.family("statehouse_figures_up", "Whether the figures of the database could be read.");
        text.sample("statehouse_figures_up", &[], up);
        if let Some(figures) = figures {
            let figures = if names == Names::Told { figures } else { figures.without_names() };
            write(&figures, &mut text);
        }
        pools(&self.app, &mut text);
        text.0
    }

    async fn figures(&self) -> Option<Figures> {
        let mut last = self.last.lock().await;
        if let Some((at, figures)) = &*last
            && at.elapsed() < KEPT_FOR
        {
            return Some(figures.clone());
        }
        match gather(&self.app).await {
            Ok(figures) => {
                *last = Some((Instant::now(), figures.clone()));
                Some(figures)
            }
            Err(error) => {
                tracing::warn!("no figures from the database: {error}");
                None
            }
        }
    }
}

fn write(figures: &Figures, text: &mut Text) {
    let name = "statehouse_runs";
    text.family(name, "Runs that are not over, by organization (of 100 at most) and status.");
    for runs in &figures.runs {
        let status = runs.status.to_string();
        match &runs.organization {
            Some(organization) => {
                text.sample(
                    name,
                    &[("organization", organization), ("status", &status)],
                    runs.count,
                );
            }
            None => text.sample(name, &[("status", &status)], runs.count),
        }
    }
    let queued = |status| figures.runs.iter().filter(move |runs| runs.status == status);
    let name = "statehouse_queue_length";
    text.family(name, "Runs that wait for their turn, by state.");
    for status in QUEUED {
        let count: i64 = queued(status).map(|runs| runs.count).sum();
        text.sample(name, &[("state", &status.to_string())], count);
    }
    let name = "statehouse_queue_oldest_age_seconds";
    text.family(name, "How long the longest of them has been waiting in this state.");
    for status in QUEUED {
        let age = queued(status).map(|runs| runs.seconds).max().unwrap_or_default();
        text.sample(name, &[("state", &status.to_string())], age);
    }
    let name = "statehouse_jobs";
    text.family(name, "Jobs for agents that are not over, by agent pool and state.");
    for jobs in &figures.jobs {
        let labels = [("pool", jobs.pool.as_str()), ("state", &jobs.status.to_string())];
        text.sample(name, &labels, jobs.count);
    }
    let name = "statehouse_agents";
    text.family(name, "Agents that were heard of within a minute, by agent pool.");
    for agents in &figures.agents {
        text.sample(name, &[("pool", &agents.pool)], agents.count);
    }
    let name = "statehouse_background_tasks";
    text.family(name, "Work that was left for later, by kind, notifications among it.");
    for tasks in &figures.tasks {
        text.sample(name, &[("kind", &tasks.kind)], tasks.count);
    }
    let name = "statehouse_background_tasks_oldest_overdue_seconds";
    text.family(name, "How long the first of it has been due.");
    for tasks in &figures.tasks {
        text.sample(name, &[("kind", &tasks.kind)], tasks.seconds);
    }
    let name = "statehouse_events_oldest_unread_seconds";
    text.family(name, "How long the first event has been waiting, by who has not read it.");
    for reader in &figures.readers {
        text.sample(name, &[("reader", reader.name)], reader.seconds);
    }
}

fn pools(app: &App, text: &mut Text) {
    let pools = app.database_pools();
    let name = "statehouse_database_connections";
    text.family(name, "Connections to the database, by pool and state.");
    for pool in pools {
        text.sample(name, &[("pool", pool.name), ("state", "idle")], pool.idle);
        let used = pool.open.saturating_sub(pool.idle);
        text.sample(name, &[("pool", pool.name), ("state", "used")], used);
    }
    let name = "statehouse_database_connections_limit";
    text.family(name, "Connections to the database at most, by pool.");
    for pool in pools {
        text.sample(name, &[("pool", pool.name)], pool.limit);
    }
}

#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, help: &str) {
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} gauge"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(&format!("{name}{labels} {value}"));
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::entity::job;
    use domain::figures::{Agents, Jobs, Readers, Runs, Tasks};

    fn runs(organization: Option<&str>, status: run::Status, count: i64, seconds: i64) -> Runs {
        Runs { organization: organization.map(str::to_owned), status, count, seconds }
    }

    fn some() -> Figures {
        Figures {
            runs: vec![
                runs(Some("acme"), run::Status::Pending, 3, 40),
                runs(Some("bi\"g\\"), run::Status::Pending, 2, 90),
                runs(Some("acme"), run::Status::Planning, 1, 5),
            ],
            jobs: vec![
                Jobs { pool: "site".into(), status: job::Status::Started, count: 1 },
                Jobs { pool: "acme/basement".into(), status: job::Status::Started, count: 2 },
                Jobs { pool: "acme/attic".into(), status: job::Status::Started, count: 3 },
            ],
            agents: vec![
                Agents { pool: "acme/basement".into(), count: 2 },
                Agents { pool: "acme/attic".into(), count: 5 },
            ],
            tasks: vec![Tasks { kind: "notify".into(), count: 4, seconds: 7 }],
            readers: vec![Readers { name: "notifications", seconds: 8 }],
        }
    }

    fn written(figures: &Figures) -> String {
        let mut text = Text::default();
        write(figures, &mut text);
        text.0
    }

    #[test]
    fn rows_are_told_by_the_conventions() {
        let text = written(&some());
        for line in [
            "# TYPE statehouse_runs gauge",
            r#"statehouse_runs{organization="acme",status="pending"} 3"#,
            r#"statehouse_runs{organization="bi\"g\\",status="pending"} 2"#,
            r#"statehouse_queue_length{state="pending"} 5"#,
            r#"statehouse_queue_length{state="apply_queued"} 0"#,
            r#"statehouse_queue_oldest_age_seconds{state="pending"} 90"#,
            r#"statehouse_jobs{pool="site",state="started"} 1"#,
            r#"statehouse_agents{pool="acme/basement"} 2"#,
            r#"statehouse_background_tasks{kind="notify"} 4"#,
            r#"statehouse_events_oldest_unread_seconds{reader="notifications"} 8"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn whoever_brings_no_token_learns_no_names() {
        let text = written(&some().without_names());
        for line in [
            r#"statehouse_runs{status="pending"} 5"#,
            r#"statehouse_runs{status="planning"} 1"#,
            r#"statehouse_queue_length{state="pending"} 5"#,
            r#"statehouse_queue_oldest_age_seconds{state="pending"} 90"#,
            r#"statehouse_jobs{pool="site",state="started"} 1"#,
            r#"statehouse_jobs{pool="pools",state="started"} 5"#,
            r#"statehouse_agents{pool="pools"} 7"#,
            r#"statehouse_background_tasks{kind="notify"} 4"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for name in ["acme", "bi", "basement", "attic"] {
            assert!(!text.contains(&format!("\"{name}")), "{text}");
        }
    }

    #[test]
    fn many_organizations_are_not_told_apart() {
        let figures =
            Figures { runs: vec![runs(None, run::Status::Pending, 3, 40)], ..Figures::default() };
        let mut text = Text::default();
        write(&figures, &mut text);
        assert!(text.0.contains("statehouse_runs{status=\"pending\"} 3\n"), "{}", text.0);
        assert!(!text.0.contains("organization="), "{}", text.0);
    }
}

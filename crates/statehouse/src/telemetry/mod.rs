//! What the process says about itself: logs, traces, metrics.

pub mod figures;
pub mod metrics;
pub mod redact;
pub mod requests;

use std::fs::File;
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};

/// Sends what is still held back when it is dropped: keep it until the process ends.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    lost: ErrorCounter,
    // Dropped last: it writes the lines that are left.
    _lines: WorkerGuard,
}

impl Telemetry {
    /// Says, as soon as lines are taken again, how many were lost because whoever reads them stood still. Never ends.
    pub fn count_losses(&self) -> impl Future<Output = ()> + use<> {
        let lost = self.lost.clone();
        async move {
            let (mut known, mut tick) = (0, tokio::time::interval(LOOK));
            loop {
                tick.tick().await;
                let now = lost.dropped_lines();
                if now > known {
                    tracing::warn!("{} lines of this log are lost: nobody took them", now - known);
                    known = now;
                }
            }
        }
    }
}

/// Lines that are kept for a reader who stands still. A server that waited for him would stand still with him.
const KEPT_LINES: usize = 16_384;
const LOOK: Duration = Duration::from_secs(10);

/// Logs go to `file`, or else to standard error. Call before the runtime starts: the trace
/// exporter's own client blocks and may not be made inside one.
pub fn start(log: &Log, file: Option<File>) -> Result<Telemetry> {
    let ansi = file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(KEPT_LINES);
    let (writer, guard) = match file {
        Some(file) => builder.finish(file),
        None => builder.finish(std::io::stderr()),
    };
    let lost = writer.error_counter();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(ansi);
    let lines = match log.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let traces = traces().context("OpenTelemetry export")?;
    let spans = traces
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("statehouse")));
    tracing_subscriber::registry()
        .with(EnvFilter::try_new(&log.filter).context("log_filter")?)
        .with(lines)
        .with(spans)
        .try_init()
        .context("starting the log")?;
    Ok(Telemetry { traces, lost, _lines: guard })
}

/// Configured by OpenTelemetry's own variables, which the exporter reads itself: endpoint, headers,
/// timeout. <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>
fn traces() -> Result<Option<SdkTracerProvider>> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !set("OTEL_EXPORTER_OTLP_ENDPOINT") && !set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name("statehouse").build();
    Ok(Some(
        SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build(),
    ))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(e)) = self.traces.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(error = %e, "the last traces could not be exported: {e}");
        }
    }
}

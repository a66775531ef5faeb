//! What the process says about itself: logs, traces, metrics.

pub mod figures;
pub mod metrics;
pub mod redact;
pub mod requests;

use std::fs::File;
use std::sync::Mutex;

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};

/// Sends what is still held back when it is dropped: keep it until the process ends.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Logs go to `file`, or else to standard error. Call before the runtime starts: the trace
/// exporter's own client blocks and may not be made inside one.
pub fn start(log: &Log, file: Option<File>) -> Result<Telemetry> {
    let ansi = file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let writer = match file {
        Some(file) => BoxMakeWriter::new(Mutex::new(file)),
        None => BoxMakeWriter::new(std::io::stderr),
    };
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
    Ok(Telemetry { traces })
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

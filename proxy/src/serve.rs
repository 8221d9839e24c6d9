//! `proxy serve` and `proxy check`.

use crate::assemble::{self, ControlPlane};
use crate::cli::{CheckArgs, ConfigArgs};
use crate::config::{Mistake, Settings};
use crate::output;
use crate::{server, telemetry};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Runs until a signal stops it.
///
/// # Errors
/// A text for the operator: what could not be done, and what to do.
pub fn serve(args: &ConfigArgs) -> Result<(), String> {
    let settings = load(&args.config)?;
    telemetry::start(&settings.log)?;
    runtime(settings.gateway.threads)?.block_on(run(&args.config, settings))
}

async fn run(path: &Path, settings: Settings) -> Result<(), String> {
    let words = |error: assemble::AssembleError| error.to_string();
    let ca = assemble::ca_bundle(&settings.upstream).map_err(words)?;
    let plane = assemble::control_plane(&settings.store, ca).map_err(words)?;
    assemble::declare(&plane, &settings.tenants)
        .await
        .map_err(words)?;
    let gateway = assemble::gateway(&settings, &plane).map_err(words)?;
    let bound = server::bind(settings.gateway.listen).map_err(|error| error.to_string())?;
    tracing::info!(address = %bound.address, tenants = settings.tenants.len(), "listening");
    let stop = stop_on_signal()?;
    let reload = tokio::spawn(reload_on_signal(path.to_path_buf(), plane));
    let served = server::serve(gateway, &settings.gateway, bound, stop).await;
    reload.abort();
    served.map_err(|error| error.to_string())
}

/// SIGHUP: the tenants in the file are declared again. A file with mistakes changes nothing.
async fn reload_on_signal(path: std::path::PathBuf, plane: ControlPlane) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangups.recv().await.is_some() {
        match Settings::load(&path, &environment) {
            Err(mistakes) => {
                for mistake in mistakes {
                    tracing::error!(%mistake, "the configuration was not read again");
                }
            }
            Ok(settings) => match assemble::declare(&plane, &settings.tenants).await {
                Ok(()) => tracing::info!(tenants = settings.tenants.len(), "tenants read again"),
                Err(error) => tracing::error!(%error, "tenants were not read again"),
            },
        }
    }
}

/// Turns true at the first SIGTERM or SIGINT.
///
/// # Errors
/// When the signals cannot be listened for.
pub fn stop_on_signal() -> Result<watch::Receiver<bool>, String> {
    let failed = |error: std::io::Error| format!("cannot listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, requests in flight end");
        // Nobody listening any more means that it has stopped already.
        let _ = stop.send(true);
    });
    Ok(stopped)
}

/// A runtime with so many workers; 0 is one per core.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))
}

/// Checks a file and says everything that is wrong with it.
///
/// # Errors
/// When there is a mistake.
pub fn check(args: &CheckArgs) -> Result<(), String> {
    let found = Settings::load(&args.config, &environment);
    if args.json {
        output::json(&check_report(found.as_ref().err()));
        return found.map(drop).map_err(|mistakes| count(&mistakes));
    }
    match found {
        Ok(settings) => {
            let tenants = settings.tenants.len();
            output::line(&format!(
                "{}: no mistakes, {tenants} tenants",
                args.config.display()
            ));
            Ok(())
        }
        Err(mistakes) => Err(listed(&args.config, &mistakes)),
    }
}

fn check_report(mistakes: Option<&Vec<Mistake>>) -> serde_json::Value {
    let mistakes = mistakes.map(Vec::as_slice).unwrap_or_default();
    serde_json::json!({
        "valid": mistakes.is_empty(),
        "mistakes": mistakes
            .iter()
            .map(|mistake| serde_json::json!({ "path": mistake.path, "reason": mistake.reason }))
            .collect::<Vec<_>>(),
    })
}

/// Reads a file, or words all its mistakes.
///
/// # Errors
/// The mistakes, one per line.
pub fn load(path: &Path) -> Result<Settings, String> {
    Settings::load(path, &environment).map_err(|mistakes| listed(path, &mistakes))
}

fn listed(path: &Path, mistakes: &[Mistake]) -> String {
    let mut text = format!("{} has {}:", path.display(), count(mistakes));
    for mistake in mistakes {
        text.push_str(&format!("\n  {mistake}"));
    }
    text + "\nhint: docs/configuration.md lists every setting"
}

fn count(mistakes: &[Mistake]) -> String {
    match mistakes.len() {
        1 => "1 mistake".to_string(),
        many => format!("{many} mistakes"),
    }
}

/// The process environment, for the places that take it as an argument.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

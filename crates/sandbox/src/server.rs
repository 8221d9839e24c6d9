//! The listener.

use crate::gate::Gate;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A head that takes longer than this to arrive is not waited for; an idle connection neither.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Answers under way at shutdown get this long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves until `stop` changes, then drains.
pub(crate) async fn serve(listener: TcpListener, gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&gate), stop.clone()));
                }
                Err(error) => {
                    // Out of file handles, most likely: a pause lets others finish.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::warn!("connections were still open at the end of the drain time");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let gate = Arc::clone(&gate);
        async move { gate.answer(request, peer.ip()).await.map_err(|_| Cut) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("the service has cut the connection")]
struct Cut;

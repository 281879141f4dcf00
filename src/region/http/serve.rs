//! One connection on which HTTP is spoken.

use std::convert::Infallible;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::{Extensions, Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::crowd::Seat;
use super::presence::Presence;

/// Answers one request after the other until the other side closes, or has to leave. Each request finds its
/// [`Presence`], and what `introduce` adds, among its extensions; a handler that has admitted it ([`Presence::admit`])
/// is left to end its work.
pub(crate) async fn serve<S, A, F>(stream: S, app: A, seat: Seat<F>, introduce: impl Fn(&mut Extensions))
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    F: Clone + Eq + Hash,
{
    let presence = seat.presence();
    let service = service_fn(|request: Request<Incoming>| {
        presence.asks();
        let mut request = request.map(Body::new);
        introduce(request.extensions_mut());
        request.extensions_mut().insert(presence.clone());
        let answer = app.call(request);
        async move {
            let response = answer.await?;
            presence.takes();
            Ok::<_, Infallible>(response.map(|body| Answer { body, presence: presence.clone() }))
        }
    });
    tokio::select! {
        // Whoever breaks off has nobody to be told.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
        () = seat.is_over() => {}
    }
}

/// The body of a response, which knows when something of it is taken and when it ends.
struct Answer {
    body: Body,
    presence: Presence,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            self.presence.takes();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.presence.rests();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::super::crowd::Crowd;
    use super::*;

    async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let presence = request.extensions().get::<Presence>().expect("introduced");
        presence.admit();
        Ok(Response::new(Body::from("hello")))
    }

    #[tokio::test]
    async fn a_connection_is_kept_and_one_that_says_nothing_is_closed() {
        let crowd = Crowd::new(10, 10);
        let (mut ours, theirs) = duplex(1 << 16);
        tokio::spawn(serve(theirs, service_fn(hello), crowd.enter(()).expect("room"), |_| ()));
        for _ in 0..2 {
            ours.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("sent");
            let mut answer = vec![0; 4096];
            let mut length = 0;
            while !answer[..length].ends_with(b"hello") {
                length += ours.read(&mut answer[length..]).await.expect("an answer");
            }
        }
        let (mut half, theirs) = duplex(1 << 16);
        let begun = Instant::now();
        tokio::spawn(serve(theirs, service_fn(hello), crowd.enter(()).expect("room"), |_| ()));
        half.write_all(b"GET / HTTP/1.1\r\nhost: he").await.expect("sent");
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), half.read_to_end(&mut rest))
            .await
            .expect("closed")
            .ok();
        assert!(begun.elapsed() > Duration::from_secs(9), "it has some time");
    }
}

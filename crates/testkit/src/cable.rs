//! A cable to the database that a test can cut, for what happens when PostgreSQL is away.

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::Arc,
};

use db::Settings;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

use crate::TestDatabase;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Nothing gets through, and nobody is told.
    Held,
    /// Whoever asks is hung up on.
    Cut,
    /// What is asked gets through, and the answer is hung up on.
    AnswersCut,
    /// What is committed is, and the answer is hung up on; all else gets through.
    CommitsCut,
    /// From the first commit on, which is kept, there is nobody.
    CutAtCommit,
}

/// Stands between a [`db::Db`] and its PostgreSQL.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    lost: watch::Sender<()>,
    tried: Arc<Notify>,
}

impl Cable {
    /// `None` where there is no cable, as to a file.
    pub async fn to(database: &TestDatabase) -> Option<Self> {
        let url = url::Url::parse(&database.settings().url).ok()?;
        let host = url.host_str().filter(|_| url.scheme() != "sqlite")?;
        let server = format!("{host}:{}", url.port().unwrap_or(5432));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(watch::Sender::new(State::Whole));
        let lost = watch::Sender::new(());
        let tried = Arc::new(Notify::new());
        tokio::spawn(listen(listener, server, state.clone(), lost.subscribe(), tried.clone()));
        Some(Self { address, state, lost, tried })
    }

    /// The same database, through the cable.
    pub fn leads_to(&self, database: &TestDatabase) -> Settings {
        let mut settings = database.settings();
        let mut url = url::Url::parse(&settings.url).expect("an address");
        url.set_ip_host(self.address.ip()).expect("an address with a host");
        url.set_port(Some(self.address.port())).expect("an address with a port");
        // A socket of the file system needs no cable.
        url.set_query(None);
        settings.url = url.into();
        settings
    }

    /// From now on nothing is heard of the database.
    pub fn hold(&self) {
        self.state.send_replace(State::Held);
    }

    /// From now on there is nobody.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// From now on whatever is asked is done, and nobody learns of it.
    pub fn cut_answers(&self) {
        self.state.send_replace(State::AnswersCut);
    }

    /// From now on whatever is committed is kept, and nobody learns of it on the same connection.
    pub fn cut_commits(&self) {
        self.state.send_replace(State::CommitsCut);
    }

    /// The next commit is kept, and from then on there is nobody: neither its answer nor what became of it is known.
    pub fn cut_at_commit(&self) {
        self.state.send_replace(State::CutAtCommit);
    }

    /// Nothing is ever heard again on the connections that there are, and nobody is told: as behind a network that
    /// forgot them.
    pub fn lose(&self) {
        self.lost.send_replace(());
    }

    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }

    /// Ends when somebody has tried to connect.
    pub async fn was_tried(&self) {
        self.tried.notified().await;
    }
}

async fn listen(
    listener: TcpListener,
    server: String,
    changed: Arc<watch::Sender<State>>,
    lost: watch::Receiver<()>,
    tried: Arc<Notify>,
) {
    while let Ok((client, _)) = listener.accept().await {
        tried.notify_one();
        let (server, changed, mut lost) = (server.clone(), changed.clone(), lost.clone());
        let mut state = changed.subscribe();
        tokio::spawn(async move {
            lost.mark_unchanged();
            if *state.borrow() == State::Cut {
                return;
            }
            // Accepted by the kernel, as of a process that was stopped.
            drop(state.wait_for(|state| *state != State::Held).await);
            let Ok(server) = TcpStream::connect(server).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut carrying = pin!(async {
                tokio::select! {
                    () = carry(from_client, to_server, &changed, &[State::Cut]) => {}
                    () = carry(from_server, to_client, &changed, &[State::Cut, State::AnswersCut]) => {}
                }
            });
            tokio::select! {
                biased;
                // Both ends stay open.
                _ = lost.changed() => pending::<()>().await,
                () = &mut carrying => {}
            }
        });
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    changed: &watch::Sender<State>,
    cut_in: &[State],
) {
    let mut state = changed.subscribe();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = tokio::select! {
            // The silent one is cut as well.
            _ = state.wait_for(|state| *state == State::Cut) => return,
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        if read == 0 || state.wait_for(|state| *state != State::Held).await.is_err() {
            return;
        }
        let now = *state.borrow();
        // As it is asked, not as it is answered.
        let is_asked = buffer[..read].windows(7).any(|word| word == b"COMMIT\0");
        let is_question = !cut_in.contains(&State::AnswersCut);
        if matches!(now, State::CommitsCut | State::CutAtCommit) && is_asked && is_question {
            drop(to.write_all(&buffer[..read]).await);
            if now == State::CutAtCommit {
                changed.send_replace(State::Cut);
            }
            return;
        }
        let is_cut = cut_in.contains(&now);
        if is_cut || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

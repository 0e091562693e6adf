//! A bounded number of connections, each set up in the same way, and reading through them.

use super::address::Address;
use super::failure::{driver, io, is_lost, pool};
use super::statement::{Send, Statement, pipeline, prepare};
use super::tls;
use crate::Error;
use deadpool_postgres::{Client, ClientWrapper, Hook, HookError, Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Who finds every connection taken waits this long for one.
const PLACE: Duration = Duration::from_secs(5);
/// Making a connection takes no longer: its log-in included.
const CONNECTING: Duration = Duration::from_secs(10);
/// A read takes no longer.
const READING: Duration = Duration::from_secs(15);

/// Said to every new connection. Isolation: a store relies on every statement seeing what was committed before it
/// began. Synchronous commit may be stronger than `on`, but not off. No statement timeout, because it could undo a `BEGIN`
/// alone: who waits too long gives the connection up, and the server (from version 14 on) notices that.
const SET_UP: &str = "
    SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SELECT set_config(name, '5s', false) FROM pg_catalog.pg_settings WHERE name = 'client_connection_check_interval';
";

/// The connections.
pub(super) struct Pool {
    inner: deadpool_postgres::Pool,
}

impl Pool {
    /// At most `size` connections; none is made before it is needed.
    pub(super) fn new(address: &Address, connector: MakeRustlsConnect, size: usize) -> Result<Self, Error> {
        // A connection that is known to be closed is not given out again; asking each one would cost a round trip.
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config.clone(), connector, how);
        let inner = deadpool_postgres::Pool::builder(manager)
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PLACE))
            .create_timeout(Some(CONNECTING))
            .recycle_timeout(Some(CONNECTING))
            .post_create(Hook::async_fn(|connection: &mut ClientWrapper, _| {
                Box::pin(async move { connection.batch_execute(SET_UP).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|_| Error::Fault("a pool that was set up wrongly".to_owned()))?;
        Ok(Self { inner })
    }

    /// A connection of one's own for a while.
    pub(super) async fn take(&self) -> Result<Client, Error> {
        self.inner.get().await.map_err(pool)
    }

    /// Lets go of a connection that is of no use any more, and of all that wait: where one is lost, all are.
    pub(super) fn give_up(&self, lost: Client) {
        drop(Client::take(lost));
        self.inner.retain(|_, _| false);
    }

    /// The rows that the last of these statements finds, each of which sees what was committed before it began. On a
    /// fresh connection when the first one turns out to be lost.
    pub(super) async fn rows(&self, statements: &[Statement]) -> Result<Vec<Row>, Error> {
        let mut tries = 0;
        loop {
            let connection = self.take().await?;
            tries += 1;
            match timeout(READING, read(&connection, statements)).await {
                Ok(Ok(rows)) => return rows,
                Ok(Err(error)) if is_lost(&error) => {
                    self.give_up(connection);
                    if tries > 1 {
                        return Err(driver(&error));
                    }
                }
                Ok(Err(error)) => return Err(driver(&error)),
                Err(_) => {
                    self.give_up(connection);
                    return Err(io("the server did not answer in time".to_owned()));
                }
            }
        }
    }

    /// From now on there are no connections.
    pub(super) fn close(&self) {
        self.inner.close();
    }
}

async fn read(
    connection: &ClientWrapper,
    statements: &[Statement],
) -> Result<Result<Vec<Row>, Error>, tokio_postgres::Error> {
    let known = prepare(connection, statements.iter()).await?;
    let messages: Vec<_> = statements.iter().map(Send::Statement).collect();
    let mut rows = Vec::new();
    match pipeline(connection, &known, &messages).await {
        Ok(answers) => {
            for answer in answers {
                rows = answer?;
            }
            Ok(Ok(rows))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// A connection beside the pool, which its caller drives.
pub(super) async fn connect(
    address: &Address,
) -> Result<(tokio_postgres::Client, tokio_postgres::Connection<tokio_postgres::Socket, Stream>), Error> {
    let connecting = address.config.connect(tls::connector(&address.trust)?);
    let connected = timeout(CONNECTING, connecting).await;
    connected.map_err(|_| io("the server did not answer in time".to_owned()))?.map_err(|error| driver(&error))
}

/// What TLS makes of a socket.
pub(super) type Stream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream;

//! A plain TCP balancer in front of several nodes: it knows nothing of HTTP and keeps nobody on one node. It can be told
//! where the next connection goes, and to lose what a node answers on it after the node has done its work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The balancer. It ends with the runtime.
#[derive(Clone)]
pub struct Balancer {
    told: Arc<Mutex<VecDeque<Told>>>,
    lost: Arc<Mutex<Vec<String>>>,
}

/// What was said about one connection that is yet to come.
#[derive(Clone, Copy, Default)]
struct Told {
    node: Option<usize>,
    loses: bool,
}

impl Balancer {
    /// Starts it between this listener and the nodes that listen on these ports.
    pub(crate) fn start(listener: TcpListener, nodes: Arc<[u16]>) -> Self {
        let balancer = Self { told: Arc::default(), lost: Arc::default() };
        let carrier = balancer.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((client, _)) = listener.accept().await {
                let told = carrier.told.lock().unwrap().pop_front().unwrap_or_default();
                let node = told.node.unwrap_or_else(|| {
                    turn += 1;
                    turn
                });
                let (carrier, port) = (carrier.clone(), nodes[node % nodes.len()]);
                tokio::spawn(async move { carrier.carry(client, port, told.loses).await });
            }
        });
        balancer
    }

    /// The next connection that nothing was said about yet goes to this node, counted from 0.
    pub fn next_to(&self, node: usize) {
        self.told.lock().unwrap().push_back(Told { node: Some(node), loses: false });
    }

    /// The next connection that nothing was said about yet goes to this node, and ends when the node answers, without a
    /// byte of the answer.
    pub fn lose_next_from(&self, node: usize) {
        self.told.lock().unwrap().push_back(Told { node: Some(node), loses: true });
    }

    /// The first line of every answer that was lost so far.
    pub fn lost(&self) -> Vec<String> {
        self.lost.lock().unwrap().clone()
    }

    async fn carry(&self, mut client: TcpStream, port: u16, loses: bool) {
        let Ok(mut node) = TcpStream::connect(("127.0.0.1", port)).await else { return };
        if !loses {
            drop(copy_bidirectional(&mut client, &mut node).await);
            return;
        }
        let ((mut from_client, _to_client), (mut from_node, mut to_node)) = (client.split(), node.split());
        let mut head = [0; 1024];
        // A node says its first byte when everything is committed.
        let answered = tokio::select! {
            read = from_node.read(&mut head) => read.unwrap_or(0),
            _ = copy(&mut from_client, &mut to_node) => 0,
        };
        let line = String::from_utf8_lossy(&head[..answered]).lines().next().unwrap_or_default().to_owned();
        self.lost.lock().unwrap().push(line);
    }
}

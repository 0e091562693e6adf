//! The other end of a connection.

use crate::Slot;
use std::net::IpAddr;

/// Who is at the other end of the connection, after the headers of trusted proxies were judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks https, to us or to a trusted proxy.
    pub https: bool,
    /// Whether that was told by a trusted proxy.
    pub by_proxy: bool,
    /// Which of the browser's accounts the request is for.
    pub slot: Slot,
}

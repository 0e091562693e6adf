//! Somebody with one device, in a network of their own, as limits of guesses see it.
//!
//! The server counts log-ins of unknown devices and whatever comes from one network; a measurement of something else must meet
//! neither limit. So a person keeps the cookie of their device and comes from an address that nobody else in this run has: the
//! server believes that where it is set up [`BEHIND_PROXY`], elsewhere there are few enough people.

use crate::http::{Answer, Client, post};
use crate::jar::Jar;
use crate::wire::{PASSWORD, SAME_ORIGIN, told};
use anyhow::{Result, ensure};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

/// The setting by which the server believes what this program says of its clients' addresses.
pub(crate) const BEHIND_PROXY: (&str, &str) = ("server", "trusted_proxies = [\"127.0.0.1\"]");

/// Somebody.
pub(crate) struct Person {
    email: String,
    address: String,
    /// The device's cookie and nothing else.
    device: Jar,
}

impl Person {
    pub(crate) fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), address: new_address(), device: Jar::default() }
    }

    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    pub(crate) fn sign_up(&self, client: &mut Client) -> Result<()> {
        let answer = client.send(&self.request("/auth/signup"))?;
        ensure!(answer.status == 202, "sign-up was answered {}", told(&answer));
        Ok(())
    }

    /// Logs in without any session that was there before; answers the cookies.
    pub(crate) fn log_in(&mut self, client: &mut Client) -> Result<Jar> {
        let answer = client.send(&self.log_in_request())?;
        ensure!(answer.status == 200, "log-in was answered {}", told(&answer));
        Ok(self.keep(&answer))
    }

    /// The bytes of a log-in.
    pub(crate) fn log_in_request(&self) -> Vec<u8> {
        self.request("/auth/login")
    }

    /// Takes in the answer to a log-in; answers its cookies.
    fn keep(&mut self, answer: &Answer) -> Jar {
        let mut jar = self.device.clone();
        jar.keep(answer);
        self.device = jar.of_device();
        jar
    }

    fn request(&self, path: &str) -> Vec<u8> {
        let device = self.device.header(path);
        let from = [("x-forwarded-for", self.address.as_str())];
        let device = device.as_deref().map(|device| ("cookie", device));
        let headers: Vec<_> = SAME_ORIGIN.into_iter().chain(from).chain(device).collect();
        post(path, &headers, &json!({ "email": self.email, "password": PASSWORD }).to_string())
    }
}

/// An address in a network (/64), and mostly in a wide one (/48), that nobody else in this run has. All are of one length.
pub(crate) fn new_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("2001:db8:{:04x}:{:04x}::1", number & 0xffff, number >> 16)
}

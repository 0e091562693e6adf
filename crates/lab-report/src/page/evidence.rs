//! The evidence of one strategy in one browser state, as the page holds it: long values are cut, and fields of headers, which
//! are nearly the same in every request, stand in it once.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::picture::beside;
use crate::run::{Cell, Control, Evidence, Exchange, Step};

/// Characters that the page shows.
const LONGEST_BODY: usize = 2_000;
const LONGEST_URL: usize = 600;
const LONGEST_FIELD: usize = 240;
/// Requests of one cell that the page shows.
const MOST_REQUESTS: usize = 60;

/// A data block.
#[derive(Default, Serialize)]
pub(super) struct Block<'a> {
    /// Name and value; requests name them by their place.
    fields: Vec<(&'a str, Cow<'a, str>)>,
    /// By the number of the cell in the run.
    cells: BTreeMap<usize, Shown<'a>>,
    #[serde(skip)]
    places: HashMap<(&'a str, &'a str), usize>,
}

/// What a cell's evidence is in the page.
#[derive(Serialize)]
struct Shown<'a> {
    honest: &'a Control,
    falls: &'a Control,
    steps: &'a [Step],
    requests: Vec<Request<'a>>,
    /// Requests that are only in the JSON file.
    left_out: usize,
    /// The number of a picture in the page.
    picture: Option<usize>,
    /// The name of one beside it.
    file: Option<&'a str>,
    took_ms: u64,
}

/// An exchange with its long values cut.
#[derive(Serialize)]
struct Request<'a> {
    at_ms: u64,
    server: &'a str,
    method: &'a str,
    url: Cow<'a, str>,
    headers: Vec<usize>,
    body: Cow<'a, str>,
    status: u16,
    answer: Vec<usize>,
}

impl<'a> Block<'a> {
    /// These cells, with their numbers in the run, and the numbers of the pictures that the page holds.
    pub(super) fn of(cells: impl Iterator<Item = (usize, &'a Cell)>, pictures: &HashMap<&str, usize>) -> Self {
        let mut block = Self::default();
        for (number, cell) in cells {
            let Evidence { steps, requests, screenshot } = &cell.evidence;
            let screenshot = screenshot.as_deref();
            let shown = Shown {
                honest: &cell.honest,
                falls: &cell.falls,
                steps,
                requests: requests.iter().take(MOST_REQUESTS).map(|exchange| block.request(exchange)).collect(),
                left_out: requests.len().saturating_sub(MOST_REQUESTS),
                picture: screenshot.and_then(|picture| pictures.get(picture)).copied(),
                file: screenshot.and_then(beside),
                took_ms: cell.took_ms,
            };
            block.cells.insert(number, shown);
        }
        block
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn request(&mut self, exchange: &'a Exchange) -> Request<'a> {
        Request {
            at_ms: exchange.at_ms,
            server: &exchange.server,
            method: &exchange.method,
            url: cut(&exchange.url, LONGEST_URL),
            headers: self.places(&exchange.headers),
            body: cut(&exchange.body, LONGEST_BODY),
            status: exchange.status,
            answer: self.places(&exchange.answer_headers),
        }
    }

    fn places(&mut self, fields: &'a [(String, String)]) -> Vec<usize> {
        let place = |(name, value): &'a (String, String)| {
            *self.places.entry((name, value)).or_insert_with(|| {
                self.fields.push((name, cut(value, LONGEST_FIELD)));
                self.fields.len() - 1
            })
        };
        fields.iter().map(place).collect()
    }
}

/// At most so many characters, with `…` where there were more.
fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

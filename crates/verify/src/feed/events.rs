//! Server-sent events, taken apart as they arrive (HTML standard §9.2.6), within a bound. Lines end with LF or CRLF; a lone
//! CR, which the standard allows and nobody sends, ends none.

/// Puts the pieces of a stream together.
#[derive(Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    name: Vec<u8>,
}

/// The stream holds an event beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// No event may be larger, in bytes.
const MAX_EVENT: usize = crate::fetch::MAX_DOCUMENT;

impl Events {
    /// Takes the next piece and answers the data of every event of this name that it completes.
    pub(super) fn push(&mut self, piece: &[u8], wanted: &str) -> Result<Vec<Vec<u8>>, TooLarge> {
        let mut complete = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            self.append(line)?;
            let line = std::mem::take(&mut self.line);
            complete.extend(self.finish(line.strip_suffix(b"\r").unwrap_or(&line), wanted));
        }
        self.append(rest)?;
        Ok(complete)
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + piece.len() > MAX_EVENT {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn finish(&mut self, line: &[u8], wanted: &str) -> Option<Vec<u8>> {
        if line.is_empty() {
            let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            // Without data it was a comment or a field on its own.
            return (data.pop().is_some() && name == wanted.as_bytes()).then_some(data);
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (line.get(..colon)?, line.get(colon + 1..)?),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.name = value.to_vec(),
            // `id` is the document's own `next`; `retry` is ours to choose; a comment keeps the line open and says nothing.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &str, size: usize) -> Vec<String> {
        let mut events = Events::default();
        let pieces = stream.as_bytes().chunks(size);
        pieces
            .flat_map(|piece| events.push(piece, "revocations").unwrap())
            .map(|data| String::from_utf8(data).unwrap())
            .collect()
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let stream = ": hello\r\n\r\nevent: revocations\nid: 7\ndata: one\n\nevent:revocations\r\ndata:two\r\ndata: lines\r\n\r\n\
                      event: other\ndata: no\n\ndata: unnamed\n\nevent: revocations\n\nretry: 1\nevent: revocations\ndata\n\n\
                      event: revocations\ndata: incomplete\n";
        for size in 1..stream.len() {
            assert_eq!(read(stream, size), ["one", "two\nlines", ""], "{size}");
        }
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let mut events = Events::default();
        let line = [&b"data: "[..], &vec![b'x'; 64 * 1024], b"\n"].concat();
        let fitting = (0..).take_while(|_| events.push(&line, "revocations").is_ok()).take(100).count();
        assert_eq!(fitting, 15);
        assert!(Events::default().push(&vec![b'x'; MAX_EVENT + 1], "revocations").is_err());
    }
}

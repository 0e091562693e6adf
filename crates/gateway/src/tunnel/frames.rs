//! Where WebSocket frames end (RFC 6455 §5.2), followed in bytes that pass.
//!
//! Heads are read, payloads only counted: nothing is kept, unmasked or refused. What is wrong with a frame is for the
//! two sides to find; extensions change payloads and reserved bits, never this framing.

/// How far one direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    at: At,
    is_close: bool,
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Before the first byte of a frame.
    #[default]
    Boundary,
    /// Before the byte of the mask bit and the short length.
    Length,
    /// In a length of 16 or 64 bits, of which so many bytes are missing.
    Extended { missing: u8, length: u64, masked: bool },
    /// So many bytes are missing of the masking key and the payload; never none.
    Body { missing: u64 },
}

impl Frames {
    /// Whether what passed ends with a whole frame, or nothing passed.
    pub(super) fn at_boundary(&self) -> bool {
        self.at == At::Boundary
    }

    /// Whether a whole Close frame passed: this direction says nothing more (§5.5.1).
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// These bytes pass.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let passed = self.pass_to_boundary(rest);
            rest = rest.get(passed..).unwrap_or_default();
        }
    }

    /// The first of these bytes pass, up to the end of a frame. Returns how many: at least one if there are any, and all
    /// of them if no frame ends there.
    pub(super) fn pass_to_boundary(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while let Some(&byte) = bytes.get(passed) {
            match self.at {
                At::Body { missing } => {
                    let there = bytes.len() - passed;
                    let taken = usize::try_from(missing).unwrap_or(usize::MAX).min(there);
                    passed += taken;
                    self.in_body(missing - taken as u64);
                }
                At::Boundary => {
                    self.is_close = byte & 0x0f == 0x8;
                    self.at = At::Length;
                    passed += 1;
                }
                At::Length => {
                    let masked = byte & 0x80 != 0;
                    match byte & 0x7f {
                        0x7e => self.at = At::Extended { missing: 2, length: 0, masked },
                        0x7f => self.at = At::Extended { missing: 8, length: 0, masked },
                        length => self.in_body(u64::from(length) + key(masked)),
                    }
                    passed += 1;
                }
                At::Extended { missing, length, masked } => {
                    let length = length << 8 | u64::from(byte);
                    match missing - 1 {
                        // A length that fills all 64 bits is against §5.2, and no reason to stumble.
                        0 => self.in_body(length.saturating_add(key(masked))),
                        missing => self.at = At::Extended { missing, length, masked },
                    }
                    passed += 1;
                }
            }
            if self.at == At::Boundary {
                break;
            }
        }
        passed
    }

    fn in_body(&mut self, missing: u64) {
        if missing > 0 {
            self.at = At::Body { missing };
        } else {
            self.at = At::Boundary;
            self.closed |= self.is_close;
        }
    }
}

/// Bytes of the masking key.
fn key(masked: bool) -> u64 {
    if masked { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A frame as §5.2 draws it, with the shortest length that can say it or a longer one.
    #[derive(Clone, Debug)]
    struct Frame {
        first: u8,
        masked: bool,
        payload: usize,
        wide: bool,
    }

    impl Frame {
        fn bytes(&self) -> Vec<u8> {
            let mask = if self.masked { 0x80 } else { 0 };
            let mut bytes = vec![self.first];
            match (self.payload, self.wide) {
                (length @ 0..=125, false) => bytes.push(mask | u8::try_from(length).unwrap()),
                (length @ 0..=65535, false) => {
                    bytes.push(mask | 0x7e);
                    bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
                }
                (length, _) => {
                    bytes.push(mask | 0x7f);
                    bytes.extend((length as u64).to_be_bytes());
                }
            }
            // What looks like heads of frames, so that a tracker that loses its place is found out.
            bytes.resize(bytes.len() + self.payload + if self.masked { 4 } else { 0 }, 0x88);
            bytes
        }
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let payload = prop_oneof![6 => 0..130_usize, 1 => 65530..65540_usize, 1 => Just(70_000)];
        let first = prop_oneof![4 => any::<u8>().prop_map(|first| first & 0xf7), 1 => Just(0x88_u8)];
        (first, any::<bool>(), payload, any::<bool>()).prop_map(|(first, masked, payload, wide)| Frame {
            first,
            masked,
            payload,
            wide,
        })
    }

    /// The end of every frame, and whether one before it or itself is a Close.
    fn ends(frames: &[Frame]) -> Vec<(usize, bool)> {
        let (mut end, mut closed) = (0, false);
        let end_of = |frame: &Frame| {
            end += frame.bytes().len();
            closed |= frame.first & 0x0f == 8;
            (end, closed)
        };
        frames.iter().map(end_of).collect()
    }

    proptest! {
        #[test]
        fn rfc_6455_5_2_frames_cut_anywhere_end_where_they_end(
            frames in vec(frame(), 0..8),
            cuts in vec(prop_oneof![3 => 1..20_usize, 1 => 1..100_000_usize], 1..40),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
            let ends = ends(&frames);
            let (mut followed, mut passed) = (Frames::default(), 0);
            for cut in cuts.iter().cycle() {
                let before = ends.iter().rev().find(|(end, _)| *end <= passed);
                let at_end = before.is_none_or(|(end, _)| *end == passed) && (passed == 0 || before.is_some());
                prop_assert_eq!(followed.at_boundary(), at_end, "after {} bytes", passed);
                prop_assert_eq!(followed.closed(), before.is_some_and(|(_, closed)| *closed));
                if passed == bytes.len() {
                    break;
                }
                let chunk = &bytes[passed..bytes.len().min(passed + cut)];
                let next = ends.iter().map(|(end, _)| end - passed.min(*end)).find(|rest| *rest > 0).unwrap();
                prop_assert_eq!(followed.clone().pass_to_boundary(chunk), next.min(chunk.len()));
                followed.pass(chunk);
                passed += chunk.len();
            }
        }

        #[test]
        fn bytes_that_are_no_frames_are_followed_without_stumbling(chunks in vec(vec(any::<u8>(), 1..50), 0..20)) {
            let mut frames = Frames::default();
            for chunk in chunks {
                let passed = frames.clone().pass_to_boundary(&chunk);
                prop_assert!((1..=chunk.len()).contains(&passed));
                frames.pass(&chunk);
            }
        }
    }

    #[test]
    fn the_greatest_length_does_not_wrap_round() {
        let mut frames = Frames::default();
        frames.pass(&[0x82, 0xff]);
        frames.pass(&[0xff; 8]);
        frames.pass(&[0; 1000]);
        assert!(!frames.at_boundary());
    }

    #[test]
    fn a_close_counts_when_its_last_byte_passed() {
        let mut frames = Frames::default();
        frames.pass(&[0x88, 2, 3]);
        assert!(!frames.closed() && !frames.at_boundary());
        frames.pass(&[0xe8]);
        assert!(frames.closed() && frames.at_boundary());
        frames.pass(&[0x89, 0]);
        assert!(frames.closed());
    }
}

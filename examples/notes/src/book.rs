//! Everybody's notes, in memory, each person's apart; whoever listens is told of each change. Bounded in every
//! direction: people, notes, their length, listeners. Knows no HTTP and no file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::problem::Problem;

/// Notes of one person.
pub const MAX_NOTES: usize = 200;
/// Characters of one note.
pub const MAX_TEXT: usize = 500;
/// People.
pub const MAX_USERS: usize = 256;
/// Event streams and `WebSocket`s of one person.
pub const MAX_STREAMS: usize = 16;
/// Changes that a slow listener may lie behind before its stream is ended (it comes back and reads the list).
const BACKLOG: usize = 64;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Unique among the notes of its owner.
    pub(crate) id: u64,
    /// 1 to [`MAX_TEXT`] characters.
    pub(crate) text: String,
    /// When it was added, in Unix seconds.
    pub(crate) at: i64,
}

/// What changed.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Change {
    /// A note is new.
    NoteAdded {
        /// The number of the change.
        seq: u64,
        /// The note.
        note: Note,
    },
    /// A note is gone.
    NoteDeleted {
        /// The number of the change.
        seq: u64,
        /// Which.
        id: u64,
    },
}

impl Change {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NoteAdded { .. } => "note-added",
            Self::NoteDeleted { .. } => "note-deleted",
        }
    }

    pub(crate) const fn seq(&self) -> u64 {
        match self {
            Self::NoteAdded { seq, .. } | Self::NoteDeleted { seq, .. } => *seq,
        }
    }
}

/// What outlives a restart.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Saved {
    people: HashMap<String, SavedPile>,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct SavedPile {
    seq: u64,
    notes: Vec<Note>,
}

struct Pile {
    saved: SavedPile,
    changes: broadcast::Sender<Arc<Change>>,
}

/// The notes. All methods are quick and never wait for anything but each other.
#[derive(Default)]
pub(crate) struct Book(Mutex<HashMap<String, Pile>>);

impl Book {
    pub(crate) fn open(saved: Saved) -> Self {
        Self(Mutex::new(saved.people.into_iter().map(|(sub, saved)| (sub, Pile::new(saved))).collect()))
    }

    pub(crate) fn saved(&self) -> Saved {
        let kept = self
            .lock()
            .iter()
            .filter(|(_, pile)| pile.saved.seq > 0)
            .map(|(sub, s)| (sub.clone(), s.saved.clone()))
            .collect();
        Saved { people: kept }
    }

    /// The number of the last change, and the notes, oldest first.
    pub(crate) fn list(&self, sub: &str) -> (u64, Vec<Note>) {
        self.lock().get(sub).map(|pile| (pile.saved.seq, pile.saved.notes.clone())).unwrap_or_default()
    }

    pub(crate) fn add(&self, sub: &str, text: &str, at: i64) -> Result<Note, Problem> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MAX_TEXT {
            return Err(Problem::BadNote);
        }
        let mut book = self.lock();
        let pile = pile(&mut book, sub)?;
        if pile.saved.notes.len() >= MAX_NOTES {
            return Err(Problem::TooManyNotes);
        }
        let seq = pile.next();
        let note = Note { id: seq, text: text.to_owned(), at };
        pile.saved.notes.push(note.clone());
        pile.tell(Change::NoteAdded { seq, note: note.clone() });
        Ok(note)
    }

    pub(crate) fn delete(&self, sub: &str, id: u64) -> Result<(), Problem> {
        let mut book = self.lock();
        let pile = book.get_mut(sub).ok_or(Problem::NotFound)?;
        let before = pile.saved.notes.len();
        pile.saved.notes.retain(|note| note.id != id);
        if pile.saved.notes.len() == before {
            return Err(Problem::NotFound);
        }
        let seq = pile.next();
        pile.tell(Change::NoteDeleted { seq, id });
        Ok(())
    }

    /// The changes of this person's notes from now on.
    pub(crate) fn listen(&self, sub: &str) -> Result<broadcast::Receiver<Arc<Change>>, Problem> {
        let mut book = self.lock();
        let pile = pile(&mut book, sub)?;
        if pile.changes.receiver_count() >= MAX_STREAMS {
            return Err(Problem::TooManyStreams);
        }
        Ok(pile.changes.subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pile {
    fn new(saved: SavedPile) -> Self {
        Self { saved, changes: broadcast::channel(BACKLOG).0 }
    }

    const fn next(&mut self) -> u64 {
        self.saved.seq = self.saved.seq.saturating_add(1);
        self.saved.seq
    }

    /// Nobody listening is not an error.
    fn tell(&self, change: Change) {
        let _nobody = self.changes.send(Arc::new(change));
    }
}

/// This person's pile, made when there is none; where all are taken, of those that are empty and unwatched.
fn pile<'a>(book: &'a mut HashMap<String, Pile>, sub: &str) -> Result<&'a mut Pile, Problem> {
    if !book.contains_key(sub) && book.len() >= MAX_USERS {
        book.retain(|_, pile| !pile.saved.notes.is_empty() || pile.changes.receiver_count() > 0);
        if book.len() >= MAX_USERS {
            return Err(Problem::Full);
        }
    }
    Ok(book.entry(sub.to_owned()).or_insert_with(|| Pile::new(SavedPile::default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_1_to_500_characters_and_a_person_200_notes() {
        let book = Book::default();
        assert_eq!(book.add("a", " \n", 0), Err(Problem::BadNote));
        assert_eq!(book.add("a", &"ü".repeat(501), 0), Err(Problem::BadNote));
        for _ in 0..MAX_NOTES {
            assert!(book.add("a", &"ü".repeat(500), 0).is_ok());
        }
        assert_eq!(book.add("a", "one more", 0), Err(Problem::TooManyNotes));
        assert_eq!(book.delete("a", 1), Ok(()));
        assert_eq!(book.add("a", "one more", 0).map(|note| note.id), Ok(202));
        assert!(book.add("b", "another's", 0).is_ok());
    }

    #[test]
    fn a_full_book_gives_the_piles_of_those_who_left_to_others() {
        let book = Book::default();
        for i in 0..MAX_USERS {
            assert!(book.add(&format!("user {i}"), "x", 0).is_ok());
        }
        assert_eq!(book.add("late", "x", 0), Err(Problem::Full));
        assert!(matches!(book.listen("late"), Err(Problem::Full)));
        assert_eq!(book.delete("user 0", 1), Ok(()));
        let watching = book.listen("user 0");
        assert_eq!(book.add("late", "x", 0), Err(Problem::Full));
        drop(watching);
        assert!(book.add("late", "x", 0).is_ok());
    }

    #[test]
    fn sixteen_streams_of_one_person_are_enough() {
        let book = Book::default();
        let open: Vec<_> = (0..MAX_STREAMS).map(|_| book.listen("a")).collect();
        assert!(open.iter().all(Result::is_ok));
        assert!(matches!(book.listen("a"), Err(Problem::TooManyStreams)));
        assert!(book.listen("b").is_ok());
        drop(open);
        assert!(book.listen("a").is_ok());
    }
}

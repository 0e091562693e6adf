//! What a run of the lab found: as data ([`Run`]), and in every form that people read it in. It knows neither browsers nor
//! victims: whoever has the JSON file can make the page from it.

mod baseline;
mod change;
mod index;
mod json;
mod label;
mod markdown;
mod page;
mod picture;
mod run;
mod verdict;

pub use self::baseline::{BASELINE_SCHEMA, Baseline, Worse};
pub use self::change::{BrowserChanges, CellChange, Changes, Coming, compare};
pub use self::json::{LONGEST, ReadError, json, read, schema};
pub use self::markdown::markdown;
pub use self::page::page;
pub use self::picture::{LARGEST, embed};
pub use self::run::{
    Actor, Attack, BrowserRun, Cell, Control, Defence, Evidence, Exchange, Run, SCHEMA, Step, Strategy,
    ThirdPartyCookies, UsabilityCell, UsabilityColumn, WorksAgain,
};
pub use self::verdict::Verdict;

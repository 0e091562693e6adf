//! A run as one HTML file that needs nothing else: no network, no server, and for its tables no script. `assets/page.html` is
//! its frame; a part of it stands in each file here. Evidence comes from attacks, so everything that a run says is text.

mod changes;
mod data;
mod defences;
mod evidence;
mod glance;
mod html;
mod level;
mod map;
mod masthead;
mod policy;
mod words;

use crate::change::compare;
use crate::index::Index;
use crate::run::Run;

use self::html::Html;

const FRAME: &str = include_str!("../../assets/page.html");
const STYLE: &str = concat!(
    include_str!("../../assets/page.css"),
    include_str!("../../assets/map.css"),
    include_str!("../../assets/cell.css"),
);
/// One script, in a block of its own, so that it has one hash and leaves nothing on `window`.
const SCRIPT: &str = concat!(
    "\"use strict\";\n{\n",
    include_str!("../../assets/data.js"),
    include_str!("../../assets/element.js"),
    include_str!("../../assets/cell.js"),
    include_str!("../../assets/grid.js"),
    include_str!("../../assets/filter.js"),
    include_str!("../../assets/beside.js"),
    include_str!("../../assets/runs.js"),
    "}\n"
);

/// The page of a run. With `before`, an earlier run, it also says what changed since.
///
/// Pictures that are `data:` addresses are in the page, the worst cells' first, up to 4 MiB of them; see [`crate::embed`].
/// Long bodies are cut, with `…` where; the JSON file has them whole.
pub fn page(run: &Run, before: Option<&Run>) -> String {
    let index = Index::of(run);
    let changes = before.map(|before| compare(before, run));
    let mut html = Html::default();
    for part in FRAME.split("<!--slot:") {
        let (slot, rest) = part.split_once("-->").unwrap_or(("", part));
        match slot {
            "policy" => {
                html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"");
                html.text(&policy::policy(STYLE, SCRIPT)).raw("\">");
            }
            "style" => {
                html.raw("<style>").raw(STYLE).raw("</style>");
            }
            "masthead" => masthead::write(&mut html, &index),
            "contents" => masthead::contents(&mut html, &index, changes.as_ref()),
            "legend" => masthead::legend(&mut html, run),
            "glance" => glance::write(&mut html, &index),
            "maps" => map::write(&mut html, &index, changes.as_ref()),
            "defences" => defences::write(&mut html, &index),
            "changes" => changes::write(&mut html, &index, changes.as_ref()),
            "words" => words::write(&mut html, &index),
            "data" => data::write(&mut html, &index, changes.as_ref()),
            "script" => {
                html.raw("<script>").raw(SCRIPT).raw("</script>");
            }
            _ => {}
        }
        html.raw(rest);
    }
    html.finish()
}

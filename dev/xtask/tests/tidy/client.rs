//! Laws about the browser client: the committed script was built from the committed source, and it is small.
//!
//! Neither needs Node.js: the script's first line carries the hash of its source (`client/build.mjs` writes it).

use std::io::Write;

use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::tree::{Breach, Tree};

const BUILT: [&str; 3] = ["client/dist/client.js", "client/dist/approve.js", "client/dist/pages.js"];
/// In bytes, compressed as a server would: each of them.
const LIMIT: usize = 2048;

/// The first line of each names the hash of `client/src` as it is now.
pub(crate) fn fresh(tree: &Tree) -> Vec<Breach> {
    let sources: Vec<(&str, &str)> =
        tree.files.iter().filter_map(|(path, text)| Some((path.strip_prefix("client/src/")?, text.as_str()))).collect();
    if sources.is_empty() {
        return Vec::new();
    }
    let wanted = first_line(&sources);
    let first = |built: &str| tree.files.get(built).and_then(|text| text.lines().next()) == Some(&*wanted);
    let stale = BUILT.into_iter().filter(|built| !first(built));
    stale
        .map(|built| Breach::at(built, "is not built from client/src as it is now: run `cargo xtask generate`"))
        .collect()
}

/// Each is under 2 KiB on the wire.
pub(crate) fn small(tree: &Tree) -> Vec<Breach> {
    let size = |built: &str| tree.files.get(built).map_or(0, |text| gzipped(text));
    let large = BUILT.into_iter().map(|built| (built, size(built))).filter(|(_, size)| *size >= LIMIT);
    large.map(|(built, size)| Breach::at(built, format!("{size} bytes gzipped, the limit is {LIMIT}"))).collect()
}

/// What `client/build.mjs` begins each script with: 32 digits of the hash.
fn first_line(sources: &[(&str, &str)]) -> String {
    format!("/* cloakroom client, source sha256:{} */", hash(sources).get(..32).unwrap())
}

/// SHA-256 over `path \n content \n` of every file, in the order of their paths, as hexadecimal.
fn hash(sources: &[(&str, &str)]) -> String {
    let mut context = Context::new(&SHA256);
    for (path, text) in sources {
        for part in [path, "\n", text, "\n"] {
            context.update(part.as_bytes());
        }
    }
    context.finish().as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn gzipped(text: &str) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

/// Text that no compression makes small: hashes of numbers.
pub(crate) fn incompressible(length: usize) -> String {
    (0..)
        .flat_map(|number: u32| hash(&[(&number.to_string(), "")]).into_bytes())
        .take(length * 2)
        .map(char::from)
        .collect()
}

#[test]
fn a_script_with_the_right_hash_is_fresh() {
    let built = format!("{}\nbody", first_line(&[("a.ts", "1"), ("b/c.ts", "2")]));
    let tree = |b: &str| {
        let [client, approve, pages] = BUILT.map(|path| (path, &*built));
        Tree::of(&[("client/src/a.ts", "1"), ("client/src/b/c.ts", b), client, approve, pages])
    };
    assert_eq!(fresh(&tree("2")), []);
    assert_eq!(fresh(&tree("3")).len(), 3);
}

#[test]
fn the_hash_is_the_one_that_sha256sum_gives() {
    // printf 'a.ts\n1\n' | sha256sum
    assert_eq!(hash(&[("a.ts", "1")]), "c52f44673f5577c0b30642bc5ae1a0fc0f64f4e892e17f7bf13a2841c01fb626");
}

//! Laws about lists that grow: dependencies have a reason, migrations have a number.

use std::collections::BTreeMap;

use super::tree::{Breach, Tree};

/// Every workspace dependency has a comment on its line, or belongs to a group that begins with one.
pub(crate) fn reasons(tree: &Tree) -> Vec<Breach> {
    let Some(manifest) = tree.files.get("Cargo.toml") else { return Vec::new() };
    let lines = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    let mut in_group = false;
    let mut bare = Vec::new();
    for line in lines.take_while(|line| !line.starts_with('[')) {
        in_group = line.starts_with('#') || (in_group && !line.trim().is_empty());
        if !in_group && !line.trim().is_empty() && !line.contains('#') {
            bare.push(Breach::at("Cargo.toml", format!("why is this here: {line}")));
        }
    }
    bare
}

/// In every `migrations` folder: `0001_name.sql`, `0002_name.sql`, … without a gap and without a number twice.
pub(crate) fn migrations(tree: &Tree) -> Vec<Breach> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    let files =
        tree.ending(".sql").filter_map(|(path, _)| path.rsplit_once('/').map(|(folder, file)| (path, folder, file)));
    files
        .filter(|(_, folder, _)| folder.split('/').any(|part| part == "migrations"))
        .filter_map(|(path, folder, file)| {
            let number = counted.entry(folder).or_default();
            *number += 1;
            let wanted = format!("{number:04}_");
            (!file.starts_with(&wanted)).then(|| Breach::at(path, format!("should begin with {wanted}")))
        })
        .collect()
}

#[test]
fn a_group_or_a_comment_is_a_reason() {
    let manifest = "[workspace.dependencies]\n# --- a\nb = \"1\"\nc = \"1\"\n\nd = \"1\" # e\n\n[profile.dev]\nf = 1\n";
    assert_eq!(reasons(&Tree::of(&[("Cargo.toml", manifest)])), []);
}

#[test]
fn a_number_used_twice_is_seen() {
    let tree = Tree::of(&[("s/migrations/0001_a.sql", ""), ("s/migrations/0001_b.sql", ""), ("s/other.sql", "")]);
    assert_eq!(migrations(&tree), [Breach::at("s/migrations/0001_b.sql", "should begin with 0002_")]);
}

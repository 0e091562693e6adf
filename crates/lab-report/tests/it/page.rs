//! The page as text; in browsers it is tried elsewhere.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_lab_report::{Run, page};
use serde_json::Value;

use crate::sample;
use crate::sample::hostile::hostile;

/// What stands in the elements that begin so.
fn blocks<'a>(page: &'a str, opening: &'a str) -> Vec<&'a str> {
    page.split(opening)
        .skip(1)
        .map(|rest| rest.split("</script>").next().unwrap().split("</style>").next().unwrap())
        .collect()
}

/// Every tag that a parser would see: its name, with what stands in it. Data and the page's own script are skipped as a
/// parser skips them, up to their end tag.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap();
        let tag = rest[..end].to_owned();
        rest = &rest[end + 1..];
        if let Some(raw) = ["script", "style"].into_iter().find(|raw| tag.split(' ').next() == Some(raw)) {
            rest = &rest[rest.find(&format!("</{raw}")).unwrap()..];
        }
        tags.push(tag);
    }
    tags
}

#[test]
fn the_policy_allows_this_script_and_this_style_and_nothing_else() {
    let page = page(&sample::small(1), None);
    let (policy, _) = page.split_once("Content-Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap();
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let (script, style) = (blocks(&page, "<script>"), blocks(&page, "<style>"));
    assert_eq!((script.len(), style.len()), (1, 1));
    let parts: Vec<String> = policy.replace("&#39;", "'").split("; ").map(str::to_owned).collect();
    assert_eq!(
        parts,
        [
            "default-src 'none'".to_owned(),
            format!("style-src 'sha256-{}'", hash(style[0])),
            format!("script-src 'sha256-{}'", hash(script[0])),
            "img-src data:".to_owned(),
            "base-uri 'none'".to_owned(),
            "form-action 'none'".to_owned(),
            "require-trusted-types-for 'script'".to_owned(),
            "trusted-types 'none'".to_owned(),
        ]
    );
    assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style>").unwrap());
}

#[test]
fn hostile_runs_have_the_markup_of_harmless_ones() {
    // The same tags with the same attributes: names and texts of a run are in attribute values only.
    let shape = |run: &Run| -> Vec<String> {
        let names = |tag: &String| tag.split('"').step_by(2).collect::<String>();
        tags(&page(run, Some(run))).iter().map(names).collect()
    };
    let harmless = sample::small(1);
    let hostile = hostile(&harmless);
    // Sources that begin with https:// are links, and hostile ones do not.
    let without_links = |mut run: Run| {
        run.strategies.iter_mut().for_each(|row| row.sources.clear());
        run.attacks.iter_mut().for_each(|column| column.sources.clear());
        run
    };
    let (spoiled, plain) = (shape(&without_links(hostile)), shape(&without_links(harmless)));
    for (place, (spoiled, plain)) in spoiled.iter().zip(&plain).enumerate() {
        assert_eq!(spoiled, plain, "tag {place}");
    }
    assert_eq!(spoiled.len(), plain.len());
}

#[test]
fn data_blocks_hold_what_the_run_says_to_the_letter() {
    let run = hostile(&sample::small(1));
    let page = page(&run, None);
    let blocks = blocks(&page, "<script type=\"application/json\" id=\"");
    let mut seen = 0;
    for block in &blocks {
        let (name, json) = block.split_once("\">").unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{name}");
        let value: Value = serde_json::from_str(json).unwrap();
        if name == "run" {
            assert_eq!(value["cells"].as_array().unwrap().len(), run.cells.len());
            assert_eq!(value["cells"][0][4], run.cells[0].why);
        } else if name.starts_with("evidence.") {
            for (number, shown) in value["cells"].as_object().unwrap() {
                let cell = &run.cells[number.parse::<usize>().unwrap()];
                assert_eq!(shown["requests"][0]["body"], cell.evidence.requests[0].body);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, run.cells.len());
}

#[test]
fn every_slot_of_the_frame_is_filled_and_no_name_is_used_twice() {
    let run = sample::small(1);
    let page = page(&run, Some(&run));
    assert!(!page.contains("<!--"));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for target in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(ids.binary_search(&target).is_ok(), "#{target} leads nowhere");
    }
}

#[test]
fn a_full_matrix_stays_below_fifteen_megabytes() {
    let page = page(&sample::full(1), None);
    assert!(page.len() < 15_000_000, "{} bytes", page.len());
    assert!(page.matches("<td class=\"l").count() > 2_400);
}

#[test]
fn pictures_are_in_it_once_and_within_their_bound() {
    let mut run = sample::small(1);
    let picture = |seed: usize| format!("data:image/png;base64,{}", format!("{seed:04}").repeat(128 * 1024));
    for (number, cell) in run.cells.iter_mut().enumerate() {
        cell.evidence.screenshot = Some(picture(number % 12));
    }
    let page = page(&run, None);
    let held = blocks(&page, "<script type=\"application/json\" id=\"picture.");
    assert_eq!(held.len(), 7, "of 512 KiB and a beginning, in 4 MiB");
}

#[test]
fn only_pictures_become_pictures() {
    let mut run = sample::small(1);
    run.cells[0].evidence.screenshot = Some("data:image/svg+xml;base64,AAAA".to_owned());
    run.cells[1].evidence.screenshot = Some("data:image/png;base64,AA\"onload=".to_owned());
    run.cells[2].evidence.screenshot = Some("https://evil.test/a.png".to_owned());
    run.cells[3].evidence.screenshot = Some("../../secret.png".to_owned());
    for cell in run.cells.iter_mut().skip(4) {
        cell.evidence.screenshot = None;
    }
    let page = page(&run, None);
    assert!(!page.contains("id=\"picture.") && !page.contains("evil.test/a.png") && !page.contains("secret.png"));
}

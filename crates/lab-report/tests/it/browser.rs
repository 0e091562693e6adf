//! The page in real browsers: opened from disk, by mouse and by keys, small and dark, and with evidence that wants to run.

use std::path::Path;

use cloakroom_browser::{Browser, Context, Engine, Page};
use cloakroom_lab_report::{Run, Verdict, json, page};
use serde_json::json as value;
use tempfile::TempDir;

use crate::sample;
use crate::sample::hostile::hostile;

/// One module per engine with the same tests in it.
macro_rules! in_both_engines {
    ($($name:ident)+) => {
        mod chromium {
            $(#[tokio::test] async fn $name() { super::$name(cloakroom_browser::Engine::Chromium).await; })+
        }
        mod firefox {
            $(#[tokio::test] async fn $name() { super::$name(cloakroom_browser::Engine::Firefox).await; })+
        }
    };
}

in_both_engines! {
    a_cell_opens_by_mouse_and_gives_the_focus_back
    a_cell_opens_by_keys_and_arrows_move
    an_address_opens_its_cell
    filters_leave_the_cells_that_were_asked_for
    two_strategies_are_compared
    a_run_from_disk_is_compared
    hostile_evidence_does_not_run
    axe_finds_nothing_in_light_and_dark
    a_narrow_window_scrolls_tables_and_not_the_page
    the_full_matrix_opens
}

/// A report in a browser. Dropping it ends both.
struct Shown {
    page: Page,
    _context: Context,
    _browser: Browser,
    _folder: TempDir,
}

async fn show(engine: Engine, run: &Run, before: Option<&Run>) -> Shown {
    show_at(engine, run, before, "").await
}

/// The same at a place in the page.
async fn show_at(engine: Engine, run: &Run, before: Option<&Run>, fragment: &str) -> Shown {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page(run, before)).unwrap();
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&format!("file://{}{fragment}", file.display())).await.unwrap();
    page.wait_for("document.documentElement.classList.contains('js')").await.unwrap();
    Shown { page, _context: context, _browser: browser, _folder: folder }
}

/// A usual window: in Firefox no larger than its screen, which it cannot leave.
fn usual(engine: Engine) -> (u32, u32) {
    if engine == Engine::Firefox { (1280, 720) } else { (1440, 900) }
}

/// Pictures for people go to the folder that this variable names, if it names one.
async fn picture(page: &Page, name: &str, size: (u32, u32), dark: bool) {
    if let Some(folder) = option_env!("CLOAKROOM_SHOTS") {
        page.screenshot(&Path::new(folder).join(format!("{name}.png")), size.0, size.1, dark).await.unwrap();
    }
}

async fn text(page: &Page, expression: &str) -> String {
    page.eval(expression).await.unwrap().as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_owned()
}

async fn a_cell_opens_by_mouse_and_gives_the_focus_back(engine: Engine) {
    let run = sample::small(1);
    let shown = show(engine, &run, None).await;
    let page = &shown.page;
    page.click("[id='firefox.S1.A1']").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
    let told = page.text("dialog").await.unwrap();
    for part in [
        "LEAK",
        "localStorage",
        "A1 A script reads every storage",
        "Firefox 153.0",
        "A customer writes a blog post",
        "worked",
        "On the wire",
        "alice logs in",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for slip in ["false", "undefined", "null", "[object", "NaN"] {
        assert!(!told.contains(slip), "{slip}: {told}");
    }
    assert!(page.url().await.unwrap().ends_with("#firefox.S1.A1"));
    // A request unfolds.
    page.click("dialog details summary").await.unwrap();
    assert!(page.text("dialog details").await.unwrap().contains("user-agent: Mozilla/5.0"));
    // To another browser, and away.
    page.click("dialog .chips button").await.unwrap();
    page.wait_for("location.hash === '#chromium.S1.A1'").await.unwrap();
    page.press("Escape").await.unwrap();
    page.wait_for("!document.querySelector('dialog').open").await.unwrap();
    assert_eq!(text(page, "document.activeElement.id").await, "chromium.S1.A1");
    assert_eq!(text(page, "location.hash").await, "");

    // A header tells what its line is.
    page.click("#glance th a").await.unwrap();
    page.click("section.state tr[data-s='S9'] th a").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
    assert!(page.text("dialog").await.unwrap().contains("A cookie that every site sends along."));
    page.click("dialog .close").await.unwrap();
    page.wait_for("!document.querySelector('dialog').open").await.unwrap();
}

async fn a_cell_opens_by_keys_and_arrows_move(engine: Engine) {
    let shown = show(engine, &sample::small(1), None).await;
    let page = &shown.page;
    assert_eq!(
        page.eval("document.querySelectorAll('table.map')[0].querySelectorAll('a[tabindex=\"0\"]').length")
            .await
            .unwrap(),
        1
    );
    page.eval("document.querySelector('table.map a[tabindex=\"0\"]').focus()").await.unwrap();
    assert_eq!(text(page, "document.activeElement.id").await, "chromium.cookie.A1");
    for (key, place) in [
        ("ArrowRight", "chromium.cookie.A3b"),
        ("ArrowDown", "chromium.ticket.A3b"),
        // Over the line that sets victims apart.
        ("ArrowDown", "chromium.S1.A3b"),
        ("End", "chromium.S1.R1"),
        ("ArrowRight", "chromium.S1.R1"),
        ("ArrowUp", "chromium.ticket.R1"),
        ("ArrowLeft", "chromium.ticket.C5"),
        ("PageDown", "chromium.S10.C5"),
    ] {
        page.press(key).await.unwrap();
        assert_eq!(text(page, "document.activeElement.id").await, place, "{key}");
    }
    page.press("Enter").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
    assert_eq!(text(page, "document.activeElement.id").await, "cell-title");
    page.press("Escape").await.unwrap();
    page.wait_for("!document.querySelector('dialog').open").await.unwrap();
    page.wait_for("document.activeElement.id === 'chromium.S10.C5'").await.unwrap();
    assert_eq!(page.eval("document.activeElement.tabIndex").await.unwrap(), 0);
    // To the header of the line, and of the column.
    page.press("Home").await.unwrap();
    assert_eq!(text(page, "document.activeElement.getAttribute('href')").await, "#strategy.S10");
    page.press("Enter").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
}

async fn an_address_opens_its_cell(engine: Engine) {
    let shown = show_at(engine, &sample::small(1), None, "#webkit.S9.C1").await;
    shown.page.wait_for("document.querySelector('dialog').open").await.unwrap();
    assert!(shown.page.text("dialog .under").await.unwrap().contains("C1 A form of another site"));
    shown.page.press("Escape").await.unwrap();
    shown.page.wait_for("!document.querySelector('dialog').open").await.unwrap();
    // A dialog tells that it is closed after it is.
    shown.page.wait_for("document.activeElement.id === 'webkit.S9.C1'").await.unwrap();
}

/// The names of the cells that are shown and not dimmed.
const LEFT: &str = "[...document.querySelectorAll('a[data-i]')].filter(a => a.offsetParent && !a.parentNode.classList.contains('dim')).map(a => a.id)";

async fn filters_leave_the_cells_that_were_asked_for(engine: Engine) {
    let run = sample::small(1);
    let shown = show(engine, &run, None).await;
    let page = &shown.page;
    let name = |cell: &cloakroom_lab_report::Cell| format!("{}.{}.{}", cell.browser, cell.strategy, cell.attack);
    let expect = async |what: &str, is_meant: &dyn Fn(&cloakroom_lab_report::Cell) -> bool| {
        let mut left: Vec<String> = serde_json::from_value(page.eval(LEFT).await.unwrap()).unwrap();
        let mut meant: Vec<String> = run.cells.iter().filter(|cell| is_meant(cell)).map(name).collect();
        left.sort();
        meant.sort();
        assert_eq!(left, meant, "{what}");
        assert!(!left.is_empty(), "{what}");
        let found = text(page, "document.getElementById('found').value").await;
        let all = run.cells.len();
        assert_eq!(
            found,
            if left.len() == all { format!("{all} cells") } else { format!("{} of {all} cells", left.len()) }
        );
    };
    let set = async |id: &str, to: &str| {
        let set = format!(
            "(field => {{ field.value = {to:?}; field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})(document.getElementById({id:?}))"
        );
        page.eval(&set).await.unwrap();
    };
    expect("nothing", &|_| true).await;
    set("browser", "firefox").await;
    expect("browser", &|cell| cell.browser == "firefox").await;
    set("group", "A script in the page").await;
    expect("group", &|cell| cell.browser == "firefox" && cell.attack.starts_with('A')).await;
    // The group's header spans what is left, and others are gone.
    assert_eq!(page.eval("[...document.querySelectorAll('[id=\"map.firefox\"] .groups th')].filter(th => !th.hidden).map(th => th.colSpan)").await.unwrap(), value!([2]));
    page.click("#all").await.unwrap();
    expect("all again", &|_| true).await;

    page.click("#ours").await.unwrap();
    expect("Cloakroom", &|cell| !cell.strategy.starts_with('S')).await;
    assert_eq!(
        page.eval("[...document.querySelectorAll('[id=\"map.firefox\"] .map tbody')].map(set => set.hidden)")
            .await
            .unwrap(),
        value!([false, true])
    );
    page.click("#ours").await.unwrap();

    page.click("#differs").await.unwrap();
    let judged = |cell: &&cloakroom_lab_report::Cell| !matches!(cell.verdict, Verdict::Invalid | Verdict::NotRun);
    expect("differences", &|cell| {
        let same = run
            .cells
            .iter()
            .filter(|other| other.strategy == cell.strategy && other.attack == cell.attack)
            .filter(judged);
        let mut verdicts: Vec<Verdict> = same.map(|other| other.verdict).collect();
        verdicts.sort();
        verdicts.dedup();
        verdicts.len() > 1
    })
    .await;
    page.click("#differs").await.unwrap();

    page.click("#legend button[data-v='LEAK']").await.unwrap();
    expect("verdict", &|cell| cell.verdict == Verdict::Leak || cell.unstable.contains(&Verdict::Leak)).await;
    assert_eq!(
        text(page, "document.querySelector('#legend button[data-v=LEAK]').getAttribute('aria-pressed')").await,
        "true"
    );
    picture(page, &format!("filter-{}", engine.name()), usual(engine), false).await;
    page.click("#legend button[data-v='LEAK']").await.unwrap();

    page.fill("#find", "A3B local").await.unwrap();
    expect("text", &|cell| cell.strategy == "S1" && cell.attack == "A3b").await;
    page.fill("#find", "nothing has this").await.unwrap();
    page.wait_for("document.getElementById('found').value.startsWith('0 of')").await.unwrap();
}

async fn two_strategies_are_compared(engine: Engine) {
    let shown = show(engine, &sample::small(1), None).await;
    let page = &shown.page;
    let head = text(page, "document.querySelector('.pair thead').innerText").await;
    assert!(head.contains("S1") && head.contains("localStorage") && head.contains("cookie"), "{head}");
    let lines = "[...document.querySelectorAll('.pair tbody tr:not(.part)')]";
    assert_eq!(page.eval(&format!("{lines}.length")).await.unwrap(), 5 + 11);
    assert!(text(page, &format!("{lines}[0].innerText")).await.contains("cookie is better"));
    page.click("#only").await.unwrap();
    assert_eq!(page.eval(&format!("{lines}.every(line => line.className === 'differs')")).await.unwrap(), true);
    page.eval("(field => { field.value = 'S1'; field.dispatchEvent(new Event('input', { bubbles: true })); })(document.getElementById('right'))").await.unwrap();
    assert_eq!(page.text("#pair-out").await.unwrap(), "They do not differ.");
    page.click("#only").await.unwrap();
    page.click(".pair button.chip").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
    page.press("Escape").await.unwrap();
    page.wait_for("!document.querySelector('dialog').open && document.activeElement.id === 'chromium.S1.A1'")
        .await
        .unwrap();
}

/// Chooses a file of this text in the page.
async fn load(page: &Page, text: &str) {
    let choose = format!(
        "(() => {{ const files = new DataTransfer(); files.items.add(new File([{}], 'other.json')); \
         const field = document.getElementById('other'); field.files = files.files; \
         document.getElementById('other-out').replaceChildren(); field.dispatchEvent(new Event('change')); }})()",
        value!(text)
    );
    page.eval(&choose).await.unwrap();
    page.wait_for("document.getElementById('other-out').children.length > 0").await.unwrap();
}

async fn a_run_from_disk_is_compared(engine: Engine) {
    let run = sample::small(1);
    let mut other = run.clone();
    "2026-12-24T18:00:00Z".clone_into(&mut other.began_at);
    "firefox/154.0".clone_into(&mut other.browsers[1].version);
    "R9".clone_into(&mut other.attacks[4].id);
    other.cells.retain(|cell| cell.attack != "R1");
    let place = other.cells.iter().position(|cell| cell.browser == "firefox").unwrap();
    other.cells[place].verdict = Verdict::Leak;
    "<img src=x onerror=window.owned=40>".clone_into(&mut other.cells[place].why);
    // What is in the page already, and what is loaded, are compared alike.
    let shown = show(engine, &other, Some(&run)).await;
    let page = &shown.page;
    let written = text(page, "document.getElementById('changes').parentNode.innerText").await;
    load(page, &json(&run)).await;
    let loaded = page.text("#other-out").await.unwrap();
    for told in [
        "Firefox 153.0 → Firefox 154.0: 1 of 20 cells changed",
        "Chromium 150.0.7871.46: none of 20 cells changed",
        "new: attack R9 A copied credential",
        "no longer there: attack R1 A copied credential",
        "<img src=x onerror=window.owned=40>",
    ] {
        assert!(written.contains(told), "{told}: {written}");
        assert!(loaded.contains(told), "{told}: {loaded}");
    }
    assert!(
        text(page, &format!("document.getElementById('{}').innerText", "firefox.cookie.A1")).await.contains("LEAK")
    );
    assert!(text(page, "document.querySelector('.changed').textContent").await.contains("changed, was"));
    picture(page, &format!("changes-{}", engine.name()), usual(engine), false).await;

    for (file, said) in [
        ("nonsense", "other.json cannot be compared"),
        ("{\"schema\":\"cloakroom-lab-run/9\"}", "this page reads cloakroom-lab-run/1"),
        ("{\"schema\":\"cloakroom-lab-run/1\",\"began_at\":\"\",\"browsers\":[{}]}", "browsers[0].id is no text"),
        (&*json(&run).replacen("\"SAFE\"", "\"FINE\"", 1), "].verdict is no verdict"),
    ] {
        load(page, file).await;
        let told = page.text("#other-out").await.unwrap();
        assert!(told.contains(said), "{told}");
    }
    assert_eq!(page.eval("typeof owned").await.unwrap(), "undefined");
}

async fn hostile_evidence_does_not_run(engine: Engine) {
    let run = hostile(&sample::small(1));
    let shown = show(engine, &run, Some(&run)).await;
    let page = &shown.page;
    page.eval("window.violations = [], addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective))").await.unwrap();
    // Every cell, every measure, every header, every folded part is opened.
    let opened = page
        .eval(
            "(() => { let opened = 0; const dialog = document.querySelector('dialog'); \
             for (const link of document.querySelectorAll('table.map a, table.use a')) { link.click(); \
             for (const fold of dialog.querySelectorAll('details')) fold.open = true; \
             if (dialog.open && dialog.innerText.length > 100) opened += 1; dialog.close(); } \
             for (const fold of document.querySelectorAll('details')) fold.open = true; return opened; })()",
        )
        .await
        .unwrap();
    assert_eq!(opened, 3 * (5 * 5 + 5 * 11 + 5 + 5 + 5));
    load(page, &json(&run)).await;
    page.fill("#find", "script").await.unwrap();
    // What was to run has had its turns: two frames, with their timers, pictures and event handlers.
    page.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))").await.unwrap();
    assert_eq!(page.eval("typeof window.owned").await.unwrap(), "undefined");
    assert_eq!(page.eval("violations").await.unwrap(), value!([]), "nothing even tried");
    let strange = "[...document.querySelectorAll('script:not([type=\"application/json\"]), iframe, object, embed, link, base, meta[http-equiv], img, svg *:not(rect)')].map(element => element.outerHTML.slice(0, 40))";
    let strange: Vec<String> = serde_json::from_value(page.eval(strange).await.unwrap()).unwrap();
    assert_eq!(strange.len(), 2, "the policy and the page's script: {strange:?}");
    assert_eq!(
        page.eval(
            "[...document.querySelectorAll('a')].filter(link => !/^(#|https:)/.test(link.getAttribute('href'))).length"
        )
        .await
        .unwrap(),
        0
    );
    assert_eq!(page.eval("[...document.querySelectorAll('*')].flatMap(element => [...element.attributes]).filter(attribute => attribute.name.startsWith('on')).length").await.unwrap(), 0);
    picture(page, &format!("hostile-{}", engine.name()), usual(engine), false).await;
}

async fn axe_finds_nothing_in_light_and_dark(engine: Engine) {
    let run = sample::small(1);
    let mut before = run.clone();
    before.cells[0].verdict = Verdict::Leak;
    let mut absent = run.clone();
    absent.browsers[2].not_run = Some("not installed: apt install webkit2gtk-driver".to_owned());
    let shown = show(engine, &absent, Some(&before)).await;
    let page = &shown.page;
    for dark in [false, true] {
        if dark {
            page.emulate_dark().await.unwrap();
        } else {
            page.emulate_light().await.unwrap();
        }
        assert_eq!(page.axe().await.unwrap(), [], "dark: {dark}");
        page.click("[id='chromium.S1.A1']").await.unwrap();
        page.wait_for("document.querySelector('dialog').open").await.unwrap();
        page.eval("document.querySelectorAll('dialog details').forEach(fold => { fold.open = true; })").await.unwrap();
        assert_eq!(page.axe().await.unwrap(), [], "dark: {dark}, a cell");
        page.press("Escape").await.unwrap();
        page.wait_for("!document.querySelector('dialog').open").await.unwrap();
    }
}

async fn a_narrow_window_scrolls_tables_and_not_the_page(engine: Engine) {
    let shown = show(engine, &sample::small(1), None).await;
    let page = &shown.page;
    page.set_viewport(360, 740).await.unwrap();
    page.wait_for("innerWidth === 360").await.unwrap();
    // What stands out at the side, and in no table that scrolls.
    let out = "[...document.body.querySelectorAll('*')].filter(element => !element.closest('.scroll, dialog, .skip') && element.getBoundingClientRect().right > 360.5).map(element => element.outerHTML.slice(0, 80))";
    assert_eq!(page.eval(out).await.unwrap(), value!([]));
    page.eval("document.querySelectorAll('details').forEach(fold => { fold.open = true; })").await.unwrap();
    assert_eq!(page.eval(out).await.unwrap(), value!([]), "unfolded");
    let sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(page.eval(sideways).await.unwrap(), 0);
    page.click("[id='firefox.S1.A1']").await.unwrap();
    page.wait_for("document.querySelector('dialog').open").await.unwrap();
    let place = "(({ left, right }) => [left, right - document.documentElement.clientWidth])(document.querySelector('dialog').getBoundingClientRect())";
    assert_eq!(page.eval(place).await.unwrap(), value!([0, 0]), "the dialog fills the window");
    let sideways = "(dialog => dialog.scrollWidth - dialog.clientWidth)(document.querySelector('dialog'))";
    assert_eq!(page.eval(sideways).await.unwrap(), 0);
    assert_eq!(page.axe().await.unwrap(), []);
}

async fn the_full_matrix_opens(engine: Engine) {
    let run = sample::full(1);
    let mut before = run.clone();
    for cell in before.cells.iter_mut().filter(|cell| cell.attack == "C4") {
        cell.verdict = Verdict::Forge;
    }
    "firefox/152.0".clone_into(&mut before.browsers[1].version);
    let shown = show(engine, &run, Some(&before)).await;
    let page = &shown.page;
    assert_eq!(page.eval("document.querySelectorAll('a[data-i]').length").await.unwrap(), 3 * 26 * 32);
    let name = |what: &str| format!("{what}-{}", engine.name());
    for (place, what) in [
        ("body", "top"),
        ("#glance", "glance"),
        ("[id='map.firefox']", "map"),
        ("#defences", "defences"),
        ("#beside", "beside"),
        ("#changes", "changes-full"),
    ] {
        for (size, kind) in [(usual(engine), ""), ((360, 740), "-narrow")] {
            page.set_viewport(size.0, size.1).await.unwrap();
            page.eval(&format!("document.querySelector({place:?}).scrollIntoView()")).await.unwrap();
            picture(page, &name(&format!("{what}{kind}")), size, false).await;
            picture(page, &name(&format!("{what}{kind}-dark")), size, true).await;
        }
    }
    let (width, height) = usual(engine);
    page.set_viewport(width, height).await.unwrap();
    for place in ["firefox.S1.A1", "chromium.cookie.C5"] {
        page.click(&format!("[id='{place}']")).await.unwrap();
        page.wait_for("document.querySelector('dialog').open").await.unwrap();
        for dark in [false, true] {
            picture(page, &name(&format!("cell-{place}{}", if dark { "-dark" } else { "" })), usual(engine), dark)
                .await;
        }
        page.eval("document.querySelector('dialog details').open = true, document.querySelector('dialog .controls').scrollIntoView()").await.unwrap();
        picture(page, &name(&format!("evidence-{place}")), usual(engine), false).await;
        picture(page, &name(&format!("cell-{place}-narrow")), (360, 740), false).await;
        page.press("Escape").await.unwrap();
        page.wait_for("!document.querySelector('dialog').open").await.unwrap();
    }
}

/// Chromium alone can be told to run no scripts.
#[tokio::test]
async fn without_scripts_there_are_tables_the_legend_and_reasons() {
    let run = sample::small(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page(&run, None)).unwrap();
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.set_javascript(false).await.unwrap();
    page.goto(&format!("file://{}", file.display())).await.unwrap();
    page.wait_for("document.querySelector('footer')").await.unwrap();
    let visible = async |selector: &str| {
        page.eval(&format!("document.querySelector({selector:?}).offsetParent !== null")).await.unwrap()
    };
    for there in ["table.map", "table.use", "table.defences", "#legend .chip", ".glance", ".words details"] {
        assert_eq!(visible(there).await, true, "{there}");
    }
    for gone in ["#filters", "#pair", "#other", ".keys"] {
        assert_eq!(visible(gone).await, false, "{gone}");
    }
    // A cell leads to its reason, which unfolds.
    page.click("[id='webkit.S1.A1']").await.unwrap();
    page.wait_for("location.hash === '#word.webkit.S1.A1'").await.unwrap();
    let reason = page.text("[id='word.webkit.S1.A1']").await.unwrap();
    assert!(reason.starts_with("A1 A script reads every storage: LEAK. The canary arrived"), "{reason}");
    assert_eq!(visible("[id='word.webkit.S1.A1']").await, true);
}

//! Writes HTML so that nothing of a run can become markup: what is written as it is must stand in this program's source, and
//! everything else is escaped. Which markup is written is left to the parts of the page.

/// HTML that grows.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours. A value that comes with a run does not live as long as the program, so it does not fit in here.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in an element or in a quoted attribute (HTML Standard, 13.3).
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.replaced(text, |char| match char {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            '"' => Some("&quot;"),
            '\'' => Some("&#39;"),
            // It would be an error in the document; the parser makes this of it.
            '\0' => Some("\u{fffd}"),
            _ => None,
        })
    }

    /// A number as it is.
    pub(super) fn number(&mut self, number: usize) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// A name that can stand in `id` and behind `#`: `chromium.S1.A1`. The script makes the same of it.
    pub(super) fn name(&mut self, parts: &[&str]) -> &mut Self {
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.0.push('.');
            }
            let plain = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char } else { '_' };
            self.0.extend(part.chars().map(plain));
        }
        self
    }

    /// JSON in a `script` element. Within strings, and there is nothing else where these could stand, they are written so
    /// that no parser of HTML sees an element or a comment end or begin (HTML Standard, 4.12.1.3).
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> &mut Self {
        // Texts, numbers and lists: serde_json has nothing here that it could refuse.
        let json = serde_json::to_string(value).unwrap_or_default();
        self.replaced(&json, |char| match char {
            '<' => Some("\\u003c"),
            '>' => Some("\\u003e"),
            '&' => Some("\\u0026"),
            '\u{2028}' => Some("\\u2028"),
            '\u{2029}' => Some("\\u2029"),
            _ => None,
        })
    }

    /// The text with some characters replaced, a run of the others at a time.
    fn replaced(&mut self, text: &str, by: fn(char) -> Option<&'static str>) -> &mut Self {
        let mut rest = text;
        while let Some((at, char)) = rest.char_indices().find(|(_, char)| by(*char).is_some()) {
            let (before, after) = rest.split_at(at);
            self.0.push_str(before);
            self.0.push_str(by(char).unwrap_or_default());
            rest = after.get(char.len_utf8()..).unwrap_or_default();
        }
        self.0.push_str(rest);
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[test]
fn text_opens_nothing() {
    let mut html = Html::default();
    html.raw("<p title=\"").text("\"><script>&'\0").raw("\">");
    assert_eq!(html.finish(), "<p title=\"&quot;&gt;&lt;script&gt;&amp;&#39;\u{fffd}\">");
}

#[test]
fn json_closes_nothing_and_means_the_same() {
    let hostile = "</script><!--<script>&amp;\u{2028}\u{2029}\"\\";
    let mut html = Html::default();
    html.json(&hostile);
    let written = html.finish();
    assert!(!written.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{written}");
    assert_eq!(serde_json::from_str::<String>(&written).unwrap(), hostile);
}

#[test]
fn a_name_needs_no_escaping() {
    let mut html = Html::default();
    html.name(&["chromium-3pc", "S 1\"", "ä/"]);
    assert_eq!(html.finish(), "chromium-3pc.S_1_.__");
}

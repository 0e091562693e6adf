//! Evidence as large as that of a real cell, with what an attack might leave in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_lab_report::{Actor, Attack, Evidence, Exchange, Step, Strategy, Verdict};

use super::Dice;

/// What wants to run: each sets `window.owned`, or would, if the page took it for markup, for script, or for an address.
pub(crate) const HOSTILE: &[&str] = &[
    "</script><script>window.owned=1</script>",
    "<img src=x onerror=\"window.owned=2\">",
    "\"><svg onload=window.owned=3>",
    "'-(window.owned=4)-'",
    "<!--<script>window.owned=5;",
    "\u{2028}window.owned=6\u{2029}",
    "]]></style><body onload=window.owned=7>",
    "</noscript></template></textarea></title></dialog><iframe srcdoc='<script>parent.owned=8</script>'>",
    "javascript:window.owned=9",
    "${window.owned=10}{{owned}}&lt;script&gt;\\u003cscript\\u003e",
    "\u{202e}txet desrever\u{0000}\u{0007}\u{1b}[31m",
];

pub(crate) fn of(dice: &mut Dice, row: &Strategy, attack: &Attack, verdict: Verdict) -> Evidence {
    let step = |at_ms, who, what: &str, outcome: &str, failed| Step {
        at_ms,
        who,
        what: what.to_owned(),
        outcome: outcome.to_owned(),
        failed,
    };
    let fell = !matches!(verdict, Verdict::Safe | Verdict::Na | Verdict::Invalid);
    let hostile = HOSTILE[usize::try_from(dice.below(HOSTILE.len() as u64)).unwrap()];
    Evidence {
        steps: vec![
            step(0, Actor::Victim, "alice logs in with her password", "200, and her profile is shown", false),
            step(
                412,
                Actor::Victim,
                "alice opens the preview of a blog post",
                &format!("the post says {hostile}"),
                false,
            ),
            step(655, Actor::Attacker, &format!("the attack begins: {}", attack.title), "", false),
            step(731, Actor::Browser, "reports a violation of its policy", "connect-src", !fell),
            step(
                1204,
                Actor::Server,
                "the collector was asked what arrived",
                if fell { "one request, with the canary in it" } else { "nothing" },
                false,
            ),
        ],
        requests: (0..4 + dice.below(3)).map(|number| exchange(dice, row, number, hostile)).collect(),
        screenshot: match dice.below(12) {
            0 => Some(picture(dice)),
            1 => Some(format!("pictures/{}-{}.png", row.id, attack.id)),
            2 => Some("javascript:window.owned=20".to_owned()),
            3 => Some("data:text/html,<script>window.owned=21</script>".to_owned()),
            _ => None,
        },
    }
}

fn exchange(dice: &mut Dice, row: &Strategy, number: u64, hostile: &str) -> Exchange {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let token: String = (0..320).map(|_| char::from(b'a' + u8::try_from(dice.below(26)).unwrap())).collect();
    let to_attacker = number == 3;
    Exchange {
        at_ms: 40 + number * 211,
        server: if to_attacker { "attacker" } else { "victim" }.to_owned(),
        method: if number == 0 { "POST" } else { "GET" }.to_owned(),
        url: if to_attacker {
            format!("https://evil.test/collect?from={}&x={hostile}", row.id)
        } else {
            "https://app.lab.test/api/profile".to_owned()
        },
        headers: vec![
            field("host", "app.lab.test:8443"),
            field(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
            ),
            field("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            field("accept-language", "en-GB,en;q=0.9"),
            field("sec-fetch-site", "same-origin"),
            field("sec-fetch-mode", "cors"),
            field("authorization", &format!("Bearer {token}")),
            field("x-hostile", hostile),
        ],
        body: if number == 0 { format!("{{\"name\":\"alice\",\"note\":\"{hostile}\"}}") } else { String::new() },
        status: if to_attacker { 204 } else { 200 },
        answer_headers: vec![
            field("set-cookie", "__Host-Http-session=…; Secure; HttpOnly; SameSite=Strict; Path=/"),
            field("cache-control", "no-store"),
        ],
    }
}

/// A PNG of some size that browsers show: 160 by 100, grey, stored without compression.
fn picture(dice: &mut Dice) -> String {
    let (width, height) = (160_u32, 100_u32);
    let shade = u8::try_from(120 + dice.below(100)).unwrap();
    let mut rows = Vec::new();
    for row in 0..height {
        rows.push(0);
        rows.extend((0..width).map(|column| if (row / 10 + column / 10) % 2 == 0 { shade } else { shade / 2 + 60 }));
    }
    // Stored blocks of DEFLATE (RFC 1951, 3.2.4) in a zlib stream (RFC 1950).
    let mut data = vec![0x78, 0x01];
    let mut blocks = rows.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        data.push(u8::from(blocks.peek().is_none()));
        data.extend(length.to_le_bytes());
        data.extend((!length).to_le_bytes());
        data.extend(block);
    }
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        ((a + u32::from(*byte)) % 65521, (b + (a + u32::from(*byte)) % 65521) % 65521)
    });
    data.extend(((b << 16) | a).to_be_bytes());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    for (name, content) in
        [(b"IHDR", [size.as_slice(), &[8, 0, 0, 0, 0]].concat()), (b"IDAT", data), (b"IEND", Vec::new())]
    {
        png.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let part = [name.as_slice(), &content].concat();
        png.extend(&part);
        png.extend(crc(&part).to_be_bytes());
    }
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// CRC-32 of a PNG chunk (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    })
}

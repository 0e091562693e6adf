//! The pictures of TOTP secrets, read back by another program's decoder.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cloakroom_factor::totp::Secret;
use rqrr::{Grid, PreparedImage, SimpleGrid};

/// The pixels of our `<svg>`: rows of squares drawn as `M{x} {y}h{width}v{height}H{x}V{y}`, dark on light.
struct Picture {
    side: usize,
    dark: Vec<bool>,
}

impl Picture {
    fn of(svg: &str) -> Self {
        let side = between(svg, "width=\"", "\"").parse().unwrap();
        assert_eq!(between(svg, "viewBox=\"", "\""), format!("0 0 {side} {side}"));
        assert!(svg.contains(&format!("<rect x=\"0\" y=\"0\" width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>")));
        let mut picture = Self { side, dark: vec![false; side * side] };
        for square in between(svg, "fill=\"#000\" d=\"", "\"").split('M').skip(1) {
            let numbers =
                square.split(|char: char| !char.is_ascii_digit()).map(|number| number.parse::<usize>().unwrap());
            let [left, top, width, height, ..] = numbers.collect::<Vec<_>>()[..] else { panic!("{square}") };
            for row in top..top + height {
                picture.dark[row * side + left..][..width].fill(true);
            }
        }
        picture
    }

    /// Where the code begins and how wide one module is, in pixels. The finder pattern in the corner is seven wide.
    fn layout(&self) -> (usize, usize) {
        let corner = self.dark.iter().position(|dark| *dark).unwrap();
        let (top, left) = (corner / self.side, corner % self.side);
        assert_eq!(top, left);
        (top, self.dark[corner..].iter().take_while(|dark| **dark).count() / 7)
    }

    /// What stands in the code, read module by module.
    fn read(&self) -> String {
        let (margin, module) = self.layout();
        assert_eq!(margin, 4 * module, "a quiet zone of four modules (ISO/IEC 18004)");
        let modules = (self.side - 2 * margin) / module;
        let dark = |x, y| self.dark[(margin + y * module + module / 2) * self.side + margin + x * module + module / 2];
        Grid::new(SimpleGrid::from_func(modules, dark)).decode().unwrap().1
    }

    /// What a camera finds in the picture.
    fn find(&self) -> String {
        let grey = |x, y| if self.dark[y * self.side + x] { 0 } else { 255 };
        let mut image = PreparedImage::prepare_from_greyscale(self.side, self.side, grey);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code in the picture");
        grids[0].decode().unwrap().1
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn a_thousand_pictures_read_back_as_what_was_drawn() {
    for number in 0..1000_u32 {
        let mut bytes = [0; 20];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from((number as usize * 31 + at * 97) % 251).unwrap();
        }
        let account = format!("{}{number}@example.com", "é".repeat(number as usize % 40));
        let uri = Secret::new(bytes).uri("Café & Co.", &account);
        let picture = Picture::of(&Secret::qr_svg(&uri).unwrap());
        assert!(picture.side >= 240);
        assert_eq!(picture.read(), uri);
        if number % 50 == 0 {
            assert_eq!(picture.find(), uri);
        }
    }
}

//! QR codes of pages, read as a camera does: the pixels of our `svg`, found and decoded by another program's decoder.

use rqrr::PreparedImage;

/// What stands in a QR code that was drawn as squares `M{x} {y}h{width}v{height}…`, dark on light.
pub(crate) fn read_qr(svg: &str) -> String {
    let side: usize = between(svg, "width=\"", "\"").parse().unwrap();
    let mut dark = vec![false; side * side];
    for square in between(svg, "fill=\"#000\" d=\"", "\"").split('M').skip(1) {
        let numbers = square.split(|char: char| !char.is_ascii_digit()).map(|number| number.parse::<usize>().unwrap());
        let [left, top, width, height, ..] = numbers.collect::<Vec<_>>()[..] else { unreachable!("{square}") };
        for row in top..top + height {
            dark[row * side + left..][..width].fill(true);
        }
    }
    let grey = |x, y| if dark[y * side + x] { 0 } else { 255 };
    let mut image = PreparedImage::prepare_from_greyscale(side, side, grey);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in the picture");
    grids[0].decode().unwrap().1
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

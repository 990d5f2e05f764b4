//! Colours as numbers: how light, how far apart, and the nearest that a terminal has.

use ratatui::style::Color;

/// A colour as red, green and blue from 0 to 255.
pub(super) type Rgb = [u8; 3];

/// The first sixteen as xterm draws them; what another terminal makes of them is its own affair.
const ANSI: [Rgb; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The sixteen in the order of their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// Returns what is drawn for one of the 256 numbers. Those from 16 on are the same on all terminals.
fn indexed(number: u8) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match number {
        0..=15 => ANSI[usize::from(number)],
        16..=231 => [level((number - 16) / 36), level((number - 16) / 6 % 6), level((number - 16) % 6)],
        232..=255 => [8 + 10 * (number - 232); 3],
    }
}

/// Returns what is drawn; `None` where the terminal alone knows.
pub(super) fn rgb(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(number @ 16..) => Some(indexed(number)),
        _ => None,
    }
}

/// Returns what is drawn where the sixteen are xterm's; `None` for the terminal's own ground and ink.
fn guessed(color: Color) -> Option<Rgb> {
    match color {
        Color::Indexed(number) => Some(indexed(number)),
        other => NAMED.iter().position(|named| *named == other).map(|place| ANSI[place]).or_else(|| rgb(other)),
    }
}

/// Returns red, green and blue as amounts of light from 0 to 1.
pub(super) fn linear(color: Rgb) -> [f64; 3] {
    color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = linear(color);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Returns the contrast of two colours as WCAG 2 counts it: 1 to 21.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Returns amounts of light in OKLab, where distances are as people see them.
pub(super) fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

/// Returns how far apart two colours in OKLab are: black and white are 1.
pub(super) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Few {
    /// 16 to 255 of the 256: the first sixteen are each terminal's own.
    Indexed,
    /// The first sixteen.
    Ansi,
}

/// Returns the nearest colour that a terminal with fewer has, and of those, where a ground is given, one that can be read on it.
pub(super) fn nearest(color: Color, few: Few, ground: Option<Rgb>, least: f64) -> Color {
    let wanted = match (color, few) {
        (Color::Rgb(r, g, b), _) => [r, g, b],
        (Color::Indexed(number @ 16..), Few::Ansi) => indexed(number),
        _ => return color,
    };
    let wanted = oklab(linear(wanted));
    let all: Vec<(Color, Rgb)> = match few {
        Few::Indexed => (16..=255).map(|number| (Color::Indexed(number), indexed(number))).collect(),
        Few::Ansi => NAMED.into_iter().zip(ANSI).collect(),
    };
    let by_distance = |a: &&(Color, Rgb), b: &&(Color, Rgb)| {
        distance(oklab(linear(a.1)), wanted).total_cmp(&distance(oklab(linear(b.1)), wanted))
    };
    let readable = |one: &&(Color, Rgb)| ground.is_none_or(|ground| contrast(one.1, ground) >= least);
    let found = all.iter().filter(readable).min_by(by_distance).or_else(|| all.iter().min_by(by_distance));
    found.map_or(color, |(found, _)| *found)
}

/// Returns the ground of a pair as [`nearest`] takes it.
pub(super) fn ground(color: Option<Color>) -> Option<Rgb> {
    color.and_then(guessed)
}

/// Returns ink for that ground: the own one where it can be read there, else black or white, whichever stands out more.
pub(super) fn ink_on(ink: Option<Color>, ground: Color, least: f64) -> Option<Color> {
    let (Some(own), Some(under)) = (ink, guessed(ground)) else { return ink };
    if guessed(own).is_none_or(|over| contrast(over, under) >= least) {
        return ink;
    }
    let (black, white) = ([0; 3], [255; 3]);
    let dark = contrast(black, under) > contrast(white, under);
    // In the words that the ground is written in, so that no terminal gets a colour that it does not have.
    Some(match ground {
        Color::Rgb(..) => {
            let [r, g, b] = if dark { black } else { white };
            Color::Rgb(r, g, b)
        }
        Color::Indexed(16..) => Color::Indexed(if dark { 16 } else { 231 }),
        _ if dark => Color::Black,
        _ => Color::White,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_and_distance_are_as_published() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        assert!((contrast([119; 3], [255; 3]) - 4.48).abs() < 0.01, "#777777 on white just fails");
        assert!((distance(oklab(linear([0; 3])), oklab(linear([255; 3]))) - 1.0).abs() < 1e-3);
        assert_eq!(indexed(196), [255, 0, 0]);
        assert_eq!(indexed(232), [8, 8, 8]);
        assert_eq!(indexed(67), [95, 135, 175]);
    }

    #[test]
    fn the_nearest_is_the_same_where_the_terminal_has_it() {
        let [r, g, b] = indexed(67);
        assert_eq!(nearest(Color::Rgb(r, g, b), Few::Indexed, None, 0.0), Color::Indexed(67));
        assert_eq!(nearest(Color::Rgb(250, 10, 10), Few::Ansi, None, 0.0), Color::LightRed);
        assert_eq!(nearest(Color::Red, Few::Indexed, None, 0.0), Color::Red, "the terminal's own stay its own");
    }

    #[test]
    fn the_nearest_that_cannot_be_read_is_passed_over() {
        let close = nearest(Color::Rgb(0, 0, 230), Few::Ansi, Some([0; 3]), 4.5);
        assert_eq!(nearest(Color::Rgb(0, 0, 230), Few::Ansi, None, 4.5), Color::Blue);
        assert!(contrast(guessed(close).unwrap(), [0; 3]) >= 4.5, "{close:?}");
    }

    #[test]
    fn ink_that_cannot_be_read_becomes_black_or_white() {
        let (pale, grey) = (Color::Rgb(230, 230, 230), Color::Rgb(200, 200, 200));
        assert_eq!(ink_on(Some(grey), pale, 4.5), Some(Color::Rgb(0, 0, 0)));
        assert_eq!(ink_on(Some(Color::Rgb(20, 20, 90)), pale, 4.5), Some(Color::Rgb(20, 20, 90)));
        assert_eq!(ink_on(Some(Color::Indexed(244)), Color::Indexed(236), 4.5), Some(Color::Indexed(231)));
    }
}

//! New texts from old ones: pieces of the language put in, taken out, doubled, swapped, nested; and now and then plain noise.

use super::TEXT_MAX;

/// Texts that are kept beside the corpus.
const KEPT_MAX: usize = 4096;

/// A small generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Makes texts.
pub struct Mutator {
    random: Random,
    corpus: Vec<String>,
    seeds: usize,
    words: &'static [&'static str],
}

impl Mutator {
    /// Returns one that begins with these texts.
    pub fn new(random: Random, corpus: Vec<String>, words: &'static [&'static str]) -> Self {
        Self { random, seeds: corpus.len(), corpus, words }
    }

    /// Returns the next text.
    pub fn next(&mut self) -> String {
        let at = self.random.below(self.corpus.len());
        let mut text = self.corpus[at].clone();
        // Mostly few changes: what is nearly right goes deepest.
        for _ in 0..=self.random.below(4) {
            self.change(&mut text);
        }
        let end = floor(&text, TEXT_MAX);
        text.truncate(end);
        text
    }

    /// Keeps some of the good texts, and few of the others, to go on from.
    pub fn keep(&mut self, text: &str, good: bool) {
        if self.random.below(if good { 8 } else { 512 }) > 0 || text.len() > TEXT_MAX / 4 {
            return;
        }
        if self.corpus.len() < self.seeds + KEPT_MAX {
            return self.corpus.push(text.to_owned());
        }
        let at = self.seeds + self.random.below(KEPT_MAX);
        self.corpus[at] = text.to_owned();
    }

    fn change(&mut self, text: &mut String) {
        let at = self.place(text);
        match self.random.below(12) {
            0..=3 => text.insert_str(at, self.words[self.random.below(self.words.len())]),
            4 => {
                let end = self.place(text).max(at);
                text.replace_range(at..end.min(floor(text, at + 16)), "");
            }
            5 => {
                let end = floor(text, at + 1 + self.random.below(24));
                let piece = text[at..end.max(at)].to_owned();
                let to = self.place(text);
                text.insert_str(to, &piece);
            }
            6 => {
                let other = self.random.below(self.corpus.len());
                let (from, to) = (self.place(&self.corpus[other].clone()), self.corpus[other].len());
                text.truncate(at);
                text.push_str(&self.corpus[other][from..to]);
            }
            7 => {
                let (open, close) =
                    [("(", ")"), ("not (", ")"), ("{", "}"), ("\"", "\""), ("a=~\"", "\"")][self.random.below(5)];
                let end = self.place(text).max(at);
                text.insert_str(end, close);
                text.insert_str(at, open);
            }
            8 => text.insert(at, char::from_u32(self.random.next() as u32 % 0x11_0000).unwrap_or('\u{FFFD}')),
            9 => text.insert(at, char::from(b' ' + self.random.below(95) as u8)),
            10 => {
                // Long runs find what is not linear.
                let piece = self.words[self.random.below(self.words.len())];
                let times = 1 << self.random.below(9);
                text.insert_str(at, &piece.repeat(times));
            }
            _ => {
                if let Some(c) = text[at..].chars().next() {
                    let new = char::from(b'!' + self.random.below(94) as u8);
                    text.replace_range(at..at + c.len_utf8(), new.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    /// Returns a place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let at = self.random.below(text.len() + 1);
        floor(text, at)
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

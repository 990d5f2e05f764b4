//! JSON cut into pieces without being understood: brackets are counted outside of strings, and that is all. So one piece that is no JSON, or
//! no UTF-8, does not keep its neighbours from being read.

/// Returns the deepest nesting of the text; stops counting once it is beyond `enough`. Never recurses.
pub(super) fn depth(body: &[u8], enough: usize) -> usize {
    let (mut deepest, mut depth) = (0usize, 0usize);
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => at = string_end(body, at),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                if deepest > enough {
                    return deepest;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Returns where the quote stands that ends the string that begins at `start`, or the end of the text.
fn string_end(body: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    body.len()
}

/// A stretch of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Its bytes, without blanks around.
    pub bytes: &'a [u8],
    /// Where it begins in the body.
    pub start: usize,
}

impl<'a> Piece<'a> {
    /// Returns the piece between two places of the body.
    pub(super) fn of(body: &'a [u8], start: usize, end: usize) -> Self {
        let trimmed = body[start..end].trim_ascii_start();
        Self { start: end - trimmed.len(), bytes: trimmed.trim_ascii_end() }
    }

    /// Returns a stretch of this piece as a piece of the body.
    fn part(self, start: usize, end: usize) -> Self {
        let part = Self::of(self.bytes, start, end);
        Self { start: self.start + part.start, ..part }
    }

    /// Returns name and value of this field of an object, or `None` when it is none.
    pub(super) fn field(self) -> Option<(Piece<'a>, Piece<'a>)> {
        let end = (self.bytes.first() == Some(&b'"')).then(|| string_end(self.bytes, 0) + 1)?;
        let after = self.bytes.get(end..)?;
        let colon = after.iter().position(|byte| !byte.is_ascii_whitespace()).filter(|at| after[*at] == b':')?;
        Some((self.part(0, end), self.part(end + colon + 1, self.bytes.len())))
    }
}

/// The elements of an array, or the fields of an object.
pub(super) struct Pieces<'a> {
    outer: Piece<'a>,
    at: usize,
    /// Whether the closing bracket was met.
    pub closed: bool,
}

impl<'a> Pieces<'a> {
    /// Returns the pieces within the brackets that the outer piece begins with.
    pub(super) fn of(outer: Piece<'a>) -> Self {
        Self { outer, at: 1, closed: false }
    }

    /// Returns whether nothing stands behind the closing bracket; to be asked after the last piece.
    pub(super) fn is_whole(&self) -> bool {
        self.closed && self.at >= self.outer.bytes.len()
    }

    /// Returns how far the pieces were read, as a place in the body.
    pub(super) fn place(&self) -> usize {
        self.outer.start + self.at
    }

    /// Returns everything from here to the closing bracket as one piece.
    pub(super) fn rest(&mut self) -> Option<Piece<'a>> {
        let first = self.next()?;
        let end = self.by_ref().last().map_or(first.start + first.bytes.len(), |last| last.start + last.bytes.len());
        Some(self.outer.part(first.start - self.outer.start, end - self.outer.start))
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.closed || self.at >= self.outer.bytes.len() {
            return None;
        }
        let (body, start) = (self.outer.bytes, self.at);
        let mut depth = 0usize;
        while let Some(&byte) = body.get(self.at) {
            match byte {
                b'"' => self.at = string_end(body, self.at),
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b']' | b'}' => {
                    self.closed = true;
                    break;
                }
                b',' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let end = self.at.min(body.len());
        self.at += 1;
        let piece = self.outer.part(start, end);
        // Brackets with nothing between them hold no piece; two commas with nothing between them hold an empty one.
        (!(self.closed && start == 1 && piece.bytes.is_empty())).then_some(piece)
    }
}

/// Line and column of places in the body, asked for in rising order so that the body is walked once.
pub(super) struct Places<'a> {
    body: &'a [u8],
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Places<'a> {
    /// Returns the places of this body.
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { body, at: 0, line: 1, line_start: 0 }
    }

    /// Returns line and column of a byte of the body, both from 1.
    pub(super) fn find(&mut self, place: usize) -> (usize, usize) {
        let place = place.min(self.body.len());
        while self.at < place {
            if self.body[self.at] == b'\n' {
                self.line += 1;
                self.line_start = self.at + 1;
            }
            self.at += 1;
        }
        (self.line, place.saturating_sub(self.line_start) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: &[&str]) {
        let pieces: Vec<_> = Pieces::of(Piece::of(body.as_bytes(), 0, body.len())).collect();
        for (piece, text) in pieces.iter().zip(expect) {
            assert_eq!(&&body[piece.start..piece.start + piece.bytes.len()], text);
        }
        assert_eq!(pieces.len(), expect.len(), "{body:?}");
    }

    #[test]
    fn an_array_falls_into_its_elements() {
        check(r#" [ 1 , {"a":[2,"]"]} ,"\"," ] "#, &["1", r#"{"a":[2,"]"]}"#, r#""\",""#]);
        check("[ ]", &[]);
        check("[1,]", &["1", ""]);
        check("[,1", &["", "1"]);
    }

    #[test]
    fn a_field_falls_into_name_and_value() {
        let body = br#"{"a" : {"b":1} , "c":}"#;
        let fields: Vec<_> = Pieces::of(Piece::of(body, 0, body.len())).map(|p| p.field().unwrap()).collect();
        assert_eq!((fields[0].0.bytes, fields[0].1.bytes), (&b"\"a\""[..], &b"{\"b\":1}"[..]));
        assert_eq!((fields[1].0.bytes, fields[1].1.bytes), (&b"\"c\""[..], &b""[..]));
        assert_eq!(fields[0].1.start, 7);
        for none in ["", "a:1", "\"a", "\"a\" 1"] {
            assert_eq!(Piece::of(none.as_bytes(), 0, none.len()).field(), None, "{none:?}");
        }
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        assert_eq!(depth(br#"[{"a":"[[[["}]"#, 32), 2);
        assert_eq!(depth("[".repeat(50_000).as_bytes(), 32), 33);
        assert_eq!(depth(b"\"\\", 32), 0);
    }

    #[test]
    fn what_is_behind_a_limit_is_one_piece() {
        let body = b"[1, 2 ,3, 4 ]";
        let mut pieces = Pieces::of(Piece::of(body, 0, body.len()));
        pieces.next();
        assert_eq!(pieces.rest().unwrap().bytes, b"2 ,3, 4");
        assert!(pieces.is_whole());
    }

    #[test]
    fn a_place_has_line_and_column() {
        let mut places = Places::of(b"ab\nc\n");
        assert_eq!(places.find(1), (1, 2));
        assert_eq!(places.find(3), (2, 1));
        assert_eq!(places.find(99), (3, 1));
    }
}

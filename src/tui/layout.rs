//! Where things stand on a screen of any size.

use ratatui::layout::Rect;

/// Columns from which two panes stand side by side.
const TWO_PANES: u16 = 100;
/// Columns from which a preview stands under the list.
const PREVIEW: u16 = 60;
/// Rows from which there is room for it.
const PREVIEW_ROWS: u16 = 20;

/// The places of one screen; what has no room is `None` or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    /// Too small for a list: one line that says what is open and how the hub is.
    pub(crate) tiny: bool,
    pub(crate) header: Option<Rect>,
    /// Always reserved, so that nothing moves when something must be told.
    pub(crate) banner: Rect,
    /// The headings of the stream.
    pub(crate) columns: Option<Rect>,
    pub(crate) list: Rect,
    /// The line between list and preview, or the column between two panes.
    pub(crate) border: Option<Rect>,
    pub(crate) detail: Option<Rect>,
    /// What was just done; a prompt stands here too, or over the status where this has no room.
    pub(crate) toast: Option<Rect>,
    pub(crate) status: Rect,
    pub(crate) footer: Option<Rect>,
    /// Between banner and toast: where help stands.
    pub(crate) body: Rect,
}

impl Layout {
    /// Returns the places; `open` gives the whole body to the detail where only one pane has room.
    pub(crate) fn new(width: u16, height: u16, open: bool) -> Self {
        if width < 20 || height < 3 {
            return Self { tiny: true, ..Self::default() };
        }
        let mut layout = Self::default();
        let (mut top, mut bottom) = (0, height);
        let line = |y: u16| Rect::new(0, y, width, 1);
        if height >= 4 {
            layout.header = Some(line(top));
            top += 1;
        }
        layout.banner = line(top);
        top += 1;
        if height >= 16 {
            bottom -= 1;
            layout.footer = Some(line(bottom));
        }
        bottom -= 1;
        layout.status = line(bottom);
        if height >= 7 {
            bottom -= 1;
            layout.toast = Some(line(bottom));
        }
        layout.body = Rect::new(0, top, width, bottom - top);
        layout.panes(open, height);
        layout
    }

    fn panes(&mut self, open: bool, height: u16) {
        let body = self.body;
        if body.width >= TWO_PANES {
            let left = body.width * 58 / 100;
            self.border = Some(Rect::new(left, body.y, 1, body.height));
            self.detail = Some(Rect::new(left + 1, body.y, body.width - left - 1, body.height));
            self.stream(Rect { width: left, ..body }, height);
        } else if open {
            self.detail = Some(body);
        } else if body.width >= PREVIEW && height >= PREVIEW_ROWS {
            let rows = body.height * 2 / 5;
            let split = body.height - rows;
            self.border = Some(Rect::new(0, body.y + split, body.width, 1));
            self.detail = Some(Rect::new(0, body.y + split + 1, body.width, rows - 1));
            self.stream(Rect { height: split, ..body }, height);
        } else {
            self.stream(body, height);
        }
    }

    fn stream(&mut self, area: Rect, height: u16) {
        let headed = height >= 10;
        self.columns = headed.then_some(Rect { height: 1, ..area });
        let used = u16::from(headed);
        self.list = Rect::new(area.x, area.y + used, area.width, area.height - used);
    }

    /// Returns whether list and detail can be seen at once.
    pub(crate) fn shows_both(&self) -> bool {
        self.border.is_some()
    }
}

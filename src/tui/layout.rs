//! Where things stand on a screen of any size.

use ratatui::layout::Rect;

/// Columns from which three panes stand side by side.
const THREE_PANES: u16 = 170;
/// Columns from which that may be asked for.
const THREE_PANES_ASKED: u16 = 120;
/// Columns from which two panes stand side by side.
const TWO_PANES: u16 = 100;
/// Columns from which that may be asked for.
const TWO_PANES_ASKED: u16 = 72;
/// Columns from which a preview stands under the list.
const PREVIEW: u16 = 60;
/// Rows from which there is room for it.
const PREVIEW_ROWS: u16 = 20;
/// Rows from which it may be asked for.
const PREVIEW_ROWS_ASKED: u16 = 13;
/// Rows under which only incidents, banner and status are left.
const BARE_ROWS: u16 = 8;

/// Which pane the keys move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    /// The list.
    Stream,
    /// The incident under the cursor.
    Detail,
    /// Who is on call, and the timeline: beside the detail where three panes have room.
    Side,
}

/// How many panes the person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Panes {
    /// As many as fit well.
    #[default]
    Auto,
    /// The pane that the keys move.
    One,
    /// List and detail.
    Two,
    /// List, detail and side.
    Three,
}

impl Panes {
    /// Returns the next choice, round and round.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto => Self::One,
            Self::One => Self::Two,
            Self::Two => Self::Three,
            Self::Three => Self::Auto,
        }
    }

    /// Returns what the word of `:layout` names.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Auto, Self::One, Self::Two, Self::Three].into_iter().find(|panes| panes.word() == word)
    }

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
        }
    }
}

/// How much room the pane has that the keys move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Zoom {
    /// Its share.
    #[default]
    Normal,
    /// More than half.
    Half,
    /// The whole body.
    Full,
}

impl Zoom {
    /// Returns one step more, and from the last the first.
    pub(crate) fn more(self) -> Self {
        match self {
            Self::Normal => Self::Half,
            Self::Half => Self::Full,
            Self::Full => Self::Normal,
        }
    }

    /// Returns one step less, and from the first the last.
    pub(crate) fn less(self) -> Self {
        self.more().more()
    }
}

/// What part of an incident the detail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tab {
    /// How it stands, and the most of everything.
    #[default]
    Detail,
    /// Its series over time.
    Series,
    /// What machines and people did.
    Timeline,
    /// What people wrote.
    Notes,
    /// Who was called by what.
    Pages,
    /// What came before and looks like it.
    Similar,
    /// Its way from source to call.
    Why,
    /// Its runbooks.
    Runbook,
}

impl Tab {
    /// Every tab, in the order of their keys.
    pub(crate) const ALL: [Self; 8] =
        [Self::Detail, Self::Series, Self::Timeline, Self::Notes, Self::Pages, Self::Similar, Self::Why, Self::Runbook];

    /// Returns its title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Detail => "Detail",
            Self::Series => "Series",
            Self::Timeline => "Timeline",
            Self::Notes => "Notes",
            Self::Pages => "Pages",
            Self::Similar => "Similar",
            Self::Why => "Why",
            Self::Runbook => "Runbook",
        }
    }

    /// Returns its place, from 0.
    pub(crate) fn place(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0)
    }

    /// Returns the tab so many places on, round and round.
    pub(crate) fn step(self, places: usize) -> Self {
        Self::ALL[(self.place() + places) % Self::ALL.len()]
    }
}

/// What the person chose of how things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shape {
    pub(crate) panes: Panes,
    pub(crate) zoom: Zoom,
    pub(crate) tab: Tab,
    /// Times by the person's clock instead of UTC.
    pub(crate) local: bool,
    /// Labels that all series have stand one a line.
    pub(crate) unfolded: bool,
}

/// How the panes stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stand {
    /// One at a time.
    #[default]
    Single,
    /// The list over a preview.
    Stacked,
    /// Two side by side.
    Two,
    /// Three side by side.
    Three,
}

/// The places of one screen; what has no room is `None` or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    /// Too small for a list: one line that says what is open and how the hub is.
    pub(crate) tiny: bool,
    /// How the panes would stand if none were zoomed.
    pub(crate) stand: Stand,
    pub(crate) header: Option<Rect>,
    /// Always reserved, so that nothing moves when something must be told.
    pub(crate) banner: Rect,
    /// The headings of the stream.
    pub(crate) columns: Option<Rect>,
    pub(crate) list: Rect,
    /// The line between list and preview, or the column between two panes.
    pub(crate) border: Option<Rect>,
    /// Title and tabs of the detail, where they have lines of their own.
    pub(crate) tabs: Option<Rect>,
    pub(crate) detail: Option<Rect>,
    /// The column between detail and side.
    pub(crate) side_border: Option<Rect>,
    pub(crate) side: Option<Rect>,
    /// What was just done; a prompt stands here too, or over the status where this has no room.
    pub(crate) toast: Option<Rect>,
    pub(crate) status: Rect,
    pub(crate) footer: Option<Rect>,
    /// Between banner and toast: where help stands.
    pub(crate) body: Rect,
}

impl Layout {
    /// Returns the places; `open` gives the whole body to the detail where only one pane has room.
    pub(crate) fn new(width: u16, height: u16, shape: &Shape, focus: Focus, open: bool) -> Self {
        if width < 20 || height < 3 {
            return Self { tiny: true, ..Self::default() };
        }
        let mut layout = Self::default();
        let (mut top, mut bottom) = (0, height);
        let line = |y: u16| Rect::new(0, y, width, 1);
        if height >= BARE_ROWS {
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
        if height >= BARE_ROWS {
            bottom -= 1;
            layout.toast = Some(line(bottom));
        }
        layout.body = Rect::new(0, top, width, bottom - top);
        layout.stand = stand(width, height, shape.panes);
        let shown = if open && focus == Focus::Stream { Focus::Detail } else { focus };
        match (layout.stand, shape.zoom) {
            (Stand::Single, _) | (_, Zoom::Full) => layout.single(shown, height),
            // A preview is small: what is opened gets the whole body there too.
            (Stand::Stacked, _) if open => layout.single(shown, height),
            (Stand::Stacked, zoom) => layout.stacked(zoom == Zoom::Half, focus, height),
            (Stand::Two, zoom) => layout.two(zoom == Zoom::Half, focus, height),
            (Stand::Three, zoom) => layout.three(zoom == Zoom::Half, focus, height),
        }
        layout
    }

    /// Returns the same with the whole body for a runbook that was opened by its name.
    pub(crate) fn under_a_book(self) -> Self {
        let detail = (!self.tiny).then_some(self.body);
        let (tabs, border, columns, side_border, side) = (None, None, None, None, None);
        Self { detail, tabs, border, columns, side_border, side, list: Rect::default(), ..self }
    }

    fn single(&mut self, shown: Focus, height: u16) {
        match (shown, self.stand) {
            (Focus::Stream, _) => self.stream(self.body, height),
            (Focus::Side, Stand::Three) => self.side = Some(self.body),
            (Focus::Detail | Focus::Side, _) => self.tabbed(self.body),
        }
    }

    fn stacked(&mut self, more: bool, focus: Focus, height: u16) {
        let body = self.body;
        let rows = match (more, focus) {
            (false, _) => body.height * 2 / 5,
            (true, Focus::Stream) => body.height / 4,
            (true, _) => body.height * 7 / 10,
        };
        let split = body.height - rows;
        self.border = Some(Rect::new(0, body.y + split, body.width, 1));
        self.detail = Some(Rect::new(0, body.y + split + 1, body.width, rows - 1));
        self.stream(Rect { height: split, ..body }, height);
    }

    fn two(&mut self, more: bool, focus: Focus, height: u16) {
        let percent = match (more, focus) {
            (false, _) => 58,
            (true, Focus::Stream) => 68,
            (true, _) => 32,
        };
        let body = self.body;
        let left = body.width * percent / 100;
        self.border = Some(Rect::new(left, body.y, 1, body.height));
        self.tabbed(Rect::new(left + 1, body.y, body.width - left - 1, body.height));
        self.stream(Rect { width: left, ..body }, height);
    }

    fn three(&mut self, more: bool, focus: Focus, height: u16) {
        let (list, side) = match (more, focus) {
            (false, _) => (45, 27),
            (true, Focus::Stream) => (58, 20),
            (true, Focus::Detail) => (26, 20),
            (true, Focus::Side) => (26, 44),
        };
        let body = self.body;
        let (left, right) = (body.width * list / 100, body.width * side / 100);
        let (middle, column) = (body.width - left - right, |x| Rect::new(x, body.y, 1, body.height));
        self.border = Some(column(left));
        self.tabbed(Rect::new(left + 1, body.y, middle - 1, body.height));
        self.side_border = Some(column(left + middle));
        self.side = Some(Rect::new(left + middle + 1, body.y, right - 1, body.height));
        self.stream(Rect { width: left, ..body }, height);
    }

    /// Gives the detail its place, under a title and tabs.
    fn tabbed(&mut self, area: Rect) {
        let rows = match area.height {
            0..=5 => 0,
            6..=13 => 1,
            _ => 2,
        };
        self.tabs = (rows > 0).then_some(Rect { height: rows, ..area });
        self.detail = Some(Rect { y: area.y + rows, height: area.height - rows, ..area });
    }

    fn stream(&mut self, area: Rect, height: u16) {
        let headed = height >= 10;
        self.columns = headed.then_some(Rect { height: 1, ..area });
        let used = u16::from(headed);
        self.list = Rect::new(area.x, area.y + used, area.width, area.height - used);
    }

    /// Returns the panes that a person can go to, in the order of Tab.
    pub(crate) fn panes(&self) -> &'static [Focus] {
        match self.stand {
            Stand::Three => &[Focus::Stream, Focus::Detail, Focus::Side],
            Stand::Single | Stand::Stacked | Stand::Two => &[Focus::Stream, Focus::Detail],
        }
    }
}

/// Returns how the panes stand on a screen of that size: what was asked for, as far as it fits.
fn stand(width: u16, height: u16, panes: Panes) -> Stand {
    let stacked = width >= PREVIEW && height >= if panes == Panes::Auto { PREVIEW_ROWS } else { PREVIEW_ROWS_ASKED };
    let side_by_side = width >= if panes == Panes::Auto { TWO_PANES } else { TWO_PANES_ASKED };
    match panes {
        Panes::One => Stand::Single,
        Panes::Auto if width >= THREE_PANES => Stand::Three,
        Panes::Three if width >= THREE_PANES_ASKED => Stand::Three,
        _ if side_by_side => Stand::Two,
        _ if stacked => Stand::Stacked,
        _ => Stand::Single,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(width: u16, height: u16) -> Layout {
        Layout::new(width, height, &Shape::default(), Focus::Stream, false)
    }

    #[test]
    fn width_and_height_decide_how_the_panes_stand() {
        let of = |width, height| auto(width, height).stand;
        assert_eq!([of(59, 40), of(60, 40), of(99, 40)], [Stand::Single, Stand::Stacked, Stand::Stacked]);
        assert_eq!([of(100, 40), of(169, 40), of(170, 40)], [Stand::Two, Stand::Two, Stand::Three]);
        assert_eq!([of(80, 19), of(80, 20)], [Stand::Single, Stand::Stacked]);
    }

    #[test]
    fn what_is_low_loses_preview_then_footer_then_headings_and_the_banner_never() {
        let of = |height| {
            let layout = auto(80, height);
            (layout.detail.is_some(), layout.footer.is_some(), layout.columns.is_some())
        };
        assert_eq!(of(20), (true, true, true));
        assert_eq!(of(19), (false, true, true));
        assert_eq!(of(15), (false, false, true));
        assert_eq!(of(9), (false, false, false));
        for height in 3..70 {
            let layout = auto(80, height);
            assert_eq!((layout.banner.height, layout.status.height), (1, 1));
            assert!(layout.list.height > 0);
        }
        assert!(auto(80, 2).tiny && auto(19, 40).tiny);
    }

    #[test]
    fn what_is_asked_for_is_given_as_far_as_it_fits() {
        let of = |width, panes| stand(width, 40, panes);
        assert_eq!([of(200, Panes::One), of(200, Panes::Two)], [Stand::Single, Stand::Two]);
        assert_eq!([of(120, Panes::Three), of(100, Panes::Three)], [Stand::Three, Stand::Two]);
        assert_eq!([of(60, Panes::Two), of(50, Panes::Two)], [Stand::Stacked, Stand::Single]);
    }

    /// The places of one screen never overlap and never leave it.
    #[test]
    fn places_do_not_overlap_at_any_size() {
        let all = [Panes::Auto, Panes::One, Panes::Two, Panes::Three];
        let zooms = [Zoom::Normal, Zoom::Half, Zoom::Full];
        for (width, height) in (1..=220).flat_map(|width| (1..=70).map(move |height| (width, height))) {
            for (panes, zoom) in all.into_iter().flat_map(|panes| zooms.map(|zoom| (panes, zoom))) {
                for focus in [Focus::Stream, Focus::Detail, Focus::Side] {
                    let shape = Shape { panes, zoom, ..Shape::default() };
                    let one = Layout::new(width, height, &shape, focus, false);
                    if one.tiny {
                        continue;
                    }
                    let some = [one.header, one.columns, one.border, one.tabs, one.detail, one.side_border, one.side];
                    let rest = [one.toast, one.footer, Some(one.banner), Some(one.list), Some(one.status)];
                    let places: Vec<Rect> = some.into_iter().chain(rest).flatten().collect();
                    let cells: u32 = places.iter().map(|place| place.area()).sum();
                    assert!(cells <= u32::from(width) * u32::from(height), "{width}x{height}");
                    for (index, place) in places.iter().enumerate() {
                        assert!(place.right() <= width && place.bottom() <= height, "{width}x{height} {place}");
                        assert!(places[..index].iter().all(|other| !place.intersects(*other)), "{width}x{height}");
                    }
                }
            }
        }
    }
}

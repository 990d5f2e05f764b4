//! The terminal as the loop has it: ours, or given back for a while; of a new size that is about to count.

use super::event::Event;
use super::screen::Screen;
use super::state::State;
use super::theme::Theme;
use super::{update, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How long new sizes are gathered: who drags a window's edge makes hundreds.
const RESIZE_GATHERED: Duration = Duration::from_millis(50);

/// The terminal and what happens to it.
pub(super) struct Stage {
    screen: Option<Screen>,
    theme: Theme,
    events: SyncSender<Event>,
    /// When the newest of the sizes counts.
    resizes_at: Option<Instant>,
}

impl Stage {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) fn take(theme: Theme, events: SyncSender<Event>) -> io::Result<Self> {
        let mut stage = Self { screen: None, theme, events, resizes_at: None };
        stage.enter()?;
        Ok(stage)
    }

    fn enter(&mut self) -> io::Result<()> {
        let events = self.events.clone();
        // The loop turns once more, and its drawing says what is wrong.
        let failed = move || drop(events.try_send(Event::Due));
        self.screen = Some(Screen::take(failed)?);
        Ok(())
    }

    /// Has everything drawn by that theme from now on.
    pub(super) fn dress(&mut self, theme: Theme) {
        self.theme = theme;
    }

    /// Returns the terminal while it is ours.
    pub(super) fn screen(&mut self) -> Option<&mut Screen> {
        self.screen.as_mut()
    }

    /// Has the state drawn, unless the terminal is not ours now, or about to have another size.
    ///
    /// # Errors
    /// When the terminal takes no more.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        let Some(screen) = self.screen.as_mut().filter(|_| self.resizes_at.is_none()) else { return Ok(()) };
        let mut buffer = Buffer::empty(Rect::new(0, 0, state.width, state.height));
        view::draw(state, &self.theme, &mut buffer);
        screen.title(update::calling(state), state.open_count());
        screen.show(buffer)
    }

    /// Gives the terminal back for a while.
    pub(super) fn leave(&mut self) {
        self.screen = None;
    }

    /// Takes the terminal again: whoever had it meanwhile may have left it in any state and size.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        self.resized();
        match &mut self.screen {
            Some(screen) => screen.retake(),
            None => self.enter(),
        }
    }

    /// Notes that the terminal has another size; it counts a little later, with those that come until then.
    pub(super) fn resized(&mut self) {
        self.resizes_at.get_or_insert_with(|| Instant::now() + RESIZE_GATHERED);
    }

    /// Returns how long it takes until a new size counts, if one waits.
    pub(super) fn resizes_in(&self) -> Option<Duration> {
        self.resizes_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Returns the new size once it counts.
    pub(super) fn resize(&mut self) -> Option<Event> {
        self.resizes_at.filter(|at| *at <= Instant::now())?;
        self.resizes_at = None;
        let (width, height) = crossterm::terminal::size().ok()?;
        Some(Event::Resize { width, height })
    }
}

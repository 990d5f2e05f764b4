//! What the terminal sends, in our own words. The only file that knows the terminal library's keys.

use super::event::Event;
use super::key::{Key, KeyPress};
use crossterm::event::{Event as Raw, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Returns the event that the terminal's is, or `None` for what means nothing here.
pub(crate) fn event(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) => press(key).map(Event::Key),
        Raw::Paste(text) => Some(Event::Paste(text)),
        Raw::Resize(width, height) => Some(Event::Resize { width, height }),
        Raw::FocusGained | Raw::FocusLost | Raw::Mouse(_) => None,
    }
}

fn press(raw: KeyEvent) -> Option<KeyPress> {
    if raw.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| raw.modifiers.contains(modifier);
    let back_tab = raw.code == KeyCode::BackTab;
    let press = KeyPress {
        key: key(raw.code)?,
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        shift: held(KeyModifiers::SHIFT) || back_tab,
        logo: held(KeyModifiers::SUPER),
    };
    Some(press.normal())
}

fn key(code: KeyCode) -> Option<Key> {
    Some(match code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(number) => Key::Function(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_send_is_what_keymaps_name() {
        let check = |code, modifiers, expect: &str| {
            let event = event(Raw::Key(KeyEvent::new(code, modifiers)));
            assert_eq!(event, KeyPress::parse(expect).map(Event::Key), "{expect}");
        };
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('?'), KeyModifiers::SHIFT, "?");
        check(KeyCode::Char('d'), KeyModifiers::CONTROL, "ctrl-d");
        check(KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab");
        check(KeyCode::BackTab, KeyModifiers::NONE, "shift-tab");
        check(KeyCode::Char('7'), KeyModifiers::CONTROL, "ctrl-_");
        check(KeyCode::F(2), KeyModifiers::NONE, "f2");
    }
}

//! Notes by the desktop's own service. A session bus without one may never answer, so nothing waits for it: it has a thread of its own.

use super::surroundings::Surroundings;
use crate::domain::text::SafeText;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

/// How long the bus may take to say whether somebody shows notes.
pub(super) const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// Notes that wait for a slow service; more are dropped.
const WAITING_MAX: usize = 4;

/// The way to the desktop.
pub(super) struct Desktop(SyncSender<SafeText>);

impl Desktop {
    /// Returns the way to the desktop, where there may be one: never over SSH, for that desktop is not the person's.
    pub(super) fn start(around: &Surroundings) -> Option<Self> {
        why_not(around).is_none().then_some(())?;
        let (sender, notes) = sync_channel::<SafeText>(WAITING_MAX);
        let work = move || {
            for text in notes {
                // Who shows notes may come and go while the console runs.
                if let Err(why) = bus::is_there().and_then(|()| bus::show(&text)) {
                    tracing::debug!(%why, "no note by the desktop");
                }
            }
        };
        std::thread::Builder::new().name("desktop-notes".into()).spawn(work).ok()?;
        Some(Self(sender))
    }

    /// Has a note shown, some time.
    pub(super) fn tell(&self, text: &SafeText) {
        if self.0.try_send(text.clone()).is_err() {
            tracing::debug!("the desktop does not answer: a note is dropped");
        }
    }
}

/// Returns why the desktop is not even asked, if so.
pub(super) fn why_not(around: &Surroundings) -> Option<&'static str> {
    match () {
        () if !cfg!(feature = "desktop") => Some("this program was built without it"),
        () if around.ssh => Some("over SSH the desktop would be another machine's"),
        () if !around.session_bus => Some("DBUS_SESSION_BUS_ADDRESS is not set"),
        () => None,
    }
}

/// Shows one note and says whether the service took it.
///
/// # Errors
/// Why not, in a few words.
pub(super) fn try_once(around: &Surroundings, text: &SafeText) -> Result<(), String> {
    if let Some(why) = why_not(around) {
        return Err(why.to_owned());
    }
    let (sender, answer) = sync_channel(1);
    let text = text.clone();
    let work = move || drop(sender.try_send(bus::is_there().and_then(|()| bus::show(&text))));
    std::thread::Builder::new().name("desktop-probe".into()).spawn(work).map_err(|error| error.to_string())?;
    answer.recv_timeout(PROBE_WITHIN).unwrap_or_else(|_| Err("the session bus does not answer within 1 s".to_owned()))
}

#[cfg(feature = "desktop")]
mod bus {
    use crate::domain::text::SafeText;

    const SERVICE: &str = "org.freedesktop.Notifications";

    /// Asks the bus whether somebody shows notes; may hang as long as the bus does.
    pub(super) fn is_there() -> Result<(), String> {
        let asked = async {
            let bus = zbus::Connection::session().await?;
            let daemon = zbus::fdo::DBusProxy::new(&bus).await?;
            let name = zbus::names::BusName::try_from(SERVICE)?;
            Ok::<_, zbus::Error>(daemon.name_has_owner(name).await?)
        };
        match zbus::block_on(asked) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("nobody on the session bus is {SERVICE}")),
            Err(error) => Err(SafeText::line(&error.to_string(), 200).to_string()),
        }
    }

    /// Has a note shown; may hang as long as the service does.
    pub(super) fn show(text: &SafeText) -> Result<(), String> {
        let (summary, body) = super::parts(text);
        let mut note = notify_rust::Notification::new();
        note.appname("nightdesk").summary(&summary).body(&body).urgency(notify_rust::Urgency::Critical);
        note.show().map(drop).map_err(|error| SafeText::line(&error.to_string(), 200).to_string())
    }
}

#[cfg(not(feature = "desktop"))]
mod bus {
    use crate::domain::text::SafeText;

    pub(super) fn is_there() -> Result<(), String> {
        Err("built without it".to_owned())
    }

    pub(super) fn show(_: &SafeText) -> Result<(), String> {
        is_there()
    }
}

/// Returns the heading and the text of a note. Services take the text for markup, so what begins markup is written out.
#[cfg_attr(not(feature = "desktop"), allow(dead_code, reason = "nothing shows it"))]
fn parts(text: &SafeText) -> (String, String) {
    let body = text.as_str().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ("nightdesk".to_owned(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_of_another_machine_is_not_asked() {
        let here = Surroundings { session_bus: true, ..Surroundings::default() };
        assert_eq!(why_not(&here).is_none(), cfg!(feature = "desktop"));
        assert!(why_not(&Surroundings { ssh: true, ..here }).is_some());
        assert!(why_not(&Surroundings::default()).is_some());
        assert!(Desktop::start(&Surroundings::default()).is_none());
    }

    #[test]
    fn a_note_holds_no_markup() {
        assert_eq!(parts(&SafeText::line("a <b>&", 20)).1, "a &lt;b&gt;&amp;");
    }
}

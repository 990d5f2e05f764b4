//! Whether a body can be one of a format at all, told before anything is parsed, so that the answer can say what it is instead.

use super::{Format, Unreadable, scan};

/// Returns the body without what may stand around JSON, or what it is instead.
pub(super) fn checked(body: &[u8], format: Format, depth_max: usize) -> Result<&[u8], Unreadable> {
    // Some senders on Windows begin with a byte order mark; it says nothing about what follows.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let start = body.trim_ascii_start();
    match (start.first(), format) {
        (Some(b'['), Format::AlertmanagerApi) | (Some(b'{'), Format::AlertmanagerWebhook) => {}
        (first, _) => return Err(Unreadable::new(instead(start, first.copied(), format))),
    }
    if scan::depth(body, depth_max) > depth_max {
        return Err(Unreadable::new(format!(
            "the body is nested deeper than {depth_max} levels; {}",
            expected(format)
        )));
    }
    Ok(body)
}

/// Returns what the format wants, for the end of a reason.
pub(super) fn expected(format: Format) -> &'static str {
    match format {
        Format::AlertmanagerApi => "send a JSON array of alerts, as Prometheus does",
        Format::AlertmanagerWebhook => "send a JSON object with an array \"alerts\", as an Alertmanager does",
    }
}

fn instead(start: &[u8], first: Option<u8>, format: Format) -> String {
    let found = match (first, format) {
        (Some(b'{'), Format::AlertmanagerApi) => {
            return "this address takes an array of alerts; an Alertmanager's webhook goes to /v1/in/alertmanager"
                .to_owned();
        }
        (Some(b'['), Format::AlertmanagerWebhook) => {
            return "this address takes an Alertmanager's webhook, an object; an array of alerts goes to /api/v2/alerts".to_owned();
        }
        (None, _) => "the body is empty",
        (Some(0x1f), _) if start.starts_with(b"\x1f\x8b") => {
            return format!("the body is gzip, but no header \"Content-Encoding: gzip\" says so; {}", expected(format));
        }
        (Some(b'<'), _) => "the body looks like XML or HTML",
        _ if is_form(start) => "the body looks like a form (key=value)",
        _ if std::str::from_utf8(start).is_err() => "the body is neither JSON nor text",
        _ => "the body is not JSON",
    };
    format!("{found}; {}", expected(format))
}

fn is_form(start: &[u8]) -> bool {
    let key =
        start.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count();
    key > 0 && start.get(key) == Some(&b'=')
}

//! Until when a certificate holds: the one thing of it that the libraries in use do not tell.

use crate::domain::time::Timestamp;

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;

/// Returns when an X.509 certificate (DER) ends; `None` for bytes that are none.
pub fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut body, _) = element(certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        body = any(body)?.2;
    }
    // Serial number, signature's algorithm, issuer.
    for _ in 0..3 {
        body = any(body)?.2;
    }
    let (validity, _) = element(body, SEQUENCE)?;
    let (_, _, rest) = any(validity)?;
    let (tag, text, _) = any(rest)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

fn element(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// Splits the first element off: its tag, its content, and what follows.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let digits = long & 0x7f;
            if digits == 0 || digits > 4 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(digits)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Returns the time of `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (year, rest) = match tag {
        // RFC 5280: two digits below 50 are of this century.
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            (year.parse::<i64>().ok().map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| &rest[at..at + 2];
    Timestamp::parse(&format!("{year:04}-{}-{}T{}:{}:{}Z", part(0), part(2), part(4), part(6), part(8))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(["hub.example".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        for year in [2031, 2071] {
            let wanted = Timestamp::parse(&format!("{year}-03-04T00:00:00Z")).unwrap();
            assert_eq!(ends_at(&certificate(year)), Some(wanted), "{year}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none_and_harms_nobody() {
        let good = certificate(2031);
        for length in 0..good.len() {
            // Whatever is cut off, nothing is read beyond the end.
            let _ = ends_at(&good[..length]);
        }
        for bytes in [&[][..], b"hello", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x80]] {
            assert_eq!(ends_at(bytes), None);
        }
    }
}

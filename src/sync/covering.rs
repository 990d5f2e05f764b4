//! What a silence would cover, by what is mirrored.

use crate::domain::series::SeriesState;
use crate::domain::time::Timestamp;
use crate::query::{AlertSubject, Eyes, Query};
use crate::store::StoreError;
use crate::store::mirror::Mirror;

/// Series of one incident that are looked at.
const SERIES_MAX: usize = 100_000;

/// How much a silence would cover now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covering {
    /// Open incidents all of whose burning series it covers: these would call nobody.
    pub whole: usize,
    /// Open incidents of which it covers some series only: these go on calling.
    pub part: usize,
    /// Series that burn and that it covers.
    pub series: usize,
}

impl Covering {
    /// Returns it as a sentence, such as "now covers 2 open incidents (40 series); 1 more in part, which goes on calling".
    pub fn sentence(self) -> String {
        let Self { whole, part, series } = self;
        let s = |count: usize| if count == 1 { "" } else { "s" };
        let part = match part {
            0 => String::new(),
            1 => "; 1 more in part, which goes on calling".to_owned(),
            part => format!("; {part} more in part, which go on calling"),
        };
        format!("now covers {whole} open incident{} ({series} series){part}", s(whole))
    }
}

/// Returns what a query of labels covers of what burns.
///
/// # Errors
/// [`StoreError`].
pub fn covering(mirror: &mut Mirror, query: &Query, now: Timestamp) -> Result<Covering, StoreError> {
    let mut found = Covering::default();
    for incident in mirror.recent(now, 0)? {
        let series = mirror.series_of(incident.id, SERIES_MAX)?;
        let burning = series.iter().filter(|one| matches!(one.state, SeriesState::Firing | SeriesState::Unknown));
        let (mut fits, mut all) = (0, 0);
        for one in burning {
            let subject = AlertSubject { source: &one.source, labels: &one.labels };
            all += 1;
            fits += usize::from(query.matches(&subject, &Eyes::nobody(now)));
        }
        found.series += fits;
        match fits {
            0 => {}
            _ if fits == all => found.whole += 1,
            _ => found.part += 1,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_goes_on_calling() {
        let say = |whole, part, series| Covering { whole, part, series }.sentence();
        assert_eq!(say(1, 0, 3), "now covers 1 open incident (3 series)");
        assert_eq!(say(0, 1, 3), "now covers 0 open incidents (3 series); 1 more in part, which goes on calling");
        assert!(say(2, 2, 9).ends_with("; 2 more in part, which go on calling"));
    }
}

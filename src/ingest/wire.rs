//! One alert as both of Alertmanager's formats write it, borrowed from the body; and the parts that both turn into ours in the same way.
//!
//! The structs take any JSON type in any field, so that the reason for a refusal is ours: it names the field, and quotes little.

use super::Limits;
use super::map::{Map, cut};
use super::value::Value;
use crate::domain::event::{Alert, End};
use crate::domain::label::{LabelLimits, Labels};
use crate::domain::time::Timestamp;
use serde::de::IgnoredAny;

/// Longest link that is kept, in bytes; browsers and chat programs cut longer ones themselves.
const GENERATOR_URL_BYTES_MAX: usize = 2048;

/// An alert as sent.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAlert<'a> {
    #[serde(borrow, default)]
    pub status: Value<'a>,
    #[serde(borrow, default)]
    pub labels: Map<'a>,
    #[serde(borrow, default)]
    pub annotations: Map<'a>,
    #[serde(borrow, default)]
    pub starts_at: Value<'a>,
    #[serde(borrow, default)]
    pub ends_at: Value<'a>,
    #[serde(borrow, default, rename = "generatorURL")]
    pub generator_url: Value<'a>,
    /// No alert has alerts; a group of them has.
    #[serde(default)]
    pub alerts: Option<IgnoredAny>,
}

impl WireAlert<'_> {
    /// Returns our alert; the format says what its times mean for its end.
    pub(super) fn alert(&self, starts_at: Option<Timestamp>, end: End, limits: &Limits) -> Result<Alert, String> {
        Ok(Alert {
            labels: self.labels(&limits.labels)?,
            annotations: self.annotations.cut(&limits.annotations),
            starts_at,
            end,
            generator_url: cut(self.generator_url.text().unwrap_or_default(), GENERATOR_URL_BYTES_MAX).into_owned(),
        })
    }

    fn labels(&self, limits: &LabelLimits) -> Result<Labels, String> {
        if self.alerts.is_some() {
            return Err("this is a group of alerts, not an alert; send what stands in its \"alerts\"".to_owned());
        }
        let mut pairs = self.labels.texts()?;
        let labels = Labels::from_pairs(&mut pairs, limits).map_err(|error| {
            format!("labels: {error}; correct the rule that makes it, or relabel it before it is sent")
        })?;
        if labels.is_empty() {
            return Err("labels: there is none with a value; give the alert at least \"alertname\"".to_owned());
        }
        Ok(labels)
    }
}

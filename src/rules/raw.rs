//! The rules of `hub.toml`, as written.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

/// All tables of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    /// `[[severity]]`
    pub severity: Vec<RawSeverity>,
    /// `[[grouping]]`
    pub grouping: Vec<RawGrouping>,
    /// `[[instant]]`
    pub instant: Vec<RawInstant>,
    /// `[[pending]]`
    pub pending: Vec<RawPending>,
    /// `[[service_level]]`
    pub service_level: Vec<RawServiceLevel>,
    /// `[[calendar]]`
    pub calendar: Vec<RawCalendar>,
    /// `[[route]]`
    pub route: Vec<RawRoute>,
    /// `[[dependency]]`
    pub dependency: Vec<RawDependency>,
    /// `[[service]]`
    pub service: Vec<RawService>,
    /// `[[view]]`
    pub view: Vec<RawView>,
    /// `[[alertmanager]]`
    pub alertmanager: Vec<RawAlertmanager>,
    /// `[triage]`
    pub triage: RawTriage,
}

macro_rules! raw {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($(#[$field_doc])* pub(super) $field: $kind,)*
            }
        )*
    };
}

raw! {
    /// How bad.
    RawSeverity {
        name: Option<String>,
        r#match: Spanned<String>,
        impact: Option<String>,
        likelihood: Option<String>,
        severity: Option<String>,
    }
    /// Which incident.
    RawGrouping {
        name: Option<String>,
        r#match: Spanned<String>,
        by: Vec<String>,
        window: Option<String>,
        title: Option<String>,
        isolate: Option<bool>,
    }
    /// What is a fact.
    RawInstant {
        name: Option<String>,
        r#match: Spanned<String>,
    }
    /// What must burn first.
    RawPending {
        name: Option<String>,
        r#match: Spanned<String>,
        r#for: String,
    }
    /// Whether it calls.
    RawServiceLevel {
        name: Option<String>,
        r#match: Spanned<String>,
        plan: String,
        calendar: Option<String>,
    }
    /// Working hours.
    RawCalendar {
        name: Spanned<String>,
        zone: String,
        days: Vec<String>,
        from: String,
        to: String,
        #[serde(default)]
        except: Vec<String>,
    }
    /// Whose.
    RawRoute {
        name: Option<String>,
        r#match: Spanned<String>,
        team: Option<String>,
        policy: Option<String>,
    }
    /// What waits for what.
    RawDependency {
        name: Option<String>,
        r#match: Spanned<String>,
        on: Spanned<String>,
        #[serde(default)]
        same: Vec<String>,
        hold: Option<String>,
    }
    /// A service.
    RawService {
        name: Spanned<String>,
        team: Option<String>,
        criticality: Option<u8>,
        #[serde(default)]
        links: BTreeMap<String, String>,
    }
    /// A saved view.
    RawView {
        name: Spanned<String>,
        key: Option<String>,
        query: Spanned<String>,
    }
    /// An Alertmanager in front.
    RawAlertmanager {
        url: Spanned<String>,
        every: Option<String>,
        token_file: Option<PathBuf>,
    }
}

/// `[triage]`, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTriage {
    pub(super) deadline: Option<String>,
}

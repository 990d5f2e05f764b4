//! Labels are the identity of an alert: a sorted set of names and values, and the fingerprints made of it.

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Version of the fingerprint's input; stands in front of it, so that a change of the rule cannot meet old values.
const FINGERPRINT_VERSION: u8 = 1;

/// How many labels an alert may have, and how long names and values may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelLimits {
    /// Most entries in the set.
    pub count_max: usize,
    /// Longest name in bytes.
    pub name_bytes_max: usize,
    /// Longest value in bytes.
    pub value_bytes_max: usize,
    /// All names and values together, in bytes.
    pub total_bytes_max: usize,
}

impl LabelLimits {
    /// What identifies an alert.
    pub const LABELS: Self =
        Self { count_max: 64, name_bytes_max: 128, value_bytes_max: 2048, total_bytes_max: 64 * 1024 };
    /// What accompanies it.
    pub const ANNOTATIONS: Self =
        Self { count_max: 32, name_bytes_max: 128, value_bytes_max: 8192, total_bytes_max: 64 * 1024 };
}

/// Why a set of labels cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A name of no characters.
    #[error("a label name is empty")]
    EmptyName,
    /// A control character in a name.
    #[error("label name {0:?} holds a control character")]
    ControlInName(String),
    /// The same name twice: no value is the right one.
    #[error("label {0:?} stands twice")]
    Duplicate(String),
    /// More labels than taken.
    #[error("{got} labels, at most {max} are taken")]
    TooMany {
        /// How many there were.
        got: usize,
        /// How many are taken.
        max: usize,
    },
    /// A name longer than taken.
    #[error("label name {name:?}… is {got} bytes long, at most {max} are taken")]
    NameTooLong {
        /// How the name begins.
        name: String,
        /// Its bytes.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// A value longer than taken.
    #[error("the value of {name:?} is {got} bytes long, at most {max} are taken")]
    ValueTooLong {
        /// Whose value.
        name: String,
        /// Its bytes.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// All together longer than taken.
    #[error("all labels together are {got} bytes long, at most {max} are taken")]
    TooLong {
        /// Their bytes.
        got: usize,
        /// The limit.
        max: usize,
    },
}

/// A set of names and values, sorted by name bytes, without empty values (an empty value means absent).
///
/// Names and values stand in one text behind each other, so that a set is two allocations, and walking it is walking memory.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels {
    text: Box<str>,
    /// End of each name and of each value in `text`, alternating.
    ends: Box<[u32]>,
}

impl Labels {
    /// Returns the set of these pairs, in any order.
    ///
    /// # Errors
    /// [`LabelError`] names the first pair that breaks a rule or a limit.
    pub fn new<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        limits: &LabelLimits,
    ) -> Result<Self, LabelError> {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        Self::from_pairs(&mut pairs, limits)
    }

    /// Returns the set of these pairs; sorts them in place.
    ///
    /// # Errors
    /// As [`Labels::new`].
    pub fn from_pairs(pairs: &mut Vec<(&str, &str)>, limits: &LabelLimits) -> Result<Self, LabelError> {
        pairs.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(LabelError::Duplicate(head(twice[0].0)));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        check(pairs, limits)?;
        let mut text = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
        let mut ends = Vec::with_capacity(pairs.len() * 2);
        for (name, value) in pairs.iter() {
            text.push_str(name);
            ends.push(text.len() as u32);
            text.push_str(value);
            ends.push(text.len() as u32);
        }
        Ok(Self { text: text.into_boxed_str(), ends: ends.into_boxed_slice() })
    }

    /// Returns name and value of each label, sorted by name bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.chunks_exact(2).map(move |ends| {
            let (name_end, value_end) = (ends[0] as usize, ends[1] as usize);
            let pair = (&self.text[start..name_end], &self.text[name_end..value_end]);
            start = value_end;
            pair
        })
    }

    /// Returns the value of the label, or `None` when it is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut start = 0;
        for ends in self.ends.chunks_exact(2) {
            let (name_end, value_end) = (ends[0] as usize, ends[1] as usize);
            // The length first: most names differ in it, and their text is not touched.
            if name_end - start == name.len() && self.text.as_bytes()[start..name_end] == *name.as_bytes() {
                return Some(&self.text[name_end..value_end]);
            }
            start = value_end;
        }
        None
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.ends.len() / 2
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns bytes held on the heap, for accounts of memory.
    pub fn heap_bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// Returns a 64-bit hash of the whole set, to tell whether it changed; not an identity.
    pub fn digest(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for end in &self.ends {
            hasher.update(&end.to_le_bytes());
        }
        hasher.update(self.text.as_bytes());
        u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}

fn check(pairs: &[(&str, &str)], limits: &LabelLimits) -> Result<(), LabelError> {
    if pairs.len() > limits.count_max {
        return Err(LabelError::TooMany { got: pairs.len(), max: limits.count_max });
    }
    let mut total = 0;
    for (name, value) in pairs {
        total += name.len() + value.len();
        if name.is_empty() {
            return Err(LabelError::EmptyName);
        }
        if name.len() > limits.name_bytes_max {
            return Err(LabelError::NameTooLong { name: head(name), got: name.len(), max: limits.name_bytes_max });
        }
        if name.chars().any(char::is_control) {
            return Err(LabelError::ControlInName(head(name)));
        }
        if value.len() > limits.value_bytes_max {
            return Err(LabelError::ValueTooLong { name: head(name), got: value.len(), max: limits.value_bytes_max });
        }
    }
    if total > limits.total_bytes_max {
        return Err(LabelError::TooLong { got: total, max: limits.total_bytes_max });
    }
    Ok(())
}

/// Returns the first 40 characters, enough to name a thing in an error.
fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Reads back what we stored or sent ourselves; outside text goes through the limits in `ingest`.
impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of label names to values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, Cow<'de, str>>()? {
                    pairs.push((name, value));
                }
                let loose = LabelLimits {
                    count_max: usize::MAX,
                    name_bytes_max: usize::MAX,
                    value_bytes_max: usize::MAX,
                    total_bytes_max: u32::MAX as usize,
                };
                Labels::new(pairs.iter().map(|(name, value)| (&**name, &**value)), &loose).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The first 16 bytes of BLAKE3 over the version and each length-prefixed name and value: the identity of a series within its source.
///
/// Length prefixes, because text joined by delimiters can be forged; 128 bits of a cryptographic hash, because who can choose label
/// values can collide a short one on purpose and so hide an alert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Returns the text form: 32 hex digits.
    pub fn to_hex(self) -> String {
        super::id::hex(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        super::id::unhex(&text).map(Self).ok_or_else(|| de::Error::custom("a fingerprint has 32 hex digits"))
    }
}

/// Alertmanager's own fingerprint, for cross-reference only: FNV-1a over all labels, 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertmanagerFingerprint(pub u64);

impl AlertmanagerFingerprint {
    /// Returns the fingerprint of the full set, as `prometheus/common` computes it.
    pub fn of(labels: &Labels) -> Self {
        const OFFSET: u64 = 14_695_981_039_346_656_037;
        const PRIME: u64 = 1_099_511_628_211;
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        let sum = |hash: u64, text: &str| step(text.bytes().fold(hash, step), 0xFF);
        Self(labels.iter().fold(OFFSET, |hash, (name, value)| sum(sum(hash, name), value)))
    }
}

impl fmt::Display for AlertmanagerFingerprint {
    /// 16 hex digits, as Alertmanager prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Which labels say who an alert is: all but the ignored ones (replica labels, which differ between twins that send the same alert).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityRule {
    ignored: Vec<String>,
}

impl IdentityRule {
    /// Returns the rule that ignores these label names.
    pub fn ignoring(names: impl IntoIterator<Item = String>) -> Self {
        let mut ignored: Vec<String> = names.into_iter().collect();
        ignored.sort();
        ignored.dedup();
        Self { ignored }
    }

    /// Returns the version of the rule: a hash of its list. Series stored under another version are keyed anew.
    pub fn version(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for name in &self.ignored {
            hasher.update(&(name.len() as u32).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Returns whether the label counts for the identity.
    pub fn counts(&self, name: &str) -> bool {
        self.ignored.is_empty() || self.ignored.binary_search_by(|ignored| ignored.as_str().cmp(name)).is_err()
    }

    /// Returns the fingerprint of the labels that count.
    pub fn fingerprint(&self, labels: &Labels) -> Fingerprint {
        // One buffer and one call: the hash of a short input costs less than the calls would.
        let mut input = Vec::with_capacity(1 + labels.text.len() + labels.ends.len() * 4);
        input.push(FINGERPRINT_VERSION);
        for (name, value) in labels.iter().filter(|(name, _)| self.counts(name)) {
            for part in [name, value] {
                input.extend_from_slice(&(part.len() as u32).to_le_bytes());
                input.extend_from_slice(part.as_bytes());
            }
        }
        let digest = blake3::hash(&input);
        Fingerprint(digest.as_bytes()[..16].try_into().expect("a digest has 32 bytes"))
    }

    /// Returns whether two sets are the same alert by this rule: the check behind a fingerprint that matches.
    pub fn same(&self, a: &Labels, b: &Labels) -> bool {
        if self.ignored.is_empty() {
            return a == b;
        }
        let counted = |labels: &Labels| {
            labels
                .iter()
                .filter(|(name, _)| self.counts(name))
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect::<Vec<_>>()
        };
        counted(a) == counted(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).expect("valid")
    }

    fn error(pairs: &[(&str, &str)]) -> String {
        Labels::new(pairs.iter().copied(), &LabelLimits::LABELS).expect_err("invalid").to_string()
    }

    #[test]
    fn order_and_empty_values_do_not_change_who_it_is() {
        let rule = IdentityRule::default();
        let (a, b) = (set(&[("b", "2"), ("a", "1"), ("pod", "")]), set(&[("a", "1"), ("b", "2")]));
        assert_eq!(a, b);
        assert_eq!(rule.fingerprint(&a), rule.fingerprint(&b));
    }

    #[test]
    fn a_value_cannot_forge_another_label() {
        let rule = IdentityRule::default();
        let forged = set(&[("alertname", "X"), ("a", "1,b=2")]);
        assert_ne!(rule.fingerprint(&forged), rule.fingerprint(&set(&[("alertname", "X"), ("a", "1"), ("b", "2")])));
        assert_ne!(rule.fingerprint(&set(&[("ab", "c")])), rule.fingerprint(&set(&[("a", "bc")])));
    }

    #[test]
    fn the_fingerprint_of_version_one_never_changes() {
        let labels = set(&[("alertname", "InstanceDown"), ("instance", "localhost:9100")]);
        assert_eq!(IdentityRule::default().fingerprint(&labels).to_hex(), "de1df3954bd3de9774d0ebb194372d5d");
    }

    #[test]
    fn alertmanagers_fingerprint_is_the_one_alertmanager_prints() {
        // From prometheus/common: the empty set is the offset basis.
        assert_eq!(AlertmanagerFingerprint::of(&set(&[])).to_string(), "cbf29ce484222325");
    }

    #[test]
    fn replica_labels_are_ignored_when_the_rule_says_so() {
        let rule = IdentityRule::ignoring(["replica".to_owned()]);
        let (a, b) = (set(&[("a", "1"), ("replica", "x")]), set(&[("a", "1"), ("replica", "y")]));
        assert_eq!(rule.fingerprint(&a), rule.fingerprint(&b));
        assert!(rule.same(&a, &b));
        assert_ne!(rule.version(), IdentityRule::default().version());
        assert_ne!(AlertmanagerFingerprint::of(&a), AlertmanagerFingerprint::of(&b));
    }

    #[test]
    fn errors_name_the_label() {
        assert_eq!(error(&[("a", "1"), ("a", "2")]), "label \"a\" stands twice");
        assert_eq!(error(&[("", "x")]), "a label name is empty");
        assert_eq!(error(&[("a\u{1b}", "x")]), "label name \"a\\u{1b}\" holds a control character");
        let long = "v".repeat(3000);
        assert_eq!(error(&[("a", &long)]), "the value of \"a\" is 3000 bytes long, at most 2048 are taken");
    }

    proptest! {
        #[test]
        fn a_set_reads_back_from_json(pairs in proptest::collection::btree_map("[a-z]{1,8}", "\\PC{1,12}", 0..8)) {
            let labels = Labels::new(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())), &LabelLimits::LABELS).unwrap();
            let text = serde_json::to_string(&labels).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Labels>(&text).unwrap(), &labels);
            for (name, value) in &pairs {
                prop_assert_eq!(labels.get(name), Some(value.as_str()));
            }
        }
    }
}

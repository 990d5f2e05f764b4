//! A console's operations sent by hand: signed with the library, pushed over http, so that a test can push them twice.

use super::http;
use super::hub::Hub;
use ed25519_dalek::SigningKey;
use nightdesk::domain::envelope::SignedOp;
use nightdesk::domain::id::{IncidentId, NodeId, OpId, UserName, hex};
use nightdesk::domain::op::{Act, Basis, Op};
use nightdesk::domain::time::Timestamp;
use serde_json::{Value, json};
use std::io;
use uuid::Uuid;

/// A console of the test's own.
pub struct Operator {
    user: UserName,
    key: SigningKey,
    node: NodeId,
    token: String,
    nseq: u64,
    prev_hash: [u8; 32],
}

impl Operator {
    /// Introduces a new console of that user by the hub's admin token.
    pub fn introduce(hub: &Hub, user: &str) -> Self {
        let user = UserName::parse(user).expect("a user's name");
        let node = NodeId(Uuid::now_v7());
        let key = SigningKey::from_bytes(&seed());
        let public_key = hex(key.verifying_key().as_bytes());
        let body = json!({ "node": node, "user": user, "public_key": public_key }).to_string();
        let bearer = format!("Bearer {}", hub.admin_token());
        let answer = http::post(hub.address(), "/v1/consoles", &[("authorization", &bearer)], body.as_bytes());
        let answer = answer.expect("the hub answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        Self { user, key, node, token, nseq: 0, prev_hash: [0; 32] }
    }

    /// Returns the next operation of this console's chain, signed.
    pub fn sign(&mut self, incident: IncidentId, basis: Basis, act: Act) -> SignedOp {
        self.nseq += 1;
        let now = jiff::Timestamp::now().as_millisecond();
        let op = Op {
            op_id: OpId(Uuid::now_v7()),
            node: self.node,
            nseq: self.nseq,
            prev_hash: self.prev_hash,
            created_at: Timestamp::from_millis(now),
            actor: self.user.clone(),
            incident,
            basis,
            act,
        };
        let signed = SignedOp::sign(op, &self.key);
        self.prev_hash = signed.hash();
        signed
    }

    /// Returns the same console with another name in its operations.
    pub fn posing_as(self, user: &str) -> Self {
        Self { user: UserName::parse(user).expect("a user's name"), ..self }
    }

    /// Returns its node as the hub lists it.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Returns its token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Pushes operations and returns the hub's whole answer as it came.
    ///
    /// # Errors
    /// As [`http::post`]; also when the answer is not 200.
    pub fn push(&self, address: &str, ops: &[SignedOp]) -> io::Result<String> {
        let body = json!({ "ops": ops.iter().map(|op| hex(&op.bytes)).collect::<Vec<_>>() }).to_string();
        let bearer = format!("Bearer {}", self.token);
        let answer = http::post(address, "/v1/ops", &[("authorization", &bearer)], body.as_bytes())?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("{}: {}", answer.status, answer.text())));
        }
        Ok(answer.text())
    }

    /// Posts JSON as this console.
    pub fn post(&self, address: &str, path: &str, body: &str) -> http::Response {
        let bearer = format!("Bearer {}", self.token);
        http::post(address, path, &[("authorization", &bearer)], body.as_bytes()).expect("the hub answers")
    }

    /// Returns what the feed answers about changes after `after`.
    pub fn feed(&self, address: &str, epoch: &str, after: u64) -> http::Response {
        let path = format!("/v1/feed?epoch={epoch}&after={after}&wait=0&node={}", self.node);
        let bearer = format!("Bearer {}", self.token);
        http::get(address, &path, &[("authorization", &bearer)]).expect("the hub answers")
    }
}

/// Returns the part of a push's answer that is about the operations, byte for byte.
pub fn answers_of(answer: &str) -> &str {
    let at = answer.find("\"answers\"").unwrap_or_else(|| panic!("no answers: {answer}"));
    &answer[at..]
}

/// Returns the result of each operation of a push's answer.
pub fn results_of(answer: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(answer).expect("the answer is JSON");
    let answers = value["answers"].as_array().expect("answers");
    answers.iter().map(|one| one["result"].clone()).collect()
}

/// Returns the id and the basis of an incident as `list --json` gives it; `claim_no` is counted by the test.
pub fn incident_id(incident: &Value) -> IncidentId {
    let id = incident["id"].as_str().expect("an id");
    IncidentId(Uuid::parse_str(id).expect("a uuid"))
}

fn seed() -> [u8; 32] {
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(a.as_bytes());
    seed[16..].copy_from_slice(b.as_bytes());
    seed
}

//! Operations come in: read, checked, judged, answered.

use super::{Hubbed, denied, json_body, store_failed};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{OpId, unhex_all};
use crate::domain::judge::Verdict;
use crate::domain::scope::Right;
use crate::hub::Hub;
use crate::hub::auth::{self, Via};
use crate::hub::metrics::ByReason;
use crate::store::hub::{Pushed, Submitted};
use crate::store::{Device, StoreError};
use crate::sync::clock;
use crate::sync::wire::{OpAnswer, OpResult, PUSH_OPS_MAX, Push, PushAnswer};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use ed25519_dalek::VerifyingKey;
use uuid::Uuid;

pub async fn push(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    if let Err(why) = auth::caller(&hub, via, request.headers(), Right::Deliver).await {
        return denied(&hub, why);
    }
    let push: Push = match json_body(request).await {
        Ok(push) => push,
        Err(refused) => return refused,
    };
    if push.ops.len() > PUSH_OPS_MAX {
        return (StatusCode::BAD_REQUEST, format!("at most {PUSH_OPS_MAX} operations are taken at once\n"))
            .into_response();
    }
    match judge(&hub, &push).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => store_failed(&hub, &error),
    }
}

async fn judge(hub: &Hub, push: &Push) -> Result<PushAnswer, StoreError> {
    let mut answers = Vec::with_capacity(push.ops.len());
    let mut valid = Vec::new();
    for text in &push.ops {
        match check(hub, text).await? {
            Ok(signed) => {
                answers.push(OpAnswer { op_id: signed.op.op_id, result: OpResult::Fork });
                valid.push(signed);
            }
            Err((op_id, reason)) => answers.push(OpAnswer { op_id, result: OpResult::Invalid(reason) }),
        }
    }
    let Submitted { answers: judged, committed } = hub.store.submit(valid, clock::now()).await?;
    hub.committed(&committed);
    let mut judged = judged.into_iter();
    for answer in answers.iter_mut().filter(|answer| !matches!(answer.result, OpResult::Invalid(_))) {
        if let Some((_, pushed)) = judged.next() {
            answer.result = result(hub, pushed);
        }
    }
    Ok(PushAnswer { head: committed.head, answers })
}

fn result(hub: &Hub, pushed: Pushed) -> OpResult {
    match pushed {
        Pushed::Judged(verdict) => {
            hub.metrics.judged.get_or_create(&ByReason { reason: outcome(&verdict) }).inc();
            OpResult::Judged(verdict)
        }
        Pushed::Gap { expected } => OpResult::Gap(expected),
        Pushed::Fork => OpResult::Fork,
        Pushed::Revoked => {
            OpResult::Invalid("this device was revoked; nothing that it signed is taken any more".to_owned())
        }
    }
}

fn outcome(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Won { .. } => "won",
        Verdict::WonNoStop { .. } => "won_no_stop",
        Verdict::Joined { .. } => "joined",
        Verdict::Applied => "applied",
        Verdict::Shortened { .. } => "shortened",
        Verdict::Expired => "expired",
        Verdict::Superseded { .. } => "superseded",
        Verdict::Refused { .. } => "refused",
        Verdict::Unsupported => "unsupported",
    }
}

/// Reads one operation and checks that the console it names signed it, for its own user. Who delivers it does not matter: any console
/// may carry the operations of others.
async fn check(hub: &Hub, text: &str) -> Result<Result<SignedOp, (OpId, String)>, StoreError> {
    let unread = |reason: &str| Ok(Err((OpId(Uuid::nil()), reason.to_owned())));
    let Some(bytes) = unhex_all(text) else { return unread("an operation is sent as hex digits") };
    let signed = match SignedOp::read(bytes) {
        Ok(signed) => signed,
        Err(error) => return unread(&error.to_string()),
    };
    let op_id = signed.op.op_id;
    let Some(device) = hub.store.device(signed.op.node).await? else {
        return Ok(Err((op_id, "the hub does not know this console; let it introduce itself".to_owned())));
    };
    Ok(match signed_by(&signed, &device) {
        Ok(()) => Ok(signed),
        Err(reason) => Err((op_id, reason)),
    })
}

fn signed_by(signed: &SignedOp, device: &Device) -> Result<(), String> {
    if signed.op.actor != device.user {
        return Err(format!("this console is {}'s and cannot act for {}", device.user, signed.op.actor));
    }
    let key = VerifyingKey::from_bytes(&device.public_key).map_err(|_| "the console's key is none".to_owned())?;
    signed.verify(&key).map_err(|error| error.to_string())
}

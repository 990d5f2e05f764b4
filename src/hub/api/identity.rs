//! Who is let in: codes to enrol by, the roster, and revocation.

use super::{Hubbed, denied, json_body, store_failed};
use crate::domain::id::{NodeId, UserName, hex};
use crate::domain::scope::{Right, Scope};
use crate::hub::Hub;
use crate::hub::auth::{self, Denied, Via, credentials};
use crate::hub::fold;
use crate::store::devices::{Enrolment, KnownDevice, KnownViewer, NewToken, Revoked};
use crate::store::{Device, StoreError};
use crate::sync::clock;
use crate::sync::enrolment::{CODE_MINUTES, Code, Invitation, Invited, Join, Joined, Offer};
use crate::sync::roster::{Member, Roster, SIGNATURE_HEADER, SignedRoster};
use crate::sync::token::{self, Token};
use crate::sync::wire::{DeviceRow, DevicesAnswer, Introduction, Revocation, RevokedAnswer, Welcome};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use std::time::Duration;

/// Digits of a node that name it, at least.
const NODE_DIGITS_MIN: usize = 8;

/// `POST /v1/consoles`: a console of this machine introduces itself, or one that is known asks for a fresh token.
pub async fn introduce(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    let caller = match auth::caller(&hub, via, request.headers(), Right::Renew).await {
        Ok(caller) => caller,
        Err(why) => return denied(&hub, why),
    };
    let introduction: Introduction = match json_body(request).await {
        Ok(introduction) => introduction,
        Err(refused) => return refused,
    };
    let Some(public_key) = introduction.key() else {
        return (StatusCode::BAD_REQUEST, "public_key must be 64 hex digits\n").into_response();
    };
    let device = Device { node: introduction.node, user: introduction.user, public_key };
    // A device may become another node of its own; it may not become another's, nor get another key in.
    if let auth::Caller::Console(known) = caller
        && (known.user != device.user || known.public_key != device.public_key)
    {
        return denied(&hub, Denied::Forbidden);
    }
    let (token, kept) = new_token(Scope::Console);
    match hub.store.register(device, kept).await {
        Ok(is_new) => {
            if is_new {
                call_newcomer(&hub).await;
            }
            changed(&hub, Json(Welcome { token }).into_response()).await
        }
        Err(error) => not_taken(&hub, &error),
    }
}

/// Lets what burned before the hub knew anybody call now.
async fn call_newcomer(hub: &Hub) {
    match hub.store.call_uncalled(clock::now()).await {
        Ok(committed) => hub.committed(&committed),
        Err(error) => fold::failed(hub, &error),
    }
}

fn new_token(scope: Scope) -> (String, NewToken) {
    let token = Token::new(scope);
    let kept = NewToken { hash: token.hash(), id: token.id, scope, created_at: clock::now() };
    (token.text, kept)
}

/// Answers after the roster may have changed.
async fn changed(hub: &Hub, answer: Response) -> Response {
    match hub.read_roster_version().await {
        Ok(()) => answer,
        Err(error) => store_failed(hub, &error),
    }
}

fn not_taken(hub: &Hub, error: &StoreError) -> Response {
    match error {
        StoreError::Unsafe { .. } => (StatusCode::CONFLICT, format!("{error}\n")).into_response(),
        error => store_failed(hub, error),
    }
}

/// `POST /v1/enrolments`: an administrator wants a code for a person.
pub async fn invite(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    if let Err(why) = auth::caller(&hub, via, request.headers(), Right::Administer).await {
        return denied(&hub, why);
    }
    let invitation: Invitation = match json_body(request).await {
        Ok(invitation) => invitation,
        Err(refused) => return refused,
    };
    let address = match hub.address_for_others(invitation.address.as_deref()) {
        Ok(address) => address,
        Err(why) => return (StatusCode::CONFLICT, format!("{why}\n")).into_response(),
    };
    let code = Code::new(address, hub.tls.as_ref().and_then(|tls| tls.authority));
    let now = clock::now();
    let scope = if invitation.viewer { Scope::Viewer } else { Scope::Console };
    let expires_at = now.plus(Duration::from_secs(CODE_MINUTES * 60));
    let enrolment = Enrolment { hash: code.hash(), user: invitation.user, scope, expires_at };
    tracing::info!(user = %enrolment.user, scope = scope.word(), "a code to enrol by was made");
    match hub.store.enrol(enrolment, now).await {
        Ok(()) => Json(Invited { code: code.to_text(), expires_at_ms: expires_at.as_millis() }).into_response(),
        Err(error) => store_failed(&hub, &error),
    }
}

/// `GET /v1/join`: what the code is for. It is not used up.
pub async fn offer(State(hub): Hubbed, headers: HeaderMap) -> Response {
    match enrolment(&hub, &headers).await {
        Ok(Enrolment { user, scope, .. }) => {
            Json(Offer { hub: hub.card.clone(), user, scope: scope.word().to_owned() }).into_response()
        }
        Err(refused) => refused,
    }
}

/// `POST /v1/join`: a device proves that it holds its key, and the code lets it in.
pub async fn join(State(hub): Hubbed, request: Request) -> Response {
    let enrolment = match enrolment(&hub, request.headers()).await {
        Ok(enrolment) => enrolment,
        Err(refused) => return refused,
    };
    let join: Join = match json_body(request).await {
        Ok(join) => join,
        Err(refused) => return refused,
    };
    let Some(public_key) = join.proven_key(&hub.card.hub_key, &enrolment.hash) else {
        return (StatusCode::BAD_REQUEST, "the proof is none: this device does not hold that key\n").into_response();
    };
    let (token, kept) = new_token(enrolment.scope);
    match hub.store.redeem(enrolment.hash, join.node, public_key, kept).await {
        Ok(Some(Enrolment { user, scope, .. })) => {
            tracing::info!(%user, node = %join.node, scope = scope.word(), "a device joined");
            let joined = Joined { token, user, scope: scope.word().to_owned() };
            changed(&hub, Json(joined).into_response()).await
        }
        Ok(None) => denied(&hub, Denied::NoRight),
        Err(error) => not_taken(&hub, &error),
    }
}

/// Returns what the code in the header is for. One that was used, ran out or never was gets one and the same answer.
async fn enrolment(hub: &Hub, headers: &HeaderMap) -> Result<Enrolment, Response> {
    let Some(secret) = credentials(headers) else { return Err(denied(hub, Denied::NoRight)) };
    match hub.store.enrolment(token::hash(&secret), clock::now()).await {
        Ok(found) => found.ok_or_else(|| denied(hub, Denied::NoRight)),
        Err(error) => Err(store_failed(hub, &error)),
    }
}

/// `GET /v1/devices`: who is let in.
pub async fn devices(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    if let Err(why) = auth::caller(&hub, via, &headers, Right::Administer).await {
        return denied(&hub, why);
    }
    match hub.store.known().await {
        Ok((devices, viewers)) => {
            let devices = devices.into_iter().map(device_row).chain(viewers.into_iter().map(viewer_row)).collect();
            Json(DevicesAnswer { devices }).into_response()
        }
        Err(error) => store_failed(&hub, &error),
    }
}

fn device_row(known: KnownDevice) -> DeviceRow {
    DeviceRow {
        node: known.device.node,
        user: known.device.user,
        scope: Scope::Console.word().to_owned(),
        public_key: Some(hex(&known.device.public_key)),
        created_at_ms: known.created_at.as_millis(),
        last_used_at_ms: known.last_used_at.map(|at| at.as_millis()),
        revoked_at_ms: known.revoked_at.map(|at| at.as_millis()),
    }
}

fn viewer_row(known: KnownViewer) -> DeviceRow {
    DeviceRow {
        node: known.node,
        user: known.user,
        scope: Scope::Viewer.word().to_owned(),
        public_key: None,
        created_at_ms: known.created_at.as_millis(),
        last_used_at_ms: Some(known.last_used_at.as_millis()),
        revoked_at_ms: None,
    }
}

/// `POST /v1/revocations`: a person or a device is let in no more.
pub async fn revoke(State(hub): Hubbed, Extension(via): Extension<Via>, request: Request) -> Response {
    if let Err(why) = auth::caller(&hub, via, request.headers(), Right::Administer).await {
        return denied(&hub, why);
    }
    let Revocation { who } = match json_body(request).await {
        Ok(revocation) => revocation,
        Err(refused) => return refused,
    };
    let (devices, viewers) = match hub.store.known().await {
        Ok(known) => known,
        Err(error) => return store_failed(&hub, &error),
    };
    let known: Vec<(NodeId, &UserName)> = devices
        .iter()
        .map(|known| (known.device.node, &known.device.user))
        .chain(viewers.iter().map(|known| (known.node, &known.user)))
        .collect();
    let whom = match named(&who, &known) {
        Ok(whom) => whom,
        Err(why) => return (StatusCode::NOT_FOUND, format!("{why}\n")).into_response(),
    };
    tracing::warn!(?whom, "revoked");
    match hub.store.revoke(whom, clock::now()).await {
        Ok(nodes) => {
            // Who waits for news with a dead token is told now.
            hub.revocations.send_modify(|count| *count += 1);
            changed(&hub, Json(RevokedAnswer { nodes }).into_response()).await
        }
        Err(error) => store_failed(&hub, &error),
    }
}

/// Returns whom the text names: a user by the whole name, else the one node that begins with it.
fn named(who: &str, known: &[(NodeId, &UserName)]) -> Result<Revoked, String> {
    if let Some((_, user)) = known.iter().find(|(_, user)| user.as_str() == who) {
        return Ok(Revoked::User((*user).clone()));
    }
    let digits = who.to_ascii_lowercase();
    let nodes: Vec<NodeId> =
        known.iter().map(|(node, _)| *node).filter(|node| node.to_string().starts_with(&digits)).collect();
    match nodes.as_slice() {
        [node] if digits.len() >= NODE_DIGITS_MIN => Ok(Revoked::Node(*node)),
        [] => Err("no user or device of that name is known; `nightdesk devices` lists them".to_owned()),
        _ => Err("that names several devices; give more digits of the node".to_owned()),
    }
}

/// `GET /v1/roster`: who is who, signed.
pub async fn roster(State(hub): Hubbed, Extension(via): Extension<Via>, headers: HeaderMap) -> Response {
    if let Err(why) = auth::caller(&hub, via, &headers, Right::Read).await {
        return denied(&hub, why);
    }
    let (version, devices) = match hub.store.roster().await {
        Ok(roster) => roster,
        Err(error) => return store_failed(&hub, &error),
    };
    let member = |known: KnownDevice| Member {
        node: known.device.node,
        user: known.device.user,
        public_key: hex(&known.device.public_key),
        revoked: known.revoked_at_seq.is_some(),
    };
    let devices = devices.into_iter().map(member).collect();
    let paging = Some(hub.config.paging.clone());
    let roster = Roster { version, hub_key: hub.card.hub_key.clone(), epoch: hub.epoch.clone(), devices, paging };
    match SignedRoster::sign(roster, &hub.key) {
        Ok(signed) => {
            let heads = [(header::CONTENT_TYPE.as_str(), "application/json"), (SIGNATURE_HEADER, &signed.signature)];
            (heads, signed.bytes).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_names_one_user_or_one_node() {
        let (mira, noor) = (UserName::parse("mira").unwrap(), UserName::parse("noor").unwrap());
        let node = |number: u8| NodeId::from_bytes([number; 16]);
        let twin = NodeId::from_bytes([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8]);
        let known = [(node(1), &mira), (node(7), &noor), (twin, &noor)];
        assert_eq!(named("mira", &known), Ok(Revoked::User(mira.clone())));
        assert_eq!(named("01010101", &known), Ok(Revoked::Node(node(1))));
        assert_eq!(named(&twin.to_string().to_uppercase(), &known), Ok(Revoked::Node(twin)));
        for nobody in ["0101010", "07070707", "eve", "", "ffffffff"] {
            assert!(named(nobody, &known).is_err(), "{nobody:?}");
        }
    }
}

//! One exchange with the hub, for a command that acts and ends: push what waits, pull to the head.

use super::client::{ClientError, HubClient, Pulled};
use super::clock;
use super::console::Parts;
use super::exchange::{Outcome, Round};
use super::roster::{self, SignedRoster};
use super::teller::{keep_token, kept_token, token_is_of_another};
use super::wire::{FeedQuery, HubCard};
use crate::domain::scope::Scope;
use crate::store::StoreError;
use crate::store::mirror::Mirror;

/// Why an exchange broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The hub.
    #[error(transparent)]
    Hub(#[from] ClientError),
    /// The mirror.
    #[error(transparent)]
    Mirror(#[from] StoreError),
    /// The hub cannot take what waits; it is kept.
    #[error("the hub cannot take what waits: {0}")]
    Stuck(String),
    /// The hub has other operations of this very node.
    #[error("this console's database was copied or restored; it is becoming another node")]
    Twin,
    /// Another hub answers at the address: a mirror belongs to one hub.
    #[error("another hub answers there now; run the command again, and it opens that hub's mirror")]
    OtherHub(Box<HubCard>),
}

/// Pushes what waits and pulls until nothing newer is there.
///
/// # Errors
/// [`ExchangeError`]; what was done until then stays done.
pub async fn exchange(parts: &mut Parts) -> Result<(), ExchangeError> {
    let mut token = token(parts).await?;
    let Parts { mirror, client, device, hub_key, .. } = parts;
    for again in [true, false] {
        if token_is_of_another(mirror)? {
            token = client.introduce(&device.introduction(mirror.node()), Some(&token)).await?;
            keep_token(mirror, &token, clock::now())?;
        }
        let done = async {
            push(mirror, client, &token).await?;
            let roster = pull(mirror, client, &token).await?;
            fetch_roster(mirror, client, hub_key, &token, roster).await?;
            // What a hub with another history turned out to have lost.
            push(mirror, client, &token).await
        };
        match done.await {
            Err(ExchangeError::Twin) if again => drop(device.become_another(mirror)?),
            other => return other,
        }
    }
    Ok(())
}

/// Returns this console's token: the remembered one while the hub accepts it, else a new one.
async fn token(parts: &mut Parts) -> Result<String, ExchangeError> {
    let Parts { mirror, device, client, admin_token, hub_key, .. } = parts;
    if let (Some(token), since) = kept_token(mirror)? {
        match client.card(Some(&token)).await {
            Ok(card) if card.hub_key != *hub_key => return Err(ExchangeError::OtherHub(Box::new(card))),
            // A fresh one before the old one ends; where there is none, the old one still lives.
            Ok(_) if since.is_none_or(|since| Scope::renew_at(since) < clock::now()) => {
                let fresh = client.introduce(&device.introduction(mirror.node()), Some(&token)).await.unwrap_or(token);
                keep_token(mirror, &fresh, clock::now())?;
                return Ok(fresh);
            }
            Ok(_) => return Ok(token),
            Err(ClientError::Denied) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let card = client.card(admin_token.as_deref()).await?;
    if card.hub_key != *hub_key {
        return Err(ExchangeError::OtherHub(Box::new(card)));
    }
    let token = client.introduce(&device.introduction(mirror.node()), admin_token.as_deref()).await?;
    keep_token(mirror, &token, clock::now())?;
    Ok(token)
}

async fn push(mirror: &mut Mirror, client: &HubClient, token: &str) -> Result<(), ExchangeError> {
    let mut round = Round::default();
    loop {
        let ops = round.next(mirror)?;
        if ops.is_empty() {
            return Ok(());
        }
        let answer = client.push(&ops, Some(token)).await?;
        let Outcome { fork, refused } = round.after(mirror, &ops, answer)?;
        if fork {
            return Err(ExchangeError::Twin);
        }
        if let Some(reason) = refused {
            return Err(ExchangeError::Stuck(reason));
        }
    }
}

/// Fetches who is called when, where the hub tells of a version that the mirror does not hold.
async fn fetch_roster(
    mirror: &mut Mirror,
    client: &HubClient,
    hub_key: &str,
    token: &str,
    version: Option<u64>,
) -> Result<(), ExchangeError> {
    let note = mirror.note(roster::NOTE)?;
    let held = note.and_then(|note| SignedRoster::of_note(&note, hub_key).ok()).map(|held| held.roster.version);
    if version.is_some() && version != held {
        let signed = client.roster(hub_key, Some(token)).await?;
        mirror.set_note(roster::NOTE, &signed.to_note())?;
    }
    Ok(())
}

/// Pulls to the head; returns the version of the hub's roster.
async fn pull(mirror: &mut Mirror, client: &HubClient, token: &str) -> Result<Option<u64>, ExchangeError> {
    let peers = u8::from(mirror.wants_signatures()?);
    loop {
        let cursor = mirror.cursor()?;
        let asked_at = clock::now();
        let query = FeedQuery { epoch: cursor.epoch.clone(), after: cursor.seq, wait: 0, node: mirror.node(), peers };
        let (pulled, told) = client.feed(&query, Some(token)).await?;
        match pulled {
            Pulled::Gone(epoch) => mirror.restart(&epoch, &cursor)?,
            Pulled::Page(page) => {
                let at_head = page.next >= page.head;
                if mirror.apply(&page, asked_at)?.twin {
                    return Err(ExchangeError::Twin);
                }
                if at_head {
                    return Ok(told.roster);
                }
            }
        }
    }
}

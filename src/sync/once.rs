//! One exchange with the hub, for a command that acts and ends: push what waits, pull to the head.

use super::client::{ClientError, HubClient, Pulled};
use super::clock;
use super::console::Parts;
use super::exchange::{Outcome, Round};
use super::wire::{FeedQuery, HubCard};
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
    let Parts { mirror, client, device, .. } = parts;
    if let Err(error) = push(mirror, client, &token).await {
        let ExchangeError::Twin = error else { return Err(error) };
        device.become_another(mirror)?;
        token = client.introduce(&device.introduction(mirror.node()), Some(&token)).await?;
        mirror.set_note("token", &token)?;
        push(mirror, client, &token).await?;
    }
    pull(mirror, client, &token).await
}

/// Returns this console's token: the remembered one while the hub accepts it, else a new one.
async fn token(parts: &mut Parts) -> Result<String, ExchangeError> {
    let Parts { mirror, device, client, admin_token, short_key, .. } = parts;
    if let Some(token) = mirror.note("token")? {
        match client.card(Some(&token)).await {
            Ok(card) if card.short_key() != short_key => return Err(ExchangeError::OtherHub(Box::new(card))),
            Ok(_) => return Ok(token),
            Err(ClientError::Denied) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let card = client.card(admin_token.as_deref()).await?;
    if card.short_key() != short_key {
        return Err(ExchangeError::OtherHub(Box::new(card)));
    }
    let token = client.introduce(&device.introduction(mirror.node()), admin_token.as_deref()).await?;
    mirror.set_note("token", &token)?;
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

async fn pull(mirror: &mut Mirror, client: &HubClient, token: &str) -> Result<(), ExchangeError> {
    loop {
        let cursor = mirror.cursor()?;
        let asked_at = clock::now();
        let query = FeedQuery { epoch: cursor.epoch.clone(), after: cursor.seq, wait: 0, node: mirror.node() };
        match client.feed(&query, Some(token)).await?.0 {
            Pulled::Gone(epoch) => mirror.restart(&epoch, &cursor)?,
            Pulled::Page(page) => {
                let at_head = page.next >= page.head;
                mirror.apply(&page, asked_at)?;
                if at_head {
                    return Ok(());
                }
            }
        }
    }
}

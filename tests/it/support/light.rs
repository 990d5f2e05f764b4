//! A console without a screen: the real sync code on the test's own runtime.

use super::hub::Hub;
use nightdesk::config::Peers;
use nightdesk::domain::id::UserName;
use nightdesk::store::mirror::Mirror;
use nightdesk::sync::client::{HubAddress, HubClient};
use nightdesk::sync::console::{Console, Parts};
use nightdesk::sync::desk::Ask;
use nightdesk::sync::device::Device;
use nightdesk::sync::picture::Picture;
use nightdesk::sync::{clock, teller};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The console; closed on drop.
pub struct Light {
    console: Option<Console>,
    runtime: Runtime,
}

impl Light {
    /// Opens that user's console of the hub over its socket, with its data in `dir`.
    pub fn start(hub: &Hub, dir: &Path, user: &str) -> Self {
        Self::start_by(hub, dir, user, &hub.socket(), Peers::default())
    }

    /// Opens a console of a hub that it believes at that address, with these peers.
    pub fn start_by(hub: &Hub, dir: &Path, user: &str, address: &str, peers: Peers) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let user = UserName::parse(user).expect("a user's name");
        let console = runtime.block_on(async {
            let near = HubAddress::parse(&hub.socket()).expect("an address");
            let card = HubClient::new(near, None).expect("a client").card(None).await.expect("the hub answers");
            let client = HubClient::new(HubAddress::parse(address).expect("an address"), None).expect("a client");
            let device = Device::open(dir, user.clone()).expect("a device");
            let hub_key = card.hub_key.clone();
            let path = device.mirror_of(card.short_key());
            let mut mirror = Mirror::open(&path, &user, teller::fresh_node(), clock::now()).expect("a mirror");
            if mirror.is_copy().expect("a mirror") {
                device.become_another(&mut mirror).expect("another node");
            }
            let parts =
                Parts { device, mirror, client, card: None, hub_key, admin_token: None, embedded: false, peers };
            Console::start(parts).expect("the console starts")
        });
        Self { console: Some(console), runtime }
    }

    fn console(&self) -> &Console {
        self.console.as_ref().expect("it is open")
    }

    /// Returns what its person would see.
    pub fn picture(&self) -> Arc<Picture> {
        self.console().picture()
    }

    /// Does what a key would.
    pub fn ask(&self, ask: Ask) {
        self.console().desk.ask(ask).expect("the mirror takes it");
    }
}

impl Drop for Light {
    fn drop(&mut self) {
        if let Some(console) = self.console.take() {
            self.runtime.block_on(console.close());
        }
    }
}

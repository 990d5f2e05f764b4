//! The real servers talk to each other before anything of ours is between them: if this fails, look at the machine, not at the hub.

use crate::support::servers::{Alertmanager, AlertmanagerSetup, Prometheus, PrometheusSetup, Receiver};
use crate::support::target::Target;
use crate::support::until;
use std::time::Duration;

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - {alert: DiskFull, expr: disk_full > 0, labels: {severity: critical}, annotations: {summary: "disk is full"}}
"#;

#[test]
fn a_real_prometheus_tells_a_real_alertmanager_which_tells_a_webhook() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = Target::start();
    target.set("disk_full", 0.0);
    let webhook = AlertmanagerSetup::fast(&format!("http://{}/hook", target.address()), Some("secret"));
    let alertmanager = Alertmanager::start(&home.path().join("alertmanager"), &webhook);
    let setup = PrometheusSetup {
        rules: RULES.to_owned(),
        targets: vec![target.address()],
        receivers: vec![Receiver { address: alertmanager.address().to_owned(), token: Some("unused".to_owned()) }],
        resend_delay: Duration::from_secs(1),
    };
    let mut prometheus = Prometheus::start(&home.path().join("prometheus"), &setup);
    prometheus.wait_warm();

    target.set("disk_full", 1.0);
    let told = |word: &str| target.posted().into_iter().find(|posted| posted.body.contains(word));
    let firing = until("the webhook of the firing alert", Duration::from_secs(20), || told("\"status\":\"firing\""));
    assert_eq!(firing.path, "/hook");
    assert!(firing.headers.contains(&("authorization".to_owned(), "Bearer secret".to_owned())), "{firing:?}");

    target.set("disk_full", 0.0);
    until("the webhook of its end", Duration::from_secs(20), || told("\"status\":\"resolved\""));
}

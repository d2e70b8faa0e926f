//! Every edge of every constraint of the service models, through the whole server.

use crate::{harness::Timebrook, wire_constraints};

#[tokio::test(flavor = "multi_thread")]
async fn every_constraint_is_enforced_in_the_services_words() {
    let timebrook = Timebrook::start().await;
    let cases = wire_constraints::cases();
    assert!(cases.len() > 300, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = timebrook.call(case.operation.name(), case.body.clone()).await;
        wrong.extend(case.check(answer.status.as_u16(), &answer.body).err());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

//! Figures of what is waiting and going on, as operators watch them.

use domain::figures::{Figures, gather};
use serde_json::json;
use testkit::world::{World, Worlds};

async fn figures(world: &World) -> Figures {
    gather(&world.server.app).await.unwrap()
}

fn all_runs(figures: &Figures) -> i64 {
    figures.runs.iter().map(|runs| runs.count).sum()
}

#[tokio::test]
async fn runs_jobs_and_agents_are_counted_and_above_a_hundred_nobody_is_named() {
    let world = Worlds::new().await.world().await;
    let few = figures(&world).await;
    assert!(all_runs(&few) > 0);
    assert!(few.runs.iter().all(|runs| runs.organization.as_deref() == Some("acme")), "{few:?}");
    assert!(few.jobs.iter().any(|jobs| jobs.pool == "site" && jobs.count > 0), "{few:?}");
    assert!(few.agents.iter().any(|agents| agents.pool == "site" && agents.count > 0), "{few:?}");

    let admin = world.server.site_admin();
    for number in 0..100 {
        let attributes = json!({"name": format!("more-{number}"), "email": "a@example.com"});
        let body = json!({"data": {"type": "organizations", "attributes": attributes}});
        admin.post("/organizations", body).await.is_created();
    }
    let many = figures(&world).await;
    assert!(many.runs.iter().all(|runs| runs.organization.is_none()), "{many:?}");
    assert_eq!(all_runs(&many), all_runs(&few));
}

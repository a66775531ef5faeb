//! Which of several servers keeps house.

use std::time::Duration;

use domain::keeper;
use testkit::Server;

#[tokio::test]
async fn one_server_keeps_house_until_it_is_not_heard_of_or_leaves() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let (one, two) = (server.app.clone(), server.beside().await);
    let renew = async |app: &domain::App| keeper::renew(&app.system("test")).await.unwrap();
    if !server.db.is_postgres() {
        // A database in a file belongs to one server.
        assert!(keeper::is_here(&one));
        return;
    }
    two.stop_clock(now);
    let pass = |seconds: u64| {
        server.pass(Duration::from_secs(seconds));
        two.stop_clock(one.now());
    };
    assert!(!keeper::is_here(&one) && !keeper::is_here(&two));
    renew(&one).await;
    renew(&two).await;
    assert!(keeper::is_here(&one) && !keeper::is_here(&two));
    pass(20);
    renew(&one).await;
    pass(20);
    renew(&two).await;
    assert!(keeper::is_here(&one) && !keeper::is_here(&two));
    // Nothing is heard of it, and it knows.
    pass(20);
    assert!(!keeper::is_here(&one));
    renew(&two).await;
    renew(&one).await;
    assert!(!keeper::is_here(&one) && keeper::is_here(&two));
    keeper::leave(&two.system("test")).await.unwrap();
    assert!(!keeper::is_here(&two));
    renew(&one).await;
    assert!(keeper::is_here(&one));
}

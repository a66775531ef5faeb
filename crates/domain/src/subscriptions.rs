//! What an organization has of this server: all that there is. There is one set of features, and every organization has
//! subscribed to it for good.

use db::{
    entity::organization,
    id::{OrganizationId, SubscriptionId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use crate::{Ctx, Error, Found, Granted, In, Result, Site, access::Within, can, row::Organization};

/// The id of the one set of features.
pub const EVERYTHING: &str = "fs-everythingThatIs";

/// That of an organization, which is all that is known of it.
#[derive(Clone, Debug)]
pub struct Subscription(pub Organization);

impl Subscription {
    /// As that of the organization, for a subscription.
    pub fn id(&self) -> SubscriptionId {
        let of = self.0.id.as_str();
        let id = of.replacen(OrganizationId::PREFIX, SubscriptionId::PREFIX, 1);
        id.parse().expect("ids differ by their prefixes alone")
    }
}

impl Within<Organization> for Subscription {
    fn on(&self) -> &Organization {
        &self.0
    }
}

pub async fn find(cx: &Ctx, id: &SubscriptionId) -> Result<Found<Subscription>> {
    let of = id.as_str().replacen(SubscriptionId::PREFIX, OrganizationId::PREFIX, 1);
    let found =
        organization::Entity::find().filter(organization::Column::Id.eq(of)).one(cx.read()).await?;
    found.map(Subscription).map(Found::new).ok_or(Error::NotFound)
}

/// Gives an organization a set of features: the one that it has.
///
/// # Errors
/// Invalid for any other.
pub fn choose(
    _organization: &Granted<can::ManageSite, In<Organization, Site>>,
    feature_set: Option<&str>,
) -> Result<()> {
    let refused = match feature_set {
        Some(EVERYTHING) => return Ok(()),
        Some(_) => format!("can only be {EVERYTHING}: there is one, and it has everything"),
        None => "can't be blank".to_owned(),
    };
    Err(Error::invalid_relation("feature-set", refused))
}

//! Who says what a run would cost: a service of the operator's, if there is one.

use secrecy::SecretString;

use super::Values;
use crate::{Error, Result};

/// Where it is asked, and by which secret it knows who asks; none where that is empty.
#[derive(Debug)]
pub(crate) struct Estimator<'a> {
    pub url: &'a str,
    pub secret: &'a SecretString,
}

impl Values {
    /// Nothing where administrators have switched it off, or named none.
    pub(crate) fn estimator(&self) -> Option<Estimator<'_>> {
        self.estimates_costs().then_some(Estimator {
            url: &self.cost_estimation_url,
            secret: &self.cost_estimation_secret,
        })
    }

    /// Whether there is somebody who estimates costs.
    #[must_use]
    pub fn estimates_costs(&self) -> bool {
        self.cost_estimation_enabled && !self.cost_estimation_url.is_empty()
    }
}

/// # Errors
/// Invalid for an address that cannot be asked, and where nobody is to be asked.
pub(super) fn check(values: &Values) -> Result<()> {
    let url = &values.cost_estimation_url;
    if !url.is_empty() && courier::check_url(url).is_err() {
        return Err(Error::invalid("estimator-url", "must be an http or https address"));
    }
    if values.cost_estimation_enabled && url.is_empty() {
        return Err(Error::invalid("estimator-url", "can't be blank where costs are estimated"));
    }
    Ok(())
}

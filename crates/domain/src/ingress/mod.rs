//! What happens in repositories becomes configurations, runs and policies here: deliveries and what was seen by looking are
//! worked off in their order, each repository by itself, and what they name is fetched.

mod decisions;
mod deliveries;
mod fetching;
mod looking;
mod older_plans;
mod opening;
mod policies;
mod preview;
mod under_way;

pub use looking::look;
pub use preview::{Preview, preview};
pub use under_way::{Work, work};

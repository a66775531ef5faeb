//! From the page that a request asks for to the page that the domain reads.

use domain::Paging;
use jsonapi::Query;

pub fn paging<T>(query: &Query<T>) -> Paging {
    Paging { number: query.page.number, size: query.page.size }
}

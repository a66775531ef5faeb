//! What a request asks for beside its path: page, order, includes and the endpoint's own filters.

use crate::{
    Error, Errors, Links,
    lenient::{Fault, from_parameters},
    parameters::{belongs_to, tree},
    spelling::{kebab, same},
};
use axum::extract::{FromRequestParts, OriginalUri};
use http::request::Parts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt::Write;

/// `?page[number]=2&page[size]=50&sort=-name&include=a,b.c`, and as `own` the endpoint's own
/// parameters.
///
/// `T` mirrors the brackets with nested structs whose members are optional or have defaults. Names
/// are accepted in any spelling. A list is comma-separated or indexed. Parameters that `T` does
/// not have are ignored; one that it has and cannot read is answered with 400 and its name. The
/// plain `q` beside `q[name]` is the member `#[serde(rename = "")]`.
#[derive(Clone, Debug, Default)]
pub struct Query<T = ()> {
    pub page: Page,
    /// Whether a page was asked for.
    pub is_paged: bool,
    pub sort: Vec<SortKey>,
    /// The asked-for paths, as the client spelled them.
    pub include: Vec<String>,
    pub own: T,
    address: Address,
}

/// The public origin of the server, such as `https://example.com`, as a request extension. Without
/// it the links of a page are paths.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

/// A page: `number` from 1, `size` from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub number: u64,
    pub size: u64,
}

impl Page {
    const DEFAULT_SIZE: u64 = 20;
    const MAX_SIZE: u64 = 100;
    /// Far beyond any list, and small enough that no offset overflows.
    const MAX_NUMBER: u64 = u32::MAX as u64;

    fn new(number: Option<u64>, size: Option<u64>) -> Self {
        Self {
            number: number.unwrap_or(1).clamp(1, Self::MAX_NUMBER),
            size: size.unwrap_or(Self::DEFAULT_SIZE).clamp(1, Self::MAX_SIZE),
        }
    }

    /// How many items come before this page.
    pub fn offset(self) -> u64 {
        (self.number - 1) * self.size
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// One key to sort by; `-created-at` is descending. The name is in kebab-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    pub name: String,
    pub descending: bool,
}

impl SortKey {
    fn parse(text: &str) -> Self {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        Self { name: kebab(name), descending }
    }
}

/// Where the request went, to build the addresses of the other pages.
#[derive(Clone, Debug, Default)]
struct Address {
    base: String,
    path: String,
    query: String,
}

/// The counts of a paged list, as `meta.pagination`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Pagination {
    current_page: u64,
    page_size: u64,
    prev_page: Option<u64>,
    /// Null exactly on the last page and beyond: clients loop until then.
    next_page: Option<u64>,
    total_pages: u64,
    /// The same by its older name.
    last_page: u64,
    total_count: u64,
}

impl Pagination {
    fn new(Page { number, size }: Page, total: u64) -> Self {
        let last = total.div_ceil(size).max(1);
        Self {
            current_page: number,
            page_size: size,
            prev_page: (number > 1).then(|| last.min(number - 1)),
            next_page: (number < last).then(|| number + 1),
            total_pages: last,
            last_page: last,
            total_count: total,
        }
    }
}

impl<T> Query<T> {
    /// Whether `include=` asks for this path, in any spelling.
    pub fn includes(&self, path: &str) -> bool {
        self.include.iter().any(|asked| same(asked, path))
    }

    pub(crate) fn pagination(&self, total: u64) -> (Links, Pagination) {
        let pagination = Pagination::new(self.page, total);
        let address = |number| self.address.of_page(number, self.page.size);
        let mut links = Links::default();
        links.add("self", address(self.page.number));
        links.add("first", address(1));
        links.set("prev", pagination.prev_page.map(address));
        links.set("next", pagination.next_page.map(address));
        links.add("last", address(pagination.total_pages));
        (links, pagination)
    }
}

impl Address {
    fn of_page(&self, number: u64, size: u64) -> String {
        let mut url = format!("{}{}?", self.base.trim_end_matches('/'), self.path);
        for pair in self.query.split('&').filter(|p| !p.is_empty() && !belongs_to(p, "page")) {
            url.push_str(&pair.replace('[', "%5B").replace(']', "%5D"));
            url.push('&');
        }
        write!(url, "page%5Bnumber%5D={number}&page%5Bsize%5D={size}")
            .expect("writing to a string does not fail");
        url
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    page: Wish,
    sort: Vec<String>,
    include: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    number: Option<u64>,
    size: Option<u64>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Errors;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Errors> {
        // A nested router shortens the address; links need the whole of it.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let query = uri.query().unwrap_or_default();
        let tree = tree(query);
        let common: Common = from_parameters(tree.clone()).map_err(|fault| refusal(&fault))?;
        let own = from_parameters(tree).map_err(|fault| refusal(&fault))?;
        Ok(Self {
            page: Page::new(common.page.number, common.page.size),
            is_paged: common.page.number.is_some() || common.page.size.is_some(),
            sort: common.sort.iter().map(|key| SortKey::parse(key)).collect(),
            include: common.include,
            own,
            address: Address {
                base: parts.extensions.get::<BaseUrl>().map(|b| b.0.clone()).unwrap_or_default(),
                path: uri.path().to_owned(),
                query: query.to_owned(),
            },
        })
    }
}

fn refusal(fault: &Fault) -> Errors {
    let mut path = fault.path();
    let mut name = path.next().unwrap_or_default().to_owned();
    for part in path {
        write!(name, "[{part}]").expect("writing to a string does not fail");
    }
    let detail = format!("{name} {}", fault.message());
    Error::bad_request("invalid query parameter", detail).parameter(name).into()
}

//! Reading a page of a list, with its true total; text search and text order that are the same on both databases.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SimpleExpr},
};

use crate::Result;

/// Which page: `number` from 1, `size` rows.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    pub number: u64,
    pub size: u64,
}

impl Paging {
    /// How many rows come before the page.
    pub fn skip(self) -> u64 {
        self.number.saturating_sub(1).saturating_mul(self.size)
    }
}

/// Some rows of a list, and how many there are in all.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: u64,
}

impl<T> Page<T> {
    /// One page of what was read whole.
    pub fn of(all: Vec<T>, paging: Paging) -> Self {
        let total = all.len() as u64;
        let skip = usize::try_from(paging.skip()).unwrap_or(usize::MAX);
        let size = usize::try_from(paging.size).unwrap_or(usize::MAX);
        Self { items: all.into_iter().skip(skip).take(size).collect(), total }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), total: self.total }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

impl From<Order> for sea_orm::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Ascending => Self::Asc,
            Order::Descending => Self::Desc,
        }
    }
}

/// Reads one page of an ordered query.
pub async fn page<E, M>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    paging: Paging,
) -> Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + Sized + Send + Sync,
{
    let total = query.clone().count(connection).await?;
    let skip = paging.skip();
    let items = if skip >= total {
        Vec::new()
    } else {
        query.offset(skip).limit(paging.size).all(connection).await?
    };
    Ok(Page { items, total })
}

/// Holds where the column contains the text, whatever the case.
pub fn contains(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Expr::expr(Func::lower(column.into_expr())).like(LikeExpr::new(pattern).escape('\\'))
}

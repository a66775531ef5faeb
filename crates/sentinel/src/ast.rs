//! The tree of a file. Names carry the places where they may be found, which `check` fills in.

use crate::source::Pos;

/// A file that was read and checked.
#[derive(Debug)]
pub(crate) struct Program {
    pub imports: Vec<ImportDecl>,
    pub params: Vec<ParamDecl>,
    pub body: Vec<Stmt>,
    /// The names of the file's own scope, by slot.
    pub names: Vec<Box<str>>,
    pub warnings: Vec<(Pos, String)>,
}

#[derive(Debug)]
pub(crate) struct ImportDecl {
    pub pos: Pos,
    pub path: Box<str>,
    /// What the file calls it.
    pub name: Box<str>,
}

#[derive(Debug)]
pub(crate) struct ParamDecl {
    pub pos: Pos,
    pub name: Box<str>,
    pub default: Option<Expr>,
}

/// Where a variable lives: so many scopes up, in that slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub up: u16,
    pub index: u16,
}

/// A name, and all places where an assignment may have put it, the innermost first.
///
/// A name becomes known when its assignment runs, so which of the places counts is known only then.
#[derive(Debug)]
pub(crate) struct Name {
    pub text: Box<str>,
    pub slots: Box<[Slot]>,
}

impl Name {
    pub fn new(text: Box<str>) -> Self {
        Self { text, slots: Box::default() }
    }
}

#[derive(Debug)]
pub(crate) enum Stmt {
    Expr(Expr),
    Assign { pos: Pos, target: Target, op: Option<Binary>, value: Expr },
    Return { pos: Pos, value: Option<Expr> },
    Break(Pos),
    Continue(Pos),
    If { cond: Expr, then: Vec<Stmt>, other: Option<Vec<Stmt>> },
    For(For),
    Case { pos: Pos, subject: Option<Expr>, clauses: Vec<Clause>, other: Option<Vec<Stmt>> },
    Block { body: Vec<Stmt>, slots: usize },
    Func { pos: Pos, name: Name, function: Function },
}

#[derive(Debug)]
pub(crate) enum Target {
    /// `create` is the slot in the current scope, for a name that is nowhere yet.
    Name {
        name: Name,
        create: u16,
    },
    Index {
        of: Expr,
        index: Expr,
    },
}

/// A loop. The variables of an iteration take the first slots of its scope.
#[derive(Debug)]
pub(crate) struct For {
    pub over: Expr,
    pub names: Vec<Box<str>>,
    pub body: Vec<Stmt>,
    pub slots: usize,
}

#[derive(Debug)]
pub(crate) struct Clause {
    pub when: Vec<Expr>,
    pub body: Vec<Stmt>,
}

/// A function. Its parameters take the first slots of its scope.
#[derive(Debug)]
pub(crate) struct Function {
    pub params: Vec<Box<str>>,
    pub body: Vec<Stmt>,
    pub slots: usize,
}

#[derive(Debug)]
pub(crate) struct RuleBody {
    pub when: Option<Expr>,
    pub body: Expr,
}

/// `all`, `any`, `filter` or `map` over something.
#[derive(Debug)]
pub(crate) struct Quant {
    pub kind: Quantifier,
    pub over: Expr,
    pub names: Vec<Box<str>>,
    pub body: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    All,
    Any,
    Filter,
    Map,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub pos: Pos,
    /// How many expressions lie within each other here: what walks the tree needs that much stack.
    pub height: usize,
    pub kind: ExprKind,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Undefined,
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<[u8]>),
    Name(Name),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Func(Function),
    Rule(Box<RuleBody>),
    Quant(Box<Quant>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<(Expr, Expr)>),
    /// `of.member`; the position is the member's.
    Select(Box<Expr>, Pos, Box<str>),
    Index(Box<(Expr, Expr)>),
    Slice(Box<Slice>),
    Call(Box<Expr>, Vec<Expr>),
    /// `x is empty`, `x is not empty`.
    IsEmpty(Box<Expr>, bool),
    /// `x is defined`, `x is not defined`.
    IsDefined(Box<Expr>, bool),
}

#[derive(Debug)]
pub(crate) struct Slice {
    pub of: Expr,
    pub low: Option<Expr>,
    pub high: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Else,
    Is,
    IsNot,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Contains,
    NotContains,
    In,
    NotIn,
    Matches,
    NotMatches,
    And,
    Or,
    Xor,
}

impl Binary {
    /// How it is written, in messages.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Else => "else",
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::Contains => "contains",
            Self::NotContains => "not contains",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Matches => "matches",
            Self::NotMatches => "not matches",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }
}

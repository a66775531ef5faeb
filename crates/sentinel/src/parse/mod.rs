//! From tokens to the tree: the cursor, and what stands at the head of a file.

mod expr;
mod stmt;

use crate::ast::{Expr, ExprKind, ImportDecl, ParamDecl, Program};
use crate::lex::lex;
use crate::source::{Eval, Fault, Pos};
use crate::token::{Kind, Token};

/// Expressions and blocks may lie this deep within each other.
pub(crate) const MAX_DEPTH: usize = 1_000;

/// The tree of a file, not yet checked.
pub(crate) fn parse(text: &[u8], file: u16) -> Eval<Program> {
    let mut parser = Parser { tokens: lex(text, file)?, next: 0, file, depth: 0, tallest: 0 };
    parser.program()
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    file: u16,
    depth: usize,
    /// The height of the tallest expression of the function that is being read.
    tallest: usize,
}

impl Parser {
    fn program(&mut self) -> Eval<Program> {
        let (mut imports, mut params) = (Vec::new(), Vec::new());
        self.skip_ends();
        while self.at("import") {
            imports.push(self.import()?);
            self.end_of_statement()?;
        }
        while self.at("param") {
            params.push(self.param()?);
            self.end_of_statement()?;
        }
        let body = self.statements(|kind| *kind == Kind::Eof)?;
        Ok(Program { imports, params, body, names: Vec::new(), warnings: Vec::new() })
    }

    fn import(&mut self) -> Eval<ImportDecl> {
        let pos = self.pos();
        self.advance();
        let Kind::Text(path) = self.advance() else {
            return Err(Fault::syntax(self.previous(), "import wants a string"));
        };
        let path = String::from_utf8_lossy(&path).into_owned();
        let name = if self.eat("as") {
            self.name("the import's name")?
        } else {
            let last = path.rsplit('/').next().unwrap_or_default();
            if !is_name(last) {
                let text = format!("import {path:?} needs a name: import {path:?} as name");
                return Err(Fault::semantic(pos, text));
            }
            last.into()
        };
        Ok(ImportDecl { pos, path: path.into(), name })
    }

    fn param(&mut self) -> Eval<ParamDecl> {
        self.advance();
        let pos = self.pos();
        let name = self.name("the parameter's name")?;
        let default = if self.eat("default") { Some(self.expr()?) } else { None };
        Ok(ParamDecl { pos, name, default })
    }

    fn kind(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    /// The token `ahead` of the next one; the last one is never passed.
    fn ahead(&self, ahead: usize) -> &Kind {
        &self.tokens[(self.next + ahead).min(self.tokens.len() - 1)].kind
    }

    fn pos(&self) -> Pos {
        Pos { file: self.file, at: self.tokens[self.next].at }
    }

    /// Where the token that was taken last began.
    fn previous(&self) -> Pos {
        Pos { file: self.file, at: self.tokens[self.next.saturating_sub(1)].at }
    }

    fn advance(&mut self) -> Kind {
        let kind = self.kind().clone();
        if kind != Kind::Eof {
            self.next += 1;
        }
        kind
    }

    fn at(&self, fixed: &str) -> bool {
        matches!(self.kind(), Kind::Fixed(text) if *text == fixed)
    }

    fn is_ahead(&self, ahead: usize, fixed: &str) -> bool {
        matches!(self.ahead(ahead), Kind::Fixed(text) if *text == fixed)
    }

    fn eat(&mut self, fixed: &str) -> bool {
        let found = self.at(fixed);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, fixed: &str, place: &str) -> Eval<()> {
        if self.eat(fixed) {
            return Ok(());
        }
        Err(self.unexpected(&format!("expected {fixed:?} {place}")))
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        Fault::syntax(self.pos(), format!("{wanted}, found {}", self.kind().describe()))
    }

    fn name(&mut self, what: &str) -> Eval<Box<str>> {
        let pos = self.pos();
        match self.kind().clone() {
            Kind::Name(name) if constant(&name).is_none() => {
                self.next += 1;
                Ok(name)
            }
            Kind::Name(name) => {
                Err(Fault::semantic(pos, format!("{name} is a constant and cannot be {what}")))
            }
            _ => Err(self.unexpected(&format!("expected {what}"))),
        }
    }

    fn skip_ends(&mut self) {
        while matches!(self.kind(), Kind::End(_)) {
            self.next += 1;
        }
    }

    /// The end of a statement, which `}` and the end of the file are too.
    fn end_of_statement(&mut self) -> Eval<()> {
        match self.kind() {
            Kind::End(_) => {
                self.skip_ends();
                Ok(())
            }
            Kind::Eof | Kind::Fixed("}") => Ok(()),
            _ => Err(self.unexpected("expected the end of the statement")),
        }
    }

    /// Goes one level deeper for the time of `inner`.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep(self.pos()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

fn too_deep(pos: Pos) -> Fault {
    Fault::syntax(pos, format!("more than {MAX_DEPTH} expressions within each other"))
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
        && !crate::token::WORDS.contains(&text)
}

/// The four names that always mean the same.
fn constant(name: &str) -> Option<ExprKind> {
    match name {
        "true" => Some(ExprKind::Bool(true)),
        "false" => Some(ExprKind::Bool(false)),
        "null" => Some(ExprKind::Null),
        "undefined" => Some(ExprKind::Undefined),
        _ => None,
    }
}

/// The height of a node over others, if that is not too deep.
fn above<'e>(pos: Pos, below: impl IntoIterator<Item = &'e Expr>) -> Eval<usize> {
    let height = 1 + below.into_iter().map(|expr| expr.height).max().unwrap_or(0);
    if height > MAX_DEPTH { Err(too_deep(pos)) } else { Ok(height) }
}

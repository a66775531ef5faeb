//! Statements.

use super::Parser;
use crate::ast::{Binary, Clause, ExprKind, For, Function, Name, Stmt, Target};
use crate::source::{Eval, Fault};
use crate::token::Kind;

impl Parser {
    /// Statements up to the token that `stop` knows, which is left where it is.
    pub(super) fn statements(&mut self, stop: impl Fn(&Kind) -> bool) -> Eval<Vec<Stmt>> {
        let mut body = Vec::new();
        self.skip_ends();
        while !stop(self.kind()) {
            body.push(self.deeper(Self::statement)?);
            if !stop(self.kind()) {
                self.end_of_statement()?;
            }
            if matches!(self.kind(), Kind::Eof | Kind::Fixed("}")) && !stop(self.kind()) {
                return Err(self.unexpected("expected a statement"));
            }
        }
        Ok(body)
    }

    pub(super) fn block(&mut self) -> Eval<Vec<Stmt>> {
        self.expect("{", "before a block")?;
        let body = self.statements(|kind| *kind == Kind::Fixed("}"))?;
        self.expect("}", "after a block")?;
        Ok(body)
    }

    fn statement(&mut self) -> Eval<Stmt> {
        let pos = self.pos();
        let Kind::Fixed(word) = *self.kind() else { return self.assignment_or_expression() };
        match word {
            "{" => Ok(Stmt::Block { body: self.block()?, slots: 0 }),
            "if" => self.if_statement(),
            "for" => self.for_statement(),
            "case" => self.case_statement(),
            "return" => {
                self.advance();
                let none = matches!(self.kind(), Kind::End(_) | Kind::Eof | Kind::Fixed("}"));
                let value = if none { None } else { Some(self.expr()?) };
                Ok(Stmt::Return { pos, value })
            }
            "break" => {
                self.advance();
                Ok(Stmt::Break(pos))
            }
            "continue" => {
                self.advance();
                Ok(Stmt::Continue(pos))
            }
            "func" if matches!(self.ahead(1), Kind::Name(_)) => {
                self.advance();
                let pos = self.pos();
                let name = Name::new(self.name("the function's name")?);
                Ok(Stmt::Func { pos, name, function: self.function()? })
            }
            "import" => {
                Err(Fault::syntax(pos, "imports must come before everything else in the file"))
            }
            "param" => Err(Fault::syntax(
                pos,
                "parameters must come after the imports and before everything else in the file",
            )),
            _ => self.assignment_or_expression(),
        }
    }

    fn assignment_or_expression(&mut self) -> Eval<Stmt> {
        let pos = self.pos();
        let expr = self.expr()?;
        let op = match self.kind() {
            Kind::Fixed("=") => None,
            Kind::Fixed("+=") => Some(Binary::Add),
            Kind::Fixed("-=") => Some(Binary::Sub),
            Kind::Fixed("*=") => Some(Binary::Mul),
            Kind::Fixed("/=") => Some(Binary::Div),
            Kind::Fixed("%=") => Some(Binary::Rem),
            _ => return Ok(Stmt::Expr(expr)),
        };
        let target = match expr.kind {
            ExprKind::Name(name) => Target::Name { name, create: 0 },
            ExprKind::Index(both) => {
                let (of, index) = *both;
                Target::Index { of, index }
            }
            ExprKind::Select(_, at, member) => {
                let text = format!("cannot assign to the selector .{member}; use [{member:?}]");
                return Err(Fault::semantic(at, text));
            }
            ExprKind::Undefined | ExprKind::Null | ExprKind::Bool(_) => {
                return Err(Fault::semantic(pos, "cannot assign to a constant"));
            }
            _ => return Err(Fault::syntax(pos, "cannot assign to this expression")),
        };
        self.advance();
        let value = self.expr()?;
        Ok(Stmt::Assign { pos, target, op, value })
    }

    fn if_statement(&mut self) -> Eval<Stmt> {
        self.advance();
        let cond = self.expr()?;
        let then = self.block()?;
        let mut other = None;
        if self.eat("else") {
            other = Some(if self.at("if") {
                vec![self.deeper(Self::if_statement)?]
            } else {
                self.block()?
            });
        }
        Ok(Stmt::If { cond, then, other })
    }

    fn for_statement(&mut self) -> Eval<Stmt> {
        self.advance();
        let over = self.expr()?;
        let names = self.loop_names("for")?;
        Ok(Stmt::For(For { over, names, body: self.block()?, slots: 0 }))
    }

    /// `as name` or `as key, value`.
    pub(super) fn loop_names(&mut self, place: &str) -> Eval<Vec<Box<str>>> {
        self.expect("as", &format!("in {place}"))?;
        let mut names = vec![self.name("the loop's variable")?];
        if self.eat(",") {
            names.push(self.name("the loop's second variable")?);
        }
        Ok(names)
    }

    fn case_statement(&mut self) -> Eval<Stmt> {
        let pos = self.pos();
        self.advance();
        let subject = if self.at("{") { None } else { Some(self.expr()?) };
        self.expect("{", "in case")?;
        let (mut clauses, mut other) = (Vec::new(), None);
        loop {
            self.skip_ends();
            let at = self.pos();
            if self.eat("}") {
                return Ok(Stmt::Case { pos, subject, clauses, other });
            } else if self.eat("when") {
                let mut when = vec![self.expr()?];
                while self.eat(",") {
                    when.push(self.expr()?);
                }
                clauses.push(Clause { when, body: self.clause()? });
            } else if self.eat("else") {
                if other.replace(self.clause()?).is_some() {
                    return Err(Fault::syntax(at, "case has more than one else"));
                }
            } else {
                return Err(self.unexpected("expected when, else or \"}\" in case"));
            }
        }
    }

    fn clause(&mut self) -> Eval<Vec<Stmt>> {
        self.expect(":", "in case")?;
        self.statements(|kind| matches!(kind, Kind::Fixed("when" | "else" | "}")))
    }

    /// Parameters and body, after the word `func` and perhaps a name.
    pub(super) fn function(&mut self) -> Eval<Function> {
        self.expect("(", "before the parameters")?;
        let mut params: Vec<Box<str>> = Vec::new();
        while !self.at(")") {
            let pos = self.pos();
            let param = self.name("a parameter")?;
            if params.contains(&param) {
                return Err(Fault::semantic(pos, format!("two parameters are called {param}")));
            }
            params.push(param);
            self.comma_or(")", "parameter list")?;
        }
        self.expect(")", "after the parameters")?;
        Ok(Function { params, body: self.block()?, slots: 0 })
    }
}

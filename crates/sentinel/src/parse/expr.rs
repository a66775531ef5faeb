//! Expressions, by precedence.

use super::{MAX_DEPTH, Parser, above, constant, too_deep};
use crate::ast::{Binary, Expr, ExprKind, Name, Quant, Quantifier, RuleBody, Slice, Unary};
use crate::source::{Eval, Fault};
use crate::token::Kind;

/// Makes the node of a test, which may be negated.
type Test = fn(Box<Expr>, bool) -> ExprKind;

impl Parser {
    pub(super) fn expr(&mut self) -> Eval<Expr> {
        let expr = self.deeper(|parser| parser.binary(1))?;
        self.tallest = self.tallest.max(expr.height);
        Ok(expr)
    }

    /// A chain of operators that bind at least as tightly as `level`; all associate to the left.
    fn binary(&mut self, level: u8) -> Eval<Expr> {
        let mut left = self.unary()?;
        while let Some((op, binds, words)) = self.operator().filter(|(_, binds, _)| *binds >= level)
        {
            self.next += words;
            let right = self.binary(binds + 1)?;
            let pos = left.pos;
            let height = above(pos, [&left, &right])?;
            left = Expr { pos, height, kind: ExprKind::Binary(op, Box::new((left, right))) };
        }
        Ok(left)
    }

    /// The operator that comes next, how tightly it binds, and of how many words it is made.
    fn operator(&self) -> Option<(Binary, u8, usize)> {
        let Kind::Fixed(text) = *self.kind() else { return None };
        Some(match text {
            "*" => (Binary::Mul, 6, 1),
            "/" => (Binary::Div, 6, 1),
            "%" => (Binary::Rem, 6, 1),
            "+" => (Binary::Add, 5, 1),
            "-" => (Binary::Sub, 5, 1),
            "else" => (Binary::Else, 4, 1),
            "!=" => (Binary::IsNot, 3, 1),
            "<" => (Binary::Less, 3, 1),
            "<=" => (Binary::LessEq, 3, 1),
            ">" => (Binary::Greater, 3, 1),
            ">=" => (Binary::GreaterEq, 3, 1),
            "is" if self.is_ahead(1, "not") => (Binary::IsNot, 3, 2),
            "is" | "==" => (Binary::Is, 3, 1),
            "contains" => (Binary::Contains, 3, 1),
            "in" => (Binary::In, 3, 1),
            "matches" => (Binary::Matches, 3, 1),
            "not" if self.is_ahead(1, "contains") => (Binary::NotContains, 3, 2),
            "not" if self.is_ahead(1, "in") => (Binary::NotIn, 3, 2),
            "not" if self.is_ahead(1, "matches") => (Binary::NotMatches, 3, 2),
            "and" => (Binary::And, 2, 1),
            "or" => (Binary::Or, 1, 1),
            "xor" => (Binary::Xor, 1, 1),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Eval<Expr> {
        let op = match self.kind() {
            Kind::Fixed("not" | "!") => Unary::Not,
            Kind::Fixed("-") => Unary::Minus,
            Kind::Fixed("+") => Unary::Plus,
            _ => return self.postfix(),
        };
        let pos = self.pos();
        self.advance();
        let operand = self.deeper(Self::unary)?;
        let height = above(pos, [&operand])?;
        Ok(Expr { pos, height, kind: ExprKind::Unary(op, Box::new(operand)) })
    }

    fn postfix(&mut self) -> Eval<Expr> {
        let mut expr = self.primary()?;
        loop {
            let Kind::Fixed(text) = *self.kind() else { return Ok(expr) };
            let pos = expr.pos;
            expr = match text {
                "." => {
                    self.advance();
                    let at = self.pos();
                    let Kind::Name(member) = self.kind().clone() else {
                        return Err(self.unexpected("expected a name after \".\""));
                    };
                    self.advance();
                    let height = above(pos, [&expr])?;
                    Expr { pos, height, kind: ExprKind::Select(Box::new(expr), at, member) }
                }
                "[" => self.index(expr)?,
                "(" => {
                    self.advance();
                    let arguments = self.list_of(")", "argument list")?;
                    let height = above(pos, arguments.iter().chain([&expr]))?;
                    Expr { pos, height, kind: ExprKind::Call(Box::new(expr), arguments) }
                }
                "is" => match self.tested() {
                    None => return Ok(expr),
                    Some((test, negated)) => {
                        self.next += 2 + usize::from(negated);
                        let height = above(pos, [&expr])?;
                        Expr { pos, height, kind: test(Box::new(expr), negated) }
                    }
                },
                _ => return Ok(expr),
            };
        }
    }

    /// What follows `is`, if it is a test of one operand.
    fn tested(&self) -> Option<(Test, bool)> {
        let negated = self.is_ahead(1, "not");
        let word = 1 + usize::from(negated);
        if self.is_ahead(word, "empty") {
            return Some((ExprKind::IsEmpty, negated));
        }
        self.is_ahead(word, "defined").then_some((ExprKind::IsDefined, negated))
    }

    fn index(&mut self, of: Expr) -> Eval<Expr> {
        let pos = of.pos;
        self.advance();
        let low = if self.at(":") { None } else { Some(self.expr()?) };
        if let Some(index) = low {
            if !self.at(":") {
                self.close("]", "index")?;
                let height = above(pos, [&of, &index])?;
                return Ok(Expr { pos, height, kind: ExprKind::Index(Box::new((of, index))) });
            }
            return self.slice(of, Some(index));
        }
        self.slice(of, None)
    }

    fn slice(&mut self, of: Expr, low: Option<Expr>) -> Eval<Expr> {
        self.expect(":", "in a slice")?;
        let high = if self.at("]") { None } else { Some(self.expr()?) };
        self.close("]", "slice")?;
        let pos = of.pos;
        let height = above(pos, low.iter().chain(&high).chain([&of]))?;
        Ok(Expr { pos, height, kind: ExprKind::Slice(Box::new(Slice { of, low, high })) })
    }

    fn primary(&mut self) -> Eval<Expr> {
        let pos = self.pos();
        let leaf = |kind| Ok(Expr { pos, height: 1, kind });
        match self.kind().clone() {
            Kind::Int(value) => {
                self.advance();
                leaf(ExprKind::Int(value))
            }
            Kind::Float(value) => {
                self.advance();
                leaf(ExprKind::Float(value))
            }
            Kind::Text(text) => {
                self.advance();
                leaf(ExprKind::Text(text))
            }
            Kind::Name(name) => {
                self.advance();
                leaf(constant(&name).unwrap_or_else(|| ExprKind::Name(Name::new(name))))
            }
            Kind::Fixed("(") => {
                self.advance();
                let inner = self.expr()?;
                self.close(")", "parentheses")?;
                Ok(Expr { pos, ..inner })
            }
            Kind::Fixed("[") => {
                self.advance();
                let items = self.list_of("]", "list literal")?;
                let height = above(pos, &items)?;
                Ok(Expr { pos, height, kind: ExprKind::List(items) })
            }
            Kind::Fixed("{") => self.map_literal(),
            Kind::Fixed("func") => {
                self.advance();
                let outside = std::mem::take(&mut self.tallest);
                let function = self.function()?;
                let height = 1 + std::mem::replace(&mut self.tallest, outside);
                if height > MAX_DEPTH {
                    return Err(too_deep(pos));
                }
                Ok(Expr { pos, height, kind: ExprKind::Func(function) })
            }
            Kind::Fixed("rule") => self.rule(),
            Kind::Fixed("all") => self.quantifier(Quantifier::All),
            Kind::Fixed("any") => self.quantifier(Quantifier::Any),
            Kind::Fixed("filter") => self.quantifier(Quantifier::Filter),
            Kind::Fixed("map") => self.quantifier(Quantifier::Map),
            _ => Err(self.unexpected("expected an expression")),
        }
    }

    fn map_literal(&mut self) -> Eval<Expr> {
        let pos = self.pos();
        self.advance();
        let mut entries = Vec::new();
        while !self.at("}") {
            let key = self.expr()?;
            self.expect(":", "after a key of a map")?;
            entries.push((key, self.expr()?));
            self.comma_or("}", "map literal")?;
        }
        self.expect("}", "after a map")?;
        let height = above(pos, entries.iter().flat_map(|(key, value)| [key, value]))?;
        Ok(Expr { pos, height, kind: ExprKind::Map(entries) })
    }

    fn rule(&mut self) -> Eval<Expr> {
        let pos = self.pos();
        self.advance();
        let when = if self.eat("when") { Some(self.expr()?) } else { None };
        let body = self.body("rule")?;
        let height = above(pos, when.iter().chain([&body]))?;
        Ok(Expr { pos, height, kind: ExprKind::Rule(Box::new(RuleBody { when, body })) })
    }

    fn quantifier(&mut self, kind: Quantifier) -> Eval<Expr> {
        let pos = self.pos();
        self.advance();
        let over = self.expr()?;
        let names = self.loop_names("a quantifier")?;
        let body = self.body("quantifier")?;
        let height = above(pos, [&over, &body])?;
        Ok(Expr { pos, height, kind: ExprKind::Quant(Box::new(Quant { kind, over, names, body })) })
    }

    /// `{ expression }`.
    fn body(&mut self, place: &str) -> Eval<Expr> {
        self.expect("{", &format!("before the body of a {place}"))?;
        self.skip_ends();
        let body = self.expr()?;
        self.close("}", place)?;
        Ok(body)
    }

    /// A closing mark, before which lines may end.
    fn close(&mut self, mark: &str, place: &str) -> Eval<()> {
        self.skip_ends();
        self.expect(mark, &format!("after the {place}"))
    }

    fn list_of(&mut self, mark: &str, place: &str) -> Eval<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.at(mark) {
            items.push(self.expr()?);
            self.comma_or(mark, place)?;
        }
        self.expect(mark, &format!("after the {place}"))?;
        Ok(items)
    }

    /// A comma, or the mark that ends the list and is left where it is.
    pub(super) fn comma_or(&mut self, mark: &str, place: &str) -> Eval<()> {
        if self.eat(",") || self.at(mark) {
            return Ok(());
        }
        if *self.kind() == Kind::End(true) {
            let text = format!("missing ',' before newline in {place}");
            return Err(Fault::syntax(self.pos(), text));
        }
        Err(self.unexpected(&format!("expected \",\" or {mark:?} in {place}")))
    }
}

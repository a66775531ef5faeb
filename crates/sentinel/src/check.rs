//! What can be said before a policy runs: mistakes, and where each name may live.

use std::collections::HashMap;

use crate::ast::{Binary, Expr, ExprKind, Function, Name, Program, Slot, Stmt, Target, Unary};
use crate::source::{Eval, Fault, Pos};

/// Checks a tree and fills in the places of its names.
pub(crate) fn check(program: &mut Program) -> Eval<()> {
    let mut checker = Checker {
        scopes: Vec::new(),
        fixed: HashMap::new(),
        loops: 0,
        functions: 0,
        warnings: Vec::new(),
    };
    let mut paths: HashMap<&str, &str> = HashMap::new();
    for import in &program.imports {
        // The same import twice is no harm; a name for two things is.
        if paths.insert(&import.name, &import.path).is_some_and(|path| path != &*import.path) {
            let text = format!("two imports are called {}", import.name);
            return Err(Fault::semantic(import.pos, text));
        }
        checker.fixed.insert(import.name.clone(), "an import");
    }
    let mut names = Names::default();
    for param in &program.params {
        checker.not_fixed(&param.name, param.pos)?;
        if !names.add(&param.name) {
            let text = format!("two parameters are called {}", param.name);
            return Err(Fault::semantic(param.pos, text));
        }
        if let Some(default) = &param.default {
            literal(default)?;
        }
    }
    collect(&program.body, &mut names);
    if names.list.len() > usize::from(u16::MAX) {
        return Err(Fault::limit("too many names"));
    }
    checker.scopes.push(names);
    // A function with a name is a constant of the file: nothing else may bear its name.
    let mut constants = Names::default();
    constants.extend(program.params.iter().map(|param| param.name.clone()));
    let params = constants.list.len();
    for stmt in &program.body {
        let Stmt::Func { pos, name, .. } = stmt else { continue };
        if !constants.add(&name.text) {
            let text = format!("{} is already declared", name.text);
            return Err(Fault::semantic(*pos, text));
        }
        checker.not_fixed(&name.text, *pos)?;
    }
    let constants = constants.list.into_iter().skip(params);
    checker.fixed.extend(constants.map(|name| (name, "a function")));
    checker.statements(&mut program.body)?;
    program.names = checker.scopes.pop().unwrap_or_default().list;
    program.warnings = checker.warnings;
    Ok(())
}

/// The names of a scope, by slot, and where to find each of many.
#[derive(Default)]
struct Names {
    list: Vec<Box<str>>,
    slots: HashMap<Box<str>, usize>,
}

impl Names {
    /// Of parameters and loop variables, which have a slot each.
    fn of(first: &[Box<str>]) -> Self {
        let mut names = Self::default();
        for name in first {
            names.slots.entry(name.clone()).or_insert(names.list.len());
            names.list.push(name.clone());
        }
        names
    }

    /// Adds one, unless it is there.
    fn add(&mut self, name: &str) -> bool {
        let is_new = !self.slots.contains_key(name);
        if is_new {
            self.slots.insert(name.into(), self.list.len());
            self.list.push(name.into());
        }
        is_new
    }
}

impl Extend<Box<str>> for Names {
    fn extend<I: IntoIterator<Item = Box<str>>>(&mut self, more: I) {
        for name in more {
            self.add(&name);
        }
    }
}

/// The names that statements create in their own scope; `if` and `case` have none.
fn collect(body: &[Stmt], names: &mut Names) {
    for stmt in body {
        match stmt {
            Stmt::Assign { target: Target::Name { name, .. }, .. } | Stmt::Func { name, .. } => {
                names.add(&name.text);
            }
            Stmt::If { then, other, .. } => {
                collect(then, names);
                collect(other.as_deref().unwrap_or_default(), names);
            }
            Stmt::Case { clauses, other, .. } => {
                for clause in clauses {
                    collect(&clause.body, names);
                }
                collect(other.as_deref().unwrap_or_default(), names);
            }
            _ => {}
        }
    }
}

/// The default of a parameter is known without running anything.
fn literal(expr: &Expr) -> Eval<()> {
    match &expr.kind {
        ExprKind::List(items) => items.iter().try_for_each(literal),
        ExprKind::Map(entries) => {
            entries.iter().try_for_each(|(key, value)| literal(key).and_then(|()| literal(value)))
        }
        ExprKind::Unary(_, operand) => literal(operand),
        ExprKind::Undefined
        | ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Text(_) => Ok(()),
        _ => Err(Fault::semantic(expr.pos, "the default of a parameter must be a literal")),
    }
}

struct Checker {
    /// The names of the scopes around, the innermost last.
    scopes: Vec<Names>,
    /// What nothing may be assigned to in the file's scope, and what it is.
    fixed: HashMap<Box<str>, &'static str>,
    /// How many loops are around in the same function.
    loops: usize,
    functions: usize,
    warnings: Vec<(Pos, String)>,
}

impl Checker {
    fn not_fixed(&self, name: &str, pos: Pos) -> Eval<()> {
        match self.fixed.get(name) {
            Some(what) => {
                Err(Fault::semantic(pos, format!("{name} is {what} and cannot be assigned")))
            }
            None => Ok(()),
        }
    }

    /// Checks what `inner` checks in a scope of its own, and tells how many slots it needs.
    fn scope(
        &mut self,
        names: Names,
        pos: Pos,
        inner: impl FnOnce(&mut Self) -> Eval<()>,
    ) -> Eval<usize> {
        let slots = names.list.len();
        if slots > usize::from(u16::MAX) || self.scopes.len() > usize::from(u16::MAX) {
            return Err(Fault::semantic(pos, "too many names"));
        }
        self.scopes.push(names);
        let result = inner(self);
        self.scopes.pop();
        result.map(|()| slots)
    }

    fn resolve(&self, name: &mut Name) {
        let around = self.scopes.iter().rev().enumerate();
        let slots = around.filter_map(|(up, names)| {
            let index = names.slots.get(&name.text)?;
            Some(Slot { up: u16::try_from(up).ok()?, index: u16::try_from(*index).ok()? })
        });
        name.slots = slots.collect();
    }

    fn statements(&mut self, body: &mut [Stmt]) -> Eval<()> {
        body.iter_mut().try_for_each(|stmt| self.statement(stmt))
    }

    fn statement(&mut self, stmt: &mut Stmt) -> Eval<()> {
        match stmt {
            Stmt::Expr(expr) => match &mut expr.kind {
                // Here nobody uses the result of append.
                ExprKind::Call(of, arguments) => {
                    self.expr(of)?;
                    self.exprs(arguments)
                }
                _ => self.expr(expr),
            },
            Stmt::Assign { pos, target, value, .. } => {
                self.expr(value)?;
                match target {
                    Target::Name { name, create } => {
                        self.resolve(name);
                        let only_the_file = name.slots.len() == 1
                            && usize::from(name.slots[0].up) + 1 == self.scopes.len();
                        if only_the_file {
                            self.not_fixed(&name.text, *pos)?;
                        }
                        let own = name.slots.iter().find(|slot| slot.up == 0);
                        *create = own.map_or(0, |slot| slot.index);
                        Ok(())
                    }
                    Target::Index { of, index } => {
                        self.expr(of)?;
                        self.expr(index)
                    }
                }
            }
            Stmt::Return { pos, value } => {
                if self.functions == 0 {
                    return Err(Fault::semantic(*pos, "return outside of a function"));
                }
                value.as_mut().map_or(Ok(()), |value| self.expr(value))
            }
            Stmt::Break(pos) | Stmt::Continue(pos) => {
                if self.loops == 0 {
                    return Err(Fault::semantic(*pos, "break or continue outside of a loop"));
                }
                Ok(())
            }
            Stmt::If { cond, then, other } => {
                self.expr(cond)?;
                self.statements(then)?;
                self.statements(other.as_deref_mut().unwrap_or_default())
            }
            Stmt::For(each) => {
                self.expr(&mut each.over)?;
                let mut names = Names::of(&each.names);
                collect(&each.body, &mut names);
                self.loops += 1;
                let body = &mut each.body;
                each.slots =
                    self.scope(names, each.over.pos, |checker| checker.statements(body))?;
                self.loops -= 1;
                Ok(())
            }
            Stmt::Case { subject, clauses, other, .. } => {
                subject.as_mut().map_or(Ok(()), |subject| self.expr(subject))?;
                for clause in clauses {
                    self.exprs(&mut clause.when)?;
                    self.statements(&mut clause.body)?;
                }
                self.statements(other.as_deref_mut().unwrap_or_default())
            }
            Stmt::Block { body, slots } => {
                let mut names = Names::default();
                collect(body, &mut names);
                *slots = self.scope(names, Pos::default(), |checker| checker.statements(body))?;
                Ok(())
            }
            Stmt::Func { pos, name, function } => {
                if self.scopes.len() > 1 {
                    let text = "a function with a name can only be declared at the top of a file";
                    return Err(Fault::semantic(*pos, text));
                }
                self.resolve(name);
                self.function(function, *pos)
            }
        }
    }

    fn function(&mut self, function: &mut Function, pos: Pos) -> Eval<()> {
        let mut names = Names::of(&function.params);
        collect(&function.body, &mut names);
        if !ends_with_return(&function.body) {
            let text = "the function may end without a return; its value is then undefined";
            self.warnings.push((pos, text.into()));
        }
        let loops = std::mem::take(&mut self.loops);
        self.functions += 1;
        let body = &mut function.body;
        function.slots = self.scope(names, pos, |checker| checker.statements(body))?;
        self.functions -= 1;
        self.loops = loops;
        Ok(())
    }

    fn exprs(&mut self, exprs: &mut [Expr]) -> Eval<()> {
        exprs.iter_mut().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &mut Expr) -> Eval<()> {
        match &mut expr.kind {
            ExprKind::Undefined
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Text(_) => Ok(()),
            ExprKind::Name(name) => {
                self.resolve(name);
                Ok(())
            }
            ExprKind::List(items) => self.exprs(items),
            ExprKind::Map(entries) => entries
                .iter_mut()
                .try_for_each(|(key, value)| self.expr(key).and_then(|()| self.expr(value))),
            ExprKind::Func(function) => self.function(function, expr.pos),
            ExprKind::Rule(rule) => {
                rule.when.as_mut().map_or(Ok(()), |when| self.expr(when))?;
                self.expr(&mut rule.body)
            }
            ExprKind::Quant(quant) => {
                self.expr(&mut quant.over)?;
                let body = &mut quant.body;
                self.scope(Names::of(&quant.names), expr.pos, |checker| checker.expr(body))?;
                Ok(())
            }
            ExprKind::Unary(_, operand)
            | ExprKind::Select(operand, _, _)
            | ExprKind::IsEmpty(operand, _)
            | ExprKind::IsDefined(operand, _) => self.expr(operand),
            ExprKind::Binary(op, both) => {
                let membership = matches!(op, Binary::In | Binary::Contains | Binary::Matches);
                if membership && matches!(both.0.kind, ExprKind::Unary(Unary::Not, _)) {
                    let text = format!("`not a {0} b` is `(not a) {0} b`", op.text());
                    self.warnings.push((expr.pos, text));
                }
                self.expr(&mut both.0)?;
                self.expr(&mut both.1)
            }
            ExprKind::Index(both) => {
                self.expr(&mut both.0)?;
                self.expr(&mut both.1)
            }
            ExprKind::Slice(slice) => {
                self.expr(&mut slice.of)?;
                slice.low.as_mut().map_or(Ok(()), |low| self.expr(low))?;
                slice.high.as_mut().map_or(Ok(()), |high| self.expr(high))
            }
            ExprKind::Call(of, arguments) => {
                if matches!(&of.kind, ExprKind::Name(name) if &*name.text == "append") {
                    let text = "the result of append is always undefined";
                    self.warnings.push((expr.pos, text.into()));
                }
                self.expr(of)?;
                self.exprs(arguments)
            }
        }
    }
}

/// Whether every way through the statements ends with a return.
fn ends_with_return(body: &[Stmt]) -> bool {
    match body.last() {
        Some(Stmt::Return { .. }) => true,
        Some(Stmt::Block { body, .. }) => ends_with_return(body),
        Some(Stmt::If { then, other: Some(other), .. }) => {
            ends_with_return(then) && ends_with_return(other)
        }
        Some(Stmt::Case { clauses, other: Some(other), .. }) => {
            ends_with_return(other) && clauses.iter().all(|clause| ends_with_return(&clause.body))
        }
        _ => false,
    }
}

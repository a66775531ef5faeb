//! Files: the policy's own, and what it imports.

use super::Interp;
use crate::ast::{ImportDecl, ParamDecl, Program};
use crate::check::check;
use crate::frozen::Frozen;
use crate::parse::parse;
use crate::source::{Eval, Fault, Pos, Source};
use crate::std;
use crate::terraform;
use crate::value::{Imported, Module, Scope};
use crate::world::Import;

impl<'a> Interp<'a> {
    /// Runs the policy's own file and gives its names.
    pub fn policy(&mut self, source: &Source) -> Eval<&'a Module<'a>> {
        let (program, scope) = self.open(source)?;
        self.main = Some(scope);
        self.params(program, scope)?;
        self.run(&program.body, scope)?;
        Ok(self.heap.module(Module { names: &program.names, scope }))
    }

    /// Reads a file and its imports, and runs nothing of it yet.
    fn open(&mut self, source: &Source) -> Eval<(&'a Program, &'a Scope<'a>)> {
        let index = self.files.len();
        let file = u16::try_from(index).unwrap_or(u16::MAX);
        if index >= self.limits.files {
            return Err(Fault::limit(format!("more than {} files", self.limits.files)));
        }
        self.files.push(source.clone());
        let length = source.text.len();
        if length > self.limits.source {
            let text = format!("the file has more than {} bytes", self.limits.source);
            return Err(Fault::limit(text).or_at(Pos { file, at: 0 }));
        }
        // A tree takes more memory than its text.
        self.room(length * TREE)?;
        self.heap.charge(length * TREE);
        self.spend(source.text.len() / 16)?;
        let mut program = parse(&source.text, file)?;
        check(&mut program).map_err(|fault| fault.or_at(Pos { file, at: 0 }))?;
        for (pos, text) in program.warnings.drain(..) {
            self.warn(pos, || text);
        }
        let program = self.heap.program(program);
        let scope = self.heap.scope(program.names.len(), None, self.heap.file());
        for import in &program.imports {
            let imported = self.import(import).map_err(|fault| fault.or_at(import.pos))?;
            scope.file.imports.borrow_mut().push((&import.name, imported));
        }
        Ok((program, scope))
    }

    fn params(&mut self, program: &'a Program, scope: &'a Scope<'a>) -> Eval<()> {
        for (slot, param) in scope.slots.iter().zip(&program.params) {
            let ParamDecl { pos, name, default } = param;
            let value = match (self.world.params.get(&**name), default) {
                (Some(value), _) => self.heap.view(value),
                (None, Some(default)) => self.eval(default, scope)?,
                (None, None) => {
                    return Err(Fault::at(*pos, format!("requires value for parameter {name}")));
                }
            };
            slot.set(Some(value));
        }
        Ok(())
    }

    fn import(&mut self, decl: &'a ImportDecl) -> Eval<Imported<'a>> {
        let path = &*decl.path;
        match self.world.imports.get(path) {
            Some(Import::Module(source)) => return self.module(path, source),
            Some(Import::Data(data)) => {
                return Ok(Imported::Data(data, terraform::functions(path)));
            }
            None => {}
        }
        if let Some(data) = self.inside(path)? {
            return Ok(Imported::Data(data, &[]));
        }
        if let Some(space) = std::space(path) {
            return Ok(Imported::Space(space));
        }
        // What is true of a run nobody but a run can say.
        let of_run = terraform::is_of_run(path);
        let hint = if of_run { "; outside of a run it needs a mock" } else { "" };
        Err(Fault::semantic(decl.pos, format!("import {path:?} is not known{hint}")))
    }

    /// The data behind a path that enters a static import: `pets/dogs`.
    fn inside(&self, path: &str) -> Eval<Option<&'a Frozen>> {
        let world = self.world;
        let slashes = path.match_indices('/').map(|(at, _)| at);
        for at in slashes {
            let Some(Import::Data(data)) = world.imports.get(&path[..at]) else { continue };
            let mut found: &Frozen = data;
            for key in path[at + 1..].split('/') {
                found = found.get(key);
            }
            if found.is_undefined() {
                return Err(Fault::new(format!("import {path:?} leads to nothing")));
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// A module; it runs once, when it is imported first.
    fn module(&mut self, path: &'a str, source: &Source) -> Eval<Imported<'a>> {
        match self.modules.get(path) {
            Some(Some(module)) => return Ok(Imported::Module(module)),
            Some(None) => return Err(Fault::new(format!("import {path:?} needs itself"))),
            None => {}
        }
        if self.importing >= self.limits.imports {
            let text = format!("more than {} imports within each other", self.limits.imports);
            return Err(Fault::limit(text));
        }
        self.importing += 1;
        self.modules.insert(path, None);
        let (program, scope) = self.open(source)?;
        if let Some(param) = program.params.first() {
            return Err(Fault::at(param.pos, "a module cannot have parameters"));
        }
        self.run(&program.body, scope)?;
        let module = self.heap.module(Module { names: &program.names, scope });
        self.modules.insert(path, Some(module));
        self.importing -= 1;
        Ok(Imported::Module(module))
    }
}

/// Bytes of memory for one byte of code, at worst.
const TREE: usize = 40;

/// The beginning of a file, for what has no better place.
pub(crate) const START: Pos = Pos { file: 0, at: 0 };

//! `include=`: related resources beside the primary data, loaded in batches.

use crate::{
    Linkage, Object,
    resource::Data,
    spelling::{kebab, same},
};
use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
};

/// The future that a loader returns: `Box::pin(async move { … })`.
pub type Loading<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

type ByIds<C, E> =
    Box<dyn for<'a> Fn(&'a C, Vec<String>) -> Loading<'a, Vec<Object>, E> + Send + Sync>;
type Related = Vec<(String, Vec<Object>)>;
type ByParents<C, E> =
    Box<dyn for<'a> Fn(&'a C, Vec<String>) -> Loading<'a, Related, E> + Send + Sync>;

/// The longest documented path has four steps.
const MAX_STEPS: usize = 8;
/// The longest documented list has about 25 paths.
const MAX_PATHS: usize = 64;

/// How related resources are found: one loader per *type*, and one per relation whose
/// identifiers are not in the parent's row.
///
/// A path such as `current_run.plan` is followed over the identifiers that the resources show,
/// with one load per step and type however many resources there are. Loaders return only what
/// the caller may see; what they leave out is not included. Names that lead nowhere, and what is
/// beyond 64 paths or 8 steps, are ignored: the CLIs rely on that.
pub struct Includes<C: ?Sized, E> {
    by_type: HashMap<&'static str, ByIds<C, E>>,
    relations: Vec<Relation<C, E>>,
}

struct Relation<C: ?Sized, E> {
    parent: &'static str,
    name: &'static str,
    to_one: bool,
    load: ByParents<C, E>,
}

impl<C: ?Sized, E> Default for Includes<C, E> {
    fn default() -> Self {
        Self { by_type: HashMap::new(), relations: Vec::new() }
    }
}

impl<C: ?Sized, E> Includes<C, E> {
    /// Teaches how to load resources of a type by their ids.
    pub fn of(
        mut self,
        kind: &'static str,
        load: impl for<'a> Fn(&'a C, Vec<String>) -> Loading<'a, Vec<Object>, E> + Send + Sync + 'static,
    ) -> Self {
        self.by_type.insert(kind, Box::new(load));
        self
    }

    /// The types whose resources can be loaded by their ids, in no order.
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        self.by_type.keys().copied()
    }

    /// Teaches a to-many relation whose identifiers the parent does not show. The loader gets the
    /// ids of the parents and returns the related resources of each; the parents then show them.
    pub fn relation(
        self,
        parent: &'static str,
        name: &'static str,
        load: impl for<'a> Fn(&'a C, Vec<String>) -> Loading<'a, Related, E> + Send + Sync + 'static,
    ) -> Self {
        self.taught(Relation { parent, name, to_one: false, load: Box::new(load) })
    }

    /// As [`Includes::relation`] for a to-one relation: the first resource counts.
    pub fn relation_to_one(
        self,
        parent: &'static str,
        name: &'static str,
        load: impl for<'a> Fn(&'a C, Vec<String>) -> Loading<'a, Related, E> + Send + Sync + 'static,
    ) -> Self {
        self.taught(Relation { parent, name, to_one: true, load: Box::new(load) })
    }

    fn taught(mut self, relation: Relation<C, E>) -> Self {
        self.relations.push(relation);
        self
    }
}

impl<C: Sync + ?Sized, E> Includes<C, E> {
    /// Loads what `paths` ask for, beginning at `roots`. No root is among the result.
    pub(crate) async fn resolve(
        &self,
        cx: &C,
        roots: &mut [Object],
        paths: &[String],
    ) -> Result<Vec<Object>, E> {
        let steps = Steps::parse(paths);
        let mut graph = Graph::new(roots);
        let mut frontier = vec![(graph.roots(), &steps)];
        while !frontier.is_empty() {
            self.fill_relations(cx, &mut graph, &frontier).await?;
            frontier = frontier
                .iter()
                .flat_map(|(at, steps)| steps.0.iter().map(move |(name, next)| (at, name, next)))
                .map(|(at, name, next)| (graph.targets(at, name), next))
                .filter(|(targets, _)| !targets.is_empty())
                .collect();
            let wanted = frontier.iter().flat_map(|(targets, _)| targets);
            for (kind, ids) in graph.missing(wanted) {
                if let Some(load) = self.by_type.get(kind) {
                    for object in load(cx, ids).await? {
                        graph.add(object);
                    }
                }
            }
        }
        Ok(graph.included)
    }

    /// Asks the loaders of relations without identifiers, and shows the answer in the parents.
    async fn fill_relations(
        &self,
        cx: &C,
        graph: &mut Graph<'_>,
        frontier: &[(Vec<Linkage>, &Steps)],
    ) -> Result<(), E> {
        for (at, steps) in frontier {
            for (name, _) in &steps.0 {
                for relation in self.relations.iter().filter(|r| same(r.name, name)) {
                    let parents = graph.without_data(at, relation.parent, relation.name);
                    if parents.is_empty() {
                        continue;
                    }
                    let mut related: HashMap<_, _> =
                        (relation.load)(cx, parents.clone()).await?.into_iter().collect();
                    for id in parents {
                        let parent = Linkage { kind: relation.parent, id };
                        let objects = related.remove(&parent.id).unwrap_or_default();
                        let mut targets = objects.iter().map(|o| o.linkage().clone());
                        let data = if relation.to_one {
                            Data::One(targets.next())
                        } else {
                            Data::Many(targets.collect())
                        };
                        let kept = if relation.to_one { 1 } else { objects.len() };
                        graph.show(&parent, relation.name, data);
                        objects.into_iter().take(kept).for_each(|object| graph.add(object));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The asked-for paths as a tree, so that a shared beginning is walked once.
#[derive(Default)]
struct Steps(Vec<(String, Steps)>);

impl Steps {
    fn parse(paths: &[String]) -> Self {
        let mut root = Self::default();
        for path in paths.iter().take(MAX_PATHS) {
            let mut at = &mut root;
            for name in path.split('.').take(MAX_STEPS).map(kebab) {
                let place = at.0.iter().position(|(n, _)| *n == name).unwrap_or_else(|| {
                    at.0.push((name, Self::default()));
                    at.0.len() - 1
                });
                at = &mut at.0[place].1;
            }
        }
        root
    }
}

/// Where an object is kept.
#[derive(Clone, Copy)]
enum Place {
    Root(usize),
    Included(usize),
}

/// All objects of the answer, each once.
struct Graph<'r> {
    roots: &'r mut [Object],
    included: Vec<Object>,
    places: HashMap<Linkage, Place>,
    /// What loaders were asked for, so that the invisible is not asked for again.
    asked: HashSet<Linkage>,
}

impl<'r> Graph<'r> {
    fn new(roots: &'r mut [Object]) -> Self {
        let places =
            roots.iter().enumerate().map(|(i, o)| (o.linkage().clone(), Place::Root(i))).collect();
        Self { roots, included: Vec::new(), places, asked: HashSet::new() }
    }

    fn roots(&self) -> Vec<Linkage> {
        self.roots.iter().map(|o| o.linkage().clone()).collect()
    }

    fn get(&self, linkage: &Linkage) -> Option<&Object> {
        self.places.get(linkage).map(|place| match *place {
            Place::Root(i) => &self.roots[i],
            Place::Included(i) => &self.included[i],
        })
    }

    fn add(&mut self, object: Object) {
        if !self.places.contains_key(object.linkage()) {
            self.places.insert(object.linkage().clone(), Place::Included(self.included.len()));
            self.included.push(object);
        }
    }

    /// What the objects `at` name as `name`, each once, in their order.
    fn targets(&self, at: &[Linkage], name: &str) -> Vec<Linkage> {
        let mut seen = HashSet::new();
        at.iter()
            .filter_map(|linkage| self.get(linkage)?.relationships.find(name)?.data.as_ref())
            .flat_map(Data::targets)
            .filter(|target| seen.insert(*target))
            .cloned()
            .collect()
    }

    /// The ids by type of what is wanted, not here, and was never asked for.
    fn missing<'a>(
        &mut self,
        wanted: impl Iterator<Item = &'a Linkage>,
    ) -> Vec<(&'static str, Vec<String>)> {
        let mut by_kind: Vec<(&'static str, Vec<String>)> = Vec::new();
        for linkage in wanted {
            if self.places.contains_key(linkage) || !self.asked.insert(linkage.clone()) {
                continue;
            }
            match by_kind.iter_mut().find(|(kind, _)| *kind == linkage.kind) {
                Some((_, ids)) => ids.push(linkage.id.clone()),
                None => by_kind.push((linkage.kind, vec![linkage.id.clone()])),
            }
        }
        by_kind
    }

    /// The ids of the objects of type `kind` that do not show whom they are related to.
    fn without_data(&self, at: &[Linkage], kind: &str, name: &str) -> Vec<String> {
        at.iter()
            .filter(|linkage| linkage.kind == kind)
            .filter_map(|linkage| self.get(linkage))
            .filter(|o| o.relationships.find(name).is_none_or(|relation| relation.data.is_none()))
            .map(|o| o.id().to_owned())
            .collect()
    }

    fn show(&mut self, parent: &Linkage, name: &'static str, data: Data) {
        let object = match self.places.get(parent) {
            Some(Place::Root(i)) => &mut self.roots[*i],
            Some(Place::Included(i)) => &mut self.included[*i],
            None => return,
        };
        object.relationships.at(name).data = Some(data);
    }
}

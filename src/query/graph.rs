//! `graph`: the phases and what needs what, with the state of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::model::{PhaseId, PhaseName, StateName, WorkflowName};
use crate::rules::{Phase, PhaseState, Table};

/// The phases of one workflow or of all, and the edges between them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Graph {
    /// The phases, every one after all that it needs; otherwise each chain together, in the file's order.
    pub nodes: Vec<GraphNode>,
    /// The edges, in the order of the phases that are needed.
    pub edges: Vec<GraphEdge>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphNode {
    /// Its full name.
    pub id: PhaseId,
    /// Its workflow.
    pub workflow: WorkflowName,
    /// Its bare name.
    pub phase: PhaseName,
    /// Where it stands.
    pub state: StateName,
    /// Whether it was skipped: those who need it may go on.
    pub skipped: bool,
    /// How many attempts have been started.
    pub attempt: u32,
    /// Whether it belongs to another workflow than the one that was asked for, and is here for an edge only.
    pub external: bool,
}

/// One need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GraphEdge {
    /// The phase that is needed.
    pub from: PhaseId,
    /// The phase that needs it.
    pub to: PhaseId,
}

/// Returns the graph of one workflow, with the phases of others that it shares an edge with, or of all.
pub fn graph(table: &Table, workflow: Option<&WorkflowName>) -> Graph {
    let is_own = |id: &PhaseId| workflow.is_none_or(|name| id.workflow == *name);
    let current = table.current();
    let mut edges = Vec::new();
    for phase in &current {
        for need in phase.spec.needs.iter().collect::<BTreeSet<_>>() {
            let is_there = table.phases.get(need).is_some_and(|need| !need.retired);
            if is_there && (is_own(&phase.id) || is_own(need)) {
                edges.push(GraphEdge { from: need.clone(), to: phase.id.clone() });
            }
        }
    }
    let linked: BTreeSet<&PhaseId> = edges.iter().flat_map(|edge| [&edge.from, &edge.to]).collect();
    let shown = current.into_iter().filter(|phase| is_own(&phase.id) || linked.contains(&phase.id));
    let nodes = shown.map(|phase| GraphNode::new(phase, !is_own(&phase.id))).collect();
    Graph { nodes, edges }.in_order()
}

impl GraphNode {
    fn new(phase: &Phase, external: bool) -> Self {
        GraphNode {
            id: phase.id.clone(),
            workflow: phase.id.workflow.clone(),
            phase: phase.id.phase.clone(),
            state: phase.state.name(),
            skipped: matches!(phase.state, PhaseState::Pending { skipped: Some(_) }),
            attempt: phase.attempt,
            external,
        }
    }
}

impl Graph {
    /// Returns the part that lies below one phase and above another, these included. With both, that is every
    /// way from the one to the other.
    pub fn cut(self, below: Option<&PhaseId>, above: Option<&PhaseId>) -> Graph {
        let down = below.map(|id| self.reach(id, |edge| (&edge.from, &edge.to)));
        let up = above.map(|id| self.reach(id, |edge| (&edge.to, &edge.from)));
        let is_in = |id: &PhaseId| [&down, &up].into_iter().flatten().all(|reached| reached.contains(id));
        let edges = self.edges.into_iter().filter(|edge| is_in(&edge.from) && is_in(&edge.to)).collect();
        Graph { nodes: self.nodes.into_iter().filter(|node| is_in(&node.id)).collect(), edges }
    }

    /// Returns the workflows that its phases are of.
    pub fn workflows(&self) -> BTreeSet<&WorkflowName> {
        self.nodes.iter().map(|node| &node.workflow).collect()
    }

    /// Returns for each phase, by its index, the indices of those who need it.
    pub fn dependants(&self) -> Vec<Vec<usize>> {
        let index: HashMap<&PhaseId, usize> =
            self.nodes.iter().enumerate().map(|(at, node)| (&node.id, at)).collect();
        let mut dependants = vec![Vec::new(); self.nodes.len()];
        for edge in &self.edges {
            if let (Some(&from), Some(&to)) = (index.get(&edge.from), index.get(&edge.to)) {
                dependants[from].push(to);
            }
        }
        dependants
    }

    /// Returns a phase and everything that edges lead to from it, in the direction that `ends` gives them.
    fn reach(&self, id: &PhaseId, ends: impl Fn(&GraphEdge) -> (&PhaseId, &PhaseId)) -> BTreeSet<PhaseId> {
        let mut next: BTreeMap<&PhaseId, Vec<&PhaseId>> = BTreeMap::new();
        for (from, to) in self.edges.iter().map(ends) {
            next.entry(from).or_default().push(to);
        }
        let mut reached = BTreeSet::from([id.clone()]);
        let mut walk = vec![id];
        while let Some(id) = walk.pop() {
            for &to in next.get(id).into_iter().flatten() {
                if reached.insert(to.clone()) {
                    walk.push(to);
                }
            }
        }
        reached
    }

    /// Puts every phase after all that it needs, and otherwise keeps chains together, so that few lines run
    /// beside one another when it is drawn.
    fn in_order(self) -> Graph {
        let dependants = self.dependants();
        let mut above = vec![0; self.nodes.len()];
        dependants.iter().flatten().for_each(|&below| above[below] += 1);
        let mut ready: Vec<usize> = (0..self.nodes.len()).filter(|&at| above[at] == 0).rev().collect();
        let mut place = vec![0; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(at) = ready.pop() {
            place[at] = order.len();
            order.push(at);
            for &below in dependants[at].iter().rev() {
                above[below] -= 1;
                if above[below] == 0 {
                    ready.push(below);
                }
            }
        }
        let mut nodes: Vec<_> = self.nodes.into_iter().map(Some).collect();
        let nodes: Vec<_> = order.iter().filter_map(|&at| nodes[at].take()).collect();
        let index: HashMap<&PhaseId, usize> =
            nodes.iter().enumerate().map(|(at, node)| (&node.id, at)).collect();
        let mut edges = self.edges;
        edges.sort_by_cached_key(|edge| (index.get(&edge.from).copied(), index.get(&edge.to).copied()));
        drop(index);
        Graph { nodes, edges }
    }
}

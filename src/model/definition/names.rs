//! The same definition under other names.

use super::{Definition, DefinitionError, Unchecked};
use crate::model::{PhaseName, PhaseRef, WorkflowName};

impl Definition {
    /// Returns the same of a workflow of another name, as `define --as` makes it; none where it would need itself.
    pub fn under(&self, name: &WorkflowName) -> Option<Self> {
        Unchecked { name: name.clone(), ..self.unchecked.clone() }.try_into().ok()
    }

    /// Writes its names in another way.
    ///
    /// # Errors
    ///
    /// As [`Definition::new`]: names that were two and are one.
    pub fn respelled(
        &self,
        name: WorkflowName,
        phase: impl Fn(&PhaseName) -> PhaseName,
        need: impl Fn(&PhaseRef) -> PhaseRef,
    ) -> Result<Self, DefinitionError> {
        let mut unchecked = self.unchecked.clone();
        unchecked.name = name;
        for of in &mut unchecked.phases {
            of.id = phase(&of.id);
            of.renamed_from = of.renamed_from.as_ref().map(&phase);
            of.needs = of.needs.iter().map(&need).collect();
        }
        unchecked.try_into()
    }

    /// Returns it without what phases were called before.
    pub fn without_renames(&self) -> Definition {
        let mut definition = self.clone();
        definition.unchecked.phases.iter_mut().for_each(|phase| phase.renamed_from = None);
        definition
    }
}

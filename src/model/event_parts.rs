//! What an event holds, for whoever looks for one kind of event among all.

use super::{
    ApprovalDecided, ApprovalRequested, CostLimitExceeded, CostLimitSet, CostRecorded, CostReserved,
    CostWarningRaised, Event, HistoryImported, Metadata, MetadataRecorded, NoteAdded, OutputFile,
    PhaseAccepted, PhaseCompleted, PhaseFailed, PhaseName, PhaseReset, PhaseSkipped, PhaseStarted,
    RerunCleared, RerunReason, RerunWithdrawn, Reverted, TagName, Unreadable, Verdict, WorkflowDefined,
    WorkflowRetired,
};

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident: $payload:ty = $($variant:ident)|+;)*) => {
        impl Event {
            $(
                $(#[$doc])*
                pub fn $name(&self) -> Option<&$payload> {
                    if let $(Event::$variant(payload))|+ = self { Some(payload) } else { None }
                }
            )*
        }
    };
}

parts! {
    /// Returns the definition that came into force; none for any other event.
    definition: WorkflowDefined = WorkflowDefined;
    /// Returns that a workflow is no longer in force; none for any other event.
    workflow_retired: WorkflowRetired = WorkflowRetired;
    /// Returns the attempt that began; none for any other event.
    started: PhaseStarted = PhaseStarted;
    /// Returns how an attempt ended well; none for any other event.
    completed: PhaseCompleted = PhaseCompleted;
    /// Returns how an attempt ended badly; none for any other event.
    failed: PhaseFailed = PhaseFailed;
    /// Returns why a phase is to run again, by a mark, one more cause or a mark that waits; none for any other event.
    rerun: RerunReason = RerunMarked | RerunCauseAdded | RerunDeferred;
    /// Returns why a phase that stood, or is under way, is to run again; none for any other event.
    outdated: RerunReason = RerunMarked | RerunDeferred;
    /// Returns what somebody vouches for; none for any other event.
    accepted: PhaseAccepted = PhaseAccepted;
    /// Returns why a phase is done without; none for any other event.
    skipped: PhaseSkipped = PhaseSkipped;
    /// Returns why a phase is as if it had not run; none for any other event.
    reset: PhaseReset = PhaseReset;
    /// Returns what no longer holds for a phase; none for any other event.
    withdrawn: RerunWithdrawn = RerunWithdrawn;
    /// Returns why a phase stands as it is; none for any other event.
    cleared: RerunCleared = RerunCleared;
    /// Returns the note; none for any other event.
    note: NoteAdded = NoteAdded;
    /// Returns the limit that was set; none for any other event.
    limit_set: CostLimitSet = CostLimitSet;
    /// Returns that a limit is near; none for any other event.
    warning: CostWarningRaised = CostWarningRaised;
    /// Returns that a limit is exceeded; none for any other event.
    exceeded: CostLimitExceeded = CostLimitExceeded;
    /// Returns what was spent or given back; none for any other event.
    cost: CostRecorded = CostRecorded;
    /// Returns the amount that is held; none for any other event.
    reserved: CostReserved = CostReserved;
    /// Returns what leave was asked for; none for any other event.
    requested: ApprovalRequested = ApprovalRequested;
    /// Returns by what leave was granted; none for any other event.
    granted: ApprovalDecided = ApprovalGranted;
    /// Returns by what leave was refused; none for any other event.
    rejected: ApprovalDecided = ApprovalRejected;
    /// Returns what was taken back; none for any other event.
    reverted: Reverted = Reverted;
    /// Returns the metadata that was attached; none for any other event.
    attached: MetadataRecorded = MetadataRecorded;
    /// Returns what was taken in; none for any other event.
    imported: HistoryImported = HistoryImported;
}

impl Event {
    /// Returns the tag that an event set or removed; none for any other event.
    pub fn tag(&self) -> Option<&TagName> {
        match self {
            Event::TagSet(tag) => Some(&tag.name),
            Event::TagRemoved(tag) => Some(&tag.name),
            _ => None,
        }
    }

    /// Returns the metadata that an event merges into its phase's; none for any other event.
    pub(crate) fn merged(&mut self) -> Option<&mut Metadata> {
        match self {
            Event::MetadataRecorded(recorded) => Some(&mut recorded.metadata),
            Event::PhaseCompleted(completed) => Some(&mut completed.metadata),
            Event::PhaseFailed(failed) => Some(&mut failed.metadata),
            Event::PhaseSkipped(skipped) => Some(&mut skipped.metadata),
            _ => None,
        }
    }

    /// Returns the phases of its workflow that are no longer in force since; none where there are no such.
    pub fn retired(&self) -> &[PhaseName] {
        let by_definition = self.definition().map(|defined| defined.retired.as_slice());
        let retired = by_definition.or_else(|| Some(self.workflow_retired()?.retired.as_slice()));
        retired.unwrap_or_default()
    }

    /// Returns how a request was decided on; none for any other event.
    pub fn decision(&self) -> Option<(Verdict, &ApprovalDecided)> {
        match (self.granted(), self.rejected()) {
            (Some(decided), _) => Some((Verdict::Granted, decided)),
            (None, rejected) => rejected.map(|decided| (Verdict::Rejected, decided)),
        }
    }

    /// Returns the number of the attempt that an event began, ended or vouches for; none for any other event.
    pub fn attempt(&self) -> Option<u32> {
        let (started, completed) =
            (self.started().map(|of| of.attempt), self.completed().map(|of| of.attempt));
        let accepted = self.accepted().map(|of| of.attempt);
        started.or(completed).or(accepted).or_else(|| self.failed().map(|of| of.attempt))
    }

    /// Returns the files that an attempt reads, or that it counts as having read since it was accepted; none where that is
    /// not known, and for any other event.
    pub fn inputs(&self) -> Option<&[OutputFile]> {
        let of_start = self.started().and_then(|of| of.inputs.as_deref());
        of_start.or_else(|| self.accepted()?.inputs.as_deref())
    }

    /// Returns the files that an attempt put out, or that were there of them as it was accepted; none where no file is named,
    /// and for any other event.
    pub fn outputs(&self) -> Option<&[OutputFile]> {
        let of_end = self.completed().map(|of| of.outputs.as_slice());
        let outputs = of_end.or_else(|| self.accepted().map(|of| of.outputs.as_slice()))?;
        (!outputs.is_empty()).then_some(outputs)
    }

    /// Returns the declared files that an attempt could not tell as it began, ended or was accepted; none where it told
    /// all.
    pub fn unreadable(&self) -> Option<Unreadable> {
        let of_start = || self.started().map(|of| (&of.unreadable, of.unreadable_more));
        let of_end = || self.completed().map(|of| (&of.unreadable, of.unreadable_more));
        let of_acceptance = || self.accepted().map(|of| (&of.unreadable, of.unreadable_more));
        let found = of_start().or_else(of_end).or_else(of_acceptance);
        let (files, more) = found.filter(|(files, _)| !files.is_empty())?;
        Some(Unreadable { files: files.clone(), more })
    }
}

impl ApprovalDecided {
    /// Returns the event that a request was decided on.
    pub fn event(self, verdict: Verdict) -> Event {
        match verdict {
            Verdict::Granted => Event::ApprovalGranted(self),
            Verdict::Rejected => Event::ApprovalRejected(self),
        }
    }
}

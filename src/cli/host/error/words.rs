//! What the user is told when what somebody wrote cannot be understood: a file, a line, a word.

use phaseledger::model::{
    MetadataError, Named, RequestError, SelectorError, WorkflowFileError, escape, point_at_name,
};

use super::{Failure, Kind};

impl Failure {
    /// A wrong use that clap does not see.
    pub fn misuse(message: impl Into<String>) -> Self {
        Failure::new(Kind::Usage, message)
    }

    /// A line of commands that is none.
    pub fn bad_command(message: String) -> Self {
        Failure::new(Kind::BadCommand, message)
    }

    /// A line of a plan that is no operation.
    pub fn bad_plan(message: String) -> Self {
        Failure::new(Kind::BadPlan, message)
            .hint("a line is like {\"phase\":\"a\",\"amount\":\"0.10\",\"count\":50}")
    }

    /// A line that is longer than any may be.
    pub fn too_large(message: String) -> Self {
        Failure::new(Kind::TooLarge, message)
    }

    /// A value of metadata that cannot be kept.
    pub fn metadata(key: &str, error: &MetadataError) -> Self {
        let kind = match error {
            MetadataError::TooLarge(_) => Kind::TooLarge,
            MetadataError::NotJson(_) | MetadataError::Doubled(_) | MetadataError::TooDeep => {
                Kind::BadMetadata
            }
        };
        Failure::new(kind, format!("`{}`: {error}", escape(key)))
    }

    /// A key of metadata that is given twice.
    pub fn doubled_key(key: &str) -> Self {
        Failure::new(Kind::BadMetadata, format!("the key `{}` is given twice, expected once", escape(key)))
    }
}

impl Failure {
    /// Points at the line of a workflow file that gives a name which is refused; says no more where the file does not.
    pub fn at_name(mut self, (bytes, file_name): (&[u8], &str)) -> Self {
        let of = match self.details.get("of").and_then(|of| of.as_str()) {
            Some("workflow") => Named::Workflow,
            Some("phase") => Named::Phase,
            _ => return self,
        };
        let name = self.details.get("name").and_then(|name| name.as_str()).unwrap_or_default();
        if let Some(place) = point_at_name(bytes, file_name, (of, name), &self.message) {
            self.message = place.to_string();
            self.snippet = Some(place.snippet().to_string());
            return self.detail("line", place.line).detail("column", place.column);
        }
        self
    }
}

impl From<WorkflowFileError> for Failure {
    fn from(error: WorkflowFileError) -> Self {
        let mut failure = Failure::new(Kind::WorkflowFile, error.to_string())
            .detail("line", error.line)
            .detail("column", error.column);
        failure.hint = error.hint.clone();
        failure.snippet = Some(error.snippet().to_string());
        failure
    }
}

impl From<SelectorError> for Failure {
    fn from(error: SelectorError) -> Self {
        Failure::new(Kind::BadSelector, error.to_string())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let failure = Failure::bad_command(error.to_string())
            .hint("a line is like {\"do\":\"start\",\"phase\":\"a\"}; see `phaseledger append --help`");
        match error.column() {
            Some(column) => failure.detail("column", column),
            None => failure,
        }
    }
}

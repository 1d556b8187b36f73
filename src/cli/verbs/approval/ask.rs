//! What a person at a terminal is asked and told about a request that waits.

use std::io::{self, IsTerminal, Write};

use phaseledger::ask::PolicyInForce;
use phaseledger::model::{Action, ApprovalAnswer, ApprovalPolicy, Text, Verdict, escape};
use phaseledger::rules::Approval;

use super::find;
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::verbs::{asking, writing};

/// Asks whoever sits at the terminal, where they may decide, and returns how the request then stands.
pub fn on_terminal(approval: Approval, by: Option<String>, context: &Context) -> Result<Approval, Failure> {
    let is_watched = io::stdin().is_terminal() && io::stderr().is_terminal();
    let actor = context.actor(by.as_deref(), "cli")?;
    if context.json || !is_watched || policy(&approval, context)?.keeps_from(&actor, &approval.by) {
        return Ok(approval);
    }
    let why = approval.open_question().unwrap_or_default();
    output::talk(format_args!("it waits for a person: {}", escape(&why)));
    let verdict = match prompt("grant it? [y]es, [n]o, or Enter to leave it for later: ")?.as_str() {
        "y" | "Y" | "yes" => Verdict::Granted,
        "n" | "N" | "no" => Verdict::Rejected,
        _ => return Ok(approval),
    };
    let reason = Text::new(prompt("why? ")?)
        .or_else(|_| Text::new("decided at the terminal"))
        .expect("a text that is not empty");
    let request = approval.request;
    let action = Action::ApprovalDecide(ApprovalAnswer { request, verdict, reason });
    writing::submit(writing::Args::of(by), action, context)?;
    find::known(request, context)
}

/// Asks a question on stderr, and returns the answer without white space around it; an empty one at the end of
/// the input.
fn prompt(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        writeln!(stderr)?;
    }
    Ok(answer.trim().to_owned())
}

/// Tells who may decide, and how.
pub fn tell_who_may(approval: &Approval, context: &Context) -> Result<(), Failure> {
    let policy = policy(approval, context)?;
    // Who claims no other name is known by the user.
    let is_user = approval.by.is_called(&approval.by);
    let other = if policy.distinct_users() || is_user { ", under another user of the machine," } else { "" };
    let who = match policy.self_approval() {
        true => "a person decides".to_owned(),
        false => format!("a person other than {}{other} decides", escape(&approval.by.name)),
    };
    output::talk(format_args!(
        "{who}: `phaseledger approval grant seq:{0} --reason …`, or `reject`",
        approval.seq
    ));
    Ok(())
}

/// Returns the policy in force.
fn policy(approval: &Approval, context: &Context) -> Result<ApprovalPolicy, Failure> {
    let question = PolicyInForce { workflow: approval.workflow.clone() };
    asking::ask_head(&question, "looking for the workflow", context)
}

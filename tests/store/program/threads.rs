//! Threads that cannot be had, from the Nth on: sled waits for ever without a single one of its own. Whatever the number is,
//! each verb ends, with a right answer or a clear error, and the next command is right.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::calls::{Grounds, On, VERBS};
use crate::harness::program::judges::Judges;
use crate::harness::program::one::run_with;
use crate::harness::scratch;

/// How many threads the store tries. Then sled starts seven, and does with two of them.
const THREADS: u32 = 8;
const NTH_MAX: u32 = THREADS + 4;

/// The verbs: of those on a ledger of this format, these record.
const VERBS_MADE: [&[&str]; 4] = [
    &["note", "x", "--json"],
    &["append", "HOME/many"],
    &["exec", "c", "--json", "--", "true"],
    &["verify", "--rebuild", "--json"],
];

/// Builds what counts the threads of a process and refuses them from one on, with the C compiler that a build needs anyway:
/// strace counts the calls of each thread for themselves.
fn counter(home: &Path) -> PathBuf {
    let source = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <pthread.h>\n#include <stdlib.h>\n\
        static int count;\n\
        int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x) {\n\
        static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);\n\
        if (!real) real = dlsym(RTLD_NEXT, \"pthread_create\");\n\
        if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) >= atoi(getenv(\"THREADS_FROM\"))) return EAGAIN;\n\
        return real(t, a, f, x); }\n";
    let (from, library) = (home.join("threads.c"), home.join("threads.so"));
    std::fs::write(&from, source).expect("a file");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&from).arg("-ldl").status();
    assert!(built.expect("a C compiler").success());
    library
}

#[test]
fn found_23_threads_that_cannot_be_had_from_one_on_keep_nothing_waiting() {
    let grounds = Arc::new(Grounds::new());
    let library = counter(grounds.home.path());
    let judging = Arc::clone(&grounds);
    let mut judges = Judges::start(move |(verb, nth): &(usize, u32)| {
        let (args, _, on) = VERBS[*verb];
        let base = scratch();
        judging.start(on).0.write(base.path()).expect("the files");
        let preload = format!("LD_PRELOAD={}", library.display());
        let before = ["env", &preload, &format!("THREADS_FROM={nth}")];
        let ran = run_with(base.path(), judging.home.path(), args, &before);
        let judged = judging.judge_run(*verb, base.path(), &ran);
        judged.map_err(|found| format!("no thread from {nth} on: {found}"))
    });
    let verbs = (0..VERBS.len()).filter(|verb| {
        let (args, _, on) = VERBS[*verb];
        on == On::Old || on == On::Made && VERBS_MADE.contains(&args)
    });
    for verb in verbs {
        // A log of format 1 cannot do without sled, so it is waited for longer: those alone that differ.
        let is_old = VERBS[verb].2 == On::Old;
        let nths = (1..=NTH_MAX).filter(|nth| !is_old || [1, THREADS, THREADS + 1, NTH_MAX].contains(nth));
        nths.for_each(|nth| judges.give((verb, nth)));
    }
    let (count, failures) = judges.end();
    println!("{count} runs, {} bad", failures.len());
    assert!(failures.is_empty(), "{} of {count} runs:\n{}", failures.len(), failures.join("\n"));
}

//! Links the program at a fixed place where Linux's usual linker is: one that may be loaded anywhere has 15,000 addresses to be
//! put right at each start, a millisecond of the four that a question takes.

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let of_target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if of_target("OS") == "linux" && of_target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}

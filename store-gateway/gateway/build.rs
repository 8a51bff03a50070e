//! Tells the program when it was built: SOURCE_DATE_EPOCH where a package build sets it, else now.

fn main() {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok()).unwrap_or_else(now);
    println!("cargo:rustc-env=BUILD_UNIX_SECONDS={seconds}");
}

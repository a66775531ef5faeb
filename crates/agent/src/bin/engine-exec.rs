//! Stands in for `statehouse engine-exec` where the whole program is not at hand, as in tests.

fn main() -> anyhow::Result<()> {
    match statehouse_agent::engine_exec()? {}
}

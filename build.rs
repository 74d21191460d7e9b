//! Compiles every `bpf/*.bpf.c` with clang and writes its skeleton, `NAME.skel.rs`, to `OUT_DIR`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use libbpf_cargo::SkeletonBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=bpf");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Debian keeps <asm/types.h> in a directory of its own.
    let machine = env::var("CARGO_CFG_TARGET_ARCH")?;
    let mut sources: Vec<_> =
        fs::read_dir("bpf")?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    sources.sort();
    for source in sources {
        let Some(name) = program_name(&source) else { continue };
        SkeletonBuilder::new()
            .source(&source)
            .clang_args([
                "-mcpu=v3".into(),
                "-Wall".into(),
                "-Wextra".into(),
                "-Wno-unused-parameter".into(),
                "-Ibpf".into(),
                format!("-I/usr/include/{machine}-linux-gnu"),
            ])
            .build_and_generate(out.join(format!("{name}.skel.rs")))
            .map_err(|error| format!("cannot compile {}: {error:#}", source.display()))?;
    }
    Ok(())
}

/// `rx` of `bpf/rx.bpf.c`.
fn program_name(source: &Path) -> Option<String> {
    source.file_name()?.to_str()?.strip_suffix(".bpf.c").map(str::to_owned)
}

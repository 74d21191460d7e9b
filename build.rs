//! Compiles every `bpf/*.bpf.c` with clang and writes its skeleton to `OUT_DIR/NAME.skel.rs`.
//!
//! Needed: clang (any since 12) and the kernel's user-space headers. libbpf's own headers come from
//! the libbpf-sys crate, which is built anyway.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libbpf_cargo::SkeletonBuilder;

fn main() -> ExitCode {
    match compile_all(Path::new("bpf")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compile_all(folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    println!("cargo:rerun-if-env-changed=CLANG");
    let clang = env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    require_clang(&clang)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        println!("cargo:rerun-if-changed={}", path.display());
        if path.to_string_lossy().ends_with(".bpf.c") {
            sources.push(path);
        }
    }
    sources.sort();
    let arguments = clang_arguments(folder)?;
    for source in sources {
        let file = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = file.trim_end_matches(".bpf.c");
        SkeletonBuilder::new()
            .source(&source)
            .clang(&clang)
            .clang_args(&arguments)
            .build_and_generate(out.join(format!("{name}.skel.rs")))
            .map_err(|error| format!("cannot compile {}: {error:#}", source.display()))?;
    }
    Ok(())
}

fn require_clang(clang: &OsString) -> Result<(), Box<dyn Error>> {
    let found = Command::new(clang).arg("--version").stdout(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!(
            "clang is needed to compile the eBPF programs, and {} does not run; install it \
             (Debian, Ubuntu: apt-get install clang linux-libc-dev) or name it by CLANG=/path",
            Path::new(clang).display()
        )
        .into()),
    }
}

/// `-mcpu=v3` is what compare-and-exchange and the other atomics that return a value need.
fn clang_arguments(folder: &Path) -> Result<Vec<OsString>, Box<dyn Error>> {
    let mut arguments: Vec<OsString> =
        ["-mcpu=v3", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]
            .map(OsString::from)
            .into();
    let mut include = |path: &Path| {
        arguments.push("-I".into());
        arguments.push(path.into());
    };
    include(folder);
    // Set by libbpf-sys (`links = "bpf"`): the folder that holds bpf/bpf_helpers.h.
    if let Some(path) = env::var_os("DEP_BPF_INCLUDE") {
        include(Path::new(&path));
    }
    // Debian keeps asm/types.h in the folder of the machine, which clang leaves out for `-target
    // bpf`.
    let machine = env::var("CARGO_CFG_TARGET_ARCH")?;
    let multiarch = PathBuf::from(format!("/usr/include/{machine}-linux-gnu"));
    if multiarch.is_dir() {
        include(&multiarch);
    }
    Ok(arguments)
}

//! What the documentation shows is true.

use std::path::Path;

/// Every YAML example that has streams, or is a study, is a valid profile.
#[test]
fn the_examples_are_valid_profiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut examples = 0;
    for file in ["README.md", "docs/profile.md", "docs/fragments.md"] {
        let text = std::fs::read_to_string(root.join(file)).expect("the file is there");
        for block in text.split("```yaml\n").skip(1) {
            let yaml = block.split("```").next().expect("a block ends");
            if !yaml.contains("streams:") && !yaml.contains("kind: fragments") {
                continue;
            }
            examples += 1;
            // Captures that examples name lie beside the shipped profiles.
            if let Err(errors) = wirestorm::profile::parse("profiles/example.yaml", yaml, &[]) {
                panic!("{file}:\n{yaml}\n{errors}");
            }
        }
    }
    assert_eq!(examples, 12, "an example has gone or come: look whether it is tested");
}

//! Broken profiles: each file under `profile_errors/` is a table of them, and every message is
//! under snapshot. A case is `=== title`, its `--set` lines, and its YAML.

use wirestorm::profile;

struct Case<'t> {
    title: &'t str,
    overrides: Vec<String>,
    text: String,
}

fn cases(table: &str) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case { title, overrides: Vec::new(), text: String::new() });
            continue;
        }
        let case = cases.last_mut().expect("a title first");
        match line.strip_prefix("--set ") {
            Some(text) => case.overrides.push(text.to_owned()),
            None => case.text.extend([line, "\n"]),
        }
    }
    cases
}

/// The messages of all cases of a table, each of which is refused.
fn messages(table: &str) -> String {
    let mut messages = String::new();
    for case in cases(table) {
        let Err(errors) = profile::parse("p.yaml", &case.text, &case.overrides) else {
            panic!("\"{}\" is accepted", case.title);
        };
        assert!(!errors.problems().is_empty(), "\"{}\" is refused without a reason", case.title);
        messages.extend(["=== ", case.title, "\n", &errors.to_string(), "\n"]);
    }
    messages
}

macro_rules! tables {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let table = include_str!(concat!("profile_errors/", stringify!($name), ".txt"));
            insta::assert_snapshot!(stringify!($name), messages(table));
        })*

        #[test]
        fn there_are_sixty_at_least() {
            let tables = [$(include_str!(concat!("profile_errors/", stringify!($name), ".txt"))),*];
            let mut titles: Vec<&str> =
                tables.iter().flat_map(|table| cases(table)).map(|case| case.title).collect();
            let count = titles.len();
            titles.sort_unstable();
            titles.dedup();
            assert!(count >= 60, "{count}");
            assert_eq!(titles.len(), count, "two cases have one title within the tables");
        }
    };
}

tables! {
    fragments yaml records units ports streams studies patterns headers values rules lab set benchmarks
}

/// The cost of a text grows with its length alone, whatever it repeats.
#[test]
fn what_is_huge_is_refused_as_a_whole() {
    let numbered = |count: usize| (0..count).map(|n| format!("k{n}: 1, ")).collect::<String>();
    let stream = |more: &str| {
        format!("streams: [{{size: 128B, rate: 1kpps, packet: [ipv4, udp: {{dst: [{more}]}}]}}]")
    };
    let texts = [
        format!("streams: [{}]", "{}, ".repeat(70_000)),
        format!("{}\nports: {{{}}}", stream("1"), numbered(50_000)),
        format!("{}\nlab: {{topology: b2b, sysctl: {{{}}}}}", stream("1"), numbered(50_000)),
        stream(&"1, ".repeat(70_000)),
    ];
    let messages = texts.map(|text| {
        let errors = profile::parse("p.yaml", &text, &[]).expect_err("is too much");
        assert_eq!(errors.problems().len(), 1, "{errors}");
        errors.to_string()
    });
    insta::assert_snapshot!(messages.join("\n"));
}

/// What a short text can ask for by repeating itself is bounded: each of these took minutes, or all
/// memory.
#[test]
fn what_is_short_and_huge_is_refused() {
    let stream = |packet: &str, more: &str| {
        format!("{{to: null, size: 128B, rate: 1kpps, packet: {packet}{more}}}")
    };
    let streams = |first: String, other: String, count: usize| {
        let others = vec![other; count].join(", ");
        format!("streams: [{first}, {others}]")
    };
    let weights: String = (0..1024).map(|n| format!("{n}: {}, ", 1 + n % 127)).collect();
    let first = stream(&format!("[ipv4, udp: {{dst: &a {{list: {{{weights}}}}}}}]"), "");
    let dealt = streams(first, stream("[ipv4, udp: {dst: *a}]", ""), 40);
    let first = stream("[ipv4, udp: {dst: &a {list: {1: 65535, 2: 1}}}]", "");
    let long = streams(first, stream("[ipv4, udp: {dst: *a}]", ""), 100);
    let lists = "[ipv4: {dscp: &b {list: {1: 65535, 2: 1}}}, udp: {src: *b, dst: *b}]";
    let first = stream(
        lists,
        ", fragments: &f {pieces: [&p {offset: 0, length: 8}, *p, *p, *p, *p, *p, *p, *p]}",
    );
    let pieces = streams(first, stream("[ipv4: {dscp: *b}, udp]", ", fragments: *f"), 40);
    for text in [dealt, long, pieces] {
        assert!(text.len() < 20_000, "{}", text.len());
        let errors = profile::parse("p.yaml", &text, &[]).expect_err("is too much").to_string();
        assert!(errors.contains("too long to deal out") || errors.contains("256 MiB"), "{errors}");
    }
}

//! What was typed, what it means, and what is said where it means nothing.

use std::path::PathBuf;

use wirestorm::cli::check::Check;
use wirestorm::cli::color::ColorChoice;
use wirestorm::cli::lab::{Lab, Which};
use wirestorm::cli::man::Man;
use wirestorm::cli::report::Of as Results;
use wirestorm::cli::run::{Engine, ReportTo};
use wirestorm::cli::schema::Of;
use wirestorm::cli::serve::Serve;
use wirestorm::cli::{self, Command};
use wirestorm::frontend::ip::Family;
use wirestorm::frontend::ip::address::From;
use wirestorm::frontend::serve::next_hop::Gateway;
use wirestorm::frontend::trace::probe::Protocol;
use wirestorm::profile::fragments::Order;
use wirestorm::units::Nanos;

fn parse(line: &str) -> Result<Command, clap::Error> {
    cli::parse_from(format!("wirestorm {line}").split_whitespace())
}

fn run(line: &str) -> cli::run::Run {
    match parse(line) {
        Ok(Command::Run(run)) => run,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_definition_is_consistent() {
    cli::definition().debug_assert();
}

#[test]
fn run_with_nothing_but_a_profile() {
    let run = run("run router.yaml");
    assert_eq!(run.profile.path, PathBuf::from("router.yaml"));
    assert_eq!((run.profile.lab, run.profile.seed, run.profile.workers), (None, None, None));
    assert!(run.profile.settings.is_empty() && run.profile.allow_destinations.is_empty());
    assert_eq!((run.engine, run.color), (Engine::Auto, ColorChoice::Auto));
    assert_eq!(run.outputs, cli::run::Outputs::default());
    assert_eq!(run.report_to, ReportTo::Stdout);
    assert!(!run.quiet);
}

#[test]
fn run_with_everything() {
    let run =
        run("run p.yaml --lab b2b --engine xdp-live --set streams[0].rate=1Mpps --set a.b=x=y \
         --seed 0xff --json - --csv out --hgrm hist --pcap p.pcap --workers 3 -q --color always \
         --allow-destination 203.0.113.0/24 --allow-destination 2001:db8::1");
    assert_eq!(run.profile.lab.as_deref(), Some("b2b"));
    assert_eq!(run.profile.settings, ["streams[0].rate=1Mpps", "a.b=x=y"]);
    assert_eq!(run.profile.seed, Some(255));
    assert_eq!(run.profile.workers.map(u32::from), Some(3));
    assert_eq!(run.profile.allow_destinations, ["203.0.113.0/24", "2001:db8::1"]);
    assert_eq!((run.engine, run.color), (Engine::XdpLive, ColorChoice::Always));
    assert_eq!(run.outputs.csv, Some(PathBuf::from("out")));
    assert_eq!(run.outputs.hgrm, Some(PathBuf::from("hist")));
    assert_eq!(run.outputs.pcap, Some(PathBuf::from("p.pcap")));
    assert_eq!(run.report_to, ReportTo::Stderr, "standard output holds the JSON");
    assert!(run.quiet);
}

#[test]
fn every_engine_of_the_contract_has_its_name() {
    for (name, engine) in [
        ("auto", Engine::Auto),
        ("xdp-live", Engine::XdpLive),
        ("af-xdp", Engine::AfXdp),
        ("packet-mmap", Engine::PacketMmap),
        ("raw", Engine::Raw),
        ("null", Engine::Null),
        ("pcap --pcap f", Engine::Pcap),
    ] {
        assert_eq!(run(&format!("run p.yaml --engine {name}")).engine, engine);
    }
}

#[test]
fn the_other_commands() {
    assert!(matches!(parse("check p.yaml --lab router"),
        Ok(Command::Check(Check { profile })) if profile.lab.as_deref() == Some("router")));
    assert!(matches!(parse("pcap p.yaml -o - --count 5"),
        Ok(Command::Pcap(pcap)) if pcap.output.as_os_str() == "-"
            && pcap.count.map(u64::from) == Some(5)));
    assert!(matches!(parse("schema"), Ok(Command::Schema(schema)) if schema.of == Of::Profile));
    assert!(matches!(parse("schema result"), Ok(Command::Schema(s)) if s.of == Of::Result));
    assert!(matches!(parse("lab up"),
        Ok(Command::Lab(Lab::Up { name, queues: None, .. })) if name == "router"));
    assert!(matches!(parse("lab up b2b --queues 2 --name mine"),
        Ok(Command::Lab(Lab::Up { name, topology, queues: Some(_) }))
            if name == "mine" && topology == "b2b"));
    assert!(matches!(parse("lab list"), Ok(Command::Lab(Lab::List))));
    assert!(matches!(parse("lab down --all"), Ok(Command::Lab(Lab::Down(Which::All)))));
    assert!(matches!(parse("lab down one two"),
        Ok(Command::Lab(Lab::Down(Which::Named(names)))) if names == ["one", "two"]));
    assert!(matches!(parse("doctor"), Ok(Command::Doctor(d)) if d.interface.is_none()));
    assert!(matches!(parse("doctor eth1"),
        Ok(Command::Doctor(d)) if d.interface.as_deref() == Some("eth1")));
    assert!(matches!(parse("completions zsh"), Ok(Command::Completions(_))));
    assert!(matches!(parse("calibrate"),
        Ok(Command::Calibrate(c)) if c.output.is_none() && c.duration == Nanos::SECOND));
    assert!(matches!(parse("calibrate -o - --duration 20ms"),
        Ok(Command::Calibrate(c)) if c.output == Some("-".into())
            && c.duration == Nanos(20_000_000)));
    assert!(matches!(parse("ping h"),
        Ok(Command::Ping(p)) if p.host == "h" && p.count.is_none() && p.interval == Nanos::SECOND
            && p.size == 56 && p.family.is_none() && p.wait.is_none()));
    assert!(matches!(parse("ping -6 -c 3 -i 0.2 -W 500ms -s 1000 -I eth0 -t 9 -q h"),
        Ok(Command::Ping(p)) if p.count == Some(3) && p.interval == Nanos(200_000_000)
            && p.wait == Some(Nanos(500_000_000)) && p.family == Some(Family::V6)
            && p.from == From::Interface("eth0".into()) && p.ttl == Some(9) && p.quiet));
    assert!(matches!(parse("serve dns -I eth1 --backend 192.0.2.1 --backend [::1]:5353"),
        Ok(Command::Serve(Serve::Dns(dns))) if dns.link.interface == "eth1"
            && dns.settings.servers == ["192.0.2.1:53".parse().unwrap(), "[::1]:5353".parse().unwrap()]
            && dns.settings.shape.cutting.to_string() == "136,512" && dns.settings.port == 53
            && dns.settings.shape.order == Order::In && dns.log.as_os_str() == "-"));
    assert!(matches!(
        parse("serve dns -I eth1 --backend ::1 --fragment atomic --order last-first --gap 1ms \
               --gateway ra --gateway 198.18.0.1 --client-prefix 24,56 --follow-up Next"),
        Ok(Command::Serve(Serve::Dns(dns))) if dns.settings.shape.cutting.to_string() == "atomic"
            && dns.settings.shape.order == Order::LastFirst
            && dns.settings.shape.gap == Nanos::MILLISECOND
            && dns.link.gateways.v6 == Gateway::Advertised
            && dns.settings.follow_up.as_deref() == Some("next")));
    assert!(matches!(parse("trace h"),
        Ok(Command::Trace(t)) if t.protocol == Protocol::Udp && t.port == 33_434 && t.tries == 3
            && t.interval == Nanos(100_000_000) && t.fragments.is_none()));
    assert!(matches!(parse("trace -P tcp h"),
        Ok(Command::Trace(t)) if t.protocol == Protocol::Tcp && t.port == 80));
    assert!(matches!(parse("trace --fragments --hbh 64,8,8 h"),
        Ok(Command::Trace(t)) if t.protocol == Protocol::Icmp && t.tries == 5
            && t.interval == Nanos::SECOND && t.fragments.as_ref().is_some_and(|fragments|
                fragments.hop_by_hop == [8, 64] && fragments.destination_options == [8])));
    let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert!(matches!(parse("report a.json --html -"), Ok(Command::Report(r))
        if r.of == Results::One("a.json".into()) && r.html == Some("-".into())));
    let two = Results::Comparison { baseline: files(&["a"]), candidate: files(&["b"]) };
    assert!(matches!(parse("report a b"), Ok(Command::Report(r)) if r.of == two));
    let many =
        Results::Comparison { baseline: files(&["a", "b"]), candidate: files(&["c", "d", "e"]) };
    assert!(matches!(parse("report --baseline a b --candidate c d e"), Ok(Command::Report(r))
        if r.of == many));
    assert!(matches!(
        parse("serve tcp -I eth1 --listen 443=[2001:db8::1]:8443 --listen 80=192.0.2.1:80"),
        Ok(Command::Serve(Serve::Tcp(t))) if t.link.interface == "eth1" && t.listen.len() == 2
            && t.listen[0].port == 443 && t.listen[0].backend.port() == 8443
            && t.cutting.is_none() && t.segment == 1200 && t.whole_after == 3
            && t.ports == (10_240..=32_767) && t.max_flows == 16_384));
    assert!(matches!(parse("serve sink"), Ok(Command::Serve(Serve::Sink(sink)))
        if sink.options.port == 8900 && sink.options.address.is_none() && sink.log.is_none()));
    assert!(matches!(
        parse("serve sink --port 9 --address 2001:db8::1 --rate 5 --log -"),
        Ok(Command::Serve(Serve::Sink(sink))) if sink.options.port == 9 && sink.options.rate == 5
            && sink.options.address == Some("2001:db8::1".parse().unwrap())
            && sink.log == Some("-".into())));
    assert!(matches!(parse("schema fragments"), Ok(Command::Schema(s)) if s.of == Of::Fragments));
    assert!(matches!(parse("schema serve-dns"), Ok(Command::Schema(s)) if s.of == Of::ServeDns));
    assert!(matches!(parse("ping --histogram 192.0.2.1"), Ok(Command::Ping(p)) if p.histogram));
    assert!(matches!(parse("man"), Ok(Command::Man(Man::Print(None)))));
    assert!(matches!(parse("man --dir d"), Ok(Command::Man(Man::Write(_)))));
}

#[test]
fn wrong_usage_says_what_is_wrong_and_ends_with_2() {
    let lines = [
        "run",
        "run p.yaml q.yaml",
        "run p.yaml --engine dpdk",
        "run p.yaml --engine pcap",
        "run p.yaml --lab moon",
        "run p.yaml --set rate",
        "run p.yaml --set =5",
        "run p.yaml --seed -1",
        "run p.yaml --seed 18446744073709551616",
        "run p.yaml --workers 0",
        "run p.yaml --allow-destination everywhere",
        "run p.yaml --allow-destination 10.0.0.0/33",
        "run p.yaml --csv -",
        "run p.yaml --json - --pcap -",
        "run p.yaml --json same --pcap same",
        "run p.yaml --json same --html same",
        "run p.yaml --html - --pcap -",
        "run p.yaml --jsno x",
        "report",
        "report a.json a.json",
        "report a.json b.json c.json",
        "report a.json --baseline b.json --candidate c.json",
        "report --baseline a.json",
        "rnu p.yaml",
        "pcap p.yaml",
        "pcap p.yaml -o f --count 0",
        "lab",
        "lab down",
        "lab down 5 --all",
        "lab up moon",
        "completions tcsh",
        "man nothing",
        "man run --dir d",
        "calibrate --duration 0s",
        "calibrate --duration 61s",
        "calibrate --duration 5",
        "ping",
        "ping -c 0 h",
        "ping -i 1ms h",
        "ping -i soon h",
        "ping -s 65488 h",
        "ping -4 -6 h",
        "trace -P tcp --fragments h",
        "trace -P tcp --mtu h",
        "trace -P icmp -p 9 h",
        "trace -f 9 -m 8 h",
        "trace -f 2 --fragments h",
        "trace --mtu --fragments h",
        "trace --hbh 8 h",
        "trace --fragments --hbh 12 h",
        "trace --fragments --do 2056 h",
        "serve",
        "serve dns -I eth1",
        "serve dns -I eth1 --backend example.org",
        "serve dns -I eth1 --backend ::1 --fragment 12,512",
        "serve dns -I eth1 --backend ::1 --fragment small",
        "serve dns -I eth1 --backend ::1 --order backwards",
        "serve dns -I eth1 --backend ::1 --gateway eth0",
        "serve dns -I eth1 --backend ::1 --gateway fe80::1 --gateway ra",
        "serve dns -I eth1 --backend ::1 --client-prefix 33,64",
        "serve dns -I eth1 --backend ::1 --follow-up a.b",
        "serve dns -I eth1 --backend ::1 --timeout 0",
        "serve tcp -I eth1",
        "serve tcp --listen 80=192.0.2.1:80",
        "serve tcp -I eth1 --listen 80",
        "serve tcp -I eth1 --listen 0=192.0.2.1:80",
        "serve tcp -I eth1 --listen 80=0.0.0.0:80",
        "serve tcp -I eth1 --listen 80=192.0.2.1:80 --listen 80=192.0.2.2:80",
        "serve tcp -I eth1 --listen 80=192.0.2.1:80 --ports 500-600",
        "serve tcp -I eth1 --listen 80=192.0.2.1:80 --ports 20000-20099",
        "serve tcp -I eth1 --listen 80=192.0.2.1:80 --fragment 100",
        "serve tcp -I eth1 --listen 80=192.0.2.1:80 --idle 0",
    ];
    let mut text = String::new();
    for line in lines {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        text.push_str(&format!("$ wirestorm {line}\n{}\n\n", error.to_string().trim_end()));
    }
    insta::assert_snapshot!("usage_errors", text);
}

#[test]
fn help_and_version_end_with_0() {
    for line in ["--help", "--version", "run --help", "lab up --help"] {
        assert_eq!(parse(line).expect_err(line).exit_code(), 0, "{line}");
    }
    let version = parse("--version").expect_err("is printed").to_string();
    assert_eq!(version, format!("wirestorm {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(parse("").expect_err("help is printed").exit_code(), 2);
}

#[test]
fn the_help_of_every_command() {
    fn add(command: &mut clap::Command, name: &str) {
        let help = command.clone().term_width(100).render_long_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{name}: {help}");
        insta::assert_snapshot!(format!("help_{}", name.replace(' ', "_")), help);
        for sub in command.get_subcommands_mut() {
            let name = format!("{name} {}", sub.get_name());
            add(sub, &name);
        }
    }
    let mut root = cli::definition();
    root.build();
    add(&mut root, "wirestorm");
}

use super::*;

const MS: u64 = 1_000_000;
const SETTLE: u64 = 1000 * MS;

fn query(name: &str, id: u16) -> Query {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 16, 0, 1]);
    Query::parse(&message).unwrap()
}

fn client() -> IpAddr {
    [192, 0, 2, 1].into()
}

fn from() -> SocketAddr {
    (client(), 4242).into()
}

fn fragmented(leads: &[&str]) -> Answer {
    Answer::Sent {
        size: 1700,
        made: Made::Pieces,
        fragments: vec![136, 512, 512, 512, 36],
        leads: leads.iter().map(|name| query(name, 1).question.name).collect(),
    }
}

fn whole() -> Answer {
    Answer::Sent { size: 1200, made: Made::Whole, fragments: vec![1208], leads: Vec::new() }
}

struct Scene {
    watch: Watch,
    now: u64,
}

impl Scene {
    fn new(whole_after: Option<u32>, follow_up: Option<&str>) -> Self {
        let whole_after = whole_after.and_then(NonZeroU32::new);
        Self { watch: Watch::new(SETTLE, whole_after, follow_up.map(Into::into), 100), now: SETTLE }
    }

    fn ask(&mut self, id: u16, tcp: bool) -> Advice {
        self.watch.asked(client(), from(), &query("big.example", id), tcp, self.now)
    }

    fn answer(&mut self, answer: Answer) {
        self.now += MS;
        let question = query("big.example", 1).question;
        self.watch.answered(client(), from(), &question, answer, self.now);
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms * MS;
    }

    fn end(&mut self) -> Settled {
        assert!(self.watch.settled(self.now).is_empty());
        self.wait(1001);
        let settled = self.watch.settled(self.now);
        assert!(self.watch.is_empty() && self.watch.leads.is_empty());
        assert!(self.watch.sockets.is_empty());
        settled.into_iter().find(|s| s.counts.fragmented > 0).unwrap_or_else(|| panic!("none"))
    }
}

#[test]
fn silence_is_not_proof() {
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    scene.answer(fragmented(&[]));
    let settled = scene.end();
    assert_eq!(settled.outcome, Outcome::Silent);
    assert_eq!((settled.size, settled.fragments.len()), (Some(1700), 5));
}

#[test]
fn the_same_query_again_means_lost() {
    let mut scene = Scene::new(None, None);
    for _ in 0..3 {
        scene.ask(1, false);
        scene.answer(fragmented(&[]));
        scene.wait(500);
    }
    let settled = scene.end();
    assert_eq!((settled.outcome, settled.counts.retransmitted), (Outcome::Lost, 2));
}

#[test]
fn another_identification_leaves_it_open_until_a_whole_answer_ends_it() {
    let mut scene = Scene::new(None, None);
    for id in 1..4 {
        assert_eq!(scene.ask(id, false), Advice::AsTold);
        scene.answer(fragmented(&[]));
        scene.wait(500);
    }
    assert_eq!(scene.end().outcome, Outcome::AskedAgain);
    let mut scene = Scene::new(Some(2), None);
    for id in 1..4 {
        let advice = scene.ask(id, false);
        assert_eq!(advice, if id < 3 { Advice::AsTold } else { Advice::Whole });
        scene.answer(if id < 3 { fragmented(&[]) } else { whole() });
        scene.wait(500);
    }
    let settled = scene.end();
    assert_eq!(settled.outcome, Outcome::Lost);
    assert_eq!(settled.statement, "fragments lost, whole answers arrive");
    // Somebody who asks the same thing often does not stop then.
    let mut scene = Scene::new(Some(2), None);
    for id in 1..5 {
        let advice = scene.ask(id, false);
        scene.answer(if advice == Advice::Whole { whole() } else { fragmented(&[]) });
        scene.wait(500);
    }
    assert_eq!(scene.end().outcome, Outcome::Unknown);
}

/// The link was down: that the client asks again says nothing of the way to it.
#[test]
fn what_never_left_is_not_lost_on_the_way() {
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    scene.answer(fragmented(&[]));
    scene.wait(500);
    scene.ask(1, false);
    scene.answer(Answer::NotSent);
    let settled = scene.end();
    assert_eq!((settled.outcome, settled.counts.not_sent), (Outcome::Unknown, 1));
}

#[test]
fn what_crosses_says_nothing() {
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    // The server took 600 ms, and the client sent its query again after 605.
    scene.wait(600);
    scene.answer(fragmented(&[]));
    scene.wait(5);
    scene.ask(1, false);
    let settled = scene.end();
    assert_eq!((settled.outcome, settled.counts.crossed), (Outcome::Silent, 1));
}

#[test]
fn tcp_after_fragments_means_lost_and_after_truncation_nothing() {
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    scene.answer(fragmented(&[]));
    scene.wait(500);
    scene.ask(2, true);
    scene.answer(Answer::Tcp { size: 1700 });
    let settled = scene.end();
    assert_eq!((settled.outcome, settled.counts.tcp_after_fragments), (Outcome::Lost, 1));
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    scene.answer(Answer::Truncated);
    scene.ask(2, true);
    scene.answer(Answer::Tcp { size: 1700 });
    scene.wait(2000);
    let settled = scene.watch.settled(scene.now);
    assert_eq!(settled[0].outcome, Outcome::NotFragmented);
}

#[test]
fn who_follows_up_has_read_the_answer() {
    for (follow_up, leads, name) in
        [(None, vec!["ns.example"], "ns.example"), (Some("next"), vec![], "NEXT.big.example")]
    {
        let mut scene = Scene::new(None, follow_up);
        scene.ask(1, false);
        scene.answer(fragmented(&leads));
        scene.wait(3);
        scene.watch.asked(client(), from(), &query(name, 9), false, scene.now);
        let settled = scene.end();
        assert_eq!((settled.outcome, settled.counts.followed_up), (Outcome::Arrived, 1), "{name}");
    }
    // Another client's query tells nothing of this one.
    let mut scene = Scene::new(None, None);
    scene.ask(1, false);
    scene.answer(fragmented(&["ns.example"]));
    scene.watch.asked([9, 9, 9, 9].into(), from(), &query("ns.example", 9), false, scene.now);
    assert_eq!(scene.end().outcome, Outcome::Silent);
    // Lost, then arrived.
    let mut scene = Scene::new(None, None);
    for _ in 0..2 {
        scene.ask(1, false);
        scene.answer(fragmented(&["ns.example"]));
        scene.wait(500);
    }
    scene.watch.asked(client(), from(), &query("ns.example", 9), false, scene.now);
    assert_eq!(scene.end().outcome, Outcome::Sometimes);
}

#[test]
fn icmp_is_believed() {
    let told = |meaning, by_client| {
        let mut scene = Scene::new(None, None);
        scene.ask(1, false);
        scene.answer(fragmented(&[]));
        scene.watch.icmp(from(), meaning, by_client);
        scene.end().outcome
    };
    assert_eq!(told(Meaning::Reassembly, true), Outcome::Lost);
    assert_eq!(told(Meaning::TooBig(1280), false), Outcome::Lost);
    assert_eq!(
        told(Meaning::PortUnreachable, true),
        Outcome::Arrived,
        "put together, then refused"
    );
    assert_eq!(told(Meaning::PortUnreachable, false), Outcome::Silent);
}

#[test]
fn it_never_holds_more_than_it_may() {
    let mut watch = Watch::new(SETTLE, None, Some("next".into()), 10);
    let mut settled = Vec::new();
    for n in 0..1000u32 {
        let (client, now) = (IpAddr::from(n.to_be_bytes()), u64::from(n) * MS);
        let query = query("big.example", 1);
        watch.asked(client, (client, 1).into(), &query, false, now);
        let answer = fragmented(&["a.example", "b.example"]);
        watch.answered(client, (client, 1).into(), &query.question, answer, now);
        settled.extend(watch.settled(now));
        assert!(watch.len() <= 10 && watch.leads.len() <= 30 && watch.sockets.len() <= 20);
    }
    assert_eq!(settled.len(), 990);
    assert!(settled.iter().all(|settled| settled.outcome == Outcome::Unknown));
    settled.extend(watch.all());
    assert_eq!(settled.len(), 1000);
    assert!(watch.is_empty() && watch.deadlines.is_empty());
}

#[test]
fn a_busy_client_is_told_of_in_the_end() {
    let mut scene = Scene::new(None, None);
    let mut told = 0;
    for _ in 0..100 {
        scene.ask(1, false);
        scene.answer(fragmented(&[]));
        scene.wait(400);
        told += scene.watch.settled(scene.now).len();
    }
    assert!((3..=5).contains(&told), "40 s, 10 s each: {told}");
}

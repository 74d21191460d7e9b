//! What the live view shows, and what keys do: pure, without a terminal or a clock.

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::history::History;
use crate::benchmark::sight::SuiteSight;
use crate::pace::RateChange;
use crate::trial::sight::{Cast, Phase, Sight};

/// A page of the live view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Rates, losses, latency, the verdict so far.
    #[default]
    Overview,
    /// Every stream.
    Streams,
    /// Every worker.
    Workers,
    /// Latency over time.
    Heat,
    /// Stage by stage.
    Ledger,
    /// The searches of a benchmark.
    Search,
}

impl View {
    /// All of them with the keys that show them, in the order of the tabs.
    pub const ALL: [(char, Self, &'static str); 6] = [
        ('o', Self::Overview, "overview"),
        ('s', Self::Streams, "streams"),
        ('w', Self::Workers, "workers"),
        ('t', Self::Heat, "latency"),
        ('l', Self::Ledger, "ledger"),
        ('b', Self::Search, "benchmark"),
    ];
}

/// A column that streams are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The profile's order.
    #[default]
    Order,
    /// Packets sent.
    Sent,
    /// Packets received.
    Received,
    /// Packets lost.
    Lost,
    /// Packets that are open.
    Open,
    /// Mean latency.
    Latency,
}

impl SortBy {
    /// From left to right.
    pub const ALL: [Self; 6] =
        [Self::Order, Self::Sent, Self::Received, Self::Lost, Self::Open, Self::Latency];
}

/// What a key asks of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the model alone changed, or not even that.
    None,
    /// The end, with a report.
    Stop,
    /// The end at once, without one.
    Kill,
    /// Other rates, in percent of the profile's; [`RateChange::PAUSED`] until it goes on.
    Rate(u32),
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The page.
    pub view: View,
    /// The keys are explained above it.
    pub help: bool,
    /// The latest sight of the trial.
    pub sight: Option<Arc<Sight>>,
    /// The trial so far.
    pub history: History,
    /// The benchmark, if it is one.
    pub suite: Option<SuiteSight>,
    /// Percent of the profile's rates that was asked for: behind a pause, if there is one.
    pub wanted: u32,
    /// A pause was asked for.
    pub paused: bool,
    /// A stop was asked for.
    pub stopping: bool,
    /// What is to be said below the page.
    pub message: Option<String>,
    /// The chosen row: a position among the rows as they are sorted.
    pub chosen: usize,
    /// What streams are sorted by, and whether the largest comes first.
    pub sort: (SortBy, bool),
    /// The stream whose latencies are shown; None: all together.
    pub heat_of: Option<usize>,
}

impl Model {
    /// Nothing is known yet.
    pub fn new(benchmark: bool) -> Self {
        Self {
            suite: benchmark.then(SuiteSight::default),
            view: if benchmark { View::Search } else { View::Overview },
            wanted: RateChange::PLAIN,
            sort: (SortBy::Order, false),
            ..Self::default()
        }
    }

    /// Takes the latest sight, if it is a new one.
    pub fn see(&mut self, sight: Arc<Sight>) {
        if self.sight.as_ref().is_some_and(|last| Arc::ptr_eq(last, &sight)) {
            return;
        }
        if self.sight.as_ref().is_some_and(|last| last.trial != sight.trial) {
            (self.wanted, self.paused) = (RateChange::PLAIN, false);
        }
        self.history.push(&sight);
        self.sight = Some(sight);
    }

    /// The views that there are.
    pub fn views(&self) -> impl Iterator<Item = (char, View, &'static str)> + '_ {
        let benchmark = self.suite.is_some();
        View::ALL.into_iter().filter(move |(_, view, _)| benchmark || *view != View::Search)
    }

    /// What a key does.
    pub fn press(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if (control && key.code == KeyCode::Char('c')) || key.code == KeyCode::Char('q') {
            if self.stopping {
                return if control { Action::Kill } else { Action::None };
            }
            self.stopping = true;
            self.message = Some("stopping: the report follows".into());
            return Action::Stop;
        }
        if control {
            return Action::None;
        }
        self.message = None;
        if self.help {
            self.help = false;
            return Action::None;
        }
        match key.code {
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char('+' | '=') => return self.ask_for(self.faster()),
            KeyCode::Char('-') => return self.ask_for(self.slower()),
            KeyCode::Char('*') => return self.ask_for(self.wanted * 2),
            KeyCode::Char('/') => return self.ask_for(self.wanted / 2),
            KeyCode::Char('0') => return self.ask_for(RateChange::PLAIN),
            KeyCode::Char('p') => return self.pause(),
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(-1),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.choose(10),
            KeyCode::PageUp => self.choose(-10),
            KeyCode::Home => self.chosen = 0,
            KeyCode::End => self.choose(isize::MAX),
            KeyCode::Char('>') => self.sort_by(1),
            KeyCode::Char('<') => self.sort_by(-1),
            KeyCode::Char('r') => self.sort.1 = !self.sort.1,
            KeyCode::Enter if self.view == View::Streams => {
                self.heat_of = self.sorted().get(self.chosen).copied();
                self.view = View::Heat;
            }
            KeyCode::Char('a') if self.view == View::Heat => self.heat_of = None,
            KeyCode::Char(letter) => {
                let named = self.views().find(|(key, ..)| *key == letter);
                if let Some((_, view, _)) = named {
                    self.go_to(view);
                }
            }
            _ => {}
        }
        Action::None
    }

    /// A step up: of ten points, of one below ten.
    fn faster(&self) -> u32 {
        if self.wanted < 10 { self.wanted + 1 } else { (self.wanted / 10 + 1) * 10 }
    }

    fn slower(&self) -> u32 {
        if self.wanted <= 10 { self.wanted - 1 } else { (self.wanted.div_ceil(10) - 1) * 10 }
    }

    fn ask_for(&mut self, percent: u32) -> Action {
        if !self.may("the rate cannot be changed", |cast| cast.rate_is_fixed) {
            return Action::None;
        }
        self.wanted = percent.clamp(*RateChange::RANGE.start(), *RateChange::RANGE.end());
        if self.paused {
            self.message = Some(format!("paused: p goes on at {} % of the rate", self.wanted));
            return Action::None;
        }
        self.message = Some(format!("rate: {} % of the profile's", self.wanted));
        Action::Rate(self.wanted)
    }

    fn pause(&mut self) -> Action {
        if !self.may("it cannot pause", |cast| cast.never_pauses) {
            return Action::None;
        }
        self.paused = !self.paused;
        match self.paused {
            true => {
                self.message = Some("paused: p goes on".into());
                Action::Rate(RateChange::PAUSED)
            }
            false => Action::Rate(self.wanted),
        }
    }

    /// Whether the run takes changes now; else says why not.
    fn may(&mut self, refusal: &str, why: fn(&Cast) -> Option<&'static str>) -> bool {
        let sending = self.sight.as_ref().filter(|sight| sight.phase == Phase::Sending);
        self.message = match sending.map(|sight| why(&sight.cast)) {
            None => Some("the rate can be changed while packets are sent".into()),
            Some(Some(why)) => Some(format!("{refusal}: {why}")),
            Some(None) => return true,
        };
        false
    }

    fn go_to(&mut self, view: View) {
        if view != self.view {
            self.chosen = 0;
        }
        self.view = view;
    }

    fn turn(&mut self, by: isize) {
        let views: Vec<View> = self.views().map(|(_, view, _)| view).collect();
        let at = views.iter().position(|view| *view == self.view).unwrap_or(0);
        let next = (at as isize + by).rem_euclid(views.len() as isize) as usize;
        self.go_to(views[next]);
    }

    fn sort_by(&mut self, by: isize) {
        let at = SortBy::ALL.iter().position(|column| *column == self.sort.0).unwrap_or(0);
        let next = (at as isize + by).rem_euclid(SortBy::ALL.len() as isize) as usize;
        self.sort = (SortBy::ALL[next], SortBy::ALL[next] != SortBy::Order);
    }

    /// Rows of the page that one can be chosen of.
    fn rows(&self) -> usize {
        let sight = self.sight.as_ref();
        match self.view {
            View::Streams => sight.map_or(0, |sight| sight.streams.len()),
            View::Workers => sight.map_or(0, |sight| sight.workers.len()),
            View::Ledger => sight.map_or(0, |sight| sight.ledger.len()),
            View::Search => self.suite.as_ref().map_or(0, |suite| suite.last.len()),
            View::Overview | View::Heat => 0,
        }
    }

    fn choose(&mut self, by: isize) {
        let last = self.rows().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    /// The streams as they are sorted: positions in the profile.
    pub fn sorted(&self) -> Vec<usize> {
        let Some(sight) = &self.sight else { return Vec::new() };
        let mut order: Vec<usize> = (0..sight.streams.len()).collect();
        let (by, largest_first) = self.sort;
        let key = |stream: &usize| -> u128 {
            let stream = &sight.streams[*stream];
            let arrived = stream.arrived;
            let count = match by {
                SortBy::Order => None,
                SortBy::Sent => Some(stream.sent),
                SortBy::Received => arrived.map(|arrived| arrived.received),
                SortBy::Lost => arrived.and_then(|arrived| arrived.lost),
                SortBy::Open => stream.open(),
                SortBy::Latency => {
                    return arrived
                        .filter(|arrived| arrived.latency.count > 0)
                        .map_or(0, |arrived| {
                            1 + arrived.latency.sum / u128::from(arrived.latency.count)
                        });
                }
            };
            // What is not measured stands behind a zero.
            count.map_or(0, |count| u128::from(count) + 1)
        };
        order.sort_by_cached_key(key);
        if largest_first {
            order.reverse();
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::sight::StreamSight;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn sending(rate_is_fixed: Option<&'static str>) -> Model {
        let mut model = Model::new(false);
        let stream = |sent| StreamSight { sent, ..StreamSight::default() };
        model.see(Arc::new(Sight {
            phase: Phase::Sending,
            cast: Arc::new(Cast { rate_is_fixed, never_pauses: rate_is_fixed, ..Cast::default() }),
            streams: [5, 9, 1].map(stream).into(),
            ..Sight::default()
        }));
        model
    }

    #[test]
    fn rates_go_in_steps_and_stay_in_range() {
        let mut model = sending(None);
        assert_eq!(model.press(key(KeyCode::Char('+'))), Action::Rate(110));
        assert_eq!(model.press(key(KeyCode::Char('-'))), Action::Rate(100));
        assert_eq!(model.press(key(KeyCode::Char('/'))), Action::Rate(50));
        for want in [25, 12, 6, 3, 1, 1] {
            assert_eq!(model.press(key(KeyCode::Char('/'))), Action::Rate(want));
        }
        assert_eq!(model.press(key(KeyCode::Char('-'))), Action::Rate(1));
        assert_eq!(model.press(key(KeyCode::Char('+'))), Action::Rate(2));
        assert_eq!(model.press(key(KeyCode::Char('0'))), Action::Rate(100));
        for _ in 0..5 {
            model.press(key(KeyCode::Char('*')));
        }
        assert_eq!(model.press(key(KeyCode::Char('+'))), Action::Rate(1000));
    }

    #[test]
    fn a_rate_that_cannot_be_changed_is_not() {
        let mut model = sending(Some("of the search"));
        assert_eq!(model.press(key(KeyCode::Char('+'))), Action::None);
        assert!(model.message.is_some_and(|message| message.contains("of the search")));
        assert_eq!(Model::new(false).press(key(KeyCode::Char('+'))), Action::None);
    }

    #[test]
    fn p_pauses_and_goes_on_at_the_rate_that_was_asked_for() {
        let mut model = sending(None);
        assert_eq!(model.press(key(KeyCode::Char('+'))), Action::Rate(110));
        assert_eq!(model.press(key(KeyCode::Char('p'))), Action::Rate(RateChange::PAUSED));
        assert_eq!(model.press(key(KeyCode::Char('/'))), Action::None, "it is still paused");
        assert!(model.message.as_ref().is_some_and(|said| said.contains("goes on at 55 %")));
        assert_eq!(model.press(key(KeyCode::Char('p'))), Action::Rate(55));
        assert_eq!(sending(Some("of the search")).press(key(KeyCode::Char('p'))), Action::None);
    }

    #[test]
    fn the_first_q_stops_and_the_second_control_c_kills() {
        let mut model = sending(None);
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(model.press(key(KeyCode::Char('q'))), Action::Stop);
        assert_eq!(model.press(key(KeyCode::Char('q'))), Action::None);
        assert_eq!(model.press(control), Action::Kill);
    }

    #[test]
    fn streams_are_sorted_and_chosen() {
        let mut model = sending(None);
        model.press(key(KeyCode::Char('s')));
        assert_eq!(model.sorted(), [0, 1, 2]);
        model.press(key(KeyCode::Char('>')));
        assert_eq!(model.sorted(), [1, 0, 2]);
        model.press(key(KeyCode::End));
        assert_eq!(model.chosen, 2);
        model.press(key(KeyCode::Enter));
        assert_eq!((model.view, model.heat_of), (View::Heat, Some(2)));
    }

    #[test]
    fn tabs_go_round() {
        let mut model = Model::new(true);
        assert_eq!(model.view, View::Search);
        model.press(key(KeyCode::Tab));
        assert_eq!(model.view, View::Overview);
        model.press(key(KeyCode::BackTab));
        assert_eq!(model.view, View::Search);
        model.press(key(KeyCode::Char('?')));
        assert!(model.help);
        model.press(key(KeyCode::Char('l')));
        assert_eq!((model.help, model.view), (false, View::Search), "a key closes the help");
    }
}

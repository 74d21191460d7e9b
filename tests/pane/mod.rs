//! A terminal for the program: a pane of a tmux server of the test's own.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A pane with a shell in a directory of its own. Dropped, its server ends.
pub struct Pane {
    socket: String,
    pub dir: PathBuf,
}

impl Pane {
    /// A pane of that size, for the test of that name.
    pub fn new(test: &str, width: u16, height: u16) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a directory");
        let pane = Self { socket: format!("wirestorm-{test}-{}", std::process::id()), dir };
        let size = [width.to_string(), height.to_string()];
        let home = pane.dir.display().to_string();
        let shell = "env -u NO_COLOR PS1='ready> ' TERM=screen-256color bash --norc --noprofile";
        pane.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
            "-c",
            &home,
            shell,
        ]);
        pane.tmux(&["set", "-g", "status", "off"]);
        // Without the line of the status the pane is as high as was asked for.
        pane.tmux(&["resize-window", "-x", &size[0], "-y", &size[1]]);
        pane.wait_for("ready>");
        pane
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(arguments)
            .env("TMUX_TMPDIR", &self.dir)
            .stdin(Stdio::null())
            .output()
            .expect("tmux is installed (scripts/setup test)");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a line.
    pub fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Runs the program with its report in `report.txt`, its status in `status`.
    pub fn run(&self, arguments: &str) {
        let own = env!("CARGO_BIN_EXE_wirestorm");
        self.line(&format!(
            "clear; WIRESTORM_CALIBRATION= {own} run {arguments} > report.txt; echo $? > status"
        ));
    }

    /// Presses a key, by tmux's name of it.
    pub fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is on the screen, with its colours.
    pub fn colored(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Whether the pane shows the other screen, as full-screen programs use it.
    pub fn is_on_the_other_screen(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// Process id of the pane's shell.
    pub fn shell(&self) -> String {
        self.tmux(&["display-message", "-p", "#{pane_pid}"]).trim().to_owned()
    }

    /// Waits until the screen has all of that.
    pub fn wait_until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if is(&screen) {
                return screen;
            }
            assert!(Instant::now() < until, "{what} is not on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits for the end of the program: its status, and its report.
    pub fn ended(&self) -> (i32, String) {
        let until = Instant::now() + PATIENCE;
        let read = |name: &str| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        while read("status").trim().is_empty() {
            assert!(Instant::now() < until, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = read("status").trim().parse().expect("a number");
        let _ = std::fs::remove_file(self.dir.join("status"));
        (status, read("report.txt"))
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.join(name), text).expect("written");
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        let text = std::fs::read_to_string(self.dir.join(name)).expect("a result");
        serde_json::from_str(&text).expect("is JSON")
    }

    /// The terminal is a shell's again: no other screen, lines are echoed and edited.
    pub fn assert_restored(&self) {
        assert!(!self.is_on_the_other_screen(), "{}", self.screen());
        self.line("clear; stty -a > modes; echo done-with-stty");
        let told = |screen: &str| screen.lines().any(|line| line == "done-with-stty");
        self.wait_until("what stty says", told);
        let modes = std::fs::read_to_string(self.dir.join("modes")).expect("stty has told them");
        let on =
            |mode: &str| modes.split_whitespace().any(|word| word.trim_end_matches(';') == mode);
        assert!(on("icanon") && on("echo") && on("isig") && on("opost"), "{modes}");
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .args(["-L", &self.socket, "kill-server"])
            .env("TMUX_TMPDIR", &self.dir)
            .stderr(Stdio::null())
            .status();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

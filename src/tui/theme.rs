//! Colours, or none: nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Whether there are colours (`NO_COLOR`, `--color`).
    pub color: bool,
}

/// Steps of the heat map from little to much: a shade that is legible without colour, and a colour
/// of the 256 that stays legible on light and on dark.
const HEAT: [(char, u8); 5] = [('·', 61), ('░', 67), ('▒', 72), ('▓', 178), ('█', 202)];

impl Theme {
    /// Counts below this share of the largest, and above the one before, have a step of the heat map.
    pub const HEAT_STEPS: usize = HEAT.len();

    fn with(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// The bars at the top and the bottom.
    pub fn bar(self) -> Style {
        match self.color {
            true => Style::new().fg(Color::White).bg(Color::Indexed(24)),
            false => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// What a key is called, and the heads of tables.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What explains.
    pub fn dim(self) -> Style {
        if self.color { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }

    /// What is well.
    pub fn good(self) -> Style {
        self.with(Color::Green)
    }

    /// What has to be looked at.
    pub fn warn(self) -> Style {
        self.with(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// What is wrong.
    pub fn bad(self) -> Style {
        self.with(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What is sent.
    pub fn tx(self) -> Style {
        self.with(Color::Cyan)
    }

    /// What is received.
    pub fn rx(self) -> Style {
        self.with(Color::Magenta)
    }

    /// The row that was chosen.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A step of the heat map, from 0.
    pub fn heat(self, step: usize) -> (char, Style) {
        let (shade, color) = HEAT[step.min(HEAT.len() - 1)];
        (shade, self.with(Color::Indexed(color)))
    }
}

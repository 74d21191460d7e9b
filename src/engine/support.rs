//! What an engine leaves to the others, whatever the port: the data of `docs/engines.md`.

use std::sync::Arc;

use super::choose::EngineChoice;
use super::raw;
use super::xdp_live::tables::Tables;
use crate::packet::program::StreamProgram;

/// Why an engine cannot send a stream's packets on any port. None: it can, where the port takes
/// frames of that length.
pub fn refusal(engine: EngineChoice, program: &Arc<StreamProgram>) -> Option<String> {
    match engine {
        EngineChoice::XdpLive => {
            Tables::new(std::slice::from_ref(program), true).err().map(|refused| refused.what)
        }
        EngineChoice::Raw => raw::programs::refusal(program),
        // They fill their frames by `StreamProgram::build` itself.
        EngineChoice::AfXdp | EngineChoice::PacketMmap | EngineChoice::Null => None,
        // The best that works: another one where one refuses.
        EngineChoice::Auto => None,
    }
}

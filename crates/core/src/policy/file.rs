//! stub
/// x
pub struct PolicyFile;

//! Whose request it is.

use std::net::IpAddr;

use napi::bindgen_prelude::External;
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Error, ForwardedHeader, Proxies, api_key as credential};

use crate::fault::OrThrow;

#[napi(catch_unwind, ts_return_type = "ProxiesHandle")]
pub fn create_proxies(
    env: Env,
    trusted: String,
    header: String,
    ipv6_prefix: u32,
) -> Result<External<Proxies>> {
    let build = || {
        let prefix = u8::try_from(ipv6_prefix).unwrap_or(u8::MAX);
        let proxies = trusted.parse::<Proxies>()?.with_header(header.parse::<ForwardedHeader>()?);
        proxies.with_ipv6_prefix(prefix)
    };
    Ok(External::new(build().or_throw(&env)?))
}

fn address(env: &Env, peer: &str) -> Result<IpAddr> {
    // Of an address with a zone, which is of this machine's making, the address counts.
    let text = peer.split('%').next().unwrap_or(peer);
    let read = text.parse::<IpAddr>().map_err(|_| Error::Options(format!("`{peer}` is no address")));
    read.or_throw(env)
}

/// The client's address.
#[napi(catch_unwind)]
pub fn client_address(
    env: Env,
    #[napi(ts_arg_type = "ProxiesHandle")] proxies: &External<Proxies>,
    peer: String,
    lines: Vec<String>,
) -> Result<String> {
    Ok(proxies.client(address(&env, &peer)?, &lines).to_string())
}

/// The key to count the client by: its IPv4 address, or the network of its IPv6 address.
#[napi(catch_unwind)]
pub fn client_key(
    env: Env,
    #[napi(ts_arg_type = "ProxiesHandle")] proxies: &External<Proxies>,
    peer: String,
    lines: Vec<String>,
) -> Result<String> {
    Ok(proxies.key(address(&env, &peer)?, &lines).to_string())
}

/// The API key that a request shows by these headers.
#[napi(catch_unwind)]
pub fn api_key(authorization: Option<String>, x_api_key: Option<String>) -> Option<String> {
    let bytes = |value: &'_ Option<String>| value.as_ref().map(|value| value.as_bytes().to_vec());
    let (authorization, x_api_key) = (bytes(&authorization), bytes(&x_api_key));
    let key = credential(authorization.as_deref(), x_api_key.as_deref())?;
    Some(String::from_utf8_lossy(key).into_owned())
}

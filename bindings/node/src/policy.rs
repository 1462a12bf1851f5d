//! Policies, and the files that have them.

use napi::bindgen_prelude::External;
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Limit, Policy, PolicyFile, Report};

use crate::fault::OrThrow;
use crate::limiter::choice;
use crate::memory::seconds;

/// A limit as JavaScript shows it; times in seconds.
#[napi(object)]
pub struct NativeLimit {
    pub name: String,
    pub quota: f64,
    pub window: f64,
    pub algorithm: String,
    pub capacity: f64,
    pub unit: String,
    pub resolution: f64,
}

/// A policy as JavaScript shows it.
#[napi(object)]
pub struct NativePolicy {
    pub notation: String,
    pub name: Option<String>,
    pub report: String,
    pub max_body: Option<f64>,
    pub limits: Vec<NativeLimit>,
}

const REPORTS: [(&str, Report); 2] = [("first", Report::First), ("tightest", Report::Tightest)];

#[napi(catch_unwind, ts_return_type = "PolicyHandle")]
pub fn parse_policy(env: Env, notation: String) -> Result<External<Policy>> {
    Ok(External::new(Policy::parse(&notation).or_throw(&env)?))
}

/// The same policy with other choices.
#[napi(catch_unwind, ts_return_type = "PolicyHandle")]
pub fn change_policy(
    env: Env,
    #[napi(ts_arg_type = "PolicyHandle")] policy: &External<Policy>,
    name: Option<String>,
    report: Option<String>,
    max_body: Option<f64>,
) -> Result<External<Policy>> {
    let mut policy: Policy = (**policy).clone();
    if let Some(name) = name {
        policy = policy.named(&name).or_throw(&env)?;
    }
    if let Some(report) = report {
        policy = policy.with_report(choice("report", &report, &REPORTS).or_throw(&env)?);
    }
    if let Some(bytes) = max_body {
        policy = policy.with_max_body(bytes as u64);
    }
    Ok(External::new(policy))
}

#[napi(catch_unwind)]
pub fn describe_policy(#[napi(ts_arg_type = "PolicyHandle")] policy: &External<Policy>) -> NativePolicy {
    let report =
        REPORTS.iter().find(|(_, report)| *report == policy.report()).map_or("first", |(name, _)| name);
    NativePolicy {
        notation: policy.to_string(),
        name: policy.name().map(str::to_owned),
        report: report.to_owned(),
        max_body: policy.max_body().map(|bytes| bytes as f64),
        limits: policy.limits().iter().map(describe).collect(),
    }
}

fn describe(limit: &Limit) -> NativeLimit {
    NativeLimit {
        name: limit.name().to_owned(),
        quota: limit.quota() as f64,
        window: seconds(limit.window()),
        algorithm: limit.algorithm().as_str().to_owned(),
        capacity: limit.capacity() as f64,
        unit: limit.unit().as_str().to_owned(),
        resolution: seconds(limit.resolution()),
    }
}

#[napi(catch_unwind, ts_return_type = "PolicyFileHandle")]
pub fn load_policy_file(env: Env, path: String) -> Result<External<PolicyFile>> {
    Ok(External::new(PolicyFile::load(path).or_throw(&env)?))
}

#[napi(catch_unwind, ts_return_type = "PolicyFileHandle")]
pub fn parse_policy_file(env: Env, toml: String) -> Result<External<PolicyFile>> {
    Ok(External::new(PolicyFile::from_toml(&toml).or_throw(&env)?))
}

/// The names of the policies, in the file's order.
#[napi(catch_unwind)]
pub fn policy_names(#[napi(ts_arg_type = "PolicyFileHandle")] file: &External<PolicyFile>) -> Vec<String> {
    file.names().map(str::to_owned).collect()
}

#[napi(catch_unwind, ts_return_type = "PolicyHandle")]
pub fn require_policy(
    env: Env,
    #[napi(ts_arg_type = "PolicyFileHandle")] file: &External<PolicyFile>,
    name: String,
) -> Result<External<Policy>> {
    Ok(External::new(file.require(&name).or_throw(&env)?.clone()))
}

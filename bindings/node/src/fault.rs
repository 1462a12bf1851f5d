//! Errors on their way to JavaScript: an `Error` with the `code` that it has in every language.

use napi::bindgen_prelude::{Object, ToNapiValue, Unknown};
use napi::{Env, Result};
use tidegate::Error;

/// The exception for an error of the engine's.
#[cold]
pub(crate) fn thrown(env: &Env, error: &Error) -> napi::Error {
    exception(env, error).map_or_else(|failure| failure, napi::Error::from)
}

fn exception<'e>(env: &'e Env, error: &Error) -> Result<Unknown<'e>> {
    let mut object: Object<'e> = env.create_error(napi::Error::from_reason(error.to_string()))?;
    object.set("code", error.code())?;
    if let Error::Notation { at, len, .. } = error {
        object.set("at", *at as u32)?;
        object.set("length", *len as u32)?;
    }
    object.into_unknown(env)
}

/// A result of the engine's as one of JavaScript's.
pub(crate) trait OrThrow<T> {
    fn or_throw(self, env: &Env) -> Result<T>;
}

impl<T> OrThrow<T> for tidegate::Result<T> {
    #[inline(always)]
    fn or_throw(self, env: &Env) -> Result<T> {
        self.map_err(|error| thrown(env, &error))
    }
}

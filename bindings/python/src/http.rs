//! What servers need besides decisions: whose request it is, and what is answered.

use std::net::IpAddr;

use pyo3::prelude::*;
use pyo3::types::PyString;
use tidegate::Network;

use crate::convert::{OwnedKey, styles, whole};
use crate::error::{OrRaise, invalid};
use crate::request::{peer as peer_of, view};

/// A body, and the head that goes with it.
#[pyclass(frozen, eq, hash, get_all, module = "tidegate")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    /// The HTTP status: 429 or 413.
    pub(crate) status: u16,
    /// The value of ``Content-Type``.
    pub(crate) content_type: String,
    /// The value of ``Cache-Control``.
    pub(crate) cache_control: String,
    /// The content: JSON in ASCII.
    pub(crate) text: String,
}

impl From<tidegate::Body> for Body {
    fn from(body: tidegate::Body) -> Self {
        let (content_type, cache_control) = (body.content_type.into(), body.cache_control.into());
        Self { status: body.status, content_type, cache_control, text: body.text }
    }
}

#[pymethods]
impl Body {
    fn __repr__(&self) -> String {
        format!("Body({}, '{}', '{}')", self.status, self.content_type, self.text)
    }
}

/// The proxies that are believed about whom they answer.
///
/// Args:
///     trusted: Addresses and networks: ``"10.0.0.0/8, 2001:db8::1"``.
///     header: What they say it in: ``"X-Forwarded-For"`` or ``"Forwarded"``.
///     ipv6_prefix: The bits of an IPv6 address that are one client's, 64 by default, at most 128.
///
/// Raises:
///     InvalidError: No such address, header or prefix.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(PartialEq)]
pub(crate) struct Proxies(tidegate::Proxies);

#[pymethods]
impl Proxies {
    #[new]
    #[pyo3(signature = (trusted="", *, header="X-Forwarded-For", ipv6_prefix=64))]
    fn new(
        py: Python<'_>,
        trusted: &str,
        header: &str,
        #[pyo3(from_py_with = read_prefix)] ipv6_prefix: u8,
    ) -> PyResult<Self> {
        let proxies = trusted.parse::<tidegate::Proxies>().or_raise(py)?;
        let proxies = proxies.with_header(header.parse().or_raise(py)?);
        proxies.with_ipv6_prefix(ipv6_prefix).map(Self).or_raise(py)
    }

    /// The header that is read.
    #[getter]
    fn header(&self) -> &'static str {
        self.0.header().name()
    }

    /// Whether this address is that of a trusted proxy. Raises `InvalidError` for no address.
    fn trusts(&self, py: Python<'_>, address: &str) -> PyResult<bool> {
        Ok(self.0.trusts(read_address(py, address)?))
    }

    /// The client's address: the last that no trusted proxy has, from the right.
    ///
    /// Args:
    ///     peer: The address of the other end of the connection. Only if it is trusted is more read.
    ///     lines: The values of all lines of the header. What cannot be read is not believed.
    ///
    /// Raises:
    ///     InvalidError: ``peer`` is no IP address.
    fn client(&self, py: Python<'_>, peer: &str, lines: Vec<OwnedKey>) -> PyResult<String> {
        Ok(self.0.client(read_address(py, peer)?, &lines).to_string())
    }

    /// The key to count the client by: its address, or the network of its IPv6 address. As `client`.
    fn key<'py>(&self, peer: &Bound<'py, PyString>, lines: Vec<OwnedKey>) -> PyResult<Bound<'py, PyString>> {
        Ok(self.key_by(peer, read_address(peer.py(), peer.to_str()?)?, &lines))
    }

    /// The key of a request of `tidegate.http`; None if its other end has no address.
    #[pyo3(signature = (request, /))]
    pub(crate) fn __call__<'py>(
        &self,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let peer = peer_of(request)?.map(Bound::cast_into::<PyString>);
        let Some(Ok(peer)) = peer else { return Ok(None) };
        // Some servers give a name.
        let Some(address) = parsed(peer.to_str()?) else { return Ok(None) };
        // Only who is trusted is believed about others.
        let lines: Vec<OwnedKey> = if self.0.trusts(address) {
            view(request)?.call_method1("lines", (self.0.header().name().to_ascii_lowercase(),))?.extract()?
        } else {
            Vec::new()
        };
        Ok(Some(self.key_by(&peer, address, &lines)))
    }

    fn __repr__(&self) -> String {
        format!("Proxies('{}', header='{}')", self.0, self.header())
    }
}

impl Proxies {
    /// Nobody is trusted.
    pub(crate) fn none() -> Self {
        Self(tidegate::Proxies::none())
    }

    fn key_by<'py>(
        &self,
        peer: &Bound<'py, PyString>,
        address: IpAddr,
        lines: &[OwnedKey],
    ) -> Bound<'py, PyString> {
        let key = self.0.key(address, lines);
        // An IPv4 address is written in one way only.
        let is_peer = address.is_ipv4() && key == Network::of_client(address, 64);
        if is_peer { peer.clone() } else { PyString::new(peer.py(), &key.to_string()) }
    }
}

/// Too many bits are for the core to refuse.
fn read_prefix(bits: &Bound<'_, PyAny>) -> PyResult<u8> {
    whole("ipv6_prefix", bits).map(|bits| u8::try_from(bits).unwrap_or(u8::MAX))
}

/// An address, without the zone that the socket of a link-local one names.
fn parsed(text: &str) -> Option<IpAddr> {
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

fn read_address(py: Python<'_>, text: &str) -> PyResult<IpAddr> {
    parsed(text).ok_or_else(|| invalid(py, "options", &format!("`{text}` is no IP address")))
}

/// The API key that a request shows, by the values of ``Authorization`` (a bearer token) and
/// ``X-API-Key``; None if it shows none. It is not verified.
#[pyfunction]
#[pyo3(signature = (authorization=None, x_api_key=None))]
pub(crate) fn api_key(authorization: Option<OwnedKey>, x_api_key: Option<OwnedKey>) -> Option<String> {
    let authorization = authorization.as_ref().map(AsRef::as_ref);
    let key = tidegate::api_key(authorization, x_api_key.as_ref().map(AsRef::as_ref))?;
    // Visible ASCII, always.
    String::from_utf8(key.to_owned()).ok()
}

/// Whether a request with this ``Accept`` header asks for ``application/problem+json``.
#[pyfunction]
pub(crate) fn accepts_problem(accept: &str) -> bool {
    tidegate::accepts_problem(accept)
}

/// The value of ``Access-Control-Expose-Headers`` for these styles. Raises `InvalidError` for others.
#[pyfunction]
#[pyo3(signature = (style="x-ratelimit"))]
pub(crate) fn exposed_headers(py: Python<'_>, style: &str) -> PyResult<String> {
    Ok(tidegate::exposed_headers(styles(py, style)?))
}

/// The body of a 413: the request's is larger than ``limit`` bytes.
#[pyfunction]
pub(crate) fn content_too_large(limit: &Bound<'_, PyAny>) -> PyResult<Body> {
    Ok(tidegate::Body::content_too_large(whole("limit", limit)?).into())
}

/// The body of a 429 whose ``Retry-After`` is so many seconds.
#[pyfunction]
pub(crate) fn rate_limited(retry_after_seconds: &Bound<'_, PyAny>) -> PyResult<Body> {
    Ok(tidegate::Body::rate_limited(whole("retry_after_seconds", retry_after_seconds)?).into())
}

/// ``seconds`` made longer by 0 to ``spread``, evenly, as 64 random bits have it.
#[pyfunction]
pub(crate) fn jittered(seconds: u64, spread: u64, random: u64) -> u64 {
    tidegate::jittered(seconds, spread, random)
}

//! One request, one answer.

use std::time::Duration;

use ureq::Agent;
use ureq::http::HeaderMap;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The API key.
    pub key: &'a str,
    /// The header `Accept`.
    pub accept: Option<&'a str>,
    /// The size of the body, in bytes.
    pub body: usize,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Of the response.
    pub status: u16,
    /// Its headers, the names in lower case: they have no case in HTTP.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// Asks over a connection that is kept.
pub struct Client(Agent);

impl Default for Client {
    fn default() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(20)))
            // Servers close connections that are idle for some seconds.
            .max_idle_age(Duration::from_secs(1));
        Self(config.build().into())
    }
}

impl Client {
    /// Asks the server at `url`.
    ///
    /// # Errors
    /// There is no answer, or not all of it.
    pub fn ask(&self, url: &str, question: Question<'_>) -> Result<Answer, ureq::Error> {
        let mut response = if question.body == 0 {
            with_headers(self.0.get(url), question).call()?
        } else {
            with_headers(self.0.post(url), question).send(vec![b'x'; question.body])?
        };
        let headers = texts(response.headers());
        let body = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), headers, body })
    }
}

fn with_headers<B>(request: ureq::RequestBuilder<B>, question: Question<'_>) -> ureq::RequestBuilder<B> {
    let request = request.header("X-API-Key", question.key);
    match question.accept {
        Some(accept) => request.header("Accept", accept),
        None => request,
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

impl Answer {
    /// The number behind `name` in the body: which process answered, say.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        let (_, rest) = self.body.split_once(&format!("\"{name}\":"))?;
        let digits = rest.trim_start();
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

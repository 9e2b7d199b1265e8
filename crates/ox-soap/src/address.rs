//! The address of the OX server.

use idspool_http::{AddressError, BaseUrl};

use crate::error::Error;

/// Checks an address.
pub(crate) fn parse(text: &str) -> Result<BaseUrl, Error> {
    let base = BaseUrl::parse(text)?;
    if base.url.ends_with("/webservices") {
        let reason = "it ends with /webservices, which is added to it";
        return Err(AddressError::new(text, reason).into());
    }
    Ok(base)
}

impl From<AddressError> for Error {
    fn from(AddressError { url, reason }: AddressError) -> Self {
        Self::BaseUrl { url, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_used() {
        for (text, reason) in [
            ("ox.example.org", "https://"),
            ("https://ox.example.org/?a=b", "query"),
            ("https://ox.example.org/webservices/", "/webservices"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text:?}: {message}");
            assert!(message.contains("OX_SOAP_SERVER"), "{message}");
        }
    }
}

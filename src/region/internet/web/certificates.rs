//! Each HTTPS site's certificate, ready to be served.

use std::collections::HashMap;
use std::net::SocketAddrV4;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use super::authority::Signed;
use super::{Authority, TrustError};
use crate::region::internet::places::SITES;

/// By address and port.
pub(in crate::region::internet) fn certificates(
    authority: &Authority,
) -> Result<HashMap<SocketAddrV4, TlsAcceptor>, TrustError> {
    let secure = SITES.iter().filter(|site| site.https);
    secure
        .map(|site| {
            let signed = authority.sign(site.names)?;
            let acceptor = acceptor(signed)
                .map_err(|source| TrustError::Tls { subject: site.names[0].to_owned(), source })?;
            Ok((SocketAddrV4::new(site.address, 443), acceptor))
        })
        .collect()
}

fn acceptor(signed: Signed) -> Result<TlsAcceptor, rustls::Error> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.key));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(signed.certificate)], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

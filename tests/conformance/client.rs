//! A raw client: it signs calls, or signs them wrongly when it is told to, and repeats nothing.
//! Messages are bytes here, so that calls can be made of which only the descriptors are known.
//! Whatever it is told, it sends no header that no client of Omni could send: see [`well_formed`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BufMut};
use http::HeaderMap;
use kit::clock::{Clock, SystemClock};
use kit::secret::SecretString;
use prost::Message;
use sequoia_openpgp::Packet;
use sequoia_openpgp::parse::Parse as _;
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_omni::omni::auth::{Signer, SigningKey};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

const LARGEST: usize = 64 << 20;

/// How a call is signed.
#[derive(Clone, Copy)]
pub enum Seal {
    /// As it should be.
    Proper,
    /// Not at all.
    None,
    /// By a clock that is this many seconds off.
    Off(i64),
    /// As it should be, and then changed in what it says, never in its form.
    Spoilt(fn(&mut HeaderMap)),
}

/// A client of one server, as one identity.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    signer: Arc<Signer>,
}

impl Client {
    pub fn new(channel: Channel, key: &SecretString) -> anyhow::Result<Self> {
        let key = SigningKey::service_account(key, SystemClock.now())?;
        Ok(Self { channel, signer: Arc::new(Signer::new(key)) })
    }

    /// The same connection as somebody else.
    pub fn with_key(&self, key: &SecretString) -> anyhow::Result<Self> {
        Self::new(self.channel.clone(), key)
    }

    /// The answers to a call, however many there are.
    pub async fn open(
        &self,
        method: &str,
        body: Vec<u8>,
        headers: &[(&'static str, &str)],
        seal: Seal,
    ) -> Result<Streaming<Vec<u8>>, Status> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().map_err(|_| Status::internal("not a header"))?);
        }
        let now = SystemClock.now();
        let at = match seal {
            Seal::Off(seconds) if seconds < 0 => now.saturating_sub(Duration::from_secs(seconds.unsigned_abs())),
            Seal::Off(seconds) => now + Duration::from_secs(seconds.unsigned_abs()),
            _ => now,
        };
        if !matches!(seal, Seal::None) {
            self.signer.sign(method, &mut map, at).map_err(|e| Status::internal(e.to_string()))?;
        }
        if let Seal::Spoilt(spoil) = seal {
            spoil(&mut map);
        }
        if !matches!(seal, Seal::None) {
            well_formed(&map).map_err(|what| Status::internal(format!("not sent: {what} is malformed")))?;
        }
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST);
        grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
        let path = method.parse().map_err(|_| Status::internal("not a method"))?;
        let request = Request::from_parts(MetadataMap::from_headers(map), Default::default(), body);
        Ok(grpc.server_streaming(request, path, Raw).await?.into_inner())
    }

    /// All answers to a call.
    pub async fn raw(
        &self,
        method: &str,
        body: Vec<u8>,
        headers: &[(&'static str, &str)],
        seal: Seal,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let mut stream = self.open(method, body, headers, seal).await?;
        let mut answers = Vec::new();
        while let Some(answer) = stream.message().await? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// The answer to a call that has one.
    pub async fn call<A: Message + Default>(
        &self,
        method: &str,
        message: &impl Message,
        headers: &[(&'static str, &str)],
    ) -> Result<A, Status> {
        let answers = self.raw(method, message.encode_to_vec(), headers, Seal::Proper).await?;
        let answer = answers.first().ok_or_else(|| Status::internal("no answer"))?;
        A::decode(answer.as_slice()).map_err(|e| Status::internal(e.to_string()))
    }
}

/// Whether the headers of a signature have the form that every client gives them; if not, which one has not.
/// A server may be in use by others, and what it makes of a header of another form is nobody's business here.
fn well_formed(headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(name);
    let line = text("x-sidero-signature")?;
    let fields: Vec<_> = line.split(' ').collect();
    let signed = match fields[..] {
        ["siderov1", identity, fingerprint, signature] => {
            let packet = STANDARD.decode(signature).ok();
            !identity.is_empty()
                && fingerprint.len() == 40
                && fingerprint.bytes().all(|digit| digit.is_ascii_hexdigit())
                && packet.is_some_and(|bytes| matches!(Packet::from_bytes(&bytes), Ok(Packet::Signature(_))))
        }
        _ => false,
    };
    let payload: serde_json::Value = serde_json::from_str(text("x-sidero-payload")?).unwrap_or_default();
    let timestamp = text("x-sidero-timestamp")?;
    if !signed {
        Err("x-sidero-signature")
    } else if !payload["headers"].is_object() || !payload["method"].is_string() {
        Err("x-sidero-payload")
    } else if timestamp.parse::<u64>().is_err() {
        Err("x-sidero-timestamp")
    } else {
        Ok(())
    }
}

/// Messages as they are on the wire.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

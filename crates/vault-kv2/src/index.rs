//! Reads that decide something must see all that was written before.
//!
//! A standby of OpenBao answers reads from its own copy, which is some tens of milliseconds old: a secret that was stored
//! through it is "404" there. A read that carries `X-Vault-Index` is answered only by a node that has reached this index; with
//! `X-Vault-Inconsistent: forward-active-node`, a standby that has not passes it on to the active node. The index of one's own
//! last write is not enough, since what must be seen may be the write of a process that has ended. So the index that is sent
//! lies beyond every other, and the active node itself answers: <https://openbao.org/docs/concepts/consistency/>.

use base64ct::{Base64, Encoding as _};
use parking_lot::Mutex;
use reqwest::header::HeaderValue;
use sealpost_json::find_property;

/// What is known of a cluster's indices.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<Option<Seen>>);

#[derive(Clone, Debug)]
struct Seen {
    cluster: String,
    header: HeaderValue,
}

impl Index {
    /// Notes the index that came with an answer.
    pub(crate) fn note(&self, header: &HeaderValue) {
        let cluster = cluster(header);
        let mut seen = self.0.lock();
        match cluster {
            Some(cluster) => {
                if seen.as_ref().is_none_or(|seen| seen.cluster != cluster)
                    && let Some(header) = beyond(&cluster)
                {
                    *seen = Some(Seen { cluster, header });
                }
            }
            // Of another product: the index is passed back as it is, which its maker documents.
            None => {
                *seen = Some(Seen {
                    cluster: String::new(),
                    header: header.clone(),
                });
            }
        }
    }

    /// Returns the index to send with a read, if the server has told one.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.0.lock().as_ref().map(|seen| seen.header.clone())
    }
}

/// An index is `{"cluster":"…","value":"37"}` in Base64.
fn cluster(header: &HeaderValue) -> Option<String> {
    let json = Base64::decode_vec(header.to_str().ok()?).ok()?;
    find_property(&json, "value").ok()??;
    let cluster = find_property(&json, "cluster").ok()??;
    let cluster = cluster.as_str().strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = cluster
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (is_plain && !cluster.is_empty()).then(|| cluster.to_owned())
}

fn beyond(cluster: &str) -> Option<HeaderValue> {
    let json = format!("{{\"cluster\":\"{cluster}\",\"value\":\"{}\"}}", i64::MAX);
    HeaderValue::try_from(Base64::encode_string(json.as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_that_is_sent_is_beyond_every_other_of_the_cluster() {
        let index = Index::default();
        assert!(index.header().is_none());
        let told = Base64::encode_string(br#"{"cluster":"4391c077-c2d8","value":"37"}"#);
        index.note(&HeaderValue::try_from(told).unwrap());
        let sent = Base64::decode_vec(index.header().unwrap().to_str().unwrap()).unwrap();
        assert_eq!(
            sent,
            br#"{"cluster":"4391c077-c2d8","value":"9223372036854775807"}"#
        );
    }

    #[test]
    fn an_index_of_another_form_is_passed_back_as_it_is() {
        let index = Index::default();
        let told = HeaderValue::from_static("djE6bG9jYWw6MTA=");
        index.note(&told);
        assert_eq!(index.header(), Some(told));
    }
}

//! Key pairs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::region::model::context::{Context, done, show_tags, show_time};
use crate::region::model::fault::{fault, invalid};
use crate::region::model::keys;
use crate::region::model::kind;
use crate::region::model::listing::Listing;
use crate::region::model::state::KeyPair;
use crate::wire::Fault;

static LISTING: Listing = Listing {
    member: "KeyPairs",
    ids: &[("KeyNames", "KeyName", &kind::KEY_NAME), ("KeyPairIds", "KeyPairId", &kind::KEY_PAIR)],
    filters: &[("key-pair-id", "KeyPairId"), ("fingerprint", "KeyFingerprint"), ("key-name", "KeyName")],
    tags: "Tags",
    page: (5, 1000),
};

fn check_name(context: &Context<'_>, name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.len() > 255 || !name.is_ascii() || name.trim() != name {
        return Err(invalid(format!(
            "Value ({name}) for parameter KeyName is invalid. Character sets beyond ASCII are not supported."
        )));
    }
    if context.region.key_pairs.iter().any(|key| key.name == name) {
        return Err(fault("InvalidKeyPair.Duplicate", "The keypair already exists"));
    }
    Ok(())
}

pub(super) fn create(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let name = params.need("KeyName")?;
    check_name(context, name)?;
    keys::wanted(params)?;
    let tags = context.new_tags(&kind::KEY_PAIR)?;
    // Not made here: this runs while others wait for the state.
    let unprepared =
        || fault("InternalError", "An internal error has occurred: no key was made for this call");
    let made = context.key.ok_or_else(unprepared)?;
    let key = KeyPair {
        id: context.id(&kind::KEY_PAIR),
        name: name.to_owned(),
        kind: made.kind,
        fingerprint: made.fingerprint.clone(),
        public_key: made.public.clone(),
        created: context.now,
        tags,
    };
    let answer = json!({
        "KeyPairId": key.id,
        "Tags": if key.tags.is_empty() { Value::Null } else { show_tags(&key.tags) },
        "KeyName": key.name,
        "KeyFingerprint": key.fingerprint,
        "KeyMaterial": made.private,
    });
    context.region.key_pairs.insert(key);
    Ok(answer)
}

pub(super) fn import(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let name = params.need("KeyName")?;
    check_name(context, name)?;
    let not_base64 = |_| fault("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    let material = STANDARD.decode(params.need("PublicKeyMaterial")?).map_err(not_base64)?;
    let tags = context.new_tags(&kind::KEY_PAIR)?;
    let read = keys::read(&material, name)?;
    let key = KeyPair {
        id: context.id(&kind::KEY_PAIR),
        name: name.to_owned(),
        kind: read.kind,
        fingerprint: read.fingerprint,
        public_key: read.public,
        created: context.now,
        tags,
    };
    let answer = json!({
        "KeyFingerprint": key.fingerprint,
        "KeyName": key.name,
        "KeyPairId": key.id,
        "Tags": if key.tags.is_empty() { Value::Null } else { show_tags(&key.tags) },
    });
    context.region.key_pairs.insert(key);
    Ok(answer)
}

pub(super) fn describe(context: &mut Context<'_>) -> Result<Value, Fault> {
    let public = context.params.flag("IncludePublicKey");
    let show = |key: &KeyPair| {
        json!({
            "KeyPairId": key.id,
            "KeyType": key.kind.as_str(),
            "Tags": show_tags(&key.tags),
            "PublicKey": public.then_some(&key.public_key),
            "CreateTime": show_time(key.created),
            "KeyName": key.name,
            "KeyFingerprint": key.fingerprint,
        })
    };
    LISTING.answer(context.params, context.region.key_pairs.iter().map(show).collect())
}

/// Deleting what is not there is a success, as in EC2.
pub(super) fn delete(context: &mut Context<'_>) -> Result<Value, Fault> {
    let params = context.params;
    let (name, id) = (params.str("KeyName"), params.str("KeyPairId"));
    if name.is_none() && id.is_none() {
        return Err(fault("MissingParameter", "The request must contain the parameter KeyName or KeyPairId"));
    }
    let is = |key: &&KeyPair| Some(key.name.as_str()) == name || Some(key.id.as_str()) == id;
    let found = context.region.key_pairs.iter().find(is).map(|key| key.id.clone());
    let mut answer = done()?;
    if let Some(id) = found {
        context.region.key_pairs.remove(&id);
        answer["KeyPairId"] = json!(id);
    }
    Ok(answer)
}

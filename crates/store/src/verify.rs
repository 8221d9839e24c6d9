//! A full check of a running store.

use crate::engine::Engine;
use crate::manifest::{Manifest, SCAN};
use crate::opening::parse_format;
use crate::records::{Mark, Record};
use crate::rows::Kind;
use crate::transaction::Core;
use crate::writer::Loop;
use crate::{StoreError, VerifyReport, records, rows, seal};
use types::{AccessKey, StorageConfig, Target, TargetId};

/// The most problems that a report lists.
const MAX_PROBLEMS: usize = 100;

/// Reads everything; only an engine that cannot read is an error.
pub(crate) fn verify<E: Engine>(state: &Loop<E>) -> Result<VerifyReport, StoreError> {
    let failed = StoreError::engine("verify");
    let (core, manifest) = (&*state.core, state.current_manifest()?);
    let found = manifest.of(&core.engine).map_err(&failed)?;
    let mut problems = Vec::new();
    problems.extend(manifest.compare(&found).err());
    problems.extend(state.check_snapshot().err().map(|error| error.to_string()));
    let mut after = Vec::new();
    loop {
        let rows = core.engine.scan(b"", &after, SCAN).map_err(&failed)?;
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        let judged = rows.iter().map(|(row, value)| judge(core, row, value));
        problems.extend(judged.filter_map(|result| Some(result.err()?.to_string())));
        problems.truncate(MAX_PROBLEMS);
    }
    Ok(VerifyReport {
        generation: manifest.generation,
        rows: found.rows,
        problems,
    })
}

/// Whether a row opens, is understood, and belongs where it stands.
fn judge<E: Engine>(core: &Core<E>, row: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let misplaced = || StoreError::Damaged(format!("row {} holds another id", seal::name(row)));
    let kind = Kind::of(row)
        .ok_or_else(|| StoreError::Damaged(format!("row {} is not ours", seal::name(row))))?;
    if kind == Kind::Format {
        return parse_format(value).map(|_| ());
    }
    let content = seal::open(&core.ring(), &core.store, row, value)?;
    let expected = match kind {
        Kind::Format | Kind::Check => row.to_vec(),
        Kind::Manifest => Manifest::decode(&content).map(|_| rows::manifest())?,
        Kind::Config => rows::config(&StorageConfig::decode(&content)?.tenant),
        Kind::Revision => {
            let config = StorageConfig::decode(&content)?;
            rows::revision(&config.tenant, config.version)
        }
        Kind::AccessKey => {
            let key = AccessKey::decode(&content)?;
            let listed = rows::tenant_key(&key.tenant, &key.id);
            if core.read::<Mark>(&listed)?.is_none() {
                let words = format!("access key {} is in no listing", key.id);
                return Err(StoreError::Damaged(words));
            }
            rows::access_key(&key.id)
        }
        Kind::TenantKey => Mark::decode(&content).map(|_| row.to_vec())?,
        Kind::Target => rows::target(&records::target_id(&Target::decode(&content)?)),
        Kind::Pin => TargetId::decode(&content).map(|_| row.to_vec())?,
    };
    if expected == row {
        Ok(())
    } else {
        Err(misplaced())
    }
}

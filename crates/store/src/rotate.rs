//! Changing the key-encryption key while the store is in use.
//!
//! Every record is sealed anew, with a new data key: whoever has the old key-encryption key and
//! an old copy of the file learns nothing about what is stored afterwards. Between the first and
//! the last step both keys are needed to open the store; doing it again finishes what a crash
//! interrupted.

use crate::engine::Engine;
use crate::keyring::{KeyId, KeyRing};
use crate::manifest::SCAN;
use crate::opening::CHECK;
use crate::rows::{self, Kind};
use crate::transaction::Transaction;
use crate::writer::Writer;
use crate::{StoreError, seal};

/// Seals everything under the key of `new`; see [`crate::SealedStore::rotate_kek`].
pub(crate) async fn rotate<E: Engine>(writer: &Writer<E>, new: KeyRing) -> Result<u64, StoreError> {
    let only_new = new.clone().without_previous();
    writer
        .alone(move |state| {
            let both = new.with_previous(&state.core.ring());
            state.core.set_ring(both);
        })
        .await?;
    writer.write(add_check).await?;

    let mut resealed = 0;
    let mut after = rows::checks();
    loop {
        let begin = after.clone();
        let step = writer.write(move |rows| reseal(rows, &begin)).await?;
        resealed += step.resealed;
        match step.last {
            Some(last) => after = last,
            None => break,
        }
    }

    let id = only_new.id();
    writer
        .write(move |rows| remove_other_checks(rows, id))
        .await?;
    writer
        .alone(move |state| {
            // The file beside the database must not need the old key either.
            state.catch_up()?;
            state.core.set_ring(only_new);
            Ok(resealed)
        })
        .await?
        .map_err(StoreError::engine("write its snapshot"))
}

fn add_check<E: Engine>(transaction: &mut Transaction<'_, E>) -> Result<(), StoreError> {
    let row = rows::check(transaction.ring().id());
    if transaction
        .engine()
        .get(&row)
        .map_err(StoreError::engine("rotate"))?
        .is_none()
    {
        let sealed = transaction.seal(&row, CHECK)?;
        transaction.stage(row, Some(sealed));
    }
    Ok(())
}

struct Step {
    resealed: u64,
    /// Where the next step begins; `None`: all is done.
    last: Option<Vec<u8>>,
}

/// Some hundred rows at a time, so that other writes get their turn in between.
fn reseal<E: Engine>(
    transaction: &mut Transaction<'_, E>,
    after: &[u8],
) -> Result<Step, StoreError> {
    let current = transaction.ring().id();
    let rows = transaction
        .engine()
        .scan(b"", after, SCAN / 4)
        .map_err(StoreError::engine("rotate"))?;
    let mut resealed = 0;
    for (row, _) in &rows {
        // The manifest is sealed with every commit, the checks belong to their keys.
        if matches!(
            Kind::of(row),
            Some(Kind::Format | Kind::Check | Kind::Manifest)
        ) {
            continue;
        }
        // A write that is committed together with this step counts, not what is stored.
        let Some(sealed) = transaction.sealed(row)? else {
            continue;
        };
        if seal::key_id(&sealed) != Some(current) {
            let content = transaction.open(row, &sealed)?;
            let sealed = transaction.seal(row, &content)?;
            transaction.stage(row.clone(), Some(sealed));
            resealed += 1;
        }
    }
    Ok(Step {
        resealed,
        last: rows.into_iter().next_back().map(|(row, _)| row),
    })
}

fn remove_other_checks<E: Engine>(
    transaction: &mut Transaction<'_, E>,
    keep: KeyId,
) -> Result<(), StoreError> {
    let checks = transaction
        .engine()
        .scan(&rows::checks(), b"", SCAN)
        .map_err(StoreError::engine("rotate"))?;
    for (row, _) in checks {
        if rows::check_id(&row) != Some(keep) {
            transaction.stage(row, None);
        }
    }
    Ok(())
}

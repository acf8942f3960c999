//! What was read of objects, in blocks: those used last are kept, a block is asked for once however many threads want it, and who reads
//! on finds the next blocks on the way.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use super::error::RemoteError;
use super::object::Object;

/// Bytes of a block.
pub(super) const BLOCK: u64 = 2 << 20;
/// Blocks that are kept, of all objects.
const KEPT: usize = 32;
/// Blocks that are asked for before they are wanted.
const AHEAD: u64 = 4;

type Slot = Arc<OnceLock<Result<Arc<Vec<u8>>, RemoteError>>>;

/// The blocks of all objects, by the number of the object and their own.
#[derive(Default)]
struct Blocks {
    slots: HashMap<(u64, u64), (Slot, u64)>,
    /// Counts uses.
    clock: u64,
}

fn kept() -> MutexGuard<'static, Blocks> {
    static BLOCKS: LazyLock<Mutex<Blocks>> = LazyLock::new(Mutex::default);
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blocks {
    /// The place of a block, and whether it was there.
    fn slot(&mut self, key: (u64, u64)) -> (Slot, bool) {
        self.clock += 1;
        let clock = self.clock;
        // What failed before may do now.
        if let Some((slot, used)) = self.slots.get_mut(&key).filter(|(slot, _)| !matches!(slot.get(), Some(Err(_)))) {
            *used = clock;
            return (slot.clone(), true);
        }
        if self.slots.len() >= KEPT {
            let oldest = self.slots.iter().filter(|(_, (slot, _))| slot.get().is_some());
            if let Some(key) = oldest.min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key) {
                self.slots.remove(&key);
            }
        }
        let slot = Slot::default();
        self.slots.insert(key, (slot.clone(), clock));
        (slot, false)
    }
}

/// Keeps a block that came with something else.
pub(super) fn keep(object: &Object, block: u64, bytes: Vec<u8>) {
    let _ = kept().slot((object.id, block)).0.set(Ok(Arc::new(bytes)));
}

/// A block, of which and from which on `wanted` bytes are read.
pub(super) fn get(object: &Arc<Object>, block: u64, wanted: u64) -> Result<Arc<Vec<u8>>, RemoteError> {
    let (slot, ahead) = {
        let mut kept = kept();
        let slot = kept.slot((object.id, block)).0;
        // Who read the block before reads on.
        let reads_on = block > 0 && kept.slots.contains_key(&(object.id, block - 1));
        let far = if reads_on { AHEAD } else { (wanted / BLOCK).min(AHEAD) };
        let last = object.length().saturating_sub(1) / BLOCK;
        let next = (block + 1..=last.min(block + far)).map(|next| (next, kept.slot((object.id, next))));
        let ahead: Vec<_> = next.filter(|(_, (_, known))| !known).map(|(next, (slot, _))| (next, slot)).collect();
        (slot, ahead)
    };
    for (next, slot) in ahead {
        let object = object.clone();
        // Where there is no thread for it, it is asked for when it is wanted.
        let _ = thread::Builder::new().spawn(move || {
            slot.get_or_init(|| object.fetch(next).map(Arc::new));
        });
    }
    slot.get_or_init(|| object.fetch(block).map(Arc::new)).clone()
}

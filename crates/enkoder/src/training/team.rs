//! Threads that stay awake. A training step is two short parallel phases, hundreds of microseconds each, and waking a sleeping
//! thread takes a good part of that. So for as long as a training lasts, every thread of its pool looks for work without going
//! to sleep, and who waits for others looks too.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder, Yield};

/// How long a thread looks for work before it takes naps between looks: long enough for the gaps between phases and steps,
/// short enough to leave the processor to others while an epoch is prepared or its caller does something else.
const WATCH: Duration = Duration::from_micros(300);
const NAP: Duration = Duration::from_micros(50);

/// Runs `work` in a pool of `threads` threads (0: as many as the machine has) that stay awake until it returns.
pub(crate) fn with_team<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R, ThreadPoolBuildError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    if pool.current_num_threads() == 1 {
        return Ok(pool.install(work));
    }
    let done = AtomicBool::new(false);
    Ok(pool.install(|| {
        let caller = rayon::current_thread_index();
        rayon::scope(|scope| {
            // Each thread gets its own of these, so the caller cannot be caught in one that only it could end.
            scope.spawn_broadcast(|_, context| {
                if Some(context.index()) != caller {
                    look_for_work_until(|| done.load(Ordering::Acquire));
                }
            });
            // Also when the work panics: the scope would wait for the others for ever.
            let _end = SetOnDrop(&done);
            work()
        })
    }))
}

/// Calls `work` for every item; the caller takes part. Each thread begins with its own part of the items, the same at every call,
/// so that what it worked on last time is still in its cache, and then helps the others.
pub(crate) fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    let threads = rayon::current_num_threads().min(items.len());
    if threads <= 1 {
        items.iter_mut().for_each(work);
        return;
    }
    let left = AtomicUsize::new(items.len());
    let items: Vec<Mutex<Option<&mut T>>> = items.iter_mut().map(|item| Mutex::new(Some(item))).collect();
    let take = |index: usize| {
        let item = items[index].lock().expect("nothing panics between taking the lock and giving it back").take();
        if let Some(item) = item {
            let _end = DecrementOnDrop(&left);
            work(item);
        }
    };
    let part = |thread: usize| thread * items.len() / threads..(thread + 1) * items.len() / threads;
    let take_part = || {
        let own = rayon::current_thread_index().unwrap_or(0) % threads;
        part(own).for_each(take);
        for other in 1..threads {
            part((own + other) % threads).rev().for_each(take);
        }
    };
    rayon::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| take_part());
        }
        take_part();
        look_for_work_until(|| left.load(Ordering::Acquire) == 0);
    });
}

fn look_for_work_until(end: impl Fn() -> bool) {
    let mut idle_since = None;
    while !end() {
        if rayon::yield_now() == Some(Yield::Executed) {
            idle_since = None;
            continue;
        }
        for _ in 0..8 {
            std::hint::spin_loop();
        }
        if idle_since.get_or_insert_with(Instant::now).elapsed() > WATCH {
            std::thread::sleep(NAP);
        }
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct DecrementOnDrop<'a>(&'a AtomicUsize);

impl Drop for DecrementOnDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_for_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let mut items: Vec<usize> = (0..100).collect();
            with_team(threads, || {
                for _ in 0..50 {
                    for_each(&mut items, |item| *item += 1);
                }
            })
            .unwrap();
            assert_eq!(items, (50..150).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_in_the_work_ends_the_team() {
        let result = std::panic::catch_unwind(|| with_team::<()>(3, || panic!("of the test")));
        assert!(result.is_err());
        let mut items = [0; 10];
        let result = std::panic::catch_unwind(move || with_team(2, || for_each(&mut items, |_| panic!("of the test"))));
        assert!(result.is_err());
    }
}

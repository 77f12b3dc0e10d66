//! The allocator of every binary: jemalloc, which gives memory that a burst of load has needed back to the
//! system within about ten seconds, by a background thread. The system's own (glibc) keeps most of it.
//!
//! It is the only static of the system: the language asks for one. The environment variable `MALLOC_CONF`
//! tunes it (jemalloc(3)).

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

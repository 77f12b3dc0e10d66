//! Nothing by itself: this package is its tests. `suite` runs real processes and servers, `tidy` reads the
//! sources.

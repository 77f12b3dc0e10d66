//! This library is empty: the package consists of its tests. `suite` runs real processes and servers, `tidy`
//! reads the sources.

//! From a client's request to what is stored and heard, while servers come and go.

mod outages;

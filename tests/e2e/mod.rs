//! End-to-end tests: from a client's request to what is stored and delivered, while servers come and go.

mod outages;

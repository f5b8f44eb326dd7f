//! Open, validate, store, reply: the side inside the customer's network

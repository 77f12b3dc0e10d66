//! eventflow-amqp

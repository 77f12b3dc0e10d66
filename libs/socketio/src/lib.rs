//! eventflow-socketio
